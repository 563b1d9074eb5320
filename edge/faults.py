"""What went wrong with the machine, kept until a person says that they have seen it."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum

from sorter_firmware_bridge.bins import Cause, Condition, MachineState, Receipt, ReceiptState

KEPT = 100
TEXT_CHARS = 400


class FaultKind(StrEnum):
    """What went wrong; closed."""

    SAFE = "safe"
    LOST = "lost"
    JAM = "jam"
    MISSED = "missed"
    REFUSED = "refused"
    UNKNOWN = "unknown"


_OF_STATES = {
    ReceiptState.MISSED: FaultKind.MISSED,
    ReceiptState.REFUSED: FaultKind.REFUSED,
    ReceiptState.UNKNOWN: FaultKind.UNKNOWN,
}
# What only follows from something that is a fault itself, or from STOP, or passes by itself.
_CONSEQUENCES = (
    Cause.STOPPED,
    Cause.NOT_ARMED,
    Cause.WATCHDOG,
    Cause.QUEUE_FULL,
    Cause.RESTART,
)


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that went wrong.

    Attributes:
        number: Counts up from 1 since the start.
        at_s: Seconds since the epoch when it happened, the last time.
        kind: What went wrong.
        text: The same in a sentence; parts of it come from the machine.
        times: How often it happened before anybody had seen it.
        seen_by: Who acknowledged it; None while nobody did.
        seen_at_s: When; None with `seen_by`.
    """

    number: int
    at_s: float
    kind: FaultKind
    text: str
    times: int = 1
    seen_by: str | None = None
    seen_at_s: float | None = None


@dataclass(frozen=True, slots=True)
class AcknowledgeRequest:
    """Somebody has seen faults.

    Attributes:
        numbers: Which.
        who: Their name.
    """

    numbers: frozenset[int]
    who: str


class Faults:
    """Notes faults from what a machine says. Has no clock; used by one thread only.

    A machine that a person stopped is no fault. While one that nobody has seen is left, nothing
    may be armed: see `waiting`. They are counted from the start of the app, and a machine is never
    armed by a start, so that one of before cannot be run over.

    Args:
        kept: How many are kept; those that were seen give way first.
    """

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        self._faults: tuple[Fault, ...] = ()
        self._count = 0
        self._state: MachineState | None = None

    @property
    def current(self) -> tuple[Fault, ...]:
        """All that are kept, newest first."""
        return self._faults

    @property
    def waiting(self) -> int:
        """How many nobody has seen."""
        return waiting(self._faults)

    def machine(
        self, state: MachineState | None, problem: str | None, now_s: float, by_person: bool = False
    ) -> None:
        """Note what the machine says of itself.

        Args:
            state: What it says; None where it does not answer or there is none.
            problem: Why there is no state.
            now_s: Seconds since the epoch.
            by_person: Whether a person has just stopped it, so that it is safe because of them.
        """
        before, self._state = self._state, state
        if state is None:
            if before is not None:
                self._add(FaultKind.LOST, f"The machine was lost: {problem}", now_s)
            return
        news = before is None or before.condition is not Condition.SAFE
        if state.condition is Condition.SAFE and news and not by_person:
            kind = FaultKind.JAM if "jam" in state.reason.casefold() else FaultKind.SAFE
            why = state.reason or "it did not say why"
            self._add(kind, f"The machine made itself safe: {why}", now_s)

    def receipt(self, receipt: Receipt, now_s: float) -> None:
        """Note what the machine said of a command."""
        kind = _OF_STATES.get(receipt.state)
        if kind is None or receipt.cause in _CONSEQUENCES:
            return
        if receipt.cause is Cause.JAM:
            kind = FaultKind.JAM
        why = receipt.reason or receipt.cause
        self._add(kind, f"Command {receipt.command_id} was {_SAID[receipt.state]}: {why}", now_s)

    def acknowledge(self, numbers: Collection[int], who: str, now_s: float) -> None:
        """Note that somebody has seen faults; who saw one first is kept."""
        self._faults = tuple(
            replace(fault, seen_by=who, seen_at_s=now_s)
            if fault.number in numbers and fault.seen_by is None
            else fault
            for fault in self._faults
        )

    def _add(self, kind: FaultKind, text: str, now_s: float) -> None:
        text = text[:TEXT_CHARS]
        same = (f for f in self._faults if f.seen_by is None and f.kind is kind)
        # A machine that misses a thousand items needs one look, not a thousand.
        before = next((f for f in same if kind is not FaultKind.SAFE or f.text == text), None)
        # With a new number, so that nobody acknowledges what they were not shown.
        self._count += 1
        times = before.times + 1 if before else 1
        others = tuple(fault for fault in self._faults if fault is not before)
        self._faults = (Fault(self._count, now_s, kind, text, times), *others)
        while len(self._faults) > self._kept:
            seen = (f for f in reversed(self._faults) if f.seen_by is not None)
            gone = next(seen, self._faults[-1])
            self._faults = tuple(fault for fault in self._faults if fault is not gone)


def waiting(faults: Collection[Fault]) -> int:
    """How many of these nobody has seen."""
    return sum(fault.seen_by is None for fault in faults)


def refusal(count: int) -> str:
    """Why nothing is armed while so many faults wait."""
    faults = "1 fault waits" if count == 1 else f"{count} faults wait"
    return f"{faults} to be acknowledged; look at the machine, then acknowledge on the page Machine"


_SAID = {
    ReceiptState.MISSED: "missed",
    ReceiptState.REFUSED: "refused",
    ReceiptState.UNKNOWN: "sent, and its result is unknown",
}
