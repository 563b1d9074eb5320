"""Whether what the camera sees is at rest, and whether it is something new."""

import numpy as np
from numpy.typing import NDArray

THUMBNAIL_CELLS = 32
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601


class Scene:
    """Whether the scene is at rest, and whether it is another one than was kept last.

    Args:
        still_threshold: Mean absolute difference of grey, 0..255, up to which two pictures in a
            row are at rest.
        changed_threshold: The same, up to which a picture shows the scene that was kept.
        light_drift: Share, 0..1, by which the kept scene follows each picture at rest.
    """

    def __init__(
        self, still_threshold: float, changed_threshold: float, light_drift: float
    ) -> None:
        self._still_threshold = still_threshold
        self._changed_threshold = changed_threshold
        self._light_drift = light_drift
        self._newest: NDArray[np.float32] | None = None
        self._kept: NDArray[np.float32] | None = None
        self._empty: NDArray[np.float32] | None = None

    def is_new_and_still(self, picture: NDArray[np.uint8]) -> bool:
        """Look at the next picture.

        Args:
            picture: (h, w, 3) uint8 RGB.

        Returns:
            Whether it is at rest and shows neither the scene that was kept nor an empty one.
        """
        before, self._newest = self._newest, thumbnail(picture)
        still = difference(before, self._newest) <= self._still_threshold
        if self._is_like(self._kept):
            self._follow_light(still)
            return False
        self._kept = None
        return still and not self._is_like(self._empty)

    def keep(self) -> None:
        """Remember the newest picture as the scene that is over and done with."""
        self._kept = self._newest

    def learn_empty(self, picture: NDArray[np.uint8]) -> None:
        """Remember a picture without items."""
        self._empty = thumbnail(picture)

    @property
    def empty(self) -> NDArray[np.float32] | None:
        """The thumbnail of the scene without items; None where none was learned."""
        return self._empty

    def forget(self) -> None:
        """Forget all but what empty looks like."""
        self._newest = self._kept = None

    def _is_like(self, other: NDArray[np.float32] | None) -> bool:
        return difference(other, self._newest) <= self._changed_threshold

    def _follow_light(self, still: bool) -> None:
        if still and self._kept is not None and self._newest is not None:
            self._kept = self._kept + self._light_drift * (self._newest - self._kept)


def thumbnail(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Shrink a picture to means of grey.

    Args:
        picture: (h, w, 3) uint8 RGB.

    Returns:
        (min(h, 32), min(w, 32)) float32 in 0..255.
    """
    rows, heights = _cells(picture.shape[0])
    columns, widths = _cells(picture.shape[1])
    sums = np.add.reduceat(picture, rows, axis=0, dtype=np.uint32)
    sums = np.add.reduceat(sums, columns, axis=1)
    grey = sums.astype(np.float32) @ _LUMA
    mean: NDArray[np.float32] = (grey / np.outer(heights, widths)).astype(np.float32)
    return mean


def difference(first: NDArray[np.float32] | None, second: NDArray[np.float32] | None) -> float:
    """Mean absolute difference of two thumbnails, 0..255; infinite for none or another size."""
    if first is None or second is None or first.shape != second.shape:
        return float("inf")
    return float(np.abs(first - second).mean())


def _cells(length_px: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Where cells begin along one side, and how long they are."""
    count = min(THUMBNAIL_CELLS, length_px)
    edges = np.arange(count + 1, dtype=np.intp) * length_px // count
    return edges[:-1], np.diff(edges)
