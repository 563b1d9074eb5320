"""The contract every kind of machine is driven by."""

from types import TracebackType
from typing import Protocol, Self

from sorter_firmware_bridge.bins import Command, Hello, MachineState, Receipt, SensorEvent


class Driver(Protocol):
    """One open machine, used by one thread at a time; no call waits longer than its link allows.

    What every driver keeps to, and `tests/bridge/test_driver_contract.py` checks:

    - A machine is opened disarmed. Only `arm` leads to armed, from any other condition.
    - `stop` works in any condition. A stopped machine drops its queue and is `SAFE` until armed.
    - An armed machine that hears nothing for `hello.watchdog_s` does the same by itself.
    - An accepted command fires at most once, and ends in one receipt: fired (then confirmed, where
      `hello.confirms`), missed or unknown.
    - A command that got no answer is unknown. The driver never sends it again by itself, and
      `move_to` with an id that was already sent returns what is known instead of sending.
    - Nothing fires before its due time or after its deadline.

    `stop` is a software stop. It is no safety-rated emergency stop: that must cut the power of the
    actuators without asking any computer.
    """

    @property
    def hello(self) -> Hello:
        """What the machine declared when it was opened."""

    def state(self) -> MachineState:
        """What the machine says of itself now; counts as a sign of life.

        Raises:
            MachineLost: It does not answer.
            DriverClosed: After `close`.
        """

    def heartbeat(self) -> MachineState:
        """Keep the watchdog quiet; call it several times in `hello.watchdog_s`.

        Returns:
            The state after the watchdog was fed. A machine that went safe before stays safe.

        Raises:
            MachineLost: It does not answer.
            DriverClosed: After `close`.
        """

    def arm(self) -> MachineState:
        """Allow movement.

        Returns:
            The state after; not armed when the machine cannot be, with the reason.

        Raises:
            MachineLost: It does not answer.
            DriverClosed: After `close`.
        """

    def stop(self, reason: str) -> MachineState:
        """Drop the queue and latch safe.

        Args:
            reason: Why, for a person. A machine that is safe already keeps its first reason.

        Raises:
            MachineLost: It does not answer, so that only its watchdog will stop it.
            DriverClosed: After `close`.
        """

    def move_to(self, command: Command) -> Receipt:
        """Send one command.

        Args:
            command: With an id above all that were accepted or unknown. A refused command changed
                nothing; the same id may be used again.

        Returns:
            Accepted, refused (with `Cause.QUEUE_FULL` as back-pressure) or unknown. For an id that
            was sent before, the newest that is known of it.

        Raises:
            DriverClosed: After `close`.
        """

    def receipts(self) -> tuple[Receipt, ...]:
        """What became known since the last call, oldest first; no sign of life to the machine.

        Collect them after every few commands: a driver with too many unread receipts refuses more.
        May still be called after `close`, for what the final stop dropped.
        """

    def sensor_events(self) -> tuple[SensorEvent, ...]:
        """What passed the sensors since the last call, oldest first.

        Raises:
            DriverClosed: After `close`.
        """

    def close(self) -> None:
        """Stop the machine and let go of it. Never raises; safe to call twice."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
