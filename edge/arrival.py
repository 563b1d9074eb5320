"""Whether an item was seen to drop when it should: early, late and lost are states of their own."""

from collections import Counter, OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from edge.errors import ConfigError
from edge.ranges import check_range
from sorter_firmware_bridge.bins import Receipt, ReceiptState

MAX_WATCHED = 1000


class Arrival(StrEnum):
    """What the drop sensor says of one item that was moved; closed."""

    WAITING = "waiting"
    """It has not been moved yet, or may still drop in time."""
    ON_TIME = "on_time"
    """It dropped when it should."""
    EARLY = "early"
    """Something dropped before it can have: look whether it was another item."""
    LATE = "late"
    """It dropped after it should have, and may have missed its bin."""
    LOST = "lost"
    """Nothing dropped: it went elsewhere, stuck, or was never there."""
    UNSEEN = "unseen"
    """The machine has no sensor that would see it."""


@dataclass(frozen=True, slots=True)
class Window:
    """When the drop sensor sees an item, counted from its movement.

    Attributes:
        earliest_s: Before this it cannot be that item, 0..60.
        latest_s: After this it is late, above `earliest_s` and up to 60.
        lost_s: After this it is lost, `latest_s`..600; what still drops then is late.

    Raises:
        ConfigError: A value is out of range.
    """

    earliest_s: float = 0.0
    latest_s: float = 1.0
    lost_s: float = 3.0

    def __post_init__(self) -> None:
        check_range("drop.earliest_s", self.earliest_s, 0, 60)
        check_range("drop.latest_s", self.latest_s, 0, 60)
        check_range("drop.lost_s (from latest_s on)", self.lost_s, self.latest_s, 600)
        if self.latest_s <= self.earliest_s:
            raise ConfigError(
                f"drop.latest_s: found {self.latest_s:g}, expected above earliest_s,"
                f" {self.earliest_s:g}"
            )


@dataclass(frozen=True, slots=True)
class Drop:
    """What is known of one movement, on the machine's clock.

    Attributes:
        fired_s: When it was moved; None where that is not known.
        confirmed_s: When the sensor saw it; None where it did not.
    """

    fired_s: float | None = None
    confirmed_s: float | None = None


def arrival(drop: Drop, window: Window, confirms: bool, clock_s: float) -> Arrival:
    """Say whether an item dropped when it should.

    Args:
        drop: What is known of its movement.
        window: When it should.
        confirms: Whether the machine has a sensor that sees drops.
        clock_s: The machine's clock now.
    """
    if drop.fired_s is None:
        return Arrival.WAITING
    if drop.confirmed_s is not None:
        return _of_drop(drop.confirmed_s - drop.fired_s, window)
    if not confirms:
        return Arrival.UNSEEN
    return Arrival.LOST if clock_s - drop.fired_s > window.lost_s else Arrival.WAITING


def _of_drop(after_s: float, window: Window) -> Arrival:
    if after_s < window.earliest_s:
        return Arrival.EARLY
    return Arrival.ON_TIME if after_s <= window.latest_s else Arrival.LATE


class Arrivals:
    """Follows every movement by the id of its command, and counts how they arrived.

    Nothing is matched by order: a drop that is not seen shifts no other item.

    Args:
        window: When the sensor sees an item.
    """

    def __init__(self, window: Window) -> None:
        self._window = window
        self._drops: OrderedDict[int, Drop] = OrderedDict()
        self._confirms = False
        self._over: Counter[Arrival] = Counter()
        self._lost: set[int] = set()

    def told(self, receipt: Receipt, confirms: bool) -> None:
        """Note what the machine said of a command.

        Args:
            receipt: What it said.
            confirms: Whether the machine has a sensor that sees drops.
        """
        self._confirms = confirms
        drop = self._drops.get(receipt.command_id, Drop())
        if receipt.state is ReceiptState.FIRED:
            self._watch(receipt.command_id, replace(drop, fired_s=receipt.clock_s))
        elif receipt.state is ReceiptState.CONFIRMED and drop.fired_s is not None:
            self._end(receipt.command_id, replace(drop, confirmed_s=receipt.clock_s))

    def counted(self, clock_s: float) -> Mapping[Arrival, int]:
        """How many movements arrived in which way, since the start.

        Args:
            clock_s: The machine's clock now.
        """
        for command_id, drop in self._drops.items():
            if arrival(drop, self._window, self._confirms, clock_s) is Arrival.LOST:
                self._lost.add(command_id)
        counts = Counter(self._over)
        counts[Arrival.LOST] += len(self._lost)
        return {kind: counts[kind] for kind in Arrival if kind is not Arrival.WAITING}

    def forget(self) -> None:
        """Stop following, as after the machine was lost: its clock may have begun again."""
        self._over[Arrival.LOST] += len(self._lost)
        self._drops.clear()
        self._lost.clear()

    def _watch(self, command_id: int, drop: Drop) -> None:
        if not self._confirms:
            self._over[Arrival.UNSEEN] += 1
            return
        self._drops[command_id] = drop
        while len(self._drops) > MAX_WATCHED:
            oldest, _ = self._drops.popitem(last=False)
            self._lost.discard(oldest)
            self._over[Arrival.LOST] += 1

    def _end(self, command_id: int, drop: Drop) -> None:
        self._drops.pop(command_id, None)
        self._lost.discard(command_id)
        self._over[arrival(drop, self._window, True, drop.confirmed_s or 0.0)] += 1
