"""What happens inside the simulated machine: a queue, one actuator, a watchdog and a clock."""

import heapq
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from sorter_firmware_bridge.bins import (
    Bin,
    Cause,
    Command,
    Condition,
    MachineState,
    Receipt,
    ReceiptState,
)
from sorter_firmware_bridge.drivers.simulated_settings import SimulatedSettings

MAX_PULSES = 10_000


@dataclass(frozen=True, slots=True)
class Pulse:
    """One movement that really happened.

    Attributes:
        command_id: The command that caused it.
        bin: Where the item went.
        clock_s: The machine's clock when it began.
    """

    command_id: int
    bin: Bin
    clock_s: float


@dataclass(frozen=True, slots=True, order=True)
class _Queued:
    due_s: float
    id: int
    command: Command = field(compare=False)
    jams: bool = field(compare=False)


class SimulatedMachine:
    """The machine's side of the link. It acts only when `advance` tells it what time it is.

    Everything due until then happens in the order of its time, so that the same calls at the same
    times always give the same answers. At one instant, the watchdog comes before a movement.

    Args:
        bins: The bins it has.
        settings: What it is like; faults are the link's matter, apart from a jam.
    """

    def __init__(self, bins: tuple[Bin, ...], settings: SimulatedSettings) -> None:
        self._bins = bins
        self._settings = settings
        self._condition = Condition.DISARMED
        self._reason = ""
        self._clock_s = 0.0
        self._heard_at_s = 0.0
        self._busy_until_s = 0.0
        self._last_id = 0
        self._queue: list[_Queued] = []
        self._falling: deque[tuple[float, int]] = deque()
        self._news: list[Receipt] = []
        self.pulses: deque[Pulse] = deque(maxlen=MAX_PULSES)

    def advance(self, clock_s: float) -> None:
        """Let everything happen that is due until `clock_s`."""
        while True:
            at_s, act = min(self._watchdog(), self._landing(), self._movement(), key=_when)
            if at_s > clock_s:
                break
            self._clock_s = max(self._clock_s, at_s)
            act()
        self._clock_s = max(self._clock_s, clock_s)

    def hear(self) -> None:
        """Note a sign of life."""
        self._heard_at_s = self._clock_s

    def arm(self) -> None:
        """Allow movement; this alone leaves safe."""
        self._condition, self._reason = Condition.ARMED, ""

    def stop(self, reason: str, cause: Cause = Cause.STOPPED) -> None:
        """Drop the queue and latch safe; the first reason stays."""
        if self._condition is not Condition.SAFE:
            self._condition, self._reason = Condition.SAFE, reason
        dropped, self._queue = sorted(self._queue), []
        for waiting in dropped:
            self._tell(waiting.id, ReceiptState.MISSED, cause, f"dropped from the queue: {reason}")

    def offer(self, command: Command, jams: bool) -> Receipt:
        """Take a command into the queue, or say why not.

        Args:
            command: What to do.
            jams: Whether this movement will get stuck.
        """
        cause, reason = self._objection(command)
        if cause is not Cause.NONE:
            return Receipt(command.id, ReceiptState.REFUSED, self._clock_s, cause, reason)
        due_s = self._clock_s if command.due_s is None else max(command.due_s, self._clock_s)
        heapq.heappush(self._queue, _Queued(due_s, command.id, command, jams))
        self._last_id = command.id
        return Receipt(command.id, ReceiptState.ACCEPTED, self._clock_s)

    def state(self) -> MachineState:
        """What the machine says of itself."""
        return MachineState(self._condition, self._reason, self._clock_s, len(self._queue))

    def collect(self) -> list[Receipt]:
        """What happened since the last call, oldest first."""
        news, self._news = self._news, []
        return news

    def _objection(self, command: Command) -> tuple[Cause, str]:
        if command.id <= self._last_id:
            return Cause.REPEATED, f"id {command.id} is not above {self._last_id}, the last taken"
        if self._condition is not Condition.ARMED:
            return Cause.NOT_ARMED, f"the machine is {self._condition} {self._reason}".rstrip()
        if command.bin not in self._bins:
            return Cause.UNKNOWN_BIN, f"there is no {command.bin}"
        if command.deadline_s is not None and command.deadline_s < self._clock_s:
            late_s = self._clock_s - command.deadline_s
            return Cause.TOO_LATE, f"arrived {late_s:.3f} s after its deadline"
        if len(self._queue) >= self._settings.queue_depth:
            return Cause.QUEUE_FULL, f"{len(self._queue)} commands are waiting; send it again later"
        return Cause.NONE, ""

    def _watchdog(self) -> "_Event":
        if self._condition is not Condition.ARMED:
            return _NEVER
        quiet_s = self._settings.watchdog_s
        reason = f"watchdog: nothing heard for {quiet_s:g} s"
        return self._heard_at_s + quiet_s, lambda: self.stop(reason, Cause.WATCHDOG)

    def _landing(self) -> "_Event":
        return (self._falling[0][0], self._land) if self._falling else _NEVER

    def _movement(self) -> "_Event":
        if not self._queue:
            return _NEVER
        start_s = max(self._queue[0].due_s, self._busy_until_s)
        deadline_s = self._queue[0].command.deadline_s
        if deadline_s is not None and start_s > deadline_s:
            return deadline_s, self._miss
        return start_s, self._move

    def _land(self) -> None:
        self._tell(self._falling.popleft()[1], ReceiptState.CONFIRMED)

    def _miss(self) -> None:
        late = heapq.heappop(self._queue)
        reason = f"the machine was busy until after the deadline, {late.command.deadline_s} s"
        self._tell(late.id, ReceiptState.MISSED, Cause.TOO_LATE, reason)

    def _move(self) -> None:
        now = heapq.heappop(self._queue)
        if now.jams:
            reason = f"jam on the way to {now.command.bin}"
            self._tell(now.id, ReceiptState.MISSED, Cause.JAM, reason)
            self.stop(reason, Cause.JAM)
            return
        self.pulses.append(Pulse(now.id, now.command.bin, self._clock_s))
        self._busy_until_s = self._clock_s + self._settings.move_s
        self._tell(now.id, ReceiptState.FIRED)
        if self._settings.confirms:
            self._falling.append((self._clock_s + self._settings.confirm_after_s, now.id))

    def _tell(
        self, command_id: int, state: ReceiptState, cause: Cause = Cause.NONE, reason: str = ""
    ) -> None:
        self._news.append(Receipt(command_id, state, self._clock_s, cause, reason))


_Event = tuple[float, Callable[[], None]]


def _nothing() -> None:
    """What happens at the end of time."""


_NEVER: _Event = (math.inf, _nothing)


def _when(event: _Event) -> float:
    return event[0]
