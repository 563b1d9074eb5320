"""A picture with its instance map in memory, whatever it came from."""

from dataclasses import dataclass, replace

import cv2
import numpy as np

AIM_VISIBLE_SHARE = 0.5
GROUND_SPREADS = 3.5
"""So many times the usual distance of the border's colours from their middle is no ground."""
GROUND_DISTANCE_MIN = 14.0
"""Of L*a*b* in 8 bits; less is noise."""
BRICK_AREA = (0.08, 0.95)
"""Share of a photograph that a brick takes which was found for sure."""


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
        photograph: Whether a camera took it.
    """

    image: np.ndarray
    ids: np.ndarray | None
    parts: np.ndarray
    full_px: np.ndarray
    boxes: np.ndarray
    aims: np.ndarray
    counts: np.ndarray
    photograph: bool = False


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
    return LabelledPicture(image, None, parts, np.zeros(len(parts)), nowhere, aims, counts, True)


def cut_out(image: np.ndarray, part: int) -> LabelledPicture | None:
    """Find the one brick of a photograph, so that windows can be cut around it.

    The ground is what has the colours of the picture's border; the brick is the largest thing that
    has not.

    Args:
        image: (h, w, 3) uint8 RGB, of a single brick on a plain ground.
        part: Label index of the brick.

    Returns:
        The picture with an instance map; None where the ground is too busy to tell.
    """
    ids = brick_mask(image)
    if ids is None:
        return None
    seen = np.array([ids.sum()], float)
    every = np.array([True])
    found = labelled_picture(image, ids, np.array([part]), seen, seen, every)
    return replace(found, photograph=True)


def brick_mask(image: np.ndarray) -> np.ndarray | None:
    """Mark the brick of a photograph of one brick on a plain ground.

    Args:
        image: (h, w, 3) uint8 RGB.

    Returns:
        (h, w) uint8 of 0 and 1; None where nothing stands out, or not clearly.
    """
    lab = cv2.cvtColor(cv2.GaussianBlur(image, (0, 0), 1.0), cv2.COLOR_RGB2LAB).astype(np.float32)
    middle = np.median(_border(lab), axis=0)
    away = np.sqrt(((lab - middle) ** 2).sum(axis=2))
    usual = float(np.median(_border(away)))
    rough = (away > max(GROUND_SPREADS * usual, GROUND_DISTANCE_MIN)).astype(np.uint8)
    rough = cv2.morphologyEx(rough, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8), iterations=2)
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(rough)
    if count < 2:
        return None
    largest = 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
    outlines, _ = cv2.findContours(
        (pieces == largest).astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    mask = cv2.drawContours(np.zeros(rough.shape, np.uint8), outlines, -1, 1, cv2.FILLED)
    low, high = BRICK_AREA
    return mask if low <= mask.mean() <= high else None


def _border(picture: np.ndarray) -> np.ndarray:
    return np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
