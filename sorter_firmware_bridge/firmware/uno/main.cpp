// The machine on an Arduino of the Uno family: pins, serial line, sensors, and the core in between.
#include <Arduino.h>
#include <avr/eeprom.h>
#include <avr/io.h>
#include <avr/wdt.h>

#include "board.h"
#include "table.h"

// Where there is a homing sensor or a fault input, give these in a file of your own beside table.h;
// it is compiled with the rest. `start` is true once, when the host arms; none may take long, or
// the watchdog resets the chip. `halt_machine` ends what `home_machine` moves when it is stopped.
__attribute__((weak)) sbp::Homing home_machine(bool) { return sbp::Homing::kDone; }
__attribute__((weak)) void halt_machine() {}
__attribute__((weak)) uint8_t faulty_bin() { return sbp::kNoFault; }

static uint16_t EEMEM stored_session;
static sbp::Machine machine;

struct Debounced {
  bool active;
  uint32_t changed_us;
};
static Debounced sensed[kSensorCount + 1];

namespace sbp {

void port_set_output(uint8_t output, bool on) {
  const board::Wire& wire = kWires[output];
  if (wire.drive == board::kServo) {
    board::servo_set(wire.pin, on ? wire.active_us : wire.rest_us);
  } else {
    digitalWrite(wire.pin, on == wire.active_high ? HIGH : LOW);
  }
}

Homing port_home(bool start) { return home_machine(start); }
void port_halt() { halt_machine(); }
uint8_t port_fault() { return faulty_bin(); }

uint16_t port_load_session() {
  const uint16_t stored = eeprom_read_word(&stored_session);
  return stored == 0xFFFF ? 0 : stored;
}
void port_save_session(uint16_t session) { eeprom_update_word(&stored_session, session); }

}  // namespace sbp

static void begin_pins() {
  for (uint8_t i = 0; i < kConfig.output_count; ++i) {
    // The level first: the pin must not be on for an instant.
    const board::Wire& wire = kWires[i];
    digitalWrite(wire.pin, wire.drive == board::kPulse && !wire.active_high ? HIGH : LOW);
    pinMode(wire.pin, OUTPUT);
  }
  for (uint8_t i = 0; i < kSensorCount; ++i) {
    pinMode(kSensors[i].pin, kSensors[i].active_high ? INPUT : INPUT_PULLUP);
  }
}

static void look(uint8_t place, uint32_t now_us) {
  const board::Sensor& sensor = kSensors[place];
  Debounced& before = sensed[place];
  const bool active = (digitalRead(sensor.pin) == HIGH) == sensor.active_high;
  if (active == before.active) return;
  if (now_us - before.changed_us < static_cast<uint32_t>(sensor.debounce_ms) * 1000) return;
  before.active = active;
  before.changed_us = now_us;
  if (!active) return;
  if (sensor.is_drop) {
    machine.drop(sensor.number, now_us);
  } else {
    machine.sensed(sensor.number, now_us);
  }
}

void setup() {
  // While this flag is set, the watchdog that has just bitten cannot be switched off.
  MCUSR = 0;
  wdt_disable();
  begin_pins();
  machine.begin(kConfig, micros());
  if (kUsesServos) board::servo_begin();
  Serial.begin(kBaud);
  // A program that hangs is reset, and a reset makes every output safe.
  wdt_enable(WDTO_250MS);
}

void loop() {
  wdt_reset();
  // One byte at a time, so that nothing due waits for a long message.
  if (Serial.available() > 0) machine.receive(static_cast<uint8_t>(Serial.read()), micros());
  machine.tick(micros());
  for (uint8_t i = 0; i < kSensorCount; ++i) look(i, micros());
  uint8_t byte;
  if (Serial.availableForWrite() > 0 && machine.send(&byte)) Serial.write(byte);
}
