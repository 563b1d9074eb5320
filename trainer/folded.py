"""The trained network as plain weights: batch-norm, residuals, luminance and 1/255 folded away."""

from dataclasses import dataclass

import keras
import numpy as np

from trainer.model import LUMINANCE, Convolution, ModelSettings
from trainer.trunk import layer_name, steps


@dataclass(frozen=True, slots=True, eq=False)
class Folded:
    """Weights of a network from pictures in 0..255 to logits.

    Attributes:
        settings: Shape of the network.
        convolutions: Kernel (k, k, in, out) and bias (out,) of each, float64; the first takes RGB.
        dense: Kernel (in, out) and bias (out,) of each hidden layer and of the logits, float64.
        trunk: Kernel (k, k, in, out), of a depthwise step (k, k, channels, 1), and bias (out,) of
            each step of the trunk, float64; the first takes (pixel - 127) / 128.
    """

    settings: ModelSettings
    convolutions: tuple[tuple[np.ndarray, np.ndarray], ...]
    dense: tuple[tuple[np.ndarray, np.ndarray], ...]
    trunk: tuple[tuple[np.ndarray, np.ndarray], ...] = ()


def fold(model: keras.Model, settings: ModelSettings) -> Folded:
    """Fold a trained model.

    Zero padding commutes with a factor, so 1/255 folds exactly; a shift would not, so a trunk's
    input stays shifted.

    Args:
        model: Built by `trainer.model.build_model` from the same settings.
        settings: Shape of the network.

    Returns:
        Float64 weights that compute the same logits from uint8 pictures.
    """
    convolutions = [
        _fold_convolution(model, f"conv{number}", convolution)
        for number, convolution in enumerate(settings.convolutions, start=1)
    ]
    kernel, bias = convolutions[0]
    if settings.colour == "grey":
        kernel = kernel * np.array(LUMINANCE)[None, None, :, None]
    if not settings.trunk_blocks:
        convolutions[0] = kernel / 255.0, bias
    names = (*(f"dense{number}" for number in range(1, len(settings.hidden) + 1)), "logits")
    dense = tuple(_weights(model.get_layer(name)) for name in names)
    return Folded(settings, tuple(convolutions), dense, _trunk(model, settings))


def _trunk(model: keras.Model, settings: ModelSettings):
    named = (layer_name(step) for step in steps(settings.trunk_blocks))
    return tuple(_weights(model.get_layer(name)) for name in named)


def _weights(layer) -> tuple[np.ndarray, np.ndarray]:
    kernel = np.array(keras.ops.convert_to_numpy(layer.kernel), np.float64)
    if not layer.use_bias:
        return kernel, np.zeros(kernel.shape[-1])
    return kernel, np.asarray(keras.ops.convert_to_numpy(layer.bias), np.float64)


def _fold_convolution(
    model: keras.Model, name: str, convolution: Convolution
) -> tuple[np.ndarray, np.ndarray]:
    kernel, bias = _weights(model.get_layer(name))
    if convolution.batch_norm:
        scale, shift = _batch_norm(model.get_layer(f"{name}_bn"))
        kernel, bias = kernel * scale, bias * scale + shift
    if convolution.residual:
        middle = convolution.kernel // 2
        kernel[middle, middle] += np.eye(convolution.channels)
    return kernel, bias


def _batch_norm(layer) -> tuple[np.ndarray, np.ndarray]:
    # As factor and addend of each channel.
    gamma, beta, mean, variance = (
        np.asarray(keras.ops.convert_to_numpy(v), np.float64)
        for v in (layer.gamma, layer.beta, layer.moving_mean, layer.moving_variance)
    )
    scale = gamma / np.sqrt(variance + layer.epsilon)
    return scale, beta - mean * scale
