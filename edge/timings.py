"""How long each step took lately, and how many frames came: kept by the pipeline, told once a
second."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

KEPT = 300
"""Frames that the quantiles are of: half a minute at 10 a second."""
WINDOW_S = 10.0
EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class Spread:
    """Of the last values of one thing, in milliseconds.

    Attributes:
        p50, p95: Half and nineteen of twenty of them are at most so large.
        largest: The largest of them.
        count: How many there are.
    """

    p50: float
    p95: float
    largest: float
    count: int


@dataclass(frozen=True, slots=True)
class Timings:
    """What was measured lately.

    Attributes:
        stages: By name: each step of a frame, and "age", from its capture until all of it was
            done.
        fps: Frames a second over the last ten seconds; None before the second frame.
        frames: Since the start, also those whose times are forgotten.
    """

    stages: Mapping[str, Spread] = field(default_factory=dict)
    fps: float | None = None
    frames: int = 0


class Stopwatch:
    """Collects the times of frames; used by one thread."""

    def __init__(self) -> None:
        self._stages: dict[str, deque[float]] = {}
        self._ended_s: deque[float] = deque(maxlen=KEPT)
        self._frames = 0
        self._told = Timings()
        self._next_s = float("-inf")

    def note(self, stage_ms: Mapping[str, float], age_ms: float, now_s: float) -> None:
        """Note a frame that is done.

        Args:
            stage_ms: How long each of its steps took.
            age_ms: Since it was captured.
            now_s: `time.monotonic()`.
        """
        self._frames += 1
        self._ended_s.append(now_s)
        for name, took_ms in (*stage_ms.items(), ("age", age_ms)):
            self._stages.setdefault(name, deque(maxlen=KEPT)).append(took_ms)

    def told(self, now_s: float) -> Timings:
        """What was measured lately; at most a second old."""
        if now_s >= self._next_s:
            self._next_s = now_s + EVERY_S
            spreads = {name: _spread(values) for name, values in self._stages.items()}
            self._told = Timings(spreads, self._fps(now_s), self._frames)
        return self._told

    def _fps(self, now_s: float) -> float | None:
        lately = [at_s for at_s in self._ended_s if now_s - at_s <= WINDOW_S]
        if len(self._ended_s) < 2:
            return None
        if len(lately) < 2:
            return 0.0
        # Up to now, not to the last frame: a camera that fell silent is no fast one.
        return (len(lately) - 1) / (now_s - lately[0]) if now_s > lately[0] else None


def _spread(values: deque[float]) -> Spread:
    p50, p95 = np.percentile(values, (50, 95))
    return Spread(float(p50), float(p95), max(values), len(values))
