"""The methods under test, as maps of chosen labels on one grid."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from edge.bundle import VARIANT_MAPS, Bundle
from edge.classifier import Classifier
from edge.domain import Frame, Prediction
from edge.explain.gradcam import GradCam
from edge.interpreter import Interpreter
from trainer.faithfulness.masks import averaged
from trainer.faithfulness.networks import Networks

GRADIENT = ("grad-cam", "grad-cam-max", "hirescam")
METHODS = (*GRADIENT, "lime", "centre")
CENTRE_SIGMA = 1 / 4
"""Of the map that looks at the picture's centre whatever is there, as a share of the side."""


class Superpixels(Protocol):
    """What is used of LIME's answer.

    Attributes:
        coefficients: (n, k) float32, of each label and superpixel.
        r2: (n,) of each label's fit.
    """

    coefficients: np.ndarray
    r2: np.ndarray

    def map_of(self, index: int) -> np.ndarray:
        """The label's signed map (s, s) float32."""


Lime = Callable[[np.ndarray, Callable[[np.ndarray], np.ndarray], int, Sequence[int]], Superpixels]
"""A model input (s, s, 3) uint8, the model, a seed and the labels that must be steady, to LIME's
answer for all labels."""


def device_lime(
    picture: np.ndarray, classify: Any, seed: int, indices: Sequence[int]
) -> Superpixels:
    """LIME with the device's own settings."""
    from edge.explain.lime import lime
    from edge.explain.lime_result import LimeSettings

    return lime(picture, classify, LimeSettings(seed=seed), wanted=indices)


@dataclass(frozen=True, slots=True, eq=False)
class Attribution:
    """One method's maps of one picture.

    Attributes:
        maps: (k, h, w) float32 on the companion's grid, signed where the method is.
        r2: (k,) of LIME's fits; NaN for others.
    """

    maps: np.ndarray
    r2: np.ndarray


class Attributions:
    """Runs the methods; used by one thread only.

    Args:
        bundle: A verified bundle.
        methods: Some of `METHODS`.
        networks: What the bundle itself does not hold.
        lime: LIME, or a stand-in.
    """

    def __init__(
        self,
        bundle: Bundle,
        methods: Sequence[str],
        networks: Networks,
        lime: Lime = device_lime,
    ) -> None:
        self.bundle = bundle
        self.methods = tuple(methods)
        self.grid = bundle.manifest.companion.grid
        self._classifier = Classifier(bundle)
        self._cam = GradCam(bundle)
        self._lime = lime
        self._variants = Interpreter(networks.variants) if networks.variants else None

    def classify(self, image: np.ndarray) -> Prediction:
        """What the device says of a picture (h, w, 3) uint8."""
        return self._classifier.classify(Frame(0, 0.0, image))

    def logits(self, model_input: np.ndarray) -> np.ndarray:
        """The int8 model's logits (n,) of a model input (s, s, 3) uint8."""
        return self._classifier.logits(model_input)

    def companion_record(self, prediction: Prediction) -> Mapping[str, Any]:
        """What the companion says of its agreement with the int8 model."""
        return self._cam.explain(prediction, self.bundle.labels[:1]).details

    def gradients(self, prediction: Prediction, indices: Sequence[int]) -> dict[str, np.ndarray]:
        """Maps (k, h, w) of the chosen gradient methods."""
        labels = [self.bundle.labels[i] for i in indices]
        found = {m: e.maps for m, e in self._cam.explain_all(prediction, labels).items()}
        if self._variants is not None:
            wanted = np.array(indices, np.int32)
            _, *maps = self._variants.run(prediction.model_input[None], wanted)
            found = dict(zip(VARIANT_MAPS, maps, strict=True)) | found
        return {method: found[method] for method in self.methods if method in GRADIENT}

    def lime(self, prediction: Prediction, seed: int, indices: Sequence[int]) -> Superpixels:
        """LIME's answer for all labels; it may end early when those of `indices` are steady."""
        return self._lime(prediction.model_input, self.logits, seed, indices)

    def explain(
        self,
        prediction: Prediction,
        indices: Sequence[int],
        seed: int,
        strangers: Sequence[int] = (),
    ) -> dict[str, Attribution]:
        """Maps of labels by every chosen method, in the order of `methods`.

        Args:
            prediction: Of the picture.
            indices: Labels to explain.
            seed: Of LIME.
            strangers: Labels whose maps follow, to compare with.
        """
        steady, indices = indices, [*indices, *strangers]
        unknown = np.full(len(indices), np.nan)
        found = {
            method: Attribution(maps, unknown)
            for method, maps in self.gradients(prediction, indices).items()
        }
        if "lime" in self.methods:
            said = self.lime(prediction, seed, steady)
            maps = np.stack([self._on_grid(said.map_of(i)) for i in indices])
            found["lime"] = Attribution(maps, np.asarray(said.r2)[indices])
        if "centre" in self.methods:
            maps = np.repeat(centre_map(self.grid)[None], len(indices), axis=0)
            found["centre"] = Attribution(maps, unknown)
        return {method: found[method] for method in self.methods}

    def _on_grid(self, heat: np.ndarray) -> np.ndarray:
        return averaged(heat, self.grid).astype(np.float32)


def needs_variants(bundle: Bundle, methods: Sequence[str]) -> bool:
    """Whether a gradient method is wanted that the bundle itself has not."""
    wanted = {method for method in methods if method in GRADIENT}
    return not wanted <= set(GradCam(bundle).methods)


def centre_map(grid: tuple[int, int]) -> np.ndarray:
    """A round hill (h, w) float32 in the middle: what knows nothing but how pictures are taken."""
    y, x = (np.arange(side) + 0.5 for side in grid)
    away = ((y / grid[0] - 0.5)[:, None]) ** 2 + ((x / grid[1] - 0.5)[None]) ** 2
    return np.exp(-away / (2 * CENTRE_SIGMA**2)).astype(np.float32)
