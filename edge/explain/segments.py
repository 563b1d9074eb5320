"""Superpixels: the pieces of a picture that LIME hides and shows."""

from dataclasses import dataclass
from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

Method = Literal["quickshift", "slic"]
METHODS: tuple[str, ...] = get_args(Method)
TIE_SEED = 0
"""Quickshift breaks ties between equally dense pixels by chance."""


@dataclass(frozen=True, slots=True)
class SegmentSettings:
    """How a picture is cut into superpixels.

    Attributes:
        method: "quickshift" (as the `lime` package) or "slic".
        scale: In (0, 1]; the picture is shrunk by this before it is cut. Half is ten times
            faster than whole and finds as many superpixels.
        kernel_size: Quickshift's Gaussian, in pixels of the *whole* picture; at least one pixel
            of the shrunk one is used.
        max_dist: Quickshift's longest link.
        ratio: Quickshift's weight of colour against place, in 0..1.
        pieces: About how many superpixels SLIC makes.
        compactness: SLIC's weight of place against colour.

    Raises:
        ValueError: A value is out of its range.
    """

    method: Method = "quickshift"
    scale: float = 0.5
    kernel_size: float = 4.0
    max_dist: float = 200.0
    ratio: float = 0.2
    pieces: int = 60
    compactness: float = 10.0

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ValueError(f"method: found {self.method!r}, allowed {', '.join(METHODS)}")
        if not 0 < self.scale <= 1:
            raise ValueError(f"scale: found {self.scale}, allowed above 0, at most 1")
        if not 0 <= self.ratio <= 1:
            raise ValueError(f"ratio: found {self.ratio}, allowed 0..1")
        for name in ("kernel_size", "max_dist", "pieces", "compactness"):
            value = getattr(self, name)
            if not 0 < value < float("inf"):
                raise ValueError(f"{name}: found {value}, allowed above 0")


def segment(
    picture: NDArray[np.uint8], settings: SegmentSettings | None = None
) -> NDArray[np.int32]:
    """Cut a picture into superpixels.

    Args:
        picture: (h, w, 3) uint8 RGB, at least one pixel.
        settings: The defaults cut as the `lime` package does, at half its scale.

    Returns:
        (h, w) int32, numbered 0..K-1; every number occurs. The same picture is always cut the
        same way.

    Raises:
        ValueError: The array is not an RGB picture.
    """
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8 or not picture.size:
        raise ValueError(
            f"a picture is (height, width, 3) uint8 RGB; found {picture.shape} {picture.dtype}"
        )
    settings = settings or SegmentSettings()
    small = _shrunk(picture, settings.scale)
    cut = _quickshift if settings.method == "quickshift" else _slic
    return _relabelled(_enlarged(cut(small, settings), picture.shape[0], picture.shape[1]))


def _shrunk(picture: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    if scale == 1:
        return picture
    height, width = (max(1, round(side * scale)) for side in picture.shape[:2])
    resized = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(resized, np.uint8)


def _quickshift(picture: NDArray[np.uint8], settings: SegmentSettings) -> NDArray[np.int64]:
    # scikit-image is slow to load, and only LIME needs it.
    from skimage.segmentation import quickshift

    labels = quickshift(
        picture,
        kernel_size=max(1.0, settings.kernel_size * settings.scale),
        max_dist=settings.max_dist,
        ratio=settings.ratio,
        rng=TIE_SEED,
    )
    return np.asarray(labels, np.int64)


def _slic(picture: NDArray[np.uint8], settings: SegmentSettings) -> NDArray[np.int64]:
    from skimage.segmentation import slic

    pieces = min(settings.pieces, picture.shape[0] * picture.shape[1])
    labels = slic(
        picture,
        n_segments=pieces,
        compactness=settings.compactness,
        start_label=0,
        channel_axis=-1,
    )
    return np.asarray(labels, np.int64)


def _enlarged(labels: NDArray[np.int64], height: int, width: int) -> NDArray[np.int64]:
    """The labels at the picture's size, each pixel taking the one that covers its centre."""
    rows = (2 * np.arange(height) + 1) * labels.shape[0] // (2 * height)
    columns = (2 * np.arange(width) + 1) * labels.shape[1] // (2 * width)
    return np.asarray(labels[rows][:, columns])


def _relabelled(labels: NDArray[np.int64]) -> NDArray[np.int32]:
    _, numbers = np.unique(labels, return_inverse=True)
    return numbers.reshape(labels.shape).astype(np.int32)
