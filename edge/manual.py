"""Moving the machine by hand from the page, only as long as that page is there.

A movement by hand is an item of the journal like any other, with a reason of its own and nothing
recognised: written down before it is sent, under an id of the same count, with receipts of the
same kind. So the balance adds up, a bin's contents count what may have been pushed into it, and
the machine never sees a command that the journal does not know.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from edge.decision import Reason, SortDecision
from edge.items import Item, Trigger
from edge.machine import Machine
from sorter_firmware_bridge.bins import Bin, Receipt

BEAT_S = 2.0
"""Without a sign of life of the page for so long, the machine is made safe."""
REMEMBERED = 64
GONE = "the page that moved it by hand is gone"
ENDED = "moving by hand was ended"
LATE = "the device was held up, and whoever asked may be gone; ask again"


@dataclass(frozen=True, slots=True)
class BeginByHand:
    """Somebody wants to move the machine by hand.

    Attributes:
        who: Their name.
        page: The page they do it on.
    """

    who: str
    page: str


@dataclass(frozen=True, slots=True)
class BeatByHand:
    """The page of who moves it by hand is still there."""

    who: str
    page: str


@dataclass(frozen=True, slots=True)
class MoveByHand:
    """One movement.

    Attributes:
        who, page: As of `BeginByHand`.
        request: Named by the page; the same one acts once.
        number: Of the bin.
    """

    who: str
    page: str
    request: str
    number: int


@dataclass(frozen=True, slots=True)
class EndByHand:
    """Enough of it.

    Attributes:
        who, page: As of `BeginByHand`.
        go_on: Whether sorting goes on; else the machine is stopped.
    """

    who: str
    page: str
    go_on: bool = False


ByHandRequest = BeginByHand | BeatByHand | MoveByHand | EndByHand


@dataclass(frozen=True, slots=True)
class Moved:
    """A movement by hand and what came of it.

    Attributes:
        request: As its page named it.
        bin: Where to.
        text: What the machine said to it, or why it was not sent.
        sent: Whether it was sent.
    """

    request: str
    bin: Bin
    text: str
    sent: bool


@dataclass(frozen=True, slots=True)
class HandReport:
    """Who moves it by hand.

    Attributes:
        who, page: None where nobody does.
        ended: Why the last one ended; empty before.
        moves: The last movements, newest first.
    """

    who: str | None = None
    page: str | None = None
    ended: str = ""
    moves: tuple[Moved, ...] = ()


class Moves(Protocol):
    """Has movements made that are decided on already, and holds its own back meanwhile."""

    by_hand: str
    """Who moves by hand; empty where nobody does."""

    def move_by_hand(self, target: Bin, who: str) -> Receipt | str:
        """Write down and send one movement: what the machine said, or why it was not sent."""


class ByHand:
    """One person at a time moves the machine by hand; used by the pipeline's thread only.

    Args:
        machine: The machine.
        mover: Makes the movements.
        stopped: Told after a person, or their absence, stopped the machine: whether it was a
            person.
        clock: Seconds, monotonic: requests carry no time of their own.
    """

    def __init__(
        self,
        machine: Machine,
        mover: Moves,
        stopped: Callable[[bool], None],
        clock: Callable[[], float],
    ) -> None:
        self._machine = machine
        self._mover = mover
        self._stopped = stopped
        self._clock = clock
        self._beat_s = 0.0
        self._attended_s = clock()
        self._done: deque[str] = deque(maxlen=REMEMBERED)
        self.report = HandReport()
        """Replaced whole."""

    def serve(self, request: ByHandRequest) -> None:
        """Do what the page asks, if it is the page of who moves it by hand."""
        if isinstance(request, BeginByHand):
            self._begin(request)
        elif (request.who, request.page) == (self.report.who, self.report.page):
            self._beat_s = self._clock()
            if isinstance(request, MoveByHand):
                self._move(request)
            elif isinstance(request, EndByHand):
                self._end(ENDED, stop=not request.go_on, by_person=True)

    def attend(self) -> None:
        """End it where the page is gone, or the machine may not be moved any more."""
        self._attended_s = self._clock()
        if self.report.who is None:
            return
        state = self._machine.state
        if state is None or not state.armed:
            why = state.reason or str(state.condition) if state else "the machine was lost"
            self._end(why, stop=False)
        elif self._clock() - self._beat_s > BEAT_S:
            self._end(GONE, stop=True)

    def _begin(self, request: BeginByHand) -> None:
        state = self._machine.state
        if self.report.who is None and state is not None and state.armed:
            self._beat_s = self._clock()
            self.report = HandReport(request.who, request.page)
            self._mover.by_hand = request.who

    def _move(self, request: MoveByHand) -> None:
        if request.request in self._done:
            return
        self._done.append(request.request)
        there = {bin_.number: bin_ for bin_ in self._machine.bins}
        target = there.get(request.number, Bin(request.number, "not there"))
        if self._clock() - self._attended_s > BEAT_S:
            # It waited, with the beats beside it, and nobody knows for how long.
            said: Receipt | str = LATE
        elif request.number in there:
            said = self._mover.move_by_hand(target, request.who)
        else:
            said = f"the machine has no bin {request.number}"
        text = said if isinstance(said, str) else f"{said.state} {said.reason}".rstrip()
        moved = Moved(request.request, target, text, not isinstance(said, str))
        moves = (moved, *self.report.moves)[:10]
        self.report = HandReport(self.report.who, self.report.page, "", moves)

    def _end(self, why: str, stop: bool, by_person: bool = False) -> None:
        self._mover.by_hand = ""
        self.report = HandReport(ended=why, moves=self.report.moves)
        if stop:
            self._machine.stop(self._clock(), why)
            self._stopped(by_person)


def hand_decision(
    target: Bin, who: str, now_s: float, model_sha256: str, policy_sha256: str
) -> SortDecision:
    """What is written down of a movement by hand: an item of which nothing was seen."""
    return SortDecision(
        item=Item(0, (), (), 0, 0, now_s, Trigger.SENSOR),
        target=target,
        label=None,
        reason=Reason.BY_HAND,
        explanation=f"{who} moved it by hand: {target}.",
        alternatives=(),
        decided_at_s=now_s,
        due_s=None,
        deadline_s=None,
        model_sha256=model_sha256,
        policy_sha256=policy_sha256,
    )
