"""The one way a picture is brought to the model's size, on the device and in training."""

import math
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.domain import PixelWindow

Resize = Literal["letterbox", "crop"]
PADDING = 128
"""Grey value of the bars a letterboxed picture gets."""
TILE_SHARE = 0.6
"""Of each side of a picture that each of its four tiles has."""
MARGIN_SHARE = 0.15
"""Of an object's longer side, that is looked at on each side of it."""
MAGNIFIED_AT_MOST = 2
"""How many pixels of the input, along a side, a pixel of an object's window becomes."""


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """How a picture becomes the model's input.

    Attributes:
        size_px: Side of the square the model takes.
        resize: "letterbox" keeps the whole picture between grey bars; "crop" keeps the largest
            centred square.
        colour: Order of the channels; only "rgb".
    """

    size_px: int
    resize: Resize = "letterbox"
    colour: Literal["rgb"] = "rgb"


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the picture lies in the model's input, in pixels.

    `x_input = left + x_picture * width / picture_width`, and likewise for y; for "crop" left or
    top are negative.
    """

    left: int
    top: int
    width: int
    height: int


def place(height: int, width: int, preprocessing: Preprocessing) -> Placement:
    """Where a picture of that size goes in the square input."""
    size = preprocessing.size_px
    reach = max(height, width) if preprocessing.resize == "letterbox" else min(height, width)
    new_width = max(1, round(width * size / reach))
    new_height = max(1, round(height * size / reach))
    return Placement((size - new_width) // 2, (size - new_height) // 2, new_width, new_height)


def tile_windows(height: int, width: int, size_px: int) -> tuple[PixelWindow, ...]:
    """The whole picture and four overlapping quarters of it, row by row.

    Args:
        height, width: Of the picture.
        size_px: Side of the model's input.

    Returns:
        The whole first; nothing else where quarters show no more, see `tiles_gain`.
    """
    whole = PixelWindow(0, 0, width, height)
    if not tiles_gain(height, width, size_px):
        return (whole,)
    tile_width, tile_height = _tile_side(width), _tile_side(height)
    corners = [(x, y) for y in (0, height - tile_height) for x in (0, width - tile_width)]
    return whole, *(PixelWindow(x, y, x + tile_width, y + tile_height) for x, y in corners)


def tiles_gain(height: int, width: int, size_px: int) -> bool:
    """Whether a quarter has half as many pixels as the input at least, along its longer side."""
    return MAGNIFIED_AT_MOST * _tile_side(max(height, width)) >= size_px


def _tile_side(length_px: int) -> int:
    return max(1, round(TILE_SHARE * length_px))


def object_window(
    box: PixelWindow, height: int, width: int, preprocessing: Preprocessing
) -> PixelWindow | None:
    """The square part of a picture around an object that was found on the model's input.

    Args:
        box: Where it lies on the input that shows the whole picture.
        height, width: Of the picture.
        preprocessing: How that input was made.

    Returns:
        A square with a margin, large enough not to be magnified more than
        `MAGNIFIED_AT_MOST`, shifted to lie inside the picture; where the picture is too small
        for it, as much of it as there is. None for a box beside the picture.
    """
    spot = place(height, width, preprocessing)
    left, right = _on_side(box.left, box.right, spot.left, spot.width, width)
    top, bottom = _on_side(box.top, box.bottom, spot.top, spot.height, height)
    if left >= right or top >= bottom:
        return None
    side = max(
        round(max(right - left, bottom - top) * (1 + 2 * MARGIN_SHARE)),
        math.ceil(preprocessing.size_px / MAGNIFIED_AT_MOST),
    )
    x, x_end = _around(left + right, side, width)
    y, y_end = _around(top + bottom, side, height)
    return PixelWindow(x, y, x_end, y_end)


def _on_side(first: int, end: int, spot: int, spot_px: int, length_px: int) -> tuple[int, int]:
    """From pixels of the input to those of the picture, along one side."""
    start = math.floor((first - spot) * length_px / spot_px)
    return max(start, 0), min(math.ceil((end - spot) * length_px / spot_px), length_px)


def _around(ends: int, side: int, length_px: int) -> tuple[int, int]:
    """A stretch of at most `length_px` around the middle of two ends, given their sum."""
    side = min(side, length_px)
    start = min(max((ends - side) // 2, 0), length_px - side)
    return start, start + side


def prepare(image: NDArray[np.uint8], preprocessing: Preprocessing) -> NDArray[np.uint8]:
    """Bring a picture to the model's input.

    Args:
        image: (h, w, 3) uint8 RGB of any size.
        preprocessing: From the bundle.

    Returns:
        (s, s, 3) uint8 RGB, a new array. Shrinking averages areas, growing interpolates.

    Raises:
        ValueError: The array is not an RGB picture.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        raise ValueError(
            f"a picture is (height, width, 3) uint8 RGB; found {image.shape} {image.dtype}"
        )
    height, width = image.shape[:2]
    spot = place(height, width, preprocessing)
    size = preprocessing.size_px
    shrinks = spot.width < width
    resized = cv2.resize(
        image,
        (spot.width, spot.height),
        interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR,
    )
    if (spot.height, spot.width) == (size, size):
        return np.array(resized) if resized is image else resized
    if preprocessing.resize == "crop":
        return np.ascontiguousarray(
            resized[-spot.top : size - spot.top, -spot.left : size - spot.left]
        )
    square = np.full((size, size, 3), PADDING, np.uint8)
    square[spot.top : spot.top + spot.height, spot.left : spot.left + spot.width] = resized
    return square
