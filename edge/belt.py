"""A belt: how fast it runs, where the bins are, and when an item passes one."""

from bisect import bisect_left
from collections import deque
from dataclasses import dataclass

from edge.errors import ConfigError
from edge.ranges import check_range

MAX_MM = 100_000
MAX_TICKS = 4096
SPEED_TICKS = 10


@dataclass(frozen=True, slots=True)
class Belt:
    """What is known of a belt; lengths are on one ruler along it.

    Attributes:
        distances: Name of a bin and where on the ruler an item falls into it, in millimetres.
        speed_mm_s: Its constant speed; None where an encoder measures it.
        sensor: The machine's sensor that ticks as the belt moves; None with `speed_mm_s`.
        mm_per_tick: How far the belt moves from tick to tick; None with `speed_mm_s`.
        stopped_after_s: Without a tick for so long it is stopped, 0.01..60.
        camera_mm: Where on the ruler an item begins: under the camera, or at the sensor.

    Raises:
        ConfigError: A value is out of range, or speed and encoder are both or neither given.
    """

    distances: tuple[tuple[str, float], ...]
    speed_mm_s: float | None = None
    sensor: str | None = None
    mm_per_tick: float | None = None
    stopped_after_s: float = 1.0
    camera_mm: float = 0.0

    def __post_init__(self) -> None:
        if (self.sensor is None) != (self.mm_per_tick is None):
            key = "sensor" if self.sensor is None else "mm_per_tick"
            raise ConfigError(f"belt.{key}: missing; an encoder needs sensor and mm_per_tick")
        if (self.speed_mm_s is None) == (self.sensor is None):
            found = "neither" if self.sensor is None else "both"
            raise ConfigError(
                f"belt.speed_mm_s: found {found} of speed_mm_s and sensor; give one of them"
            )
        check_range("belt.speed_mm_s", self.speed_mm_s or 1, 0.1, MAX_MM)
        check_range("belt.mm_per_tick", self.mm_per_tick or 1, 0.001, MAX_MM)
        check_range("belt.stopped_after_s", self.stopped_after_s, 0.01, 60)
        check_range("belt.camera_mm", self.camera_mm, 0, MAX_MM)

    def way_mm(self, bin_name: str) -> float | None:
        """How far an item travels to a bin; None where its place is not known."""
        found = (mm for name, mm in self.distances if name == bin_name)
        place_mm = next(found, None)
        return None if place_mm is None else place_mm - self.camera_mm


@dataclass(frozen=True, slots=True)
class BeltReading:
    """What an encoder says of the belt at one moment, about one item.

    Attributes:
        speed_mm_s: Above 0; None while it is stopped or not known.
        moved_mm: How far it moved since the item began, until `at_s`.
        at_s: `time.monotonic()` of the reading.
        problem: Why there is no speed, for a person; empty where there is one.
    """

    speed_mm_s: float | None
    moved_mm: float = 0.0
    at_s: float = 0.0
    problem: str = ""


class Encoder:
    """Counts the ticks of a belt. No clock of its own.

    Args:
        mm_per_tick: How far the belt moves from tick to tick.
        stopped_after_s: Without a tick for so long it is stopped.
    """

    def __init__(self, mm_per_tick: float, stopped_after_s: float) -> None:
        self._mm_per_tick = mm_per_tick
        self._stopped_after_s = stopped_after_s
        self._ticks: deque[float] = deque(maxlen=MAX_TICKS)

    def tick(self, at_s: float) -> None:
        """Note a tick.

        Args:
            at_s: `time.monotonic()` when it happened; one from before the last is taken as that.
        """
        self._ticks.append(max(at_s, self._ticks[-1]) if self._ticks else at_s)

    def forget(self) -> None:
        """Forget all ticks, as after the machine was lost."""
        self._ticks.clear()

    def reading(self, since_s: float, now_s: float) -> BeltReading:
        """Speed now, and how far it moved since.

        Args:
            since_s: `time.monotonic()` when the item began.
            now_s: `time.monotonic()`.
        """
        quiet_s = now_s - self._ticks[-1] if self._ticks else float("inf")
        if quiet_s > self._stopped_after_s:
            last = f"the last was {quiet_s:.2f} s ago" if self._ticks else "there was none"
            return BeltReading(None, problem=f"the belt does not tick: {last}")
        newest = list(self._ticks)[-SPEED_TICKS:]
        if newest[0] >= newest[-1] or since_s < self._ticks[0]:
            return BeltReading(None, problem="the belt has not ticked for long enough to be known")
        speed_mm_s = (len(newest) - 1) * self._mm_per_tick / (newest[-1] - newest[0])
        moved = self._ticks_until(now_s) - self._ticks_until(since_s)
        return BeltReading(speed_mm_s, moved * self._mm_per_tick, now_s)

    def _ticks_until(self, at_s: float) -> float:
        """Ticks since the first that is remembered, and the part of one that has passed."""
        after = bisect_left(self._ticks, at_s)
        if after == 0:
            return 0.0
        before_s = self._ticks[after - 1]
        whole_s = (
            self._ticks[after] - before_s
            if after < len(self._ticks)
            else before_s - self._ticks[max(0, after - 2)]
        )
        part = min(1.0, (at_s - before_s) / whole_s) if whole_s > 0 else 0.0
        return after - 1 + part
