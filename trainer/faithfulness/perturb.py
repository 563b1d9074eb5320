"""Hides cells of the picture in the order of a map, and watches the logits."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from trainer.faithfulness.maps import NOTHING

STEPS = 16
BLUR = 1 / 16
"""Sigma of the fill, as a share of the input's side: shapes of bricks are gone, light stays."""

Logits = Callable[[np.ndarray], np.ndarray]
"""A model input (s, s, 3) uint8 to logits (n,)."""


@dataclass(frozen=True, slots=True, eq=False)
class Removal:
    """Logits while a map's cells are hidden.

    Attributes:
        most_first: (steps + 1, n): nothing hidden, then ever more, the most heat first.
        least_first: (steps + 1, n): the same, the least heat first. Read backwards it is the
            insertion of the most heat first into the fill.
    """

    most_first: np.ndarray
    least_first: np.ndarray


def blurred(picture: np.ndarray) -> np.ndarray:
    """What hidden cells are filled with: the picture (s, s, 3) uint8 itself, blurred."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), picture.shape[0] * BLUR), np.uint8)


def order_of(heat: np.ndarray, seed: int) -> np.ndarray:
    """Cells from the most heat to the least, (h * w,); equal ones by chance of `seed`."""
    values = np.asarray(heat, np.float64).ravel()
    chance = np.random.default_rng(seed).random(values.size)
    return np.lexsort((chance, -values))


def hide(picture: np.ndarray, fill: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """The picture with the cells of `hidden` (h, w) bool taken from `fill`; a new array."""
    side = picture.shape[:2]
    mask = cv2.resize(hidden.astype(np.uint8), side[::-1], interpolation=cv2.INTER_NEAREST)
    shown = picture.copy()
    cv2.copyTo(fill, mask, shown)
    return shown


class Hiding:
    """Hides cells of one picture; used by one thread only.

    Args:
        picture: (s, s, 3) uint8, the model's input.
        logits: The model.
        steps: Equal parts in which a map's cells are hidden.
    """

    def __init__(self, picture: np.ndarray, logits: Logits, steps: int = STEPS) -> None:
        self.picture, self.fill, self.steps = picture, blurred(picture), steps
        self._logits = logits
        self._ends = logits(picture), logits(self.fill)
        self._known: dict[bytes, np.ndarray] = {}

    def remove(self, heat: np.ndarray, seed: int) -> Removal:
        """Hide a map's cells step by step, in its order and in the opposite one.

        Args:
            heat: (h, w).
            seed: Of the order among cells of equal heat.
        """
        order = order_of(heat, seed)
        return Removal(*(self._curve(path, heat.shape) for path in (order, order[::-1])))

    def _curve(self, path: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        # Maps without a label's own order, as of the centre, come up for every label.
        key = path.tobytes()
        if key not in self._known:
            borders = [round(k * path.size / self.steps) for k in range(1, self.steps)]
            hidden = (hide(self.picture, self.fill, _first(path, n, shape)) for n in borders)
            middle = [self._logits(picture) for picture in hidden]
            self._known[key] = np.stack([self._ends[0], *middle, self._ends[1]])
        return self._known[key]


def _first(path: np.ndarray, count: int, shape: tuple[int, ...]) -> np.ndarray:
    hidden = np.zeros(path.size, bool)
    hidden[path[:count]] = True
    return hidden.reshape(shape)


def area(curve: np.ndarray) -> float:
    """Area under a curve (k,) of equal steps from 0 to 1, by trapezoids."""
    return float((curve[1:] + curve[:-1]).mean() / 2)


def symmetric_difference(most_first: np.ndarray, least_first: np.ndarray) -> float:
    """Area of least-first minus that of most-first; above 0 if the map's order means something.

    The fill hurts both in the same way, so it hardly matters here.
    """
    return area(least_first) - area(most_first)


def selectivity(before: np.ndarray, after: np.ndarray, own: int, others: np.ndarray) -> float:
    """Drop of the own logit less the mean drop of the other labels that are there.

    Args:
        before, after: Logits (n,) of the whole picture and without the map's top.
        own: Index of the label.
        others: Indices of the others.

    Returns:
        Logit units; NaN without others.
    """
    if not len(others):
        return NOTHING
    drop = before - after
    return float(drop[own] - drop[others].mean())
