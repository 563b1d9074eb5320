"""Pictures that a label likes best: activation maximisation by gradient ascent.

Erhan et al. 2009; jitter, blur and an L2 penalty keep the picture from being noise (Yosinski et
al. 2015, Mordvintsev et al. 2015).
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import keras
import numpy as np
import tensorflow as tf


@dataclass(frozen=True, slots=True)
class Ascent:
    """How a picture is climbed to.

    Attributes:
        steps: Of gradient ascent.
        rate: Length of a step, as a share of the range of a pixel; falls to a tenth.
        jitter_px: The picture is shifted by up to so much, at random, before each step.
        blur_every: Steps between two blurs; 0 never blurs.
        blur_px: Standard deviation of the blur.
        penalty: Of the mean squared distance from mid-grey, in logits.
        seed: Of the start and of the jitter.
    """

    steps: int = 160
    rate: float = 0.06
    jitter_px: int = 8
    blur_every: int = 4
    blur_px: float = 0.6
    penalty: float = 4.0
    seed: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Liked:
    """What was climbed to.

    Attributes:
        picture: (s, s, 3) uint8 RGB.
        start, end: The label's logit of the first picture and of this one.
    """

    picture: np.ndarray
    start: float
    end: float


def maximise(
    model: keras.Model,
    index: int,
    size_px: int,
    ascent: Ascent,
    stepped: Callable[[], object] = lambda: None,
) -> Liked:
    """Climb to a picture that raises one label's logit.

    Args:
        model: The bundle's Keras network.
        index: Of the label.
        size_px: Side of the picture.
        ascent: How.
        stepped: Called after each step.
    """
    rng = np.random.default_rng(ascent.seed)
    picture = (0.5 + 0.02 * rng.standard_normal((1, size_px, size_px, 3))).astype(np.float32)
    start = logit_of(model, picture, index)
    for step in range(ascent.steps):
        shift = rng.integers(-ascent.jitter_px, ascent.jitter_px + 1, 2)
        shifted = np.roll(picture, shift, (1, 2))
        uphill = _gradient(model, tf.constant(shifted), tf.constant(index), ascent.penalty).numpy()
        rate = ascent.rate * (1 - 0.9 * step / max(ascent.steps - 1, 1))
        length = float(np.sqrt((uphill**2).mean()))
        moved = shifted + rate * uphill / max(length, 1e-12)
        picture = np.clip(np.roll(moved, -shift, (1, 2)), 0, 1)
        if ascent.blur_every and (step + 1) % ascent.blur_every == 0 and step + 1 < ascent.steps:
            picture = cv2.GaussianBlur(picture[0], (0, 0), ascent.blur_px)[None]
        stepped()
    shown = np.rint(255 * picture[0]).astype(np.uint8)
    return Liked(shown, start, logit_of(model, shown[None].astype(np.float32) / 255, index))


def logit_of(model: keras.Model, picture: np.ndarray, index: int) -> float:
    """A label's logit of a picture (1, s, s, 3) in 0..1."""
    return float(_logits(model(picture, training=False))[0, index])


def _logits(outputs):
    return outputs["logits"] if isinstance(outputs, dict) else outputs


@tf.function(reduce_retracing=True)
def _gradient(model, picture, index, penalty):
    with tf.GradientTape() as tape:
        tape.watch(picture)
        logit = _logits(model(picture, training=False))[0, index]
        height = logit - penalty * tf.reduce_mean((picture - 0.5) ** 2)
    return tape.gradient(height, picture)
