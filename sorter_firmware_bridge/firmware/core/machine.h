// The machine's side of sbp/1: a queue, its outputs, a watchdog and a clock. See PROTOCOL.md.
//
// It has no pins, no interrupts and no clock of its own: `receive` and `tick` are told the time in
// microseconds, which may wrap. Everything is of fixed size.
#pragma once

#include "frame.h"
#include "port.h"

namespace sbp {

// The numbers on the wire.
enum Kind : uint8_t { kHello = 1, kOpen, kPoll, kArm, kMove, kStop };
enum Result : uint8_t {
  kOk,
  kNotArmed,
  kUnknownBin,
  kQueueFull,
  kTooLate,
  kDeclined,
  kMalformed,
  kUnknownType,
  kBadSession,
  kBadSeq,
  kNoVersion,
  kTooFar,
  kAlreadySafe
};
enum Mode : uint8_t { kDisarmed, kArmed, kSafe, kHoming };
enum Why : uint8_t {
  kNone,
  kStopped,
  kWatchdog,
  kJam,
  kSessionTaken,
  kHomingFailed,
  kLate
};
enum EventKind : uint8_t { kFired = 1, kConfirmed, kMissed, kSensor };
enum Capability : uint8_t { kConfirms = 1, kHomes = 2, kShared = 4 };
enum MoveFlag : uint8_t { kHasDue = 1, kHasDeadline = 2 };

constexpr uint8_t kDepth = 8;
// Those that wait, and those whose drop is looked for; where it is full, the oldest of the latter
// is given up.
constexpr uint8_t kSlots = 12;
constexpr uint8_t kMaxOutputs = 16;
constexpr uint8_t kMaxBins = 16;
constexpr uint8_t kEvents = 24;
constexpr uint8_t kEventsPerAnswer = 4;
constexpr uint32_t kMaxAheadUs = 600000000;
constexpr uint8_t kAnyBin = 0xFF;

// One output of a machine.
struct Output {
  uint8_t bin;       // the number the host calls it by
  uint8_t group;     // outputs of one group share an actuator: their movements wait for each other
  uint16_t on_ms;    // how long a movement lasts
  uint16_t rest_ms;  // how long the actuator needs afterwards
};

// What a machine is; the table of an Arduino is in uno/table.h.
struct Config {
  const Output* outputs;
  uint8_t output_count;
  uint16_t watchdog_ms;
  uint16_t max_on_ms;
  uint16_t confirm_ms;  // a drop is looked for so long after a movement began; 0: no drop sensor
  uint8_t sensors;      // others than the drop sensor
  bool homes;
};

class Machine {
 public:
  // `config` has to live as long as this. Outputs go to their safe positions.
  void begin(const Config& config, uint32_t now_us);

  // Takes the next byte from the host.
  void receive(uint8_t byte, uint32_t now_us);

  // Lets everything happen that is due; call it as often as possible.
  void tick(uint32_t now_us);

  // The next byte for the host; false where there is none.
  bool send(uint8_t* byte);

  // A sensor saw something. `drop` of a bin, or of kAnyBin where one sensor serves all.
  void sensed(uint8_t sensor, uint32_t now_us);
  void drop(uint8_t bin, uint32_t now_us);

  Mode mode() const { return mode_; }

 private:
  enum SlotState : uint8_t { kEmpty, kWaiting, kFalling };
  struct Slot {
    SlotState state;
    uint8_t output;
    uint8_t flags;
    uint16_t seq;
    uint32_t due_us;  // of a falling one: when its movement began
    uint32_t deadline_us;
  };
  struct Event {
    uint8_t kind;
    uint8_t detail;
    uint16_t seq;
    uint32_t clock_us;
  };
  struct Actuator {
    bool busy;
    bool on;
    uint8_t output;
    uint32_t since_us;
  };

  void serve(const uint8_t* body, size_t size, uint32_t now_us);
  void greet(const uint8_t* body, size_t size, uint32_t now_us);
  void open(uint16_t session, uint32_t now_us);
  Result execute(uint8_t kind, const uint8_t* payload, size_t size, uint32_t now_us);
  Result arm(uint32_t now_us);
  Result move(const uint8_t* payload, uint32_t now_us);
  void stop(Why why, uint8_t detail, uint32_t now_us);
  void acknowledge(uint8_t next);

  void watch(uint32_t now_us);
  void release(uint32_t now_us);
  void fire_due(uint32_t now_us);
  void fire(Slot& slot, uint32_t now_us);
  void end_waits(uint32_t now_us);
  Slot* next_due(uint32_t now_us);
  Slot* vacant();
  Slot* oldest(SlotState state);
  void go_safe();

  uint8_t output_of(uint8_t bin) const;
  uint8_t queued() const;
  uint8_t free_slots() const;
  uint8_t reserved() const;
  bool note(EventKind kind, uint8_t detail, uint16_t seq, uint32_t now_us);
  void answer(uint8_t kind, uint16_t session, uint16_t seq, Result result, bool with_events,
              uint32_t now_us, bool keep);
  void transmit(uint8_t* raw, size_t size);

  const Config* config_;
  Mode mode_;
  Why why_;
  uint8_t detail_;
  uint32_t heard_us_;
  uint16_t boot_id_;
  uint16_t session_;  // 0: none is open
  uint16_t newest_session_;
  uint16_t last_seq_;
  Slot slots_[kSlots];
  Actuator actuators_[kMaxOutputs];
  Event events_[kEvents];
  uint8_t event_at_;     // place of the oldest
  uint8_t event_count_;
  uint8_t event_number_;  // of the oldest, modulo 256
  uint8_t lost_;

  uint8_t rx_[kMaxCodedBytes];
  uint8_t rx_size_;
  bool rx_overflow_;
  uint8_t kept_[kMaxRawBytes];  // the answer to last_seq_, to be said again
  uint8_t kept_size_;
  uint8_t tx_[kMaxWireBytes];
  uint8_t tx_size_;
  uint8_t tx_at_;
};

}  // namespace sbp
