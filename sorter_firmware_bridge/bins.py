"""What a machine can be told, and what it answers."""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from sorter_firmware_bridge.errors import BinError

MAX_BIN_NUMBER = 255
MAX_COMMAND_ID = 2**32 - 1
MAX_NAME_CHARS = 40


@dataclass(frozen=True, slots=True, order=True)
class Bin:
    """One place a brick can be sent to.

    Attributes:
        number: 0..255, how the machine knows it.
        name: What a person calls it: 1..40 printable characters.

    Raises:
        BinError: The number or the name is out of range.
    """

    number: int
    name: str

    def __post_init__(self) -> None:
        if not _is_whole(self.number, 0, MAX_BIN_NUMBER):
            raise BinError(f"bin number {self.number!r}: expected 0..{MAX_BIN_NUMBER}")
        if not _is_name(self.name):
            raise BinError(
                f"bin {self.number}: name {self.name!r}, expected 1..{MAX_NAME_CHARS} "
                "printable characters"
            )

    def __str__(self) -> str:
        return f"bin {self.number} '{self.name}'"


def check_bins(bins: Sequence[Bin]) -> None:
    """Refuse a set of bins a machine cannot have.

    Args:
        bins: All bins of one machine.

    Raises:
        BinError: There is none, or two share a number or a name (case does not tell them apart).
    """
    if not bins:
        raise BinError("no bins: a machine needs at least one")
    twice = [f"number {number}" for number in repeated([bin_.number for bin_ in bins])]
    twice += [f"name '{name}'" for name in repeated([bin_.name.casefold() for bin_ in bins])]
    if twice:
        raise BinError(f"bins share {', '.join(twice)}: give every bin its own number and name")


def repeated(values: Sequence[object]) -> list[object]:
    """The values that occur more than once, in order of first appearance."""
    return [value for value, count in Counter(values).items() if count > 1]


@dataclass(frozen=True, slots=True)
class Command:
    """Move one item to one bin: an absolute target, so that saying it again changes nothing.

    Attributes:
        id: 1..2**32 - 1; every new command carries a higher one than all before it.
        bin: Where the item goes.
        due_s: When to fire, on the machine's clock; None is as soon as the machine is free.
        deadline_s: After this the command is missed, never late; needed where `due_s` is given.

    Raises:
        BinError: The id is out of range, or the times do not fit each other.
    """

    id: int
    bin: Bin
    due_s: float | None = None
    deadline_s: float | None = None

    def __post_init__(self) -> None:
        if not _is_whole(self.id, 1, MAX_COMMAND_ID):
            raise BinError(f"command id {self.id!r}: expected 1..{MAX_COMMAND_ID}")
        if any(t is not None and not math.isfinite(t) for t in (self.due_s, self.deadline_s)):
            raise BinError(f"command {self.id}: due {self.due_s}, deadline {self.deadline_s}")
        if self.due_s is not None and (self.deadline_s is None or self.deadline_s < self.due_s):
            raise BinError(
                f"command {self.id}: due at {self.due_s} with deadline {self.deadline_s}; "
                "expected a deadline at or after the due time"
            )


class ReceiptState(StrEnum):
    """How far a command got: three facts, and three ways to end without them."""

    ACCEPTED = "accepted"
    FIRED = "fired"
    CONFIRMED = "confirmed"
    MISSED = "missed"
    REFUSED = "refused"
    UNKNOWN = "unknown"

    @property
    def ends(self) -> bool:
        """Whether nothing can follow; a sensor may still confirm what has fired."""
        return self not in (ReceiptState.ACCEPTED, ReceiptState.FIRED)

    def may_become(self, later: "ReceiptState") -> bool:
        """Whether `later` can be told of a command of which `self` was told last."""
        return later in _FOLLOWING.get(self, ())


_FOLLOWING = {
    ReceiptState.ACCEPTED: (ReceiptState.FIRED, ReceiptState.MISSED, ReceiptState.UNKNOWN),
    ReceiptState.FIRED: (ReceiptState.CONFIRMED,),
}


class Cause(StrEnum):
    """Why a command was refused, missed or became unknown; closed, for counting."""

    NONE = "none"
    NOT_ARMED = "not_armed"
    UNKNOWN_BIN = "unknown_bin"
    QUEUE_FULL = "queue_full"
    REPEATED = "repeated"
    TOO_LATE = "too_late"
    DECLINED = "declined"
    JAM = "jam"
    STOPPED = "stopped"
    WATCHDOG = "watchdog"
    NO_ANSWER = "no_answer"
    RESTART = "restart"


@dataclass(frozen=True, slots=True)
class Receipt:
    """One thing that is known of one command.

    Attributes:
        command_id: The command it speaks of.
        state: What is known.
        clock_s: The machine's clock when it happened; None where the machine did not say.
        cause: Why it ended without firing.
        reason: The same for a person, with the details; empty where nothing went wrong.
    """

    command_id: int
    state: ReceiptState
    clock_s: float | None
    cause: Cause = Cause.NONE
    reason: str = ""


class Condition(StrEnum):
    """What a machine is ready for."""

    DISARMED = "disarmed"
    ARMED = "armed"
    SAFE = "safe"


@dataclass(frozen=True, slots=True)
class MachineState:
    """What a machine says of itself now.

    Attributes:
        condition: `DISARMED` after power-up; `SAFE` is latched, and only arming leaves it.
        reason: Why it is safe: the first cause since it was armed; empty otherwise.
        clock_s: The machine's own clock.
        queued: Commands accepted and not yet fired.
    """

    condition: Condition
    reason: str
    clock_s: float
    queued: int

    @property
    def armed(self) -> bool:
        """Whether commands are taken."""
        return self.condition is Condition.ARMED


class Promise(StrEnum):
    """What a link can promise of a command that was accepted."""

    EXACTLY_ONCE = "exactly once"
    """A lost message is repeated, and the machine knows it for the same: it acts once."""
    AT_MOST_ONCE = "at most once"
    """Nothing is ever repeated: what got no answer is unknown."""


class Timing(StrEnum):
    """Whose clock decides when a command fires."""

    MACHINE = "machine timed"
    """The machine's: the command waits there, and a busy host moves nothing late."""
    HOST = "host timed"
    """The host's: a busy host fires late by milliseconds, or misses the deadline."""


@dataclass(frozen=True, slots=True)
class Hello:
    """What a machine declares when it is opened.

    Attributes:
        kind: The kind of driver, for example "simulated".
        boot_id: Another one after every reset; in-flight commands of an older one are unknown.
        bins: The bins it has.
        queue_depth: How many accepted commands it can hold.
        watchdog_s: Silence after which an armed machine makes itself safe.
        confirms: Whether a sensor sees the drop; if not, "fired" is the most that is ever known.
        sensors: Names of the sensors that report events.
        promise: What the link can promise of an accepted command.
        timing: Whose clock decides when it fires.
    """

    kind: str
    boot_id: int
    bins: tuple[Bin, ...]
    queue_depth: int
    watchdog_s: float
    confirms: bool
    sensors: tuple[str, ...]
    promise: Promise
    timing: Timing


@dataclass(frozen=True, slots=True)
class SensorEvent:
    """Something passed a sensor.

    Attributes:
        sensor: One of `Hello.sensors`.
        clock_s: The machine's clock when it did.
    """

    sensor: str
    clock_s: float


def _is_whole(value: object, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _is_name(value: object) -> bool:
    if not isinstance(value, str) or not value.isprintable():
        return False
    return bool(value.strip()) and len(value) <= MAX_NAME_CHARS
