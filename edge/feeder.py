"""Whether whatever feeds items may give the next one, and why not."""

from dataclasses import dataclass

from edge.policy import Backpressure
from sorter_firmware_bridge.bins import Cause, MachineState, Receipt


@dataclass(frozen=True, slots=True)
class Feeding:
    """Whether the feeder may give the next item.

    Attributes:
        ok: Whether it may.
        reason: Why not, for a person; empty where it may.
    """

    ok: bool
    reason: str = ""


class Feeder:
    """Holds items back while the machine has enough to do, and goes on when it has little.

    It pauses at `pause_at` waiting commands, or once the machine says that its queue is full, and
    goes on at `resume_at`; without settings, once anything was taken from a full queue.

    Args:
        settings: When to pause; None leaves that to the machine.
    """

    def __init__(self, settings: Backpressure | None) -> None:
        self._settings = settings
        self._resume_at: int | None = None

    def told(self, receipt: Receipt, queued: int) -> None:
        """Note an answer of the machine.

        Args:
            receipt: Of any command.
            queued: Commands that wait in the machine.
        """
        if receipt.cause is Cause.QUEUE_FULL:
            self._resume_at = self._settings.resume_at if self._settings else max(0, queued - 1)

    def hold(self, machine: MachineState | None) -> str:
        """Why nothing may be sent to the machine now; empty where it may."""
        if machine is None:
            self._resume_at = None
            return ""
        if self._resume_at is not None and machine.queued <= self._resume_at:
            self._resume_at = None
        if self._settings is not None and machine.queued >= self._settings.pause_at:
            self._resume_at = self._settings.resume_at
        if self._resume_at is None:
            return ""
        return f"{machine.queued} commands are waiting; it goes on at {self._resume_at}"

    def feeding(self, machine: MachineState | None, full: str) -> Feeding:
        """Whether the feeder may give the next item.

        Args:
            machine: What it says of itself; None where it does not answer or there is none.
            full: Which bin has to be emptied first; empty where none.
        """
        if machine is None or not machine.armed:
            said = "does not answer" if machine is None else f"is {machine.condition}"
            return Feeding(False, f"the machine {said}")
        why = self.hold(machine) or full
        return Feeding(not why, why)
