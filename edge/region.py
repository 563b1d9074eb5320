"""The part of a camera's picture that is looked at."""

from dataclasses import dataclass, replace

from edge.domain import Frame
from edge.errors import ConfigError
from edge.ranges import check_range

LEAST = 0.05
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Region:
    """A rectangle in shares of the picture.

    Attributes:
        x, y: Of its top left corner, 0..1.
        width, height: 0.05..1; it ends inside the picture.

    Raises:
        ConfigError: A value is out of range.
    """

    x: float = 0.0
    y: float = 0.0
    width: float = 1.0
    height: float = 1.0

    def __post_init__(self) -> None:
        for start, size in (("x", "width"), ("y", "height")):
            begins, share = getattr(self, start), getattr(self, size)
            check_range(f"camera.roi {start}", begins, 0, 1)
            check_range(f"camera.roi {size}", share, LEAST, 1)
            if begins + share > 1 + ROUNDING:
                raise ConfigError(
                    f"camera.roi: found {start} {begins:g} and {size} {share:g}, which ends at"
                    f" {begins + share:g}; expected 1 at most"
                )

    @property
    def whole(self) -> bool:
        """Whether it is all of the picture."""
        return self == Region()

    def cut(self, frame: Frame) -> Frame:
        """The frame whose image is this region of it, at least a pixel each way."""
        if self.whole:
            return frame
        height, width = frame.image.shape[:2]
        left, right = _pixels(self.x, self.width, width)
        top, bottom = _pixels(self.y, self.height, height)
        # A copy, so that the rest of the picture does not stay in memory with it.
        return replace(frame, image=frame.image[top:bottom, left:right].copy())


def _pixels(start: float, share: float, size_px: int) -> tuple[int, int]:
    first = min(round(start * size_px), size_px - 1)
    return first, max(first + 1, round((start + share) * size_px))
