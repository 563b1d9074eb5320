"""The network: convolutions, dense layers, leaky ReLU, and batch-norm that folds away."""

from dataclasses import dataclass
from typing import Literal

import keras
from keras import layers, ops

from trainer import trunk

ALEXNET_CHANNELS = (96, 256, 384, 384, 256)
ALEXNET_POOLED = (1, 2, 5)
"""The convolutions that batch-norm and pooling follow."""
LUMINANCE = (0.299, 0.587, 0.114)
"""Weights of R, G and B in the grey value (ITU-R BT.601)."""
POOL_SIDE, POOL_STRIDE = 3, 2


@dataclass(frozen=True, slots=True)
class Convolution:
    """One convolution, with "SAME" padding: conv -> batch-norm (-> + input) -> leaky ReLU -> pool.

    Attributes:
        channels: Of its output.
        kernel: Side of the kernel.
        stride: Of the kernel.
        batch_norm: Whether batch-norm follows; without it the convolution has a bias.
        pool: Whether a 3 x 3 max-pool of stride 2, without padding, follows the activation.
        residual: Whether the input is added before the activation. It needs an odd kernel,
            stride 1, batch-norm and as many channels as the input has; the sum folds into the
            kernel.
    """

    channels: int
    kernel: int = 3
    stride: int = 1
    batch_norm: bool = True
    pool: bool = False
    residual: bool = False


@dataclass(frozen=True, slots=True)
class ModelSettings:
    """What may differ between two networks.

    Attributes:
        convolutions: From the picture on, at least one.
        hidden: Units of the hidden dense layers; none for a linear head.
        labels: Number of brick types.
        size_px: Side of the square input.
        slope: Of leaky ReLU for negative input.
        head: "flatten" is the paper's: the dense layers see the whole flattened picture.
            "positions" applies the same dense layers at each position of the last convolution or
            its pooling and takes the strongest evidence for each label, so that what is learned
            at one place counts at every other.
        colour: "rgb", or "grey" for a network that is shown luminance only; the export folds
            the luminance weights into the first convolution, so the device always gives RGB.
        trunk_blocks: Blocks of EfficientNet-Lite0, with ImageNet weights, before the first
            convolution; see `trainer.trunk`. None if 0. It needs the "positions" head and "rgb".
        dropout: Before each hidden dense layer, before the logits if there is none; in training
            only.
    """

    convolutions: tuple[Convolution, ...]
    hidden: tuple[int, ...] = ()
    labels: int = 85
    size_px: int = 224
    slope: float = 0.1
    head: Literal["flatten", "positions"] = "flatten"
    colour: Literal["rgb", "grey"] = "rgb"
    dropout: float = 0.0
    trunk_blocks: int = 0

    @property
    def activations(self) -> tuple[str, ...]:
        """Names of the layers that leaky ReLU follows, in order: conv1.., dense1.."""
        return (
            *(f"conv{number}" for number in range(1, len(self.convolutions) + 1)),
            *(f"dense{number}" for number in range(1, len(self.hidden) + 1)),
        )


def alexnet(
    width: float = 0.5,
    dense_size: int = 512,
    stem_kernel: int = 11,
    stem_stride: int = 4,
    second_kernel: int = 5,
    **others,
) -> ModelSettings:
    """The paper's network: five convolutions, two hidden dense layers.

    Args:
        width: Factor on AlexNet's channels (96, 256, 384, 384, 256), rounded to eights.
        dense_size: Units of each of the two hidden dense layers.
        stem_kernel: Kernel of the first convolution; AlexNet's is 11.
        stem_stride: Stride of the first convolution; AlexNet's is 4.
        second_kernel: Kernel of the second convolution; AlexNet's is 5.
        others: As `ModelSettings` takes them.
    """
    kernels = (stem_kernel, second_kernel, 3, 3, 3)
    strides = (stem_stride, 1, 1, 1, 1)
    channels = (max(8, int(c * width / 8 + 0.5) * 8) for c in ALEXNET_CHANNELS)
    pooled = (number in ALEXNET_POOLED for number in range(1, 6))
    shapes = zip(channels, kernels, strides, pooled, strict=True)
    return ModelSettings(
        convolutions=tuple(Convolution(c, k, s, batch_norm=p, pool=p) for c, k, s, p in shapes),
        hidden=(dense_size, dense_size),
        **others,
    )


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the positions of a layer lie on the square picture.

    Attributes:
        count: Positions along a side; none if the picture is too small for the network.
        stride_px: From one position's centre to the next one's.
        first_px: Centre of the first position, from the picture's edge; less than 0 is outside.
    """

    count: int
    stride_px: int
    first_px: float


def positions_of(settings: ModelSettings, side_px: int) -> Grid:
    """The positions that the dense layers see."""
    return _grid(settings, side_px, settings.convolutions[-1].pool)


def maps_of(settings: ModelSettings, side_px: int) -> Grid:
    """The positions of the last convolution, before its pooling if it has one."""
    return _grid(settings, side_px, last_pool=False)


def _grid(settings: ModelSettings, side_px: int, last_pool: bool) -> Grid:
    count, stride, first = side_px, 1, 0.5
    for step in trunk.steps(settings.trunk_blocks):
        before = padding(count, step.kernel, step.stride)[0]
        first += stride * ((step.kernel - 1) / 2 - before)
        count, stride = -(-count // step.stride), stride * step.stride
    for number, convolution in enumerate(settings.convolutions, start=1):
        before = padding(count, convolution.kernel, convolution.stride)[0]
        first += stride * ((convolution.kernel - 1) / 2 - before)
        count, stride = -(-count // convolution.stride), stride * convolution.stride
        if convolution.pool and (last_pool or number < len(settings.convolutions)):
            first += stride * (POOL_SIDE - 1) / 2
            count, stride = (count - POOL_SIDE) // POOL_STRIDE + 1, stride * POOL_STRIDE
    return Grid(max(count, 0), stride, first)


def padding(side: int, kernel: int, stride: int) -> tuple[int, int]:
    """What "SAME" adds before and after a side; TensorFlow and JAX put the odd pixel after."""
    total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
    return total // 2, total - total // 2


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
        input may have any side that leaves at least one position. A trunk begins with its ImageNet
        weights.

    Raises:
        TrunkError: The file of the trunk's weights is missing or another one.
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
    model = keras.Model(picture, {"logits": logits, "scores": scores}, name="bricksight")
    if settings.trunk_blocks:
        trunk.load_trunk(model, settings.trunk_blocks)
    return model


def convolutions(picture, settings: ModelSettings):
    """The trunk if there is one, then all convolutions, the last one's pooling included."""
    x = Luminance(name="luminance")(picture) if settings.colour == "grey" else picture
    if settings.trunk_blocks:
        x = trunk.trunk_layers(x, settings.trunk_blocks)
    for number, convolution in enumerate(settings.convolutions, start=1):
        x = _convolution(x, convolution, f"conv{number}", settings.slope)
        if convolution.pool:
            x = layers.MaxPooling2D(POOL_SIDE, POOL_STRIDE, name=f"pool{number}")(x)
    return x


def _convolution(incoming, convolution: Convolution, name: str, slope: float):
    # Batch-norm comes before the activation, so that it folds.
    x = layers.Conv2D(
        convolution.channels,
        convolution.kernel,
        convolution.stride,
        padding="same",
        use_bias=not convolution.batch_norm,
        kernel_initializer="he_normal",
        name=name,
    )(incoming)
    if convolution.batch_norm:
        x = layers.BatchNormalization(momentum=0.97, name=f"{name}_bn")(x)
    if convolution.residual:
        x = layers.Add(name=f"{name}_add")([x, incoming])
    return layers.LeakyReLU(slope, name=f"{name}_act")(x)


def dense_head(x, settings: ModelSettings):
    """The dense layers; on a (b, h, w, c) input they act at each position alike."""
    for number, units in enumerate(settings.hidden, start=1):
        x = _dropped(x, settings, number)
        x = layers.Dense(units, kernel_initializer="he_normal", name=f"dense{number}")(x)
        x = layers.LeakyReLU(settings.slope, name=f"dense{number}_act")(x)
    x = x if settings.hidden else _dropped(x, settings, 1)
    return layers.Dense(settings.labels, name="logits", dtype=_output_dtype())(x)


def _dropped(x, settings: ModelSettings, number: int):
    if not settings.dropout:
        return x
    return layers.Dropout(settings.dropout, name=f"drop{number}")(x)


def _output_dtype() -> str:
    # Logits stay in full precision when the rest is mixed.
    policy = keras.mixed_precision.dtype_policy()
    return policy.variable_dtype
