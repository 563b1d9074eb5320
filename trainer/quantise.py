"""The int8 classifier: full integer quantisation, ranges from representative pictures.

Leaky ReLU is no fused activation, so what enters it is stored as int8 too. Its negative side is
then shrunk tenfold and its rare extremes are clipped at little cost: each range is the one with the
smallest squared error *behind* the activation, not the span from minimum to maximum. Weights are
rounded with feedback, see `trainer.rounding`.

ReLU6 is fused, so in a trunk only what leaves a step is stored; the sums and projections without an
activation span what they reach but for their rarest extremes. Its picture is stored as it comes:
(pixel - 127) / 128 is what a uint8 of scale 1 / 128 and zero point 127 stands for. Depthwise
weights are rounded by the converter, a step of its own for each channel.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from trainer.equalise import ObservedGraph, equalise
from trainer.folded import Folded
from trainer.graph import Graph, to_tflite
from trainer.rounding import Moments, input_moments, rounded
from trainer.trunk import PIXEL_MIDDLE, PIXEL_SCALE, steps

LEVELS = 255
LOWER_QUANTILES = (0.0, 0.0001, 0.001, 0.005, 0.02, 0.05, 0.1)
UPPER_QUANTILES = (0.998, 0.9995, 0.9999, 0.99999, 1.0)
SAMPLES_PER_PICTURE = 4000


@dataclass(frozen=True, slots=True)
class Range:
    """What the 256 steps of one tensor span."""

    low: float
    high: float


def quantise(folded: Folded, pictures: Sequence[np.ndarray]) -> bytes:
    """Quantise the network.

    Args:
        folded: The weights.
        pictures: (s, s, 3) uint8 RGB, prepared as the device does; a few hundred from training.

    Returns:
        A .tflite file: uint8 picture (1, s, s, 3) -> float32 logits (1, n), int8 inside.

    Raises:
        ExportError: The converter refuses.
    """
    even = equalise(folded, pictures)
    graph = QuantisedGraph(even, find_ranges(even, pictures), input_moments(even, pictures))
    size = folded.settings.size_px
    return to_tflite(
        lambda picture: {"logits": graph.predict(picture)},
        [tf.TensorSpec([1, size, size, 3], tf.float32, name="picture")],
        _full_integer,
    )


def _full_integer(converter: tf.lite.TFLiteConverter) -> None:
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.float32


def find_ranges(folded: Folded, pictures: Sequence[np.ndarray]) -> dict[str, Range]:
    """The range of everything that enters leaky ReLU, that leaves a step of the trunk, and of the
    logits.

    Args:
        folded: The weights.
        pictures: As for `quantise`.

    Returns:
        "conv1" and so on, "dense1" and so on, and "logits" -> their ranges.
    """
    graph = ObservedGraph(folded)
    observe = tf.function(graph.observe)
    rng = np.random.default_rng(0)
    seen: dict[str, list[np.ndarray]] = {}
    for picture in pictures:
        for name, values in observe(tf.constant(picture[None])).items():
            flat = values.numpy().ravel()
            few = min(len(flat), SAMPLES_PER_PICTURE)
            kept = flat if name == "logits" else rng.choice(flat, few)
            seen.setdefault(name, []).append(kept)
    slope = folded.settings.slope
    leaky = (*folded.settings.activations, "logits")
    # What no leaky ReLU follows is stored as it is: a slope of 1.
    return {
        name: best_range(np.concatenate(values), slope if name in leaky else 1.0, name)
        for name, values in seen.items()
    }


def best_range(values: np.ndarray, slope: float, name: str) -> Range:
    """The range with the smallest squared error behind leaky ReLU; always holds 0.

    Logits are not clipped: the largest and the smallest count.
    """
    if name == "logits":
        return Range(min(float(values.min()), 0.0), max(float(values.max()), 1e-3))
    lows = np.minimum(np.quantile(values, LOWER_QUANTILES), 0.0)
    highs = np.maximum(np.quantile(values, UPPER_QUANTILES), 1e-3)
    target = _leaky(values, slope)
    errors = {
        (low, high): float(np.mean((_stored_twice(values, low, high, slope) - target) ** 2))
        for low in lows
        for high in highs
    }
    return Range(*(float(end) for end in min(errors, key=lambda ends: errors[ends])))


def _leaky(values: np.ndarray, slope: float) -> np.ndarray:
    return np.where(values > 0, values, slope * values)


def _stored_twice(values: np.ndarray, low: float, high: float, slope: float) -> np.ndarray:
    return _stored(_leaky(_stored(values, low, high), slope), slope * low, high)


def _stored(values: np.ndarray, low: float, high: float) -> np.ndarray:
    step = (high - low) / LEVELS
    return np.round((np.clip(values, low, high) - low) / step) * step + low


class QuantisedGraph(Graph):
    """The network with its ranges and per-channel weights marked for the converter."""

    def __init__(self, folded: Folded, ranges: dict[str, Range], moments: dict[str, Moments]):
        super().__init__(folded)
        self._ranges = ranges
        *hidden, logits = self.dense
        self.convolutions = [
            (_stored_weights(kernel, moments[f"conv{number}"]), bias)
            for number, (kernel, bias) in enumerate(self.convolutions, start=1)
        ]
        self.trunk = [
            pair if step.depthwise else (_stored_weights(pair[0], moments[step.name]), pair[1])
            for step, pair in zip(steps(self.settings.trunk_blocks), self.trunk, strict=True)
        ]
        self.dense = [
            *(
                (_stored_weights(kernel, moments[f"dense{number}"]), bias)
                for number, (kernel, bias) in enumerate(hidden, start=1)
            ),
            (_stored_weights(logits[0], moments["logits"]), logits[1]),
        ]

    def incoming(self, picture):
        if self.settings.trunk_blocks:
            # The float picture of the signature is (pixel - 127) / 128 already.
            low, high = ((edge - PIXEL_MIDDLE) / PIXEL_SCALE for edge in (0.0, 255.0))
            return _marked(picture, Range(low, high))
        return _marked(picture, Range(0.0, 255.0))

    def entering(self, x, name: str):
        return _marked(x, self._ranges[name])

    def leaving(self, x, name: str):
        ends = self._ranges[name]
        slope = self.settings.slope if name in self.settings.activations else 1.0
        return _marked(x, Range(slope * ends.low, ends.high))


def _marked(x, ends: Range):
    return tf.quantization.fake_quant_with_min_max_args(x, ends.low, ends.high)


def _stored_weights(kernel, moments: Moments):
    # The last axis is the output channel of convolutions and dense layers alike.
    weights = kernel.numpy().reshape(-1, kernel.shape[-1])
    largest = np.maximum(np.abs(weights).max(axis=0), 1e-6)
    on_steps = tf.constant(rounded(weights, largest, moments).reshape(kernel.shape), tf.float32)
    return tf.quantization.fake_quant_with_min_max_vars_per_channel(
        on_steps, -largest, largest, narrow_range=True
    )


def float_classifier(folded: Folded) -> bytes:
    """The same network unquantised, uint8 picture -> float32 logits; what int8 is held against."""
    graph = Graph(folded)
    size = folded.settings.size_px
    return to_tflite(
        lambda picture: {"logits": graph.predict(picture)},
        [tf.TensorSpec([1, size, size, 3], tf.uint8, name="picture")],
    )
