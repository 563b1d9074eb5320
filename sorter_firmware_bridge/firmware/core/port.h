// What the machine's core asks of the hardware. An Arduino, the native build and a test each give
// these once; the core itself never touches a pin.
#pragma once

#include <stdint.h>

namespace sbp {

enum class Homing : uint8_t { kDone, kBusy, kFailed };

// Puts one output of the table on, or into its safe position.
void port_set_output(uint8_t output, bool on);

// Begins homing where `start`, and says how it is going; machines without homing say kDone.
Homing port_home(bool start);

// The machine was stopped: what homing has begun to move has to stand still at once.
void port_halt();

// Whether something is stuck: the bin it happened at, or kNoFault.
constexpr uint8_t kNoFault = 0xFF;
uint8_t port_fault();

// Keeps the number of the newest session through a loss of power.
uint16_t port_load_session();
void port_save_session(uint16_t session);

}  // namespace sbp
