"""The registers of a Modbus machine: where each is, and what its numbers mean.

All are holding registers, counted from a base; 32-bit values have their high half first.
MACHINES.md has the same as a table.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType

from sorter_firmware_bridge.bins import Cause, Command, Condition, ReceiptState

MAGIC = (0x4252, 0x5331)
VERSION = 1

IDENTITY = 0
IDENTITY_SIZE = 24
BINS = 8

STATUS = 32
STATUS_SIZE = 96
EVENTS_IN_RING = 16
EVENT_SIZE = 5
RING = 48

HOST = 130
HEARTBEAT = HOST
EVENTS_TAKEN = HOST + 1
CONTROL = HOST + 4
CONTROL_SEQ = HOST + 6
PARAMETERS = HOST + 10
PARAMETERS_SIZE = 9
COMMAND_SEQ = HOST + 20
MAP_SIZE = 160

ARM, STOP, OPEN = 1, 2, 3
HAS_DEADLINE, HAS_DUE = 1, 2

CONDITIONS = (Condition.DISARMED, Condition.ARMED, Condition.SAFE)
CAUSES = (
    Cause.NONE,
    Cause.NOT_ARMED,
    Cause.UNKNOWN_BIN,
    Cause.QUEUE_FULL,
    Cause.REPEATED,
    Cause.TOO_LATE,
    Cause.DECLINED,
    Cause.JAM,
    Cause.STOPPED,
    Cause.WATCHDOG,
    Cause.NO_ANSWER,
    Cause.RESTART,
)
EVENTS = MappingProxyType(
    {1: ReceiptState.FIRED, 2: ReceiptState.CONFIRMED, 3: ReceiptState.MISSED}
)


@dataclass(frozen=True, slots=True)
class Identity:
    """What a machine says of itself once.

    Attributes:
        boot_id: Another one after every reset.
        queue_depth: Commands it holds.
        watchdog_s: Silence after which it makes itself safe.
        confirms: Whether a sensor sees the drop.
        bins: The numbers of its bins.
    """

    boot_id: int
    queue_depth: int
    watchdog_s: float
    confirms: bool
    bins: frozenset[int]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to a command.

    Attributes:
        number: 0..65535, rising by one, around again after the last.
        command_id: The command.
        state: Fired, confirmed or missed.
        cause: Why it was missed.
        clock_ms: The machine's clock then.
    """

    number: int
    command_id: int
    state: ReceiptState
    cause: Cause
    clock_ms: int


@dataclass(frozen=True, slots=True)
class Status:
    """What a machine says of itself now, all in one read.

    Attributes:
        clock_ms: Its clock, 32 bits.
        boot_id: As in `Identity`.
        session: The last host's.
        condition: What it is ready for.
        cause: Why it is safe.
        queued: Commands accepted and not yet fired.
        control_seq: The last control that it carried out.
        command_seq: The last command that it judged.
        result: What it said to that: `NONE` is accepted.
        events_told: How many it told since it was reset, modulo 65536.
        events: Those still in the ring, oldest first.
    """

    clock_ms: int
    boot_id: int
    session: int
    condition: Condition
    cause: Cause
    queued: int
    control_seq: int
    command_seq: int
    result: Cause
    events_told: int
    events: tuple[Event, ...]


def read_identity(registers: Sequence[int]) -> Identity | None:
    """What is in the first `IDENTITY_SIZE` registers; None where no sorting machine is."""
    if tuple(registers[:2]) != MAGIC:
        return None
    bits = registers[BINS : BINS + 16]
    numbers = frozenset(n for n in range(256) if bits[n // 16] >> (n % 16) & 1)
    return Identity(
        boot_id=joined(registers[3], registers[4]),
        queue_depth=registers[5],
        watchdog_s=registers[6] / 1000,
        confirms=bool(registers[7] & 1),
        bins=numbers,
    )


def read_status(registers: Sequence[int]) -> Status:
    """What is in the `STATUS_SIZE` registers from `STATUS` on.

    Raises:
        ValueError: A number that means nothing.
    """
    if registers[5] >= len(CONDITIONS):
        raise ValueError(f"condition {registers[5]}, expected 0..{len(CONDITIONS) - 1}")
    return Status(
        clock_ms=joined(registers[0], registers[1]),
        boot_id=joined(registers[2], registers[3]),
        session=registers[4],
        condition=CONDITIONS[registers[5]],
        cause=_cause(registers[6]),
        queued=registers[7],
        control_seq=registers[8],
        command_seq=registers[9],
        result=_cause(registers[10]),
        events_told=registers[11],
        events=_read_events(registers[11], registers[RING - STATUS :]),
    )


def write_parameters(session: int, command: Command) -> list[int]:
    """The registers from `PARAMETERS` on: never fires early, never after the deadline."""
    due_ms = 0 if command.due_s is None else max(0, math.ceil(round(command.due_s * 1000, 3)))
    late_s = command.deadline_s
    late_ms = 0 if late_s is None else max(0, math.floor(round(late_s * 1000, 3)))
    flags = HAS_DUE * (command.due_s is not None) + HAS_DEADLINE * (late_s is not None)
    due, late = halves(due_ms), halves(late_ms)
    return [session, command.bin.number, flags, *due, *late, *halves(command.id)]


def halves(value: int) -> tuple[int, int]:
    """High and low 16 bits of a number, which wraps at 32 bits."""
    return value >> 16 & 0xFFFF, value & 0xFFFF


def joined(high: int, low: int) -> int:
    """The opposite of `halves`."""
    return high << 16 | low


def _read_events(count: int, ring: Sequence[int]) -> tuple[Event, ...]:
    newest = [(count - age) & 0xFFFF for age in range(EVENTS_IN_RING, 0, -1)]
    return tuple(event for number in newest if (event := _read_event(number, ring)))


def _read_event(number: int, ring: Sequence[int]) -> Event | None:
    start = number % EVENTS_IN_RING * EVENT_SIZE
    high, low, what, clock_high, clock_low = ring[start : start + EVENT_SIZE]
    if (what & 0xFF) not in EVENTS:
        return None
    state, cause = EVENTS[what & 0xFF], _cause(what >> 8)
    return Event(number, joined(high, low), state, cause, joined(clock_high, clock_low))


def _cause(number: int) -> Cause:
    if number >= len(CAUSES):
        raise ValueError(f"cause {number}, expected 0..{len(CAUSES) - 1}")
    return CAUSES[number]
