// Servo pulses in the background: Timer 1 ends one pulse and begins the next, then waits out the
// rest of 20 ms.
#include <Arduino.h>

#include "board.h"

namespace board {

constexpr uint16_t kTicksPerUs = F_CPU / 8 / 1000000;
constexpr uint32_t kPeriodUs = 20000;
constexpr uint16_t kSettleUs = 100;

struct Channel {
  uint8_t pin;
  volatile uint16_t pulse_us;
};

static Channel channels[kMaxServos];
static volatile uint8_t channel_count = 0;
static volatile uint8_t current = 0;
static volatile uint16_t used_us = 0;

void servo_begin() {
  TCCR1A = 0;
  TCCR1B = _BV(CS11);
  TCNT1 = 0;
  OCR1A = kSettleUs * kTicksPerUs;
  TIMSK1 |= _BV(OCIE1A);
}

void servo_set(uint8_t pin, uint16_t pulse_us) {
  const uint8_t old = SREG;
  cli();
  for (uint8_t i = 0; i < channel_count; ++i) {
    if (channels[i].pin == pin) {
      channels[i].pulse_us = pulse_us;
      SREG = old;
      return;
    }
  }
  if (channel_count < kMaxServos) {
    channels[channel_count].pin = pin;
    channels[channel_count].pulse_us = pulse_us;
    channel_count = channel_count + 1;
  }
  SREG = old;
}

static void advance() {
  if (current > 0) digitalWrite(channels[current - 1].pin, LOW);
  if (current == channel_count) {
    const uint32_t left_us = kPeriodUs > used_us ? kPeriodUs - used_us : kSettleUs;
    OCR1A = static_cast<uint16_t>(OCR1A + left_us * kTicksPerUs);
    current = 0;
    used_us = 0;
    return;
  }
  const uint16_t pulse_us = channels[current].pulse_us;
  digitalWrite(channels[current].pin, HIGH);
  OCR1A = static_cast<uint16_t>(OCR1A + pulse_us * kTicksPerUs);
  used_us = used_us + pulse_us;
  current = current + 1;
}

}  // namespace board

ISR(TIMER1_COMPA_vect) { board::advance(); }
