"""What flows through the device: each result holds the thing it speaks of."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

NOT_REPORTED = 2.0
"""The threshold of a label that is not reported: no probability reaches it, and JSON has it."""


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
    """

    frame: Frame
    model_input: NDArray[np.uint8]
    logits: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    present: tuple[Label, ...]

    def __post_init__(self) -> None:
        for array in (self.model_input, self.logits, self.probabilities):
            _freeze(array)


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """Why a prediction says what it says.

    Attributes:
        prediction: The prediction that is explained.
        method: For example "grad-cam".
        labels: The k labels explained, in the order of `maps`.
        maps: (k, h, w) float32 in logit units, at or above zero for Grad-CAM.
        details: What the method reports of itself: layer, grid, pooling, milliseconds...
    """

    prediction: Prediction
    method: str
    labels: tuple[Label, ...]
    maps: NDArray[np.float32]
    details: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _freeze(self.maps)


def _freeze(array: NDArray[Any]) -> None:
    array.flags.writeable = False
