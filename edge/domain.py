"""What flows through the device: each result holds the thing it speaks of."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

NOT_REPORTED = 2.0
"""The threshold of a label that is not reported: no probability reaches it, and JSON has it."""

T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True, slots=True)
class PixelWindow:
    """A part of a picture, in its pixels.

    Attributes:
        left, top: Of its first pixel, from 0.
        right, bottom: One past its last pixel.

    Raises:
        ValueError: There is no pixel in it.
    """

    left: int
    top: int
    right: int
    bottom: int

    def __post_init__(self) -> None:
        if not (0 <= self.left < self.right and 0 <= self.top < self.bottom):
            raise ValueError(f"a window begins at 0 or later and ends after that; found {self}")

    @property
    def width(self) -> int:
        """In pixels."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """In pixels."""
        return self.bottom - self.top

    def cut(self, image: NDArray[T]) -> NDArray[T]:
        """What of an array (h, w, ...) lies in the window: a view, not a copy.

        Raises:
            ValueError: The window reaches beyond it.
        """
        if self.right > image.shape[1] or self.bottom > image.shape[0]:
            raise ValueError(f"{self} reaches beyond a picture of {image.shape[1::-1]} pixels")
        return image[self.top : self.bottom, self.left : self.right]

    def scaled(self, before: Sequence[int], after: Sequence[int]) -> "PixelWindow":
        """Where it lies on a copy of its picture of another size.

        Args:
            before, after: (height, width, ...) of the picture and of its copy.
        """
        left, right = _scaled(self.left, self.right, before[1], after[1])
        top, bottom = _scaled(self.top, self.bottom, before[0], after[0])
        return PixelWindow(left, top, right, bottom)


def _scaled(first: int, end: int, before: int, after: int) -> tuple[int, int]:
    start = min(round(first * after / before), after - 1)
    return start, max(start + 1, round(end * after / before))


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture from a camera.

    Attributes:
        sequence: Counts up by one for every frame a source delivers.
        captured_at_s: `time.monotonic()` when the frame arrived.
        image: (h, w, 3) uint8 RGB, read-only.
    """

    sequence: int
    captured_at_s: float
    image: NDArray[np.uint8]

    def __post_init__(self) -> None:
        _freeze(self.image)


@dataclass(frozen=True, slots=True)
class Label:
    """A brick type the model knows.

    Attributes:
        index: Position in the model's output.
        id: The part number, for example "3001".
        name: What a person calls it, for example "Brick 2x4".
    """

    index: int
    id: str
    name: str


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What the int8 model says about one frame.

    Attributes:
        frame: The frame that was classified.
        model_input: (s, s, 3) uint8 RGB, what the model was shown.
        logits: (n,) float32, raw.
        probabilities: (n,) float32 in 0..1, calibrated.
        present: Labels at or above *their own* threshold, most confident first.
        window: The part of the frame that `model_input` shows; None is all of it.
        overview: All of the frame at the model's size, (s, s, 3) uint8 RGB; None where
            `model_input` is that.
        parts: Predictions of windows of the frame, each label of which counts here where its
            logit is the largest; empty where the model was shown one window.
    """

    frame: Frame
    model_input: NDArray[np.uint8]
    logits: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    present: tuple[Label, ...]
    window: PixelWindow | None = None
    overview: NDArray[np.uint8] | None = None
    parts: "tuple[Prediction, ...]" = ()

    def __post_init__(self) -> None:
        for array in (self.model_input, self.logits, self.probabilities, self.overview):
            if array is not None:
                _freeze(array)

    @property
    def whole(self) -> NDArray[np.uint8]:
        """All of the frame at the model's size, (s, s, 3) uint8 RGB."""
        return self.model_input if self.overview is None else self.overview

    def part_of(self, label: Label) -> "Prediction":
        """The prediction of the window in which a label's evidence is strongest."""
        return max(self.parts or (self,), key=lambda part: float(part.logits[label.index]))

    def by_part(self, labels: Sequence[Label]) -> "list[tuple[Prediction, list[int]]]":
        """Each part that some of the labels speak from, with their places among `labels`."""
        found: dict[Prediction, list[int]] = {}
        for place, label in enumerate(labels):
            found.setdefault(self.part_of(label), []).append(place)
        return list(found.items())


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """Why a prediction says what it says.

    Attributes:
        prediction: The prediction that is explained.
        method: For example "grad-cam".
        labels: The k labels explained, in the order of `maps`.
        maps: (k, h, w) float32 in logit units, at or above zero for Grad-CAM.
        details: What the method reports of itself: layer, grid, pooling, milliseconds...
        windows: The part of the frame that each map lies on, None for all of it; empty where
            every map lies on all of it.
    """

    prediction: Prediction
    method: str
    labels: tuple[Label, ...]
    maps: NDArray[np.float32]
    details: dict[str, Any] = field(default_factory=dict)
    windows: tuple[PixelWindow | None, ...] = ()

    def __post_init__(self) -> None:
        _freeze(self.maps)

    def window_on(self, place: int, image: NDArray[np.uint8]) -> PixelWindow | None:
        """Where a map lies on the frame's picture, or on a copy of it of another size.

        Args:
            place: Of the map.
            image: (H, W, 3).

        Returns:
            In pixels of `image`; None for all of it.
        """
        window = self.windows[place] if self.windows else None
        if window is None:
            return None
        return window.scaled(self.prediction.frame.image.shape, image.shape)

    def only(self, places: Sequence[int]) -> Self:
        """The same of some of the labels."""
        return replace(
            self,
            labels=tuple(self.labels[place] for place in places),
            maps=self.maps[list(places)],
            windows=tuple(self.windows[place] for place in places) if self.windows else (),
        )


def _freeze(array: NDArray[Any]) -> None:
    array.flags.writeable = False
