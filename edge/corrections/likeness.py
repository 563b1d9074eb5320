"""Whether two pictures show nearly the same: a perceptual hash, and then a look at the colours.

The hash is that of 64 low frequencies (DCT) of a grey 32 x 32 picture, the constant ones left out,
each above or below their median. A difference hash says nothing here: of pictures of single bricks
on one belt, 83 % of *different* pairs are within 6 bits of 64. Of this hash, noise, light and JPEG
change at most 6 bits in 95 % of pictures, a shift by 1 % of the width 8, and among 80,000 pairs of
different piles 3 in 100,000 are within 10 bits. Bricks that lie in the same place of an even belt
come nearer than that, so a coarse picture in colour has to agree, too.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.errors import PictureError

BITS_MAX = 10
"""Of 64 that may differ."""
CELLS_PX = 16
DIFFERENT_CELLS = 4
"""So many cells of the coarse picture may differ by more: noise, an edge."""
SHADES_MAX = 24.0
"""Of 255 by which a cell may differ, each picture brought to the same light."""
_DCT_PX, _LOW = 32, slice(1, 9)
_SMALL_PX = 4 * _DCT_PX


@dataclass(frozen=True, slots=True, eq=False)
class Likeness:
    """What is compared of a picture.

    Attributes:
        hash: 64 bits.
        cells: (16, 16, 3) float32, the picture's coarse colours in the same light.
    """

    hash: int
    cells: NDArray[np.float32]

    def bits_to(self, other: "Likeness") -> int:
        """In how many of 64 bits the hashes differ."""
        return (self.hash ^ other.hash).bit_count()

    def nearly(self, other: "Likeness") -> bool:
        """Whether both show nearly the same."""
        if self.bits_to(other) > BITS_MAX:
            return False
        apart = np.abs(self.cells - other.cells).max(axis=2)
        return float(np.sort(apart, axis=None)[-DIFFERENT_CELLS]) <= SHADES_MAX


def likeness_of(image: NDArray[np.uint8]) -> Likeness:
    """What is compared of a picture.

    Args:
        image: (h, w, 3) uint8 RGB.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (_DCT_PX, _DCT_PX), interpolation=cv2.INTER_AREA)
    low = cv2.dct(small.astype(np.float32))[_LOW, _LOW].ravel()
    bits = np.packbits(low > np.median(low))
    cells = cv2.resize(image, (CELLS_PX, CELLS_PX), interpolation=cv2.INTER_AREA)
    coarse = cells.astype(np.float32)
    coarse *= 128 / np.maximum(coarse.mean(axis=(0, 1)), 1)
    return Likeness(int.from_bytes(bits.tobytes(), "big"), coarse)


def likeness_of_jpeg(content: bytes, name: str) -> Likeness:
    """The same of a JPEG, decoded no larger than it takes.

    Args:
        content: Of the file.
        name: What a message calls it.

    Raises:
        PictureError: It is damaged.
    """
    data = np.frombuffer(content, np.uint8)
    for how in (cv2.IMREAD_REDUCED_COLOR_4, cv2.IMREAD_COLOR):
        image = cv2.imdecode(data, how) if len(data) else None
        if image is None:
            raise PictureError(f"{name} is damaged: it cannot be decoded. Remove it.")
        if min(image.shape[:2]) >= _SMALL_PX:
            break
    return likeness_of(np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), np.uint8))
