"""Means with 95 % intervals from resampled scenes (Efron's percentile bootstrap)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

DRAWS = 1000
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its uncertainty.

    Attributes:
        mean: Of the values that are defined; NaN without any.
        low, high: Borders of the 95 % interval; NaN where there are fewer than two scenes.
        count: Values that are defined.
        undefined: Values that are not.
    """

    mean: float
    low: float
    high: float
    count: int
    undefined: int


class Resampled:
    """The same resampled scenes for every figure, so that differences are paired.

    Values of one scene stay together: its bricks share light, ground and camera.

    Args:
        scenes: Of each value, anything that can be compared, (n,).
        groups: Of each value, such as its part type, (n,); a mean is over groups first where it
            is asked for.
        draws: Resamplings.
        seed: Of them.
    """

    def __init__(
        self, scenes: Sequence[int], groups: Sequence[str], draws: int = DRAWS, seed: int = 0
    ) -> None:
        names, self._scene = np.unique(np.asarray(scenes), return_inverse=True)
        self.groups, self._group = np.unique(np.asarray(groups), return_inverse=True)
        self.count = len(names)
        rng = np.random.default_rng(seed)
        even = np.full(self.count, 1 / max(self.count, 1))
        drawn = rng.multinomial(self.count, even, draws) if self.count else np.zeros((draws, 0))
        # The first is the sample itself.
        self._weights = np.vstack([np.ones((1, self.count)), drawn])

    def means(self, values: np.ndarray, by_group: bool = False) -> np.ndarray:
        """The mean of the values as they are, then of each resampling.

        Args:
            values: (n,), NaN where undefined.
            by_group: Whether every group counts the same, however many values it has.

        Returns:
            (draws + 1,); NaN where nothing is defined.
        """
        group = self._group if by_group else np.zeros_like(self._group)
        shape = (self.count, int(group.max(initial=0)) + 1)
        sums, counts = np.zeros(shape), np.zeros(shape)
        known = np.isfinite(values)
        np.add.at(sums, (self._scene[known], group[known]), values[known])
        np.add.at(counts, (self._scene[known], group[known]), 1)
        total, number = self._weights @ sums, self._weights @ counts
        each = np.divide(total, number, out=np.zeros_like(total), where=number > 0)
        occurring = (number > 0).sum(axis=1)
        out = np.full(len(each), np.nan)
        return np.divide(each.sum(axis=1), occurring, out=out, where=occurring > 0)

    def interval(self, values: np.ndarray, by_group: bool = False) -> Interval:
        """The mean of values (n,) with its interval; see `means`."""
        known = int(np.isfinite(values).sum())
        return self.of(self.means(values, by_group), known, len(values) - known)

    def of(self, means: np.ndarray, count: int, undefined: int) -> Interval:
        """An interval from a figure and those of its resamplings, (draws + 1,)."""
        drawn = means[1:][np.isfinite(means[1:])]
        if self.count < 2 or len(drawn) == 0:
            return Interval(float(means[0]), float("nan"), float("nan"), count, undefined)
        edge = (1 - LEVEL) / 2
        low, high = np.quantile(drawn, [edge, 1 - edge])
        return Interval(float(means[0]), float(low), float(high), count, undefined)
