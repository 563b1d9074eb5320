"""How much of a map lies on what: the attention budget."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.explain.colours import Values


@dataclass(frozen=True, slots=True)
class Attention:
    """Shares of a map's evidence; together 1, all NaN for a map without evidence.

    Attributes:
        own: On the bricks of the label's type.
        other: On other bricks.
        background: On nothing.
    """

    own: float
    other: float
    background: float


def attention(heat: Values, own: NDArray[np.float32], bricks: NDArray[np.float32]) -> Attention:
    """Share out a map's evidence.

    Masks finer than the map are averaged down to its grid, so that a cell on a border counts in
    part; the map itself is never interpolated.

    Args:
        heat: (h, w) float32; what is below zero counts as nothing.
        own: (H, W) in 0..1, where bricks of the label's type show.
        bricks: (H, W) in 0..1, where any brick shows (on a machine: what lies on the belt).

    Raises:
        ValueError: The masks differ in shape, or are coarser than the map.
    """
    if own.shape != bricks.shape or any(
        fine < coarse for fine, coarse in zip(own.shape, heat.shape, strict=True)
    ):
        raise ValueError(
            f"masks of one shape, at least as fine as the map, are needed; found {own.shape} and"
            f" {bricks.shape} for a map of {heat.shape}"
        )
    evidence = np.maximum(heat, 0).astype(np.float64)
    total = evidence.sum()
    if total <= 0:
        return Attention(float("nan"), float("nan"), float("nan"))
    mine, any_brick = (_averaged(mask, heat.shape) for mask in (own, np.maximum(own, bricks)))
    on_own = float((evidence * mine).sum() / total)
    on_bricks = float((evidence * any_brick).sum() / total)
    return Attention(on_own, on_bricks - on_own, 1 - on_bricks)


def _averaged(mask: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float64]:
    size = shape[1], shape[0]
    return np.asarray(cv2.resize(mask.astype(np.float64), size, interpolation=cv2.INTER_AREA))
