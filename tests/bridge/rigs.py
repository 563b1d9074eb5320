"""The machines that have to keep the driver contract, with a hand on their time."""

from collections.abc import Callable
from dataclasses import dataclass

from sorter_firmware_bridge.bins import Bin
from sorter_firmware_bridge.drivers import Driver
from sorter_firmware_bridge.drivers.simulated import SimulatedDriver, SimulatedSettings

BINS = (Bin(1, "plates"), Bin(2, "tiles"), Bin(7, "rest"))


class Clock:
    """A clock that only goes when it is told to."""

    def __init__(self, now_s: float = 1000.0) -> None:
        self.now_s = now_s

    def __call__(self) -> float:
        return self.now_s


@dataclass(frozen=True, slots=True)
class Rig:
    """A freshly opened machine, a way to let its time pass, and what it really did.

    `fired` lists the ids of the movements that happened, whatever the link said of them.
    """

    driver: Driver
    wait: Callable[[float], None]
    fired: Callable[[], list[int]]


def _simulated(settings: SimulatedSettings) -> Rig:
    clock = Clock()
    driver = SimulatedDriver(BINS, settings, clock)

    def wait(duration_s: float) -> None:
        clock.now_s += duration_s

    return Rig(driver, wait, lambda: [pulse.command_id for pulse in driver.pulses])


# A new kind of driver joins the contract suite with one more line.
RIGS: dict[str, Callable[[], Rig]] = {
    "simulated": lambda: _simulated(SimulatedSettings()),
    "simulated, no drop sensor": lambda: _simulated(SimulatedSettings(confirms=False)),
}
