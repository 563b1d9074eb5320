"""What waits on the host, where the machine cannot schedule: queue, watchdog and condition."""

import heapq
import math
from dataclasses import dataclass, field

from sorter_firmware_bridge.bins import Bin, Cause, Command, Condition, Receipt, ReceiptState
from sorter_firmware_bridge.drivers.known import refused


@dataclass(frozen=True, slots=True, order=True)
class _Waiting:
    due_s: float
    id: int
    command: Command = field(compare=False)


class Schedule:
    """Which command is due, and whether anything may move. It does nothing by itself.

    Args:
        bins: The bins there are.
        queue_depth: Commands it can hold.
        watchdog_s: Silence after which it is `starved`.
    """

    def __init__(self, bins: tuple[Bin, ...], queue_depth: int, watchdog_s: float) -> None:
        self._bins = bins
        self._queue_depth = queue_depth
        self._watchdog_s = watchdog_s
        self._heard_at_s = -math.inf
        self._waiting: list[_Waiting] = []
        self.condition = Condition.DISARMED
        self.reason = ""

    @property
    def next_s(self) -> float:
        """When something is due, or the watchdog is; infinite where nothing ever is."""
        due_s = self._waiting[0].due_s if self._waiting else math.inf
        return min(due_s, self._starves_s())

    def hear(self, now_s: float) -> None:
        """Note a sign of life."""
        self._heard_at_s = now_s

    def starved(self, now_s: float) -> bool:
        """Whether it is armed and nothing was heard for too long."""
        return now_s >= self._starves_s()

    def arm(self) -> None:
        """Allow movement; this alone leaves safe."""
        self.condition, self.reason = Condition.ARMED, ""

    def stop(self, reason: str) -> list[Command]:
        """Latch safe; the first reason stays.

        Returns:
            What was dropped from the queue, in the order it was due.
        """
        if self.condition is not Condition.SAFE:
            self.condition, self.reason = Condition.SAFE, reason
        dropped, self._waiting = sorted(self._waiting), []
        return [waiting.command for waiting in dropped]

    def offer(self, command: Command, now_s: float) -> Receipt:
        """Take a command into the queue, or say why not."""
        cause, reason = self._objection(command, now_s)
        if cause is not Cause.NONE:
            return refused(command, cause, reason, now_s)
        due_s = now_s if command.due_s is None else max(command.due_s, now_s)
        heapq.heappush(self._waiting, _Waiting(due_s, command.id, command))
        return Receipt(command.id, ReceiptState.ACCEPTED, now_s)

    def take_late(self, now_s: float) -> list[Command]:
        """Take out what can no longer be done in time, in the order it was due."""
        late = sorted(waiting for waiting in self._waiting if _is_late(waiting.command, now_s))
        self._waiting = [waiting for waiting in self._waiting if waiting not in late]
        heapq.heapify(self._waiting)
        return [waiting.command for waiting in late]

    def take_due(self, now_s: float) -> Command | None:
        """Take out the command that is due first, if any is."""
        if not self._waiting or self._waiting[0].due_s > now_s:
            return None
        return heapq.heappop(self._waiting).command

    def _objection(self, command: Command, now_s: float) -> tuple[Cause, str]:
        if self.condition is not Condition.ARMED:
            return Cause.NOT_ARMED, f"the machine is {self.condition} {self.reason}".rstrip()
        if command.bin not in self._bins:
            return Cause.UNKNOWN_BIN, f"there is no {command.bin}"
        if command.deadline_s is not None and command.deadline_s < now_s:
            return Cause.TOO_LATE, f"arrived {now_s - command.deadline_s:.3f} s after its deadline"
        if len(self._waiting) >= self._queue_depth:
            return Cause.QUEUE_FULL, f"{len(self._waiting)} commands are waiting; send it later"
        return Cause.NONE, ""

    def _starves_s(self) -> float:
        armed = self.condition is Condition.ARMED
        return self._heard_at_s + self._watchdog_s if armed else math.inf


def _is_late(command: Command, now_s: float) -> bool:
    return command.deadline_s is not None and command.deadline_s < now_s
