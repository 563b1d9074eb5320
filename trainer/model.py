"""The network: after AlexNet, with leaky ReLU and batch-norm that folds away."""

from dataclasses import dataclass
from typing import Literal

import keras
from keras import layers, ops

ALEXNET_CHANNELS = (96, 256, 384, 384, 256)
BATCH_NORM_AFTER = (1, 2, 5)
POOL_AFTER = (1, 2, 5)
LUMINANCE = (0.299, 0.587, 0.114)
"""Weights of R, G and B in the grey value (ITU-R BT.601)."""


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """What may differ between two networks of this family.

    Attributes:
        labels: Number of brick types.
        size_px: Side of the square input.
        width: Factor on AlexNet's channels (96, 256, 384, 384, 256), rounded to eights.
        dense_size: Units of each of the two hidden dense layers.
        slope: Of leaky ReLU for negative input.
        stem_kernel: Kernel of the first convolution; AlexNet's is 11.
        stem_stride: Stride of the first convolution; AlexNet's is 4.
        second_kernel: Kernel of the second convolution; AlexNet's is 5.
        head: "flatten" is the paper's: the dense layers see the whole flattened picture.
            "positions" applies the same dense layers at each position of the last pooling and
            takes the strongest evidence for each label, so that what is learned at one place
            counts at every other.
        colour: "rgb", or "grey" for a network that is shown luminance only; the export folds
            the luminance weights into the first convolution, so the device always gives RGB.
        dropout: Before each hidden dense layer, in training only.
    """

    labels: int = 85
    size_px: int = 224
    width: float = 0.5
    dense_size: int = 512
    slope: float = 0.1
    stem_kernel: int = 11
    stem_stride: int = 4
    second_kernel: int = 5
    head: Literal["flatten", "positions"] = "flatten"
    colour: Literal["rgb", "grey"] = "rgb"
    dropout: float = 0.0

    @property
    def channels(self) -> tuple[int, ...]:
        """Output channels of the five convolutions."""
        return tuple(max(8, int(c * self.width / 8 + 0.5) * 8) for c in ALEXNET_CHANNELS)

    @property
    def kernels(self) -> tuple[int, ...]:
        """Kernel sides of the five convolutions."""
        return (self.stem_kernel, self.second_kernel, 3, 3, 3)

    @property
    def strides(self) -> tuple[int, ...]:
        """Strides of the five convolutions."""
        return (self.stem_stride, 1, 1, 1, 1)


@keras.saving.register_keras_serializable("bricksight")
class Luminance(layers.Layer):
    """RGB to one grey channel; fixed weights, folded into the first convolution on export."""

    def call(self, picture):
        weights = ops.convert_to_tensor(LUMINANCE, dtype=picture.dtype)
        return ops.sum(picture * weights, axis=-1, keepdims=True)

    def compute_output_shape(self, input_shape):
        return (*input_shape[:-1], 1)


@keras.saving.register_keras_serializable("bricksight")
class StrongestEvidence(layers.Layer):
    """Scores at every position (b, h, w, n) to logits (b, n): the largest of each label."""

    def call(self, scores):
        return ops.max(scores, axis=(1, 2))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], input_shape[-1])


def build_model(settings: ModelSettings, seed: int = 0) -> keras.Model:
    """Build the network with fresh weights.

    Args:
        settings: Shape of the network.
        seed: Of the initial weights.

    Returns:
        A Keras model from (b, s, s, 3) float pictures in 0..1 to a dict of "logits" (b, n) and,
        for the "positions" head, "scores" (b, h, w, n) before the maximum. With that head the
        input may have any side that leaves at least one position.
    """
    keras.utils.set_random_seed(seed)
    side = None if settings.head == "positions" else settings.size_px
    picture = keras.Input((side, side, 3), name="picture")
    features = convolutions(picture, settings)
    if settings.head == "flatten":
        logits = dense_head(layers.Flatten(name="flatten")(features), settings)
        return keras.Model(picture, {"logits": logits}, name="bricksight")
    scores = dense_head(features, settings)
    logits = StrongestEvidence(name="strongest", dtype=_output_dtype())(scores)
    return keras.Model(picture, {"logits": logits, "scores": scores}, name="bricksight")


def convolutions(picture, settings: ModelSettings):
    """The five convolutions: conv -> batch-norm -> leaky ReLU -> pool, so that BN folds."""
    x = Luminance(name="luminance")(picture) if settings.colour == "grey" else picture
    shapes = zip(settings.channels, settings.kernels, settings.strides, strict=True)
    for number, (channels, kernel, stride) in enumerate(shapes, start=1):
        x = layers.Conv2D(
            channels,
            kernel,
            stride,
            padding="same",
            use_bias=number not in BATCH_NORM_AFTER,
            kernel_initializer="he_normal",
            name=f"conv{number}",
        )(x)
        if number in BATCH_NORM_AFTER:
            x = layers.BatchNormalization(momentum=0.97, name=f"conv{number}_bn")(x)
        x = layers.LeakyReLU(settings.slope, name=f"conv{number}_act")(x)
        if number in POOL_AFTER:
            x = layers.MaxPooling2D(3, 2, padding="valid", name=f"pool{number}")(x)
    return x


def dense_head(x, settings: ModelSettings):
    """The three dense layers; on a (b, h, w, c) input they act at each position alike."""
    for number in (1, 2):
        if settings.dropout:
            x = layers.Dropout(settings.dropout, name=f"drop{number}")(x)
        x = layers.Dense(
            settings.dense_size, kernel_initializer="he_normal", name=f"dense{number}"
        )(x)
        x = layers.LeakyReLU(settings.slope, name=f"dense{number}_act")(x)
    return layers.Dense(settings.labels, name="logits", dtype=_output_dtype())(x)


def _output_dtype() -> str:
    # Logits stay in full precision when the rest is mixed.
    policy = keras.mixed_precision.dtype_policy()
    return policy.variable_dtype
