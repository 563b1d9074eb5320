"""Grad-CAM by automatic differentiation in float64, on the unfolded Keras network.

Shares no line with the companion: batch-norm is not folded, the gradient is TensorFlow's own.
"""

from collections.abc import Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf

from trainer.model import ModelSettings, build_model


class Reference(NamedTuple):
    """Float64: logits (1, n); Grad-CAM, HiResCAM and max-pooled maps, each (k, h, w)."""

    logits: np.ndarray
    maps: np.ndarray
    hires: np.ndarray
    max_pooled: np.ndarray


def in_float64(model: keras.Model, settings: ModelSettings) -> keras.Model:
    """A copy of the network that computes in float64."""
    policy = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy("float64")
    try:
        copy = build_model(settings)
    finally:
        keras.mixed_precision.set_dtype_policy(policy)
    copy.set_weights(model.get_weights())
    return copy


def reference_maps(model64: keras.Model, picture: np.ndarray, wanted: Sequence[int]) -> Reference:
    """Logits and maps by tf.GradientTape, from the last convolution's activation.

    Args:
        model64: From `in_float64`.
        picture: (s, s, 3) uint8 RGB.
        wanted: k label indices.
    """
    activations = [one for one in model64.layers if one.name.endswith("_act")]
    last = [one for one in activations if one.name.startswith("conv")][-1]
    inside = keras.Model(model64.inputs, [last.output, model64.output])
    scaled = tf.constant(picture[None], tf.float64) / 255
    with tf.GradientTape(persistent=True) as tape:
        activation, outputs = inside(scaled)
        tape.watch(activation)
        chosen = [_spoken(outputs, k) for k in wanted]
    gradients = np.stack([tape.gradient(score, activation)[0].numpy() for score in chosen])
    mean, largest = (
        np.maximum(np.einsum("hwc,kc->khw", activation[0], weights), 0)
        for weights in (gradients.mean(axis=(1, 2)), gradients.max(axis=(1, 2)))
    )
    hires = (gradients * activation[0].numpy()).sum(axis=3)
    return Reference(outputs["logits"].numpy(), mean, hires, largest)


def _spoken(outputs, k: int):
    # The one score that is the label's logit: the first, where several are equal. The gradient
    # of a maximum would be split between them.
    if "scores" not in outputs:
        return outputs["logits"][0, k]
    every = tf.reshape(outputs["scores"][0, ..., k], [-1])
    return every[int(np.argmax(every))]
