"""The inside of a machine with its own clock, as somebody else could have built it.

Nothing of it comes from the bridge but the words: it judges, waits, fires and makes itself safe.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from sorter_firmware_bridge.bins import Cause, Condition, ReceiptState


@dataclass
class Waiting:
    id: int
    bin: int
    due_s: float
    deadline_s: float


@dataclass(frozen=True)
class Happened:
    id: int
    state: ReceiptState
    cause: Cause
    clock_s: float


class Core:
    """Call `tick` after the clock went on; `tell` hears of everything that happens."""

    def __init__(self, clock: Callable[[], float], confirms: bool = True) -> None:
        self.clock = clock
        self.confirms = confirms
        self.bins = {1, 2, 7}
        self.depth = 4
        self.watchdog_s = 2.0
        self.boot_id = 71
        self.move_s = 0.05
        self.fall_s = 0.2
        self.lock = threading.RLock()
        self.tell: Callable[[Happened], None] = lambda happened: None
        self.fired: list[int] = []
        self.take_over()

    def take_over(self) -> None:
        """A new host: what the last one left waiting is dropped, and nothing moves until armed."""
        self.condition, self.cause, self.reason = Condition.DISARMED, Cause.NONE, ""
        self.waiting: list[Waiting] = []
        self.falling: list[tuple[float, int]] = []
        self.last_id = 0
        self.busy_until_s = 0.0
        self.heard_at_s = self.clock()

    def hear(self) -> None:
        self.heard_at_s = self.clock()

    def arm(self) -> None:
        self.condition, self.cause, self.reason = Condition.ARMED, Cause.NONE, ""

    def stop(self, reason: str, cause: Cause = Cause.STOPPED) -> None:
        if self.condition is not Condition.SAFE:
            self.condition, self.cause, self.reason = Condition.SAFE, cause, reason
        dropped, self.waiting = self.waiting, []
        for command in dropped:
            self._say(command.id, ReceiptState.MISSED, cause)

    def judge(self, command: Waiting) -> Cause:
        cause = self._objection(command)
        if cause is Cause.NONE:
            self.last_id = command.id
            self.waiting.append(command)
            self.waiting.sort(key=lambda waiting: (waiting.due_s, waiting.id))
        return cause

    def tick(self) -> None:
        now_s = self.clock()
        silent = now_s - self.heard_at_s >= self.watchdog_s
        if self.condition is Condition.ARMED and silent:
            self.stop(f"watchdog: nothing heard for {self.watchdog_s:g} s", Cause.WATCHDOG)
        while self.falling and self.falling[0][0] <= now_s:
            self._say(self.falling.pop(0)[1], ReceiptState.CONFIRMED)
        for late in [waiting for waiting in self.waiting if waiting.deadline_s < now_s]:
            self.waiting.remove(late)
            self._say(late.id, ReceiptState.MISSED, Cause.TOO_LATE)
        if self.waiting and self.waiting[0].due_s <= now_s >= self.busy_until_s:
            self._fire(self.waiting.pop(0), now_s)

    def _objection(self, command: Waiting) -> Cause:
        if command.id <= self.last_id:
            return Cause.REPEATED
        if self.condition is not Condition.ARMED:
            return Cause.NOT_ARMED
        if command.bin not in self.bins:
            return Cause.UNKNOWN_BIN
        if command.deadline_s < self.clock():
            return Cause.TOO_LATE
        return Cause.QUEUE_FULL if len(self.waiting) >= self.depth else Cause.NONE

    def _fire(self, command: Waiting, now_s: float) -> None:
        self.fired.append(command.id)
        self.busy_until_s = now_s + self.move_s
        self._say(command.id, ReceiptState.FIRED)
        if self.confirms:
            self.falling.append((now_s + self.fall_s, command.id))

    def _say(self, command_id: int, state: ReceiptState, cause: Cause = Cause.NONE) -> None:
        self.tell(Happened(command_id, state, cause, self.clock()))
