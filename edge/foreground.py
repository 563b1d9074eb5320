"""What lies in a scene that was empty before: how many things, and where."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.domain import PixelWindow
from edge.preprocessing import Preprocessing, place


def changed_cells(
    empty: NDArray[np.float32], seen: NDArray[np.float32], contrast: float
) -> NDArray[np.bool_]:
    """Where a scene differs from the empty one.

    A change of the light moves all cells alike, so the median of the differences is taken off.
    What did not change at all is beside the picture, where no light falls.

    Args:
        empty, seen: (r, c) float32 grey in 0..255.
        contrast: Grey levels from which on a cell differs.

    Returns:
        (r, c) bool.
    """
    change = seen - empty
    differs: NDArray[np.bool_] = np.abs(change - np.median(change)) >= contrast
    differs &= change != 0
    return differs


def count_objects(cells: NDArray[np.bool_], area: float) -> int:
    """How many separate things there are; those that touch, also at a corner, are one.

    Args:
        cells: (r, c) bool, where something is.
        area: Share, 0..1, of all cells that a thing covers at least.
    """
    return len(_objects(cells, area))


def box_of(cells: NDArray[np.bool_], area: float, size_px: int) -> PixelWindow | None:
    """The box around all things that cover enough.

    Args:
        cells: (r, c) bool, where something is; see `edge.scene.thumbnail`.
        area: Share, 0..1, of all cells that a thing covers at least.
        size_px: Side of the square picture of which they are the cells.

    Returns:
        In pixels of that picture; None where there is no such thing.
    """
    found = _objects(cells, area)
    if not len(found):
        return None
    left, top = found[:, cv2.CC_STAT_LEFT], found[:, cv2.CC_STAT_TOP]
    right = (left + found[:, cv2.CC_STAT_WIDTH]).max()
    bottom = (top + found[:, cv2.CC_STAT_HEIGHT]).max()
    rows, columns = cells.shape
    return PixelWindow(
        int(left.min()) * size_px // columns,
        int(top.min()) * size_px // rows,
        int(right) * size_px // columns,
        int(bottom) * size_px // rows,
    )


def _objects(cells: NDArray[np.bool_], area: float) -> NDArray[np.int32]:
    """A row of OpenCV's statistics for each thing that covers enough."""
    stats = cv2.connectedComponentsWithStats(cells.astype(np.uint8), connectivity=8)[2][1:]
    return np.asarray(stats[stats[:, cv2.CC_STAT_AREA] >= area * cells.size], np.int32)


def cells_in_window(
    cells: NDArray[np.bool_],
    shape: Sequence[int],
    window: PixelWindow,
    preprocessing: Preprocessing,
) -> NDArray[np.bool_]:
    """Lay what is known of a whole picture over the model's input that shows a part of it.

    Args:
        cells: (r, c) bool, over the input that shows the whole picture.
        shape: (height, width, ...) of the picture.
        window: The part.
        preprocessing: How both inputs are made.

    Returns:
        (r, c) bool, over the input that shows the window; each cell has what is at its middle.
    """
    whole = place(shape[0], shape[1], preprocessing)
    part = place(window.height, window.width, preprocessing)
    middles = [(np.arange(count) + 0.5) / count * preprocessing.size_px for count in cells.shape]
    down = window.top + (middles[0] - part.top) * (window.height / part.height)
    right = window.left + (middles[1] - part.left) * (window.width / part.width)
    down[(down < window.top) | (down >= window.bottom)] = np.nan
    right[(right < window.left) | (right >= window.right)] = np.nan
    rows = _numbers(whole.top + down * (whole.height / shape[0]), cells.shape[0], preprocessing)
    columns = _numbers(whole.left + right * (whole.width / shape[1]), cells.shape[1], preprocessing)
    seen: NDArray[np.bool_] = cells[np.ix_(np.maximum(rows, 0), np.maximum(columns, 0))]
    seen &= (rows >= 0)[:, None] & (columns >= 0)
    return seen


def _numbers(
    at_px: NDArray[np.float64], count: int, preprocessing: Preprocessing
) -> NDArray[np.intp]:
    """In which of `count` cells along a side of the input places lie; -1 for none."""
    numbers = np.floor(at_px * (count / preprocessing.size_px))
    inside = (numbers >= 0) & (numbers < count)
    return np.where(inside, numbers, -1).astype(np.intp)


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
