"""The simulated machine: for a developer without one, for the demo and for the tests.

It is the whole way of a real one: the driver, the link, frames, and a machine that keeps the
protocol byte for byte; only the wire is short. It is deterministic: with an injected clock, the
same calls at the same times give the same answers. Its clock starts at zero when it is opened, so
that it is never the host's by accident.
"""

import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sorter_firmware_bridge.bins import Bin, check_bins
from sorter_firmware_bridge.drivers.framed_driver import FramedDriver
from sorter_firmware_bridge.drivers.simulated_machine import SimulatedMachine
from sorter_firmware_bridge.drivers.simulated_settings import (
    Fault,
    FaultKind,
    SimulatedSettings,
    read_settings,
    table_of,
)
from sorter_firmware_bridge.drivers.simulated_wire import SimulatedWire
from sorter_firmware_bridge.link import Link, LinkSettings

__all__ = ["Fault", "FaultKind", "Pulse", "SimulatedDriver", "SimulatedSettings", "open_machine"]

MAX_IDS = 20_000
# Nothing is ever on its way for longer than no time, so one repeat proves what three do.
LINK = LinkSettings(attempts=3)


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


def open_machine(bins: tuple[Bin, ...], settings: Mapping[str, object]) -> "SimulatedDriver":
    """Open a simulated machine from settings as a configuration file gives them.

    Raises:
        DriverSettingsError: A setting is wrong.
        BinError: The bins cannot be.
    """
    return SimulatedDriver(bins, read_settings(settings))


class SimulatedDriver(FramedDriver):
    """The driver of a machine that is simulated, on a wire where faults can be scripted.

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
        settings = settings or SimulatedSettings()
        machine = SimulatedMachine(table_of(bins, settings))
        self._wire = SimulatedWire(machine, settings, clock)
        self._places = bins
        self._commands: OrderedDict[int, int] = OrderedDict()
        link = Link(self._wire, LINK, clock, nonce=lambda: 1)
        super().__init__(link, bins, settings.sensors, "simulated", clock)

    @property
    def pulses(self) -> tuple[Pulse, ...]:
        """What really moved, whatever the link said of it; the newest 10,000."""
        return tuple(
            Pulse(self._commands[edge.seq], self._places[edge.output], edge.at_us / 1e6)
            for edge in self._wire.edges()
            if edge.on and edge.seq in self._commands
        )

    def trip(self, sensor: str) -> None:
        """Let something pass a sensor now.

        Args:
            sensor: One of `hello.sensors`.

        Raises:
            LookupError: There is no such sensor.
        """
        names = self.hello.sensors
        if sensor not in names:
            raise LookupError(f"sensor {sensor!r}: there are {', '.join(names) or 'none'}")
        self._wire.trip(names.index(sensor))

    def _await(self, seq: int, command_id: int) -> None:
        super()._await(seq, command_id)
        self._commands[seq] = command_id
        self._commands.move_to_end(seq)
        while len(self._commands) > MAX_IDS:
            self._commands.popitem(last=False)
