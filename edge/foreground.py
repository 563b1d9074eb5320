"""What lies in a scene that was empty before: how many things, and where."""

import cv2
import numpy as np
from numpy.typing import NDArray


def changed_cells(
    empty: NDArray[np.float32], seen: NDArray[np.float32], contrast: float
) -> NDArray[np.bool_]:
    """Where a scene differs from the empty one.

    A change of the light moves all cells alike, so the median of the differences is taken off.

    Args:
        empty, seen: (r, c) float32 grey in 0..255.
        contrast: Grey levels from which on a cell differs.

    Returns:
        (r, c) bool.
    """
    change = seen - empty
    differs: NDArray[np.bool_] = np.abs(change - np.median(change)) >= contrast
    return differs


def count_objects(cells: NDArray[np.bool_], area: float) -> int:
    """How many separate things there are; those that touch, also at a corner, are one.

    Args:
        cells: (r, c) bool, where something is.
        area: Share, 0..1, of all cells that a thing covers at least.
    """
    stats = cv2.connectedComponentsWithStats(cells.astype(np.uint8), connectivity=8)[2]
    covered = stats[1:, cv2.CC_STAT_AREA]
    return int((covered >= area * cells.size).sum())


def focus_of(heat: NDArray[np.float32], cells: NDArray[np.bool_]) -> float:
    """How much of a heatmap lies on things.

    Args:
        heat: (h, w) float32; what is below zero does not count.
        cells: (r, c) bool, where something is.

    Returns:
        Share, 0..1, of the heat in positions that touch a thing; 0 where there is no heat.
    """
    positive = np.maximum(heat, 0)
    total = float(positive.sum())
    touched = _shrunk(cells, heat.shape)
    return float(positive[touched].sum()) / total if total > 0 else 0.0


def _shrunk(cells: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Which positions of a coarse grid, laid over the same picture, touch a cell that is set."""
    touched = np.zeros(shape, bool)
    for row, column in np.argwhere(cells):
        top, bottom = _span(row, cells.shape[0], shape[0])
        left, right = _span(column, cells.shape[1], shape[1])
        touched[top:bottom, left:right] = True
    return touched


def _span(index: int, cells: int, positions: int) -> tuple[int, int]:
    """First and one past the last position that cell `index` of `cells` overlaps."""
    return index * positions // cells, -(-(index + 1) * positions // cells)
