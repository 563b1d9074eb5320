"""The sorting line as the pipeline knows it: the belt, the drops and whether to feed."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from edge.arrival import Arrival, Arrivals, Window
from edge.belt import Belt, BeltReading, Encoder
from edge.feeder import Feeder, Feeding
from edge.machine import Machine
from edge.policy import Policy
from sorter_firmware_bridge.bins import Receipt


@dataclass(frozen=True, slots=True)
class LineReport:
    """How the line does.

    Attributes:
        feeding: Whether the feeder may give the next item.
        arrivals: How many movements arrived in which way, since the start.
        contents: Items that may be in a bin since it was emptied, by its number.
    """

    feeding: Feeding = field(default_factory=lambda: Feeding(False, "nothing was seen yet"))
    arrivals: Mapping[Arrival, int] = field(default_factory=dict)
    contents: Mapping[int, int] = field(default_factory=dict)


class Line:
    """Gathers what the machine says of belt, drops and queue.

    Args:
        policy: What the operator wants.
        window: When a drop is expected.
    """

    def __init__(self, policy: Policy, window: Window) -> None:
        self._policy = policy
        self._encoder = _encoder(policy.belt)
        self._feeder = Feeder(policy.backpressure)
        self._arrivals = Arrivals(window)
        self._opened = 0

    def sensed(self, machine: Machine, now_s: float) -> tuple[float, ...]:
        """Take what passed the machine's sensors.

        Args:
            machine: The machine.
            now_s: `time.monotonic()`.

        Returns:
            `time.monotonic()` of each event that begins an item: those of the belt do not.
        """
        self._meet(machine)
        begun = []
        for event in machine.sensor_events():
            at_s = machine.host_s(event.clock_s, now_s)
            belt = self._policy.belt
            if self._encoder is not None and belt is not None and event.sensor == belt.sensor:
                self._encoder.tick(at_s)
            else:
                begun.append(at_s)
        return tuple(begun)

    def told(self, receipt: Receipt, machine: Machine) -> None:
        """Take what the machine said of a command."""
        self._arrivals.told(receipt, machine.confirms)
        self._feeder.told(receipt, machine.state.queued if machine.state else 0)

    def belt(self, since_s: float, now_s: float) -> BeltReading | None:
        """What the encoder says of an item that began at `since_s`; None where there is none."""
        return self._encoder.reading(since_s, now_s) if self._encoder else None

    def hold(self, machine: Machine) -> str:
        """Why nothing may be sent to the machine now; empty where it may."""
        return self._feeder.hold(machine.state)

    def report(self, machine: Machine, contents: Mapping[int, int]) -> LineReport:
        """How it does now."""
        clock_s = machine.state.clock_s if machine.state else 0.0
        feeding = self._feeder.feeding(machine.state, self._full(contents))
        return LineReport(feeding, self._arrivals.counted(clock_s), contents)

    def _full(self, contents: Mapping[int, int]) -> str:
        """The first bin that takes no more, with all that take over from it."""
        for bin_ in self._policy.bins:
            chain = self._policy.chain_of(bin_.name)
            limits = [(self._policy.capacity_of(b.name), contents.get(b.number, 0)) for b in chain]
            if all(capacity is not None and there >= capacity for capacity, there in limits):
                return f"{bin_} is full, and so is what takes over from it; empty it"
        return ""

    def _meet(self, machine: Machine) -> None:
        # The clock of a machine that was found again may have begun again.
        if machine.times_opened != self._opened:
            self._opened = machine.times_opened
            self._arrivals.forget()
            if self._encoder is not None:
                self._encoder.forget()


def _encoder(belt: Belt | None) -> Encoder | None:
    if belt is None or belt.mm_per_tick is None:
        return None
    return Encoder(belt.mm_per_tick, belt.stopped_after_s)
