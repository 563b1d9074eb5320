"""When frames are an item."""

from dataclasses import dataclass

from edge.evidence import Trigger
from edge.ranges import check_range

MAX_FRAMES = 100


@dataclass(frozen=True, slots=True)
class ItemSettings:
    """When frames are an item.

    Attributes:
        trigger: What begins an item.
        k: How many frames have to agree; more than half of `n`.
        n: Of how many newest frames, 1..100.
        patience_frames: Frames after which an item is given although they disagree, n..1000.
        still_threshold: Mean absolute difference of grey, 0..255, up to which two frames in a row
            show a scene at rest.
        changed_threshold: The same against the last item's scene, above which it is another scene.
        light_drift: Share, 0..1, by which the remembered scene follows slow changes of the light.
        object_contrast: Grey levels, 1..255, from which on a place differs from the empty scene.
        object_area: Share, 0.001..1, of the picture that such places cover at least together to
            be an object.

    Raises:
        ConfigError: A value is out of range.
    """

    trigger: Trigger = Trigger.STILL
    k: int = 3
    n: int = 5
    patience_frames: int = 15
    still_threshold: float = 2.0
    changed_threshold: float = 4.0
    light_drift: float = 0.05
    object_contrast: float = 16.0
    object_area: float = 0.01

    def __post_init__(self) -> None:
        check_range("items.n", self.n, 1, MAX_FRAMES)
        check_range("items.k (more than half of n)", self.k, self.n // 2 + 1, self.n)
        check_range("items.patience_frames", self.patience_frames, self.n, 1000)
        check_range("items.still_threshold", self.still_threshold, 0, 255)
        check_range("items.changed_threshold", self.changed_threshold, 0, 255)
        check_range("items.light_drift", self.light_drift, 0, 1)
        check_range("items.object_contrast", self.object_contrast, 1, 255)
        check_range("items.object_area", self.object_area, 0.001, 1)
