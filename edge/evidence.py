"""What was seen of an item, without its pictures: all that a decision may rest on."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from edge.domain import Label


class Trigger(StrEnum):
    """What says that there is an item to look at."""

    STILL = "still"
    """The scene changed and came to rest."""
    SENSOR = "sensor"
    """A sensor of the machine."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What was seen of an item.

    Attributes:
        labels: Labels present on enough of its frames, most confident first.
        probabilities: (n,) float32 in 0..1 of every label of the model: the mean over its frames.
        frames: How many frames there are.
        agreeing: On how many of them the labels that matter are the same.
        needed: How many have to agree.
        started_at_s: `time.monotonic()` when it was first seen at rest, or the sensor tripped.
        newest_at_s: When the newest frame was captured.
        trigger: What began it.
        objects: Separate objects in view; None where no empty scene was learned to tell.
        focus: Share, 0..1, of the deciding label's Grad-CAM that lies on the object; None where it
            was not computed, or no empty scene was learned to say where the object is.
    """

    labels: tuple[Label, ...]
    probabilities: NDArray[np.float32]
    frames: int
    agreeing: int
    needed: int
    started_at_s: float
    newest_at_s: float
    trigger: Trigger
    objects: int | None = None
    focus: float | None = None

    def __post_init__(self) -> None:
        self.probabilities.flags.writeable = False

    @property
    def agreed(self) -> bool:
        """Whether enough frames say the same."""
        return self.agreeing >= self.needed

    def probability(self, label: Label) -> float:
        """Of one label, 0..1."""
        return float(self.probabilities[label.index])

    def lead(self, label: Label) -> float:
        """How far the label's probability is above the highest of the others."""
        others = np.delete(self.probabilities, label.index)
        return float(self.probabilities[label.index] - others.max(initial=0.0))
