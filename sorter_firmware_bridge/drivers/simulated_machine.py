"""The machine's side of sbp/1 in Python: the same behaviour as `firmware/core`, byte for byte.

It has no link and no clock of its own: bytes and the time are given to it.
"""

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import Enum

from sorter_firmware_bridge.frames import VERSION, Frame, FrameReader, encode
from sorter_firmware_bridge.protocol import (
    ANSWER_BIT,
    MAX_AHEAD_US,
    MAX_EVENTS,
    Capability,
    Event,
    EventKind,
    Greeting,
    Kind,
    Mode,
    MoveFlag,
    Result,
    Status,
    Why,
    after,
    greeting_payload,
    read_hello,
    read_move,
    status_payload,
)

MAX_PULSES = 10_000
ANY_BIN = 0xFF
FIRMWARE = (1, 0)
FALLING_BESIDE = 4
"""Slots for movements whose drop is looked for, besides one for each that waits."""
EVENTS_PER_SLOT = 3


@dataclass(frozen=True, slots=True)
class SimulatedOutput:
    """One output.

    Attributes:
        bin: The number the host calls it by.
        group: Outputs of one group share an actuator, below the number of outputs.
        on_us: How long a movement lasts.
        rest_us: How long the actuator needs afterwards.
    """

    bin: int
    group: int
    on_us: int
    rest_us: int = 0


@dataclass(frozen=True, slots=True)
class SimulatedTable:
    """What a simulated machine is.

    Attributes:
        outputs: 1..16.
        watchdog_us: Silence after which it makes itself safe.
        max_on_us: No output is on for longer.
        confirm_us: A drop is looked for so long after a movement began; 0 is no drop sensor.
        sensors: How many others there are.
        depth: Commands it can hold.
    """

    outputs: tuple[SimulatedOutput, ...]
    watchdog_us: int = 1_000_000
    max_on_us: int = 60_000_000
    confirm_us: int = 0
    sensors: int = 0
    depth: int = 8


@dataclass(frozen=True, slots=True)
class Edge:
    """One output went on or off.

    Attributes:
        output: Its place in the table.
        on: Which.
        at_us: The machine's clock.
        seq: Of the command that it belongs to; 0 where it was stopped.
    """

    output: int
    on: bool
    at_us: int
    seq: int


class _SlotState(Enum):
    WAITING = 1
    FALLING = 2


@dataclass(frozen=True, slots=True)
class _Slot:
    state: _SlotState
    output: int
    seq: int
    due_us: int
    deadline_us: int | None


@dataclass(slots=True)
class _Actuator:
    busy: bool = False
    on: bool = False
    output: int = 0
    seq: int = 0
    since_us: int = 0


class SimulatedMachine:
    """A machine as a firmware is one; it acts only when `tick` or `advance` tell it the time.

    Args:
        table: What it is.
        now_us: Its clock; never goes back, and does not wrap here.
        session: The newest that was opened before it lost its power.

    Attributes:
        edges: What its outputs really did; the newest 20,000.
        jams: Sequence numbers of commands that get stuck instead of firing.
        declines: Sequence numbers that are answered with a no.
    """

    def __init__(self, table: SimulatedTable, now_us: int = 0, session: int = 0) -> None:
        self._table = table
        self.edges: deque[Edge] = deque(maxlen=2 * MAX_PULSES)
        self.jams: set[int] = set()
        self.declines: set[int] = set()
        self._fresh: deque[Edge] = deque(maxlen=2 * MAX_PULSES)
        self._events: list[Event] = []
        self._first_event = self._lost = 0
        self._actuators: list[_Actuator] = []
        self._newest_session = session
        self.reset(now_us)

    def reset(self, now_us: int) -> None:
        """Lose the power: all is forgotten but the number of the newest session."""
        self._now_us = now_us
        for actuator in self._actuators:
            if actuator.on:
                self._turn(actuator.output, False, 0)
        self._mode, self._why, self._detail = Mode.DISARMED, Why.NONE, 0
        self._heard_us = now_us
        self._newest_session = self._boot_id = _after(self._newest_session)
        self._session = self._last_seq = 0
        self._slots: list[_Slot] = []
        self._actuators = [_Actuator() for _ in self._table.outputs]
        self._clear_events()
        self._kept = b""
        self._reader = FrameReader()
        self._out = bytearray()

    @property
    def now_us(self) -> int:
        """Its clock."""
        return self._now_us

    @property
    def last_seq(self) -> int:
        """Of the request it executed last."""
        return self._last_seq

    def receive(self, chunk: bytes, now_us: int) -> None:
        """Take bytes from the host."""
        self._now_us = now_us
        for frame in self._reader.feed(chunk):
            self._serve(frame)

    def send(self) -> bytes:
        """What it has for the host since the last call."""
        out, self._out = bytes(self._out), bytearray()
        return out

    def tick(self, now_us: int) -> None:
        """Let everything happen that is due at this instant."""
        self._now_us = now_us
        self._watch()
        self._fire_due()
        self._end_waits()

    def advance(self, now_us: int) -> None:
        """Let everything happen until then, each thing at its own time."""
        while (next_us := self.next_us()) <= now_us:
            self.tick(max(int(next_us), self._now_us))
        self._now_us = now_us

    def next_us(self) -> float:
        """When something happens by itself next; infinite where nothing will."""
        return min(self._times(), default=math.inf)

    def sensed(self, sensor: int) -> None:
        """A sensor saw something."""
        self._note(EventKind.SENSOR, sensor, 0)

    def drop(self, bin_number: int = ANY_BIN) -> None:
        """The drop sensor of a bin, or of all of them, saw something."""
        fallen = [
            slot
            for slot in self._slots
            if slot.state is _SlotState.FALLING
            and bin_number in (ANY_BIN, self.bin_of(slot.output))
        ]
        # Two that could have dropped: saying which would be a guess.
        if len(fallen) != 1:
            self.sensed(self._table.sensors)
            return
        self._slots.remove(fallen[0])
        self._note(EventKind.CONFIRMED, self.bin_of(fallen[0].output), fallen[0].seq)

    def fresh_edges(self) -> list[Edge]:
        """What the outputs did since the last call."""
        fresh = list(self._fresh)
        self._fresh.clear()
        return fresh

    def bin_of(self, output: int) -> int:
        """The number of the bin that an output serves."""
        return self._table.outputs[output].bin

    # ---- requests ----------------------------------------------------------------------------

    def _serve(self, frame: Frame) -> None:
        if frame.version != VERSION or frame.type & ANSWER_BIT:
            return
        if frame.type == Kind.HELLO:
            self._greet(frame)
        elif frame.type == Kind.OPEN:
            self._open(frame)
        elif frame.type == Kind.STOP:
            result = Result.ALREADY_SAFE if self._mode is Mode.SAFE else Result.OK
            self._stop(Why.STOPPED)
            self._answer(frame, result)
        elif self._session == 0 or frame.session != self._session:
            self._answer(frame, Result.BAD_SESSION)
        else:
            self._serve_in_order(frame)

    def _serve_in_order(self, frame: Frame) -> None:
        again = frame.seq == self._last_seq
        if not again and frame.seq != (self._last_seq + 1) % 65536:
            self._answer(frame, Result.BAD_SEQ)
            return
        quiet = frame.type == Kind.POLL and len(frame.payload) == 2 and frame.payload[1] == 0
        if not quiet:
            self._heard_us = self._now_us
        if again:
            self._out = bytearray(self._kept)
            return
        self._last_seq = frame.seq
        result = self._execute(frame)
        self._answer(frame, result, keep=True)

    def _greet(self, frame: Frame) -> None:
        hello = read_hello(frame.payload)
        if hello is None:
            return
        low, high, nonce = hello
        table = self._table
        groups = {output.group for output in table.outputs}
        has = Capability.CONFIRMS if table.confirm_us else Capability(0)
        has |= Capability.SHARED if len(groups) < len(table.outputs) else Capability(0)
        greeting = Greeting(
            result=Result.OK if low <= VERSION <= high else Result.NO_VERSION,
            nonce=nonce,
            versions=(VERSION, VERSION),
            boot_id=self._boot_id,
            session=self._newest_session,
            watchdog_ms=table.watchdog_us // 1000,
            depth=table.depth,
            sensors=table.sensors,
            capabilities=has,
            max_on_ms=min(table.max_on_us // 1000, 65535),
            mode=self._mode,
            why=self._why,
            clock_us=self._now_us,
            firmware=FIRMWARE,
            bins=tuple(output.bin for output in table.outputs),
        )
        self._transmit(Frame(Kind.HELLO | ANSWER_BIT, 0, 0, greeting_payload(greeting)))

    def _open(self, frame: Frame) -> None:
        if self._session and frame.session == self._session and self._last_seq == 0:
            self._out = bytearray(self._kept)
            return
        if frame.session != _after(self._newest_session):
            self._answer(replace(frame, seq=0), Result.BAD_SESSION)
            return
        if self._mode in (Mode.ARMED, Mode.HOMING):
            self._stop(Why.SESSION)
        self._slots.clear()
        self._clear_events()
        self._session = self._newest_session = frame.session
        self._last_seq = 0
        self._answer(replace(frame, seq=0), Result.OK, keep=True)

    def _execute(self, frame: Frame) -> Result:
        sizes = {Kind.POLL: 2, Kind.ARM: 1, Kind.MOVE: 11}
        if frame.type not in sizes:
            return Result.UNKNOWN_TYPE
        if len(frame.payload) != sizes[Kind(frame.type)]:
            return Result.MALFORMED
        self._acknowledge(frame.payload[0])
        if frame.type == Kind.ARM:
            return self._arm()
        return self._move(frame.payload) if frame.type == Kind.MOVE else Result.OK

    def _arm(self) -> Result:
        if self._mode is not Mode.ARMED:
            self._mode, self._why, self._detail = Mode.ARMED, Why.NONE, 0
        return Result.OK

    def _move(self, payload: bytes) -> Result:
        flags, bin_number, due32, deadline32 = read_move(payload)
        now_us = self._now_us
        limited = MoveFlag.DEADLINE in flags
        due_us = now_us + after(due32, now_us) if MoveFlag.DUE in flags else now_us
        deadline_us = now_us + after(deadline32, now_us) if limited else None
        output = next((i for i, o in enumerate(self._table.outputs) if o.bin == bin_number), None)
        if self._mode is not Mode.ARMED:
            return Result.NOT_ARMED
        if output is None:
            return Result.UNKNOWN_BIN
        if due_us > now_us + MAX_AHEAD_US or (deadline_us or 0) > now_us + 2 * MAX_AHEAD_US:
            return Result.TOO_FAR
        if deadline_us is not None and deadline_us < now_us:
            return Result.TOO_LATE
        if deadline_us is not None and MoveFlag.DUE in flags and deadline_us < due_us:
            return Result.MALFORMED
        if self._last_seq in self.declines:
            return Result.DECLINED
        if self._free() == 0:
            return Result.QUEUE_FULL
        if len(self._slots) == self._table.depth + FALLING_BESIDE:
            self._slots.remove(next(s for s in self._slots if s.state is _SlotState.FALLING))
        due_us = max(due_us, now_us)
        self._slots.append(_Slot(_SlotState.WAITING, output, self._last_seq, due_us, deadline_us))
        return Result.OK

    def _acknowledge(self, following: int) -> None:
        known = (following - self._first_event) % 256
        # More than there are: of another time. What was not told is told again.
        if known <= len(self._events):
            del self._events[:known]
            self._first_event = following

    def _answer(self, frame: Frame, result: Result, keep: bool = False) -> None:
        status = Status(
            result=result,
            mode=self._mode,
            why=self._why,
            detail=self._detail,
            queued=len(self._waiting()),
            free=self._free(),
            clock_us=self._now_us,
            lost=self._lost,
            first=self._first_event,
            events=tuple(self._events[:MAX_EVENTS]) if keep else (),
        )
        answer = replace(frame, type=frame.type | ANSWER_BIT, payload=status_payload(status))
        self._transmit(answer)
        if keep:
            self._kept = encode(answer)

    def _transmit(self, frame: Frame) -> None:
        self._out = bytearray(encode(frame))

    # ---- what happens by itself --------------------------------------------------------------

    def _times(self) -> Iterator[float]:
        if self._mode is Mode.ARMED:
            yield self._heard_us + self._table.watchdog_us
        for actuator in self._actuators:
            if actuator.on:
                yield actuator.since_us + self._on_us(actuator)
            if actuator.busy:
                yield self._rested_us(actuator)
        for slot in self._slots:
            if slot.state is _SlotState.FALLING:
                yield slot.due_us + self._table.confirm_us
            elif self._mode is Mode.ARMED and not self._actuator(slot).busy:
                yield slot.due_us
            if slot.state is _SlotState.WAITING and slot.deadline_us is not None:
                yield slot.deadline_us

    def _watch(self) -> None:
        silent_us = self._now_us - self._heard_us
        if self._mode is Mode.ARMED and silent_us >= self._table.watchdog_us:
            self._stop(Why.WATCHDOG)

    def _release(self) -> None:
        for actuator in self._actuators:
            if actuator.on and self._now_us >= actuator.since_us + self._on_us(actuator):
                actuator.on = False
                self._turn(actuator.output, False, actuator.seq)
            if actuator.busy and not actuator.on and self._now_us >= self._rested_us(actuator):
                actuator.busy = False

    def _fire_due(self) -> None:
        self._release()
        for _ in range(self._table.depth):
            slot = self._next_due() if self._mode is Mode.ARMED else None
            if slot is None:
                return
            self._fire(slot)

    def _next_due(self) -> _Slot | None:
        ready = [
            slot
            for slot in self._waiting()
            if slot.due_us <= self._now_us
            and not self._actuator(slot).busy
            and (slot.deadline_us is None or slot.deadline_us >= self._now_us)
        ]
        # Slots stand in the order of their sequence numbers, and `min` takes the first of equals.
        return min(ready, key=lambda slot: slot.due_us, default=None)

    def _fire(self, slot: _Slot) -> None:
        self._slots.remove(slot)
        if slot.seq in self.jams:
            self._note(EventKind.MISSED, Why.JAM, slot.seq)
            self._stop(Why.JAM, self.bin_of(slot.output))
            return
        group = self._table.outputs[slot.output].group
        self._actuators[group] = _Actuator(True, True, slot.output, slot.seq, self._now_us)
        self._turn(slot.output, True, slot.seq)
        if self._table.confirm_us:
            self._slots.append(replace(slot, state=_SlotState.FALLING, due_us=self._now_us))
        self._note(EventKind.FIRED, self.bin_of(slot.output), slot.seq)

    def _end_waits(self) -> None:
        for slot in tuple(self._slots):
            if slot.state is _SlotState.FALLING:
                over = self._now_us >= slot.due_us + self._table.confirm_us
            else:
                over = slot.deadline_us is not None and self._now_us >= slot.deadline_us
            if over:
                self._slots.remove(slot)
            if over and slot.state is _SlotState.WAITING:
                self._note(EventKind.MISSED, Why.TOO_LATE, slot.seq)

    def _stop(self, why: Why, detail: int = 0) -> None:
        if self._mode is not Mode.SAFE:
            self._mode, self._why, self._detail = Mode.SAFE, why, detail
        for actuator in self._actuators:
            if actuator.on:
                self._turn(actuator.output, False, 0)
            actuator.on = False
        for slot in self._waiting():
            self._slots.remove(slot)
            self._note(EventKind.MISSED, why, slot.seq)

    def _turn(self, output: int, on: bool, seq: int) -> None:
        edge = Edge(output, on, self._now_us, seq)
        self.edges.append(edge)
        self._fresh.append(edge)

    # ---- room and places ---------------------------------------------------------------------

    def _note(self, kind: EventKind, detail: int, seq: int) -> None:
        # What commands will report has its place reserved; only a sensor can find none.
        if kind is EventKind.SENSOR and len(self._events) + self._reserved() >= self._room():
            self._lost = (self._lost + 1) % 256
            return
        self._events.append(Event(kind, detail, seq, self._now_us))

    def _clear_events(self) -> None:
        self._events = []
        self._first_event = self._lost = 0

    def _room(self) -> int:
        return EVENTS_PER_SLOT * self._table.depth

    def _reserved(self) -> int:
        each = 2 if self._table.confirm_us else 1
        waiting = len(self._waiting())
        return each * waiting + len(self._slots) - waiting

    def _free(self) -> int:
        room = self._room() - len(self._events) - self._reserved()
        told = room // 2 if self._table.confirm_us else room
        return min(self._table.depth - len(self._waiting()), told)

    def _waiting(self) -> list[_Slot]:
        return [slot for slot in self._slots if slot.state is _SlotState.WAITING]

    def _actuator(self, slot: _Slot) -> _Actuator:
        return self._actuators[self._table.outputs[slot.output].group]

    def _on_us(self, actuator: _Actuator) -> int:
        return min(self._table.outputs[actuator.output].on_us, self._table.max_on_us)

    def _rested_us(self, actuator: _Actuator) -> int:
        rest_us = self._table.outputs[actuator.output].rest_us
        return actuator.since_us + self._on_us(actuator) + rest_us


def _after(session: int) -> int:
    return 1 if session == 65535 else session + 1
