"""Messages of sbp/1, as PROTOCOL.md describes them. No I/O, no thread, no clock.

Times on the wire are microseconds of the machine's clock, modulo 2**32.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum, IntFlag

ANSWER_BIT = 0x80
CLOCK_MODULUS = 2**32
MAX_AHEAD_US = 600 * 10**6
MAX_EVENTS = 4
MAX_BINS = 16
OLDEST_VERSION = NEWEST_VERSION = 1


class ProtocolError(ValueError):
    """A frame with a right checksum that does not keep to the protocol."""


class Kind(IntEnum):
    """The types of requests; their answers have `ANSWER_BIT` too."""

    HELLO = 0x01
    OPEN = 0x02
    POLL = 0x03
    ARM = 0x04
    MOVE = 0x05
    STOP = 0x06


class Result(IntEnum):
    """What became of a request."""

    OK = 0
    NOT_ARMED = 1
    UNKNOWN_BIN = 2
    QUEUE_FULL = 3
    TOO_LATE = 4
    DECLINED = 5
    MALFORMED = 6
    UNKNOWN_TYPE = 7
    BAD_SESSION = 8
    BAD_SEQ = 9
    NO_VERSION = 10
    TOO_FAR = 11
    ALREADY_SAFE = 12


class Mode(IntEnum):
    """What the machine is ready for."""

    DISARMED = 0
    ARMED = 1
    SAFE = 2
    HOMING = 3


class Why(IntEnum):
    """Why the machine is safe, or why a command was missed."""

    NONE = 0
    STOPPED = 1
    WATCHDOG = 2
    JAM = 3
    SESSION = 4
    HOMING = 5
    TOO_LATE = 6


class EventKind(IntEnum):
    """What happened at the machine."""

    FIRED = 1
    CONFIRMED = 2
    MISSED = 3
    SENSOR = 4


class Capability(IntFlag):
    """What a machine has."""

    CONFIRMS = 1
    HOMES = 2
    SHARED = 4
    """One actuator serves several bins, so that movements wait for each other."""


class MoveFlag(IntFlag):
    """Which times of a MOVE are given."""

    DUE = 1
    DEADLINE = 2


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened.

    Attributes:
        kind: What.
        detail: FIRED, CONFIRMED: the bin. MISSED: a `Why`. SENSOR: its number.
        seq: Of the MOVE it speaks of; 0 for SENSOR.
        clock_us: When.
    """

    kind: EventKind
    detail: int
    seq: int
    clock_us: int


@dataclass(frozen=True, slots=True)
class Greeting:
    """The answer to HELLO.

    Attributes:
        result: OK, or NO_VERSION where no version of the host's range is spoken.
        nonce: The host's, to know its own answer.
        versions: Lowest and highest that the machine speaks.
        boot_id: Another one after every reset.
        session: The newest one that was opened; OPEN asks for the next.
        watchdog_ms: Silence after which an armed machine makes itself safe.
        depth: Commands it can hold.
        sensors: How many sensors it has, the drop sensor not counted.
        capabilities: What else it has.
        max_on_ms: The longest that any output is on.
        mode, why: As in `Status`.
        clock_us: Its clock.
        firmware: Major and minor version of the program.
        bins: The numbers of its bins.
    """

    result: Result
    nonce: int
    versions: tuple[int, int]
    boot_id: int
    session: int
    watchdog_ms: int
    depth: int
    sensors: int
    capabilities: Capability
    max_on_ms: int
    mode: Mode
    why: Why
    clock_us: int
    firmware: tuple[int, int]
    bins: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Status:
    """The answer to everything else.

    Attributes:
        result: What became of the request.
        mode: What the machine is ready for.
        why: Why it is safe.
        detail: The bin of a JAM; 0 otherwise.
        queued: Commands accepted and not yet fired.
        free: How many more would be accepted now.
        clock_us: The machine's clock when the request was served.
        lost: Sensor events since OPEN that found no room, modulo 256.
        first: The number of the first event here, modulo 256.
        events: The oldest that the host has not acknowledged, up to 4.
    """

    result: Result
    mode: Mode
    why: Why
    detail: int
    queued: int
    free: int
    clock_us: int
    lost: int
    first: int
    events: tuple[Event, ...] = ()


_HELLO = struct.Struct(">BBI")
_GREETING = struct.Struct(">BIBBHHHBBBHBBIBBB")
_POLL = struct.Struct(">BB")
_ARM = struct.Struct(">B")
_MOVE = struct.Struct(">BBBII")
_STATUS = struct.Struct(">BBBBBBIBBB")
_EVENT = struct.Struct(">BBHI")


def hello_payload(nonce: int) -> bytes:
    """HELLO: the versions this host speaks, and a number to know the answer by."""
    return _HELLO.pack(OLDEST_VERSION, NEWEST_VERSION, nonce)


def poll_payload(acknowledged: int, alive: bool) -> bytes:
    """POLL: asks for the state.

    Args:
        acknowledged: The number of the next event that is not known, modulo 256.
        alive: Whether it is a sign of life to the watchdog.
    """
    return _POLL.pack(acknowledged, alive)


def arm_payload(acknowledged: int) -> bytes:
    """ARM; see `poll_payload`."""
    return _ARM.pack(acknowledged)


def move_payload(
    acknowledged: int, bin_number: int, due_us: int | None, deadline_us: int | None
) -> bytes:
    """MOVE: one item to one bin.

    Args:
        acknowledged: As in `poll_payload`.
        bin_number: Where to.
        due_us: Machine clock, any integer; None is as soon as possible.
        deadline_us: Machine clock, any integer; None is no deadline.
    """
    flags = MoveFlag(0)
    flags |= MoveFlag.DUE if due_us is not None else MoveFlag(0)
    flags |= MoveFlag.DEADLINE if deadline_us is not None else MoveFlag(0)
    times = [(time_us or 0) % CLOCK_MODULUS for time_us in (due_us, deadline_us)]
    return _MOVE.pack(acknowledged, flags, bin_number, *times)


def read_hello(payload: bytes) -> tuple[int, int, int] | None:
    """Lowest and highest version, and the nonce; None where it is no HELLO."""
    if len(payload) != _HELLO.size:
        return None
    low, high, nonce = _HELLO.unpack(payload)
    return low, high, nonce


def read_move(payload: bytes) -> tuple[MoveFlag, int, int, int]:
    """Flags, bin, due time and deadline of a MOVE of the right size."""
    _, flags, bin_number, due_us, deadline_us = _MOVE.unpack(payload)
    return MoveFlag(flags & 3), bin_number, due_us, deadline_us


def greeting_payload(greeting: Greeting) -> bytes:
    """The answer to HELLO, as a machine writes it."""
    g = greeting
    fixed = _GREETING.pack(
        *(g.result, g.nonce, *g.versions, g.boot_id, g.session, g.watchdog_ms, g.depth),
        *(g.sensors, g.capabilities, g.max_on_ms, g.mode, g.why, g.clock_us % CLOCK_MODULUS),
        *(*g.firmware, len(g.bins)),
    )
    return fixed + bytes(g.bins)


def status_payload(status: Status) -> bytes:
    """The answer to everything else, as a machine writes it."""
    s = status
    fixed = _STATUS.pack(
        *(s.result, s.mode, s.why, s.detail, s.queued, s.free, s.clock_us % CLOCK_MODULUS),
        *(s.lost, s.first, len(s.events)),
    )
    events = [_EVENT.pack(e.kind, e.detail, e.seq, e.clock_us % CLOCK_MODULUS) for e in s.events]
    return fixed + b"".join(events)


def read_greeting(payload: bytes) -> Greeting:
    """What a machine said of itself.

    Raises:
        ProtocolError: It is not of this version of the protocol.
    """
    try:
        found = _GREETING.unpack_from(payload)
        result, nonce, low, high, boot_id, session, watchdog_ms, depth = found[:8]
        sensors, capabilities, max_on_ms, mode, why, clock_us, major, minor, count = found[8:]
        bins = payload[_GREETING.size :]
        if len(bins) != count:
            raise ProtocolError(f"the greeting names {count} bins and holds {len(bins)}")
        return Greeting(
            *(Result(result), nonce, (low, high), boot_id, session, watchdog_ms, depth, sensors),
            *(Capability(capabilities), max_on_ms, Mode(mode), Why(why), clock_us),
            *((major, minor), tuple(bins)),
        )
    except (struct.error, ValueError) as error:
        raise ProtocolError(f"greeting {payload.hex(' ')}: {error}") from error


def read_status(payload: bytes) -> Status:
    """What a machine answered.

    Raises:
        ProtocolError: It is not of this version of the protocol.
    """
    try:
        result, mode, why, detail, queued, free, clock_us, lost, first, count = _STATUS.unpack_from(
            payload
        )
        events = payload[_STATUS.size :]
        if len(events) != count * _EVENT.size or count > MAX_EVENTS:
            raise ProtocolError(f"{count} events in {len(events)} bytes")
        return Status(
            *(Result(result), Mode(mode), Why(why), detail, queued, free, clock_us, lost, first),
            events=tuple(_read_event(found) for found in _EVENT.iter_unpack(events)),
        )
    except (struct.error, ValueError) as error:
        raise ProtocolError(f"status {payload.hex(' ')}: {error}") from error


def _read_event(found: tuple[int, ...]) -> Event:
    kind, detail, seq, clock_us = found
    return Event(EventKind(kind), detail, seq, clock_us)


def after(first_us: int, second_us: int) -> int:
    """How far `first_us` is after `second_us`, both modulo 2**32; negative where it is before."""
    return (first_us - second_us + CLOCK_MODULUS // 2) % CLOCK_MODULUS - CLOCK_MODULUS // 2
