"""The simulated machine: for a developer without one, for the demo and for the tests.

It is deterministic: with an injected clock, the same calls at the same times give the same answers.
Its clock starts at zero when it is opened, so that it is never the host's by accident.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

from sorter_firmware_bridge.bins import (
    Bin,
    Cause,
    Command,
    Hello,
    MachineState,
    Promise,
    Receipt,
    ReceiptState,
    SensorEvent,
    Timing,
    check_bins,
)
from sorter_firmware_bridge.drivers.simulated_machine import Pulse, SimulatedMachine
from sorter_firmware_bridge.drivers.simulated_settings import (
    Fault,
    FaultKind,
    SimulatedSettings,
    read_settings,
)
from sorter_firmware_bridge.errors import DriverClosed, MachineLost

__all__ = ["Fault", "FaultKind", "Pulse", "SimulatedDriver", "SimulatedSettings", "open_machine"]

MAX_UNREAD = 1024
MAX_REMEMBERED = 256
MAX_EVENTS = 256


def open_machine(bins: tuple[Bin, ...], settings: Mapping[str, object]) -> "SimulatedDriver":
    """Open a simulated machine from settings as a configuration file gives them.

    Raises:
        DriverSettingsError: A setting is wrong.
        BinError: The bins cannot be.
    """
    return SimulatedDriver(bins, read_settings(settings))


class SimulatedDriver:
    """The host's side of the simulated machine, with a link on which faults can be scripted.

    Args:
        bins: The bins it has.
        settings: What it is like and what goes wrong.
        clock: Seconds, never going back; a test passes its own.

    Raises:
        BinError: The bins cannot be.
    """

    def __init__(
        self,
        bins: tuple[Bin, ...],
        settings: SimulatedSettings | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        check_bins(bins)
        self._settings = settings or SimulatedSettings()
        self._machine = SimulatedMachine(bins, self._settings)
        self._clock = clock
        self._booted_at_s = clock()
        self._hello = _describe(bins, self._settings)
        self._known: dict[int, Receipt] = {}
        self._last_sent_id = 0
        self._sent = 0
        self._news: list[Receipt] = []
        self._events: deque[SensorEvent] = deque(maxlen=MAX_EVENTS)
        self._unplugged = False
        self._closed = False

    @property
    def hello(self) -> Hello:
        """What the machine declared when it was opened."""
        return self._hello

    @property
    def pulses(self) -> tuple[Pulse, ...]:
        """What really moved, whatever the link said of it; the newest 10,000."""
        self._let_time_pass()
        return tuple(self._machine.pulses)

    def state(self) -> MachineState:
        """See `Driver.state`."""
        return self._ask(_do_nothing)

    def heartbeat(self) -> MachineState:
        """See `Driver.heartbeat`."""
        return self._ask(_do_nothing)

    def arm(self) -> MachineState:
        """See `Driver.arm`."""
        return self._ask(self._machine.arm)

    def stop(self, reason: str) -> MachineState:
        """See `Driver.stop`."""
        return self._ask(lambda: self._machine.stop(reason))

    def move_to(self, command: Command) -> Receipt:
        """See `Driver.move_to`."""
        self._check_open()
        self._let_time_pass()
        if command.id <= self._last_sent_id:
            return self._known.get(command.id) or _refused(command, Cause.REPEATED, "an old id")
        if len(self._news) >= MAX_UNREAD:
            return _refused(command, Cause.QUEUE_FULL, f"{MAX_UNREAD} receipts are unread")
        receipt = self._send(command)
        if receipt.state is not ReceiptState.REFUSED:
            self._last_sent_id = command.id
            self._remember(receipt)
        return receipt

    def receipts(self) -> tuple[Receipt, ...]:
        """See `Driver.receipts`."""
        self._let_time_pass()
        news, self._news = tuple(self._news), []
        return news

    def sensor_events(self) -> tuple[SensorEvent, ...]:
        """See `Driver.sensor_events`."""
        self._check_open()
        events = tuple(self._events)
        self._events.clear()
        return events

    def trip(self, sensor: str) -> None:
        """Let something pass a sensor now.

        Args:
            sensor: One of `hello.sensors`.

        Raises:
            LookupError: There is no such sensor.
        """
        if sensor not in self._settings.sensors:
            raise LookupError(
                f"sensor {sensor!r}: there are {', '.join(self._settings.sensors) or 'none'}"
            )
        self._let_time_pass()
        if not self._unplugged:
            self._events.append(SensorEvent(sensor, self._machine.state().clock_s))

    def close(self) -> None:
        """See `Driver.close`."""
        if self._closed:
            return
        self._let_time_pass()
        if not self._unplugged:
            self._machine.stop("the driver was closed")
        self._let_time_pass()
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _ask(self, act: Callable[[], None]) -> MachineState:
        self._check_open()
        self._let_time_pass()
        if self._unplugged:
            raise MachineLost(
                "the simulated machine does not answer; its watchdog stops it within "
                f"{self._settings.watchdog_s:g} s. Check the cable and open it again"
            )
        self._machine.hear()
        act()
        self._let_time_pass()
        return self._machine.state()

    def _send(self, command: Command) -> Receipt:
        self._sent += 1
        fault = self._settings.fault_at(self._sent)
        if fault is FaultKind.UNPLUG and not self._unplugged:
            self._unplug()
        if self._unplugged or fault is FaultKind.SILENCE:
            return _unanswered(command.id)
        self._machine.hear()
        if fault is FaultKind.REFUSAL:
            return _refused(command, Cause.DECLINED, "the machine said no")
        receipt = self._machine.offer(command, jams=fault is FaultKind.JAM)
        return _unanswered(command.id) if fault is FaultKind.LOST_REPLY else receipt

    def _unplug(self) -> None:
        self._unplugged = True
        for receipt in list(self._known.values()):
            if receipt.state is ReceiptState.ACCEPTED:
                self._learn(_unanswered(receipt.command_id))

    def _let_time_pass(self) -> None:
        if self._closed:
            return
        self._machine.advance(self._clock() - self._booted_at_s)
        news = self._machine.collect()
        if self._unplugged:
            return
        for receipt in news:
            self._learn(receipt)

    def _learn(self, receipt: Receipt) -> None:
        known = self._known.get(receipt.command_id)
        if known is not None and known.state.may_become(receipt.state):
            self._remember(receipt)
            self._news.append(receipt)

    def _remember(self, receipt: Receipt) -> None:
        self._known[receipt.command_id] = receipt
        while len(self._known) > MAX_REMEMBERED:
            self._known.pop(next(iter(self._known)))

    def _check_open(self) -> None:
        if self._closed:
            raise DriverClosed("the simulated machine was closed; open it again")


def _describe(bins: tuple[Bin, ...], settings: SimulatedSettings) -> Hello:
    return Hello(
        kind="simulated",
        boot_id=1,
        bins=bins,
        queue_depth=settings.queue_depth,
        watchdog_s=settings.watchdog_s,
        confirms=settings.confirms,
        sensors=settings.sensors,
        promise=Promise.EXACTLY_ONCE,
        timing=Timing.MACHINE,
    )


def _refused(command: Command, cause: Cause, reason: str) -> Receipt:
    return Receipt(command.id, ReceiptState.REFUSED, None, cause, reason)


def _unanswered(command_id: int) -> Receipt:
    reason = "no answer; whether it fired is not known, and it is not sent again"
    return Receipt(command_id, ReceiptState.UNKNOWN, None, Cause.NO_ANSWER, reason)


def _do_nothing() -> None:
    """A question that changes nothing."""
