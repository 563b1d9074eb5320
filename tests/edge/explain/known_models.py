"""Models whose answers are known: they look at which superpixels are shown."""

import numpy as np
from numpy.typing import NDArray

from edge.explain.hiding import HideSettings, hidden
from edge.explain.segments import SegmentSettings, segment


def mosaic(seed: int = 0, side_px: int = 96, tiles: int = 4) -> NDArray[np.uint8]:
    """Noisy tiles of plain colours: as many superpixels as tiles or a few more."""
    chance = np.random.default_rng(seed)
    colours = chance.integers(20, 236, (tiles, tiles, 3))
    plain = np.kron(colours, np.ones((side_px // tiles, side_px // tiles, 1)))
    return (plain + chance.integers(-12, 13, plain.shape)).astype(np.uint8)


class KnownModel:
    """Logits `bias + weights @ shown` of a picture's superpixels, plus one product of them.

    Args:
        picture: The whole picture.
        labels: How many logits.
        together: How much the first logit gains when superpixels 0 and 1 are both shown.
    """

    def __init__(self, picture: NDArray[np.uint8], labels: int = 3, together: float = 0.0) -> None:
        self.picture, self.calls, self.together = picture, 0, together
        self.segments = segment(picture, SegmentSettings())
        changed = (picture != hidden(picture, self.segments, HideSettings())).any(axis=2)
        self.superpixels = int(self.segments.max()) + 1
        self.pixels = [np.argwhere((self.segments == k) & changed) for k in range(self.superpixels)]
        chance = np.random.default_rng(7)
        self.weights = chance.normal(size=(labels, self.superpixels)).astype(np.float32)
        self.weights[:, [not len(found) for found in self.pixels]] = 0
        self.bias = chance.normal(size=labels).astype(np.float32)

    def shown(self, picture: NDArray[np.uint8]) -> NDArray[np.bool_]:
        same = (picture == self.picture).all(axis=2)
        return np.array([len(p) == 0 or bool(same[tuple(p[0])]) for p in self.pixels])

    def __call__(self, picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        self.calls += 1
        shown = self.shown(picture)
        logits = self.bias + self.weights @ shown
        logits[0] += self.together * (shown[:2].all() if len(shown) > 1 else 0)
        return logits.astype(np.float32)
