"""The one way a picture is brought to the model's size, on the device and in training."""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

Resize = Literal["letterbox", "crop"]
PADDING = 128
"""Grey value of the bars a letterboxed picture gets."""


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
