"""Evens out the channels of a network before it is quantised; computes the same in float.

Leaky ReLU and max-pooling commute with a positive factor, so a channel may be divided by any
factor if the next layer's weights for it are multiplied by the same one (Nagel et al. 2019).
Half-way, in the logarithm, between what suits the activations and what suits the next layer's
weights lost least on the shipped network.

In a trunk the same holds for the sums that go from block to block, which no activation follows;
between the steps of a block ReLU6 stands in the way.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import takewhile

import numpy as np
import tensorflow as tf

from trainer.folded import Folded
from trainer.graph import Graph
from trainer.trunk import Block, steps
from trainer.trunk import blocks as trunk_blocks

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
        Weights that compute the same logits.
    """
    reaches = _reaches(folded, pictures)
    folded = _even_sums(folded, reaches)
    layers = [*folded.convolutions, *folded.dense]
    for number, name in enumerate(folded.settings.activations):
        factor = _factor(reaches[name])
        kernel, bias = layers[number]
        layers[number] = kernel / factor, bias / factor
        following, following_bias = layers[number + 1]
        layers[number + 1] = _times(following, factor), following_bias
    count = len(folded.convolutions)
    return replace(folded, convolutions=tuple(layers[:count]), dense=tuple(layers[count:]))


def _factor(reach: np.ndarray) -> np.ndarray:
    reach = reach + 1e-3
    return (reach / np.exp(np.log(reach).mean())) ** HALF_WAY


def _even_sums(folded: Folded, reaches: dict[str, np.ndarray]) -> Folded:
    """Even out what the trunk's blocks hand on; those that add to each other share a factor."""
    count = folded.settings.trunk_blocks
    weights = dict(zip((s.name for s in steps(count)), folded.trunk, strict=True))
    first, bias = folded.convolutions[0]
    inside = trunk_blocks(count) if count else ()
    for number, block in enumerate(inside):
        # The stem ends in ReLU6, and a residual block goes on with the factor it was handed.
        if block.steps[-1].relu6 or block.residual:
            continue
        chain = [number, *_residual_after(inside, number)]
        names = [name for n in chain for name in _sums(inside, n)]
        factor = _factor(np.max([reaches[name] for name in names], axis=0))
        for n in chain:
            kernel, shift = weights[inside[n].steps[-1].name]
            weights[inside[n].steps[-1].name] = kernel / factor, shift / factor
        for n in (n + 1 for n in chain):
            if n == len(inside):
                first = _times(first, factor)
                continue
            kernel, shift = weights[inside[n].steps[0].name]
            # Input channels are the third axis, of a depthwise kernel too.
            weights[inside[n].steps[0].name] = _times(kernel, factor), shift
    return replace(
        folded,
        convolutions=((first, bias), *folded.convolutions[1:]),
        trunk=tuple(weights[step.name] for step in steps(count)),
    )


def _residual_after(inside: Sequence[Block], number: int) -> list[int]:
    """Numbers of the residual blocks right behind a block."""
    behind = takewhile(lambda n: inside[n].residual, range(number + 1, len(inside)))
    return list(behind)


def _sums(inside: Sequence[Block], number: int) -> tuple[str, ...]:
    """Names of the linear tensors that a block ends in."""
    last = inside[number].steps[-1].name
    return (last, f"block{number}_sum") if inside[number].residual else (last,)


def _times(kernel: np.ndarray, factor: np.ndarray) -> np.ndarray:
    if kernel.ndim == 4:
        return kernel * factor[None, None, :, None]
    # A flattened picture repeats the channels at every position.
    return kernel * np.tile(factor, kernel.shape[0] // len(factor))[:, None]


def _reaches(folded: Folded, pictures: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    observe = tf.function(ObservedGraph(folded).observe)
    slope, count = folded.settings.slope, folded.settings.trunk_blocks
    inside = trunk_blocks(count) if count else ()
    # The stem ends in ReLU6.
    sums = (name for number in range(1, len(inside)) for name in _sums(inside, number))
    names = (*folded.settings.activations, *sums)
    reaches: dict[str, np.ndarray] = {}
    for picture in pictures:
        seen = observe(tf.constant(picture[None]))
        for name in names:
            values = seen[name].numpy().reshape(-1, seen[name].shape[-1])
            if name in folded.settings.activations:
                values = np.where(values > 0, values, slope * values)
            values = np.abs(values)
            reach = np.quantile(values, QUANTILE, axis=0)
            reaches[name] = np.maximum(reaches.get(name, 0.0), reach)
    return reaches
