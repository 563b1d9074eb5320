// What the generated table holds; see machine.toml.
#pragma once

#include <stdint.h>

#include "../core/machine.h"

namespace board {

enum Drive : uint8_t { kPulse, kServo };

struct Wire {
  Drive drive;
  uint8_t pin;
  bool active_high;
  uint16_t rest_us;    // servo pulse in the safe position
  uint16_t active_us;  // and while the output is on
};

struct Sensor {
  uint8_t pin;
  bool active_high;
  uint16_t debounce_ms;
  bool is_drop;
  uint8_t number;  // of a sensor; of a drop sensor its bin, or sbp::kAnyBin
};

// Servo pulses from Timer 1, one after the other, every 20 ms.
constexpr uint8_t kMaxServos = 8;
void servo_begin();
void servo_set(uint8_t pin, uint16_t pulse_us);

}  // namespace board
