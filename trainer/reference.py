"""Grad-CAM by automatic differentiation in float64, on the unfolded Keras network.

Shares no line with the companion: batch-norm is not folded, the gradient is TensorFlow's own.
"""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from trainer.model import ModelSettings, build_model


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


def reference_maps(
    model64: keras.Model, picture: np.ndarray, wanted: Sequence[int], pooling: str = "mean"
) -> tuple[np.ndarray, np.ndarray]:
    """Logits and Grad-CAM maps by tf.GradientTape.

    Args:
        model64: From `in_float64`.
        picture: (s, s, 3) uint8 RGB.
        wanted: k label indices.
        pooling: "mean" or "max", over positions of dz/dA.

    Returns:
        Logits (1, n) and maps (k, h, w), float64.
    """
    inside = keras.Model(
        model64.inputs, [model64.get_layer("conv5_act").output, model64.output["logits"]]
    )
    scaled = tf.constant(picture[None], tf.float64) / 255
    with tf.GradientTape(persistent=True) as tape:
        activation, logits = inside(scaled)
        tape.watch(activation)
        chosen = [logits[0, k] for k in wanted]
    maps = []
    for score in chosen:
        gradient = tape.gradient(score, activation)[0].numpy()
        alpha = gradient.mean((0, 1)) if pooling == "mean" else gradient.max((0, 1))
        maps.append(np.maximum(activation[0].numpy() @ alpha, 0))
    return logits.numpy(), np.stack(maps)
