"""What a host timed machine moves with: the part that differs between its drivers."""

from dataclasses import dataclass
from typing import Protocol

from sorter_firmware_bridge.bins import Cause, Command, Receipt


@dataclass(frozen=True, slots=True)
class Told:
    """What a hand has to say after it acted or listened.

    Attributes:
        receipts: Facts of commands, oldest first.
        trouble: Why nothing may move until a person armed it again; empty where all is well.
        cause: The same for counting.
    """

    receipts: tuple[Receipt, ...] = ()
    trouble: str = ""
    cause: Cause = Cause.NONE


class Hand(Protocol):
    """Outputs or a link that act at once. Called with the driver's lock held, by any thread.

    Every method but `close` raises `MachineLost` when the machine is gone.
    """

    @property
    def wakes_s(self) -> float:
        """When `poll` is to be called next; infinite where there is nothing to wait for."""

    def ready(self) -> str:
        """Prepare to move, because a person armed the machine.

        Returns:
            Why it cannot be armed; empty when it is ready.
        """

    def busy(self, now_s: float) -> bool:
        """Whether the next movement has to wait."""

    def begin(self, command: Command, now_s: float) -> Told:
        """Move now, once."""

    def poll(self, now_s: float) -> Told:
        """Go on with what was begun, and listen."""

    def rest(self) -> None:
        """Make the outputs safe now."""

    def close(self) -> None:
        """Let go. Never raises; safe to call twice."""
