"""Whether a gradient map and LIME point at the same superpixels."""

from dataclasses import dataclass
from enum import IntEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.explain.colours import Values

TOP = 10


class Said(IntEnum):
    """Who counts a superpixel among the strongest for a label."""

    NONE = 0
    ONLY_CAM = 1
    ONLY_LIME = 2
    BOTH = 3


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """How far two explanations of one label agree.

    Attributes:
        spearman: Rank correlation over all superpixels; NaN where one of the two is even.
        jaccard: Overlap of the at most `TOP` strongest superpixels *for* the label; NaN where
            neither names one.
        signs: Share of equal signs among superpixels where both say something; NaN where there is
            none.
        said: (K,) int8 of `Said`.
        pooled: (K,) float64, the gradient map's evidence in each superpixel.
    """

    spearman: float
    jaccard: float
    signs: float
    said: NDArray[np.int8]
    pooled: NDArray[np.float64]

    def count(self, who: Said) -> int:
        """How many superpixels are of that kind."""
        return int((self.said == who).sum())


def agreement(
    cam: Values, coefficients: NDArray[np.float32], segments: NDArray[np.int32], top: int = TOP
) -> Agreement:
    """Compare a gradient map with LIME's coefficients.

    Args:
        cam: (h, w) float32, signed: HiResCAM, whose sum is the label's evidence.
        coefficients: (K,) of LIME for the same label.
        segments: (s, s) int32, numbered 0..K-1.
        top: How many superpixels count as the strongest.
    """
    pooled = pool(cam, segments, len(coefficients))
    by_cam, by_lime = _strongest(pooled, top), _strongest(coefficients, top)
    said = by_cam * np.int8(Said.ONLY_CAM) + by_lime * np.int8(Said.ONLY_LIME)
    either = int((by_cam | by_lime).sum())
    speak = (pooled != 0) & (coefficients != 0)
    same = np.sign(pooled[speak]) == np.sign(coefficients[speak])
    return Agreement(
        spearman=rank_correlation(pooled, coefficients),
        jaccard=int((by_cam & by_lime).sum()) / either if either else float("nan"),
        signs=float(same.mean()) if speak.any() else float("nan"),
        said=said.astype(np.int8),
        pooled=pooled,
    )


def pool(values: Values, segments: NDArray[np.int32], superpixels: int) -> NDArray[np.float64]:
    """Sum a map over superpixels.

    Each cell's value is spread evenly over the pixels it covers, so nothing is lost or gained.

    Args:
        values: (h, w) float32.
        segments: (s, s) int32, numbered from 0.
        superpixels: K.

    Returns:
        (K,) float64; its sum is the map's.
    """
    height, width = segments.shape
    spread = cv2.resize(
        values.astype(np.float64), (width, height), interpolation=cv2.INTER_NEAREST_EXACT
    )
    # By the pixels a cell really got: they differ where the sides do not divide.
    cells = np.arange(values.size, dtype=np.float64).reshape(values.shape)
    owner = cv2.resize(cells, (width, height), interpolation=cv2.INTER_NEAREST_EXACT).astype(int)
    share = spread / np.bincount(owner.ravel(), minlength=values.size)[owner]
    return np.asarray(
        np.bincount(segments.ravel(), share.ravel(), minlength=superpixels), np.float64
    )


def _strongest(values: NDArray[np.floating], top: int) -> NDArray[np.bool_]:
    """The at most `top` largest that are above zero."""
    chosen = np.zeros(len(values), bool)
    chosen[np.argsort(-values, kind="stable")[:top]] = True
    return chosen & (values > 0)


def rank_correlation(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """Spearman's rank correlation of two (n,) arrays, equal values sharing their mean rank.

    Returns:
        -1..1; NaN where all values of one are equal.
    """
    one, other = ranks(first), ranks(second)
    one, other = one - one.mean(), other - other.mean()
    spread = float(np.sqrt((one**2).sum() * (other**2).sum()))
    return float((one * other).sum() / spread) if spread > 0 else float("nan")


def ranks(values: NDArray[np.floating]) -> NDArray[np.float64]:
    """Ranks (n,) from 0, equal values sharing their mean rank."""
    _, places, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    middle = last - (counts + 1) / 2
    return np.asarray(middle[places], np.float64)
