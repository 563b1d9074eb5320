"""A picture with its instance map in memory, whatever it came from."""

from dataclasses import dataclass

import numpy as np

AIM_VISIBLE_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """A picture in memory.

    Attributes:
        image: (h, w, 3) uint8 RGB.
        ids: (h', w') uint8 instance map of the same view; None for a photograph, of whose bricks
            nothing but `parts` is known.
        parts: (k,) label index of each brick.
        full_px: (k,) pixels on the map if nothing hid or cropped it.
        boxes: (k, 4) float, x0 y0 x1 y1 on the *picture*; NaN for a brick that shows nowhere.
        aims: Indices of the bricks a window may be centred on.
        counts: (k,) whether each brick counts as visible in the whole picture.
    """

    image: np.ndarray
    ids: np.ndarray | None
    parts: np.ndarray
    full_px: np.ndarray
    boxes: np.ndarray
    aims: np.ndarray
    counts: np.ndarray


def brick_boxes(ids: np.ndarray, count: int, scale: float) -> np.ndarray:
    """Bounding boxes (count, 4) of the bricks on an instance map, times `scale`."""
    boxes = np.full((count, 4), np.nan)
    for k in range(count):
        ys, xs = np.nonzero(ids == k + 1)
        if len(xs):
            boxes[k] = xs.min(), ys.min(), xs.max() + 1, ys.max() + 1
    return boxes * scale


def labelled_picture(
    image: np.ndarray,
    ids: np.ndarray,
    parts: np.ndarray,
    visible_px: np.ndarray,
    full_px: np.ndarray,
    counts: np.ndarray,
) -> LabelledPicture:
    """Put a picture together; windows may be centred on bricks that count and mostly show.

    Args:
        image: (h, w, 3) uint8 RGB.
        ids: (h', w') uint8 instance map of the same view.
        parts: (k,) label index of each brick.
        visible_px: (k,) pixels on the map.
        full_px: (k,) pixels on the map if nothing hid or cropped it.
        counts: (k,) whether the brick counts as visible.
    """
    mostly = counts & (visible_px >= AIM_VISIBLE_SHARE * full_px)
    boxes = brick_boxes(ids, len(parts), image.shape[0] / ids.shape[0])
    aims = np.flatnonzero(mostly & ~np.isnan(boxes[:, 0]))
    return LabelledPicture(image, ids, parts, full_px.astype(float), boxes, aims, counts)


def labelled_photograph(image: np.ndarray, parts: np.ndarray) -> LabelledPicture:
    """Put a photograph together, of which it is known what can be seen but not where.

    Args:
        image: (h, w, 3) uint8 RGB.
        parts: (k,) label index of each brick type that can be seen.
    """
    nowhere = np.full((len(parts), 4), np.nan)
    aims = np.zeros(0, int)
    counts = np.ones(len(parts), bool)
    return LabelledPicture(image, None, parts, np.zeros(len(parts)), nowhere, aims, counts)
