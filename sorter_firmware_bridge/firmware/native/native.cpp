// The same core for a computer, behind functions that any language can call. Time is what the
// caller says it is; what happens to the outputs is kept in a list.
#include <stdint.h>
#include <string.h>

#include <vector>

#include "../core/machine.h"

struct Edge {
  uint32_t output;
  uint32_t on;
  uint32_t at_us;
};

struct Native {
  sbp::Machine machine;
  sbp::Config config;
  std::vector<sbp::Output> outputs;
  std::vector<bool> on;
  std::vector<Edge> edges;
  uint32_t now_us;
  uint16_t session;
  uint8_t fault;
  uint8_t homing;
  uint32_t halts;
};

static Native* current = nullptr;

namespace sbp {

void port_set_output(uint8_t output, bool on) {
  if (current->on[output] == on) return;
  current->on[output] = on;
  current->edges.push_back(Edge{output, on, current->now_us});
}
Homing port_home(bool) { return static_cast<Homing>(current->homing); }
void port_halt() { ++current->halts; }
uint8_t port_fault() { return current->fault; }
uint16_t port_load_session() { return current->session; }
void port_save_session(uint16_t session) { current->session = session; }

}  // namespace sbp

static Native& at(Native* native, uint32_t now_us) {
  current = native;
  native->now_us = now_us;
  return *native;
}

extern "C" {

// outputs: count times bin, group, on_ms, rest_ms.
Native* sbp_new(const uint16_t* outputs, uint8_t count, uint16_t watchdog_ms, uint16_t max_on_ms,
                uint16_t confirm_ms, uint8_t sensors, uint8_t homes, uint32_t now_us) {
  Native* native = new Native();
  for (uint8_t i = 0; i < count; ++i) {
    const uint16_t* row = outputs + 4 * i;
    native->outputs.push_back(
        {static_cast<uint8_t>(row[0]), static_cast<uint8_t>(row[1]), row[2], row[3]});
  }
  native->on.assign(count, false);
  native->fault = sbp::kNoFault;
  native->config = {native->outputs.data(), count,   watchdog_ms, max_on_ms,
                    confirm_ms,             sensors, homes != 0};
  at(native, now_us).machine.begin(native->config, now_us);
  return native;
}
void sbp_delete(Native* native) { delete native; }

// As after a loss of power: everything but the stored session is forgotten.
void sbp_reset(Native* native, uint32_t now_us) {
  at(native, now_us).machine.begin(native->config, now_us);
}
void sbp_receive(Native* native, const uint8_t* bytes, uint32_t size, uint32_t now_us) {
  for (uint32_t i = 0; i < size; ++i) at(native, now_us).machine.receive(bytes[i], now_us);
}
// Ticks from the time of the last call until `now_us`, every `step_us`.
void sbp_run(Native* native, uint32_t now_us, uint32_t step_us) {
  current = native;
  while (now_us - native->now_us > step_us && now_us != native->now_us) {
    native->now_us += step_us;
    native->machine.tick(native->now_us);
  }
  native->now_us = now_us;
  native->machine.tick(now_us);
}
uint32_t sbp_send(Native* native, uint8_t* bytes, uint32_t room) {
  uint32_t size = 0;
  while (size < room && native->machine.send(bytes + size)) ++size;
  return size;
}
void sbp_sensed(Native* native, uint8_t sensor, uint32_t now_us) {
  at(native, now_us).machine.sensed(sensor, now_us);
}
void sbp_drop(Native* native, uint8_t bin, uint32_t now_us) {
  at(native, now_us).machine.drop(bin, now_us);
}
void sbp_set_fault(Native* native, uint8_t bin) { native->fault = bin; }
void sbp_set_homing(Native* native, uint8_t homing) { native->homing = homing; }
uint32_t sbp_edge_count(const Native* native) {
  return static_cast<uint32_t>(native->edges.size());
}
void sbp_edge(const Native* native, uint32_t place, Edge* edge) { *edge = native->edges[place]; }

}  // extern "C"
