"""Where bricks lie in the model's input, and averaged down to the grid of a map."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from edge.preprocessing import Preprocessing, place
from trainer.dataset import Sample, read_ids
from trainer.errors import DatasetError

SOLID = 0.5
"""A pixel of the input shows a brick if at least this share of it does."""


@dataclass(frozen=True, slots=True, eq=False)
class Masks:
    """The bricks of one picture, placed as the model's input is.

    Attributes:
        own: Part id -> share (s, s) float32 in 0..1 of each input pixel that shows a brick of
            that part which counts as visible.
        bricks: (s, s) float32, the same of all bricks, whether they count or not.
    """

    own: Mapping[str, np.ndarray]
    bricks: np.ndarray

    def of(self, part: str) -> np.ndarray:
        """The part's mask (s, s); all zero where none of its bricks counts."""
        return self.own.get(part, np.zeros_like(self.bricks))


def read_masks(sample: Sample, preprocessing: Preprocessing) -> Masks:
    """Read a sample's instance map as masks on the model's input.

    Raises:
        DatasetError: It has no instance map, or a damaged one.
    """
    if sample.ids is None:
        raise DatasetError(
            f"{sample.picture}: has no instance map, and an explanation is judged by where the"
            " bricks are; name a data set with instance maps, such as `render` writes"
        )
    ids = read_ids(sample)
    counted: dict[str, list[int]] = {}
    for number, instance in enumerate(sample.instances, start=1):
        if instance.label:
            counted.setdefault(instance.part, []).append(number)
    own = {part: placed(np.isin(ids, which), preprocessing) for part, which in counted.items()}
    return Masks(own, placed(ids > 0, preprocessing))


def placed(mask: np.ndarray, preprocessing: Preprocessing) -> np.ndarray:
    """A mask (h, w) of bool laid where `edge.preprocessing.prepare` lays the picture.

    Returns:
        (s, s) float32: the share of each input pixel that the mask covers; 0 beside the picture.
    """
    height, width = mask.shape
    spot, size = place(height, width, preprocessing), preprocessing.size_px
    how = cv2.INTER_AREA if spot.width < width else cv2.INTER_NEAREST
    shown = cv2.resize(mask.astype(np.float32), (spot.width, spot.height), interpolation=how)
    square = np.zeros((size, size), np.float32)
    y0, x0 = max(spot.top, 0), max(spot.left, 0)
    y1, x1 = min(spot.top + spot.height, size), min(spot.left + spot.width, size)
    square[y0:y1, x0:x1] = shown[y0 - spot.top : y1 - spot.top, x0 - spot.left : x1 - spot.left]
    return square


def averaged(values: np.ndarray, grid: tuple[int, int]) -> np.ndarray:
    """Values (s, s) averaged down to the cells (h, w) of a map, float64."""
    height, width = grid
    down = cv2.resize(values.astype(np.float64), (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(down, np.float64)


def distance_px(mask: np.ndarray) -> np.ndarray:
    """How far each input pixel is from the nearest one that shows the brick.

    A brick that fills no pixel by half is where it shows most.

    Returns:
        (s, s) float32 in pixels, 0 on the brick; infinite everywhere if there is none.
    """
    if not mask.any():
        return np.full(mask.shape, np.inf, np.float32)
    solid = mask >= min(SOLID, float(mask.max()))
    distance = cv2.distanceTransform((~solid).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(distance, np.float32)
