"""What drawing a scene gives, and the rule that says which bricks count as visible."""

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from edge.toml import Section
from trainer.scenes.scene import Scene

Share = Annotated[float, Field(ge=0, le=1)]


@dataclass(frozen=True, slots=True)
class LabelRule:
    """A brick counts if enough of it, and enough of the picture, shows it."""

    visible_share: float = 0.25
    picture_share: float = 0.0015

    def counts(self, visible_px: np.ndarray, full_px: np.ndarray, area_px: float) -> np.ndarray:
        """Which bricks count, (k,) bool."""
        enough = visible_px >= self.visible_share * np.maximum(full_px, 1e-9)
        return enough & (visible_px >= self.picture_share * area_px)


DEFAULT_RULE = LabelRule()


class Labels(Section):
    """When a brick counts as visible: so much of it, and so much of the picture, shows it."""

    visible_share: Share = DEFAULT_RULE.visible_share
    picture_share: Share = DEFAULT_RULE.picture_share

    def rule(self) -> LabelRule:
        """As the sampler takes it."""
        return LabelRule(self.visible_share, self.picture_share)


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """One drawn scene.

    Attributes:
        scene: What was drawn.
        image: (s, s, 3) uint8 RGB.
        ids: (s, s) uint8: 0 is no brick, k + 1 is `scene.bricks[k]`.
        visible_px: (k,) float pixels that show each brick.
        full_px: (k,) float pixels it would have if nothing hid or cropped it.
    """

    scene: Scene
    image: np.ndarray
    ids: np.ndarray
    visible_px: np.ndarray
    full_px: np.ndarray

    def labels(self, rule: LabelRule) -> np.ndarray:
        """Which bricks count as visible, (k,) bool."""
        return rule.counts(self.visible_px, self.full_px, float(self.ids.size))
