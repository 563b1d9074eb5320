#include "machine.h"

#include <string.h>

namespace sbp {

// Faults put in on purpose: the tests build with one of these to see that it is noticed.
#ifdef SBP_WITHOUT_DUPLICATE_CHECK
constexpr bool kChecksDuplicates = false;
#else
constexpr bool kChecksDuplicates = true;
#endif
#ifdef SBP_WITHOUT_WATCHDOG
constexpr bool kWatches = false;
#else
constexpr bool kWatches = true;
#endif
#ifdef SBP_WITHOUT_DEADLINE_CHECK
constexpr bool kChecksDeadlines = false;
#else
constexpr bool kChecksDeadlines = true;
#endif

constexpr uint8_t kAnswerBit = 0x80;
constexpr uint8_t kFirmwareMajor = 1;
constexpr uint8_t kFirmwareMinor = 0;
constexpr uint8_t kNoOutput = 0xFF;
constexpr size_t kHelloBytes = 6;
constexpr size_t kPollBytes = 2;
constexpr size_t kArmBytes = 1;
constexpr size_t kMoveBytes = 11;

// Whether the first time is before the second; right for times less than 35 minutes apart.
static bool before(uint32_t first_us, uint32_t second_us) {
  return static_cast<int32_t>(first_us - second_us) < 0;
}
static uint32_t us(uint16_t ms) { return static_cast<uint32_t>(ms) * 1000; }
static uint16_t session_after(uint16_t session) {
  return session == 0xFFFF ? 1 : static_cast<uint16_t>(session + 1);
}

void Machine::begin(const Config& config, uint32_t now_us) {
  memset(static_cast<void*>(this), 0, sizeof *this);
  config_ = &config;
  heard_us_ = now_us;
  boot_id_ = newest_session_ = session_after(port_load_session());
  port_save_session(newest_session_);
  for (uint8_t i = 0; i < config.output_count; ++i) port_set_output(i, false);
}

// ---- bytes in and out -----------------------------------------------------------------------

void Machine::receive(uint8_t byte, uint32_t now_us) {
  if (byte != 0) {
    rx_overflow_ |= rx_size_ == sizeof rx_;
    if (!rx_overflow_) rx_[rx_size_++] = byte;
    return;
  }
  const size_t size = rx_overflow_ ? 0 : decode(rx_, rx_size_);
  rx_size_ = 0;
  rx_overflow_ = false;
  if (size > 0) serve(rx_, size, now_us);
}

bool Machine::send(uint8_t* byte) {
  if (tx_at_ == tx_size_) return false;
  *byte = tx_[tx_at_++];
  return true;
}

void Machine::transmit(uint8_t* raw, size_t size) {
  // An answer that is still on its way is cut off; the delimiter in front ends what is left of it.
  tx_size_ = static_cast<uint8_t>(encode(raw, size, tx_));
  tx_at_ = 0;
}

// ---- requests ---------------------------------------------------------------------------------

void Machine::serve(const uint8_t* body, size_t size, uint32_t now_us) {
  const uint8_t kind = body[1];
  const uint16_t session = get16(body + 2);
  const uint16_t seq = get16(body + 4);
  const uint8_t* payload = body + kHeaderBytes;
  if (body[0] != kVersion || kind & kAnswerBit) return;
  if (kind == kHello) return greet(body, size, now_us);
  if (kind == kOpen) return open(session, now_us);
  if (kind == kStop) {
    const Result result = mode_ == kSafe ? kAlreadySafe : kOk;
    stop(kStopped, 0, now_us);
    return answer(kind, session, seq, result, false, now_us, false);
  }
  if (session_ == 0 || session != session_) {
    return answer(kind, session, seq, kBadSession, false, now_us, false);
  }
  const bool again = kChecksDuplicates && seq == last_seq_;
  if (!again && kChecksDuplicates && seq != static_cast<uint16_t>(last_seq_ + 1)) {
    return answer(kind, session, seq, kBadSeq, false, now_us, false);
  }
  const bool quiet = kind == kPoll && size == kHeaderBytes + kPollBytes && payload[1] == 0;
  if (!quiet) heard_us_ = now_us;
  if (again) return transmit(kept_, kept_size_);
  last_seq_ = seq;
  const Result result = execute(kind, payload, size - kHeaderBytes, now_us);
  answer(kind, session, seq, result, true, now_us, true);
}

void Machine::greet(const uint8_t* body, size_t size, uint32_t now_us) {
  if (size != kHeaderBytes + kHelloBytes) return;
  const uint8_t* hello = body + kHeaderBytes;
  const bool speaks = hello[0] <= kVersion && kVersion <= hello[1];
  uint8_t raw[kMaxRawBytes];
  raw[0] = kVersion;
  raw[1] = kHello | kAnswerBit;
  uint8_t* at = put16(put16(raw + 2, 0), 0);
  *at++ = speaks ? kOk : kNoVersion;
  memcpy(at, hello + 2, 4);
  at += 4;
  *at++ = kVersion;
  *at++ = kVersion;
  at = put16(put16(put16(at, boot_id_), newest_session_), config_->watchdog_ms);
  *at++ = kDepth;
  *at++ = config_->sensors;
  uint8_t* capabilities = at++;
  *capabilities = (config_->confirm_ms ? kConfirms : 0) | (config_->homes ? kHomes : 0);
  at = put16(at, config_->max_on_ms);
  *at++ = mode_;
  *at++ = why_;
  at = put32(at, now_us);
  *at++ = kFirmwareMajor;
  *at++ = kFirmwareMinor;
  *at++ = config_->output_count;
  for (uint8_t i = 0; i < config_->output_count; ++i) {
    *at++ = config_->outputs[i].bin;
    for (uint8_t other = 0; other < i; ++other) {
      if (config_->outputs[other].group == config_->outputs[i].group) *capabilities |= kShared;
    }
  }
  transmit(raw, static_cast<size_t>(at - raw));
}

void Machine::open(uint16_t session, uint32_t now_us) {
  if (session_ != 0 && session == session_ && last_seq_ == 0) return transmit(kept_, kept_size_);
  if (session != session_after(newest_session_)) {
    return answer(kOpen, session, 0, kBadSession, false, now_us, false);
  }
  if (mode_ == kArmed || mode_ == kHoming) stop(kSessionTaken, 0, now_us);
  memset(static_cast<void*>(slots_), 0, sizeof slots_);
  event_at_ = event_count_ = event_number_ = lost_ = 0;
  session_ = newest_session_ = session;
  port_save_session(session);
  last_seq_ = 0;
  answer(kOpen, session, 0, kOk, true, now_us, true);
}

Result Machine::execute(uint8_t kind, const uint8_t* payload, size_t size, uint32_t now_us) {
  const size_t expected = kind == kPoll ? kPollBytes : kind == kArm ? kArmBytes : kMoveBytes;
  if (kind != kPoll && kind != kArm && kind != kMove) return kUnknownType;
  if (size != expected) return kMalformed;
  acknowledge(payload[0]);
  if (kind == kArm) return arm(now_us);
  return kind == kMove ? move(payload, now_us) : kOk;
}

Result Machine::arm(uint32_t now_us) {
  if (mode_ == kArmed || mode_ == kHoming) return kOk;
  const uint8_t fault = port_fault();
  if (fault != kNoFault) {
    stop(kJam, fault, now_us);
    return kDeclined;
  }
  const Homing homing = config_->homes ? port_home(true) : Homing::kDone;
  if (homing == Homing::kFailed) {
    stop(kHomingFailed, 0, now_us);
    return kDeclined;
  }
  mode_ = homing == Homing::kDone ? kArmed : kHoming;
  why_ = kNone;
  detail_ = 0;
  return kOk;
}

Result Machine::move(const uint8_t* payload, uint32_t now_us) {
  const uint8_t flags = payload[1];
  const uint8_t output = output_of(payload[2]);
  uint32_t due_us = flags & kHasDue ? get32(payload + 3) : now_us;
  const uint32_t deadline_us = get32(payload + 7);
  const bool limited = flags & kHasDeadline;
  if (mode_ != kArmed) return kNotArmed;
  if (output == kNoOutput) return kUnknownBin;
  if (before(now_us + kMaxAheadUs, due_us)) return kTooFar;
  if (limited && before(now_us + 2 * kMaxAheadUs, deadline_us)) return kTooFar;
  if (kChecksDeadlines && limited && before(deadline_us, now_us)) return kTooLate;
  if (limited && (flags & kHasDue) && before(deadline_us, due_us)) return kMalformed;
  if (free_slots() == 0) return kQueueFull;
  if (before(due_us, now_us)) due_us = now_us;
  *vacant() = Slot{kWaiting, output, flags, last_seq_, due_us, deadline_us};
  return kOk;
}

Machine::Slot* Machine::vacant() {
  for (Slot& slot : slots_) {
    if (slot.state == kEmpty) return &slot;
  }
  return oldest(kFalling);
}

Machine::Slot* Machine::oldest(SlotState state) {
  Slot* found = nullptr;
  for (Slot& slot : slots_) {
    if (slot.state != state) continue;
    if (found == nullptr || static_cast<int16_t>(slot.seq - found->seq) < 0) found = &slot;
  }
  return found;
}

void Machine::acknowledge(uint8_t next) {
  const uint8_t known = static_cast<uint8_t>(next - event_number_);
  if (known > event_count_) return;  // of another time; what was not told is told again
  event_at_ = static_cast<uint8_t>((event_at_ + known) % kEvents);
  event_count_ = static_cast<uint8_t>(event_count_ - known);
  event_number_ = next;
}

void Machine::answer(uint8_t kind, uint16_t session, uint16_t seq, Result result, bool with_events,
                     uint32_t now_us, bool keep) {
  uint8_t once[kMaxRawBytes];
  uint8_t* raw = keep ? kept_ : once;
  raw[0] = kVersion;
  raw[1] = kind | kAnswerBit;
  uint8_t* at = put16(put16(raw + 2, session), seq);
  *at++ = result;
  *at++ = mode_;
  *at++ = why_;
  *at++ = detail_;
  *at++ = queued();
  *at++ = free_slots();
  at = put32(at, now_us);
  *at++ = lost_;
  *at++ = event_number_;
  const uint8_t count = !with_events                      ? 0
                        : event_count_ < kEventsPerAnswer ? event_count_
                                                          : kEventsPerAnswer;
  *at++ = count;
  for (uint8_t i = 0; i < count; ++i) {
    const Event& event = events_[(event_at_ + i) % kEvents];
    *at++ = event.kind;
    *at++ = event.detail;
    at = put32(put16(at, event.seq), event.clock_us);
  }
  const size_t size = static_cast<size_t>(at - raw);
  if (keep) kept_size_ = static_cast<uint8_t>(size);
  transmit(raw, size);
}

// ---- what happens by itself -------------------------------------------------------------------

void Machine::tick(uint32_t now_us) {
  watch(now_us);
  fire_due(now_us);
  end_waits(now_us);
}

void Machine::watch(uint32_t now_us) {
  const bool moves = mode_ == kArmed || mode_ == kHoming;
  if (kWatches && moves && now_us - heard_us_ >= us(config_->watchdog_ms)) {
    stop(kWatchdog, 0, now_us);
  }
  if (mode_ == kHoming) {
    const Homing homing = port_home(false);
    if (homing == Homing::kDone) mode_ = kArmed;
    if (homing == Homing::kFailed) stop(kHomingFailed, 0, now_us);
  }
  const uint8_t fault = mode_ == kArmed ? port_fault() : kNoFault;
  if (fault != kNoFault) stop(kJam, fault, now_us);
}

void Machine::release(uint32_t now_us) {
  for (uint8_t i = 0; i < config_->output_count; ++i) {
    Actuator& actuator = actuators_[i];
    const Output& output = config_->outputs[actuator.output];
    const uint16_t on_ms = output.on_ms < config_->max_on_ms ? output.on_ms : config_->max_on_ms;
    const uint32_t gone_us = now_us - actuator.since_us;
    if (actuator.on && gone_us >= us(on_ms)) {
      port_set_output(actuator.output, false);
      actuator.on = false;
    }
    if (actuator.busy && !actuator.on && gone_us >= us(on_ms) + us(output.rest_ms)) {
      actuator.busy = false;
    }
  }
}

void Machine::fire_due(uint32_t now_us) {
  release(now_us);
  for (uint8_t i = 0; i < kDepth && mode_ == kArmed; ++i) {
    Slot* slot = next_due(now_us);
    if (slot == nullptr) return;
    fire(*slot, now_us);
  }
}

Machine::Slot* Machine::next_due(uint32_t now_us) {
  Slot* first = nullptr;
  for (Slot& slot : slots_) {
    if (slot.state != kWaiting || before(now_us, slot.due_us)) continue;
    if (actuators_[config_->outputs[slot.output].group].busy) continue;
    if (kChecksDeadlines && slot.flags & kHasDeadline && before(slot.deadline_us, now_us)) continue;
    const bool earlier = first == nullptr || before(slot.due_us, first->due_us);
    const bool older = first != nullptr && slot.due_us == first->due_us &&
                       static_cast<int16_t>(slot.seq - first->seq) < 0;
    if (earlier || older) first = &slot;
  }
  return first;
}

void Machine::fire(Slot& slot, uint32_t now_us) {
  const Output& output = config_->outputs[slot.output];
  actuators_[output.group] = Actuator{true, true, slot.output, now_us};
  port_set_output(slot.output, true);
  slot.state = config_->confirm_ms ? kFalling : kEmpty;
  slot.due_us = now_us;
  note(kFired, output.bin, slot.seq, now_us);
}

void Machine::end_waits(uint32_t now_us) {
  for (Slot& slot : slots_) {
    const bool late = kChecksDeadlines && slot.state == kWaiting && slot.flags & kHasDeadline &&
                      !before(now_us, slot.deadline_us);
    if (late) {
      slot.state = kEmpty;
      note(kMissed, kLate, slot.seq, now_us);
    }
    if (slot.state == kFalling && now_us - slot.due_us >= us(config_->confirm_ms)) {
      slot.state = kEmpty;
    }
  }
}

void Machine::stop(Why why, uint8_t detail, uint32_t now_us) {
  if (mode_ != kSafe) {
    mode_ = kSafe;
    why_ = why;
    detail_ = detail;
  }
  go_safe();
  while (Slot* dropped = oldest(kWaiting)) {
    dropped->state = kEmpty;
    note(kMissed, why, dropped->seq, now_us);
  }
}

void Machine::go_safe() {
  for (uint8_t i = 0; i < config_->output_count; ++i) {
    port_set_output(i, false);
    actuators_[i].on = false;
  }
  port_halt();
}

// ---- sensors and events -----------------------------------------------------------------------

void Machine::sensed(uint8_t sensor, uint32_t now_us) { note(kSensor, sensor, 0, now_us); }

void Machine::drop(uint8_t bin, uint32_t now_us) {
  Slot* fallen = nullptr;
  uint8_t candidates = 0;
  for (Slot& slot : slots_) {
    if (slot.state != kFalling) continue;
    if (bin != kAnyBin && config_->outputs[slot.output].bin != bin) continue;
    fallen = &slot;
    ++candidates;
  }
  // Two that could have dropped: saying which would be a guess.
  if (candidates != 1) return sensed(config_->sensors, now_us);
  fallen->state = kEmpty;
  note(kConfirmed, config_->outputs[fallen->output].bin, fallen->seq, now_us);
}

bool Machine::note(EventKind kind, uint8_t detail, uint16_t seq, uint32_t now_us) {
  // What commands will report has its place reserved; only a sensor can find none.
  if (kind == kSensor && event_count_ + reserved() >= kEvents) {
    ++lost_;
    return false;
  }
  events_[(event_at_ + event_count_++) % kEvents] = Event{kind, detail, seq, now_us};
  return true;
}

uint8_t Machine::reserved() const {
  uint8_t count = 0;
  for (const Slot& slot : slots_) {
    if (slot.state == kWaiting) count = static_cast<uint8_t>(count + (config_->confirm_ms ? 2 : 1));
    if (slot.state == kFalling) ++count;
  }
  return count;
}

uint8_t Machine::free_slots() const {
  const uint8_t room = static_cast<uint8_t>(kEvents - event_count_ - reserved());
  const uint8_t told = config_->confirm_ms ? room / 2 : room;
  const uint8_t held = static_cast<uint8_t>(kDepth - queued());
  return held < told ? held : told;
}

uint8_t Machine::queued() const {
  uint8_t count = 0;
  for (const Slot& slot : slots_) count = static_cast<uint8_t>(count + (slot.state == kWaiting));
  return count;
}

uint8_t Machine::output_of(uint8_t bin) const {
  for (uint8_t i = 0; i < config_->output_count; ++i) {
    if (config_->outputs[i].bin == bin) return i;
  }
  return kNoOutput;
}

}  // namespace sbp
