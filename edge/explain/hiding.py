"""Perturbed pictures: some superpixels shown, the others hidden."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

HideMethod = Literal["mean", "blur", "colour"]
HIDE_METHODS: tuple[str, ...] = get_args(HideMethod)
BYTE_VALUES = 256


@dataclass(frozen=True, slots=True)
class HideSettings:
    """What a superpixel looks like when it is hidden.

    Attributes:
        method: "mean" is the superpixel's own mean colour, "blur" the heavily blurred picture,
            "colour" one colour for all.
        colour: RGB in 0..255, for "colour".
        blur: Standard deviation of the Gaussian as a share of the longer side, for "blur".

    Raises:
        ValueError: A value is out of its range.
    """

    method: HideMethod = "mean"
    colour: tuple[int, int, int] = (128, 128, 128)
    blur: float = 0.08

    def __post_init__(self) -> None:
        if self.method not in HIDE_METHODS:
            raise ValueError(f"hide: found {self.method!r}, allowed {', '.join(HIDE_METHODS)}")
        if len(self.colour) != 3 or not all(0 <= value <= 255 for value in self.colour):
            raise ValueError(f"colour: found {self.colour}, allowed three values in 0..255")
        if not 0 < self.blur <= 1:
            raise ValueError(f"blur: found {self.blur}, allowed above 0, at most 1")


def hidden(
    picture: NDArray[np.uint8], segments: NDArray[np.int32], settings: HideSettings
) -> NDArray[np.uint8]:
    """The picture with every superpixel hidden.

    Args:
        picture: (h, w, 3) uint8 RGB.
        segments: (h, w) int32, numbered 0..K-1.
        settings: What hidden looks like.

    Returns:
        (h, w, 3) uint8 RGB, a new array. Mean colours are rounded down, as the `lime` package
        does.
    """
    if settings.method == "mean":
        return mean_colours(picture, segments)[segments]
    if settings.method == "blur":
        sigma = settings.blur * max(picture.shape[:2])
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8)
    return np.full_like(picture, np.array(settings.colour, np.uint8))


def mean_colours(picture: NDArray[np.uint8], segments: NDArray[np.int32]) -> NDArray[np.uint8]:
    """(K, 3) uint8, each superpixel's mean colour rounded down."""
    numbers = segments.reshape(-1)
    counts = np.bincount(numbers)
    sums = [np.bincount(numbers, picture[..., c].reshape(-1)) for c in range(3)]
    return (np.stack(sums, axis=1) / counts[:, None]).astype(np.uint8)


class Veil:
    """Makes perturbed pictures of one picture, by byte masks; used by one thread only.

    A superpixel that looks the same when hidden is *inert* (the bars of a letterboxed picture):
    hiding it cannot tell anything, so it takes no part.

    Args:
        picture: (h, w, 3) uint8 RGB.
        segments: (h, w) int32, numbered 0..K-1.
        settings: What hidden looks like.

    Attributes:
        live: (L,) int64, numbers of the superpixels that are not inert, ascending.
    """

    def __init__(
        self, picture: NDArray[np.uint8], segments: NDArray[np.int32], settings: HideSettings
    ) -> None:
        self._picture = picture
        away = hidden(picture, segments, settings)
        self._change = picture ^ away
        changed = np.bincount(segments.reshape(-1), self._change.any(axis=2).reshape(-1))
        self.live = np.flatnonzero(changed)
        self._few = len(changed) <= BYTE_VALUES
        numbers = np.repeat(segments.reshape(-1), 3).reshape(picture.shape)
        self._numbers: NDArray[Any] = numbers.astype(np.uint8 if self._few else np.intp)
        self._off = np.zeros(max(BYTE_VALUES, len(changed)), np.uint8)
        self._bytes = np.empty_like(picture)
        self._shown: NDArray[np.bool_] | None = None

    def perturbed(self, shown: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """The picture with some superpixels hidden.

        Args:
            shown: (L,) bool, in the order of `live`.

        Returns:
            (h, w, 3) uint8 RGB; not to be changed, and overwritten by the next call.
        """
        before, self._shown = self._shown, shown.copy()
        if before is not None and (before != shown).all():
            # The complement of the last row: every byte takes its other value.
            np.bitwise_xor(self._bytes, self._change, out=self._bytes)
            return self._bytes
        self._off[self.live] = np.where(shown, 0, 255)
        if self._few:
            # Ten times faster than numpy, but for numbers of one byte only.
            cv2.LUT(self._numbers, self._off, self._bytes)
        else:
            np.take(self._off, self._numbers, out=self._bytes, mode="clip")
        np.bitwise_and(self._bytes, self._change, out=self._bytes)
        np.bitwise_xor(self._bytes, self._picture, out=self._bytes)
        return self._bytes
