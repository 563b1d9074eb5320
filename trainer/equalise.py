"""Evens out the channels of a network before it is quantised; computes the same in float.

Leaky ReLU and max-pooling commute with a positive factor, so a channel may be divided by any
factor if the next layer's weights for it are multiplied by the same one (Nagel et al. 2019).
Half-way, in the logarithm, between what suits the activations and what suits the next layer's
weights lost least on the shipped network.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import tensorflow as tf

from trainer.folded import Folded
from trainer.graph import Graph

HALF_WAY = 0.5
QUANTILE = 0.999


class ObservedGraph(Graph):
    """Hands out what ranges are chosen from."""

    def observe(self, picture) -> dict[str, tf.Tensor]:
        """Every tensor that enters an activation, by name, and the logits."""
        self._seen: dict[str, tf.Tensor] = {}
        self._seen["logits"] = self.predict(picture)
        return self._seen

    def entering(self, x, name: str):
        """Keeps it."""
        if name != "logits":
            self._seen[name] = x
        return x

    def leaving(self, x, name: str):
        """Keeps what a step of the trunk gives, or the sum of a block."""
        if name not in self.settings.activations:
            self._seen[name] = x
        return x


def equalise(folded: Folded, pictures: Sequence[np.ndarray]) -> Folded:
    """Even out the channels of every hidden layer.

    Args:
        folded: The weights.
        pictures: (s, s, 3) uint8 RGB that show how far each channel reaches.

    Returns:
        Weights that compute the same logits. A trunk stays as it is: ReLU6 does not commute with
        a factor, and its ranges are even by themselves.
    """
    layers = [*folded.convolutions, *folded.dense]
    reaches = _reaches(folded, pictures)
    for number, name in enumerate(folded.settings.activations):
        reach = reaches[name] + 1e-3
        factor = (reach / np.exp(np.log(reach).mean())) ** HALF_WAY
        kernel, bias = layers[number]
        layers[number] = kernel / factor, bias / factor
        following, following_bias = layers[number + 1]
        layers[number + 1] = _times(following, factor), following_bias
    count = len(folded.convolutions)
    return replace(folded, convolutions=tuple(layers[:count]), dense=tuple(layers[count:]))


def _times(kernel: np.ndarray, factor: np.ndarray) -> np.ndarray:
    if kernel.ndim == 4:
        return kernel * factor[None, None, :, None]
    # A flattened picture repeats the channels at every position.
    return kernel * np.tile(factor, kernel.shape[0] // len(factor))[:, None]


def _reaches(folded: Folded, pictures: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    observe = tf.function(ObservedGraph(folded).observe)
    slope = folded.settings.slope
    reaches: dict[str, np.ndarray] = {}
    for picture in pictures:
        seen = observe(tf.constant(picture[None]))
        for name in folded.settings.activations:
            values = seen[name].numpy().reshape(-1, seen[name].shape[-1])
            values = np.abs(np.where(values > 0, values, slope * values))
            reach = np.quantile(values, QUANTILE, axis=0)
            reaches[name] = np.maximum(reaches.get(name, 0.0), reach)
    return reaches
