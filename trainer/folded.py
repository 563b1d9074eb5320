"""The trained network as plain weights: batch-norm, luminance and 1/255 folded away."""

from dataclasses import dataclass

import keras
import numpy as np

from trainer.model import BATCH_NORM_AFTER, LUMINANCE, ModelSettings


@dataclass(frozen=True, slots=True, eq=False)
class Folded:
    """Weights of a network from pictures in 0..255 to logits.

    Attributes:
        settings: Shape of the network.
        convolutions: Five of kernel (k, k, in, out) and bias (out,), float64; the first takes RGB.
        dense: Three of kernel (in, out) and bias (out,), float64.
    """

    settings: ModelSettings
    convolutions: tuple[tuple[np.ndarray, np.ndarray], ...]
    dense: tuple[tuple[np.ndarray, np.ndarray], ...]


def fold(model: keras.Model, settings: ModelSettings) -> Folded:
    """Fold a trained model.

    Zero padding commutes with a factor, so 1/255 folds exactly; a shift would not.

    Args:
        model: Built by `trainer.model.build_model` from the same settings.
        settings: Shape of the network.

    Returns:
        Float64 weights that compute the same logits from uint8 pictures.
    """
    convolutions = [_fold_batch_norm(model, number) for number in range(1, 6)]
    kernel, bias = convolutions[0]
    if settings.colour == "grey":
        kernel = kernel * np.array(LUMINANCE)[None, None, :, None]
    convolutions[0] = kernel / 255.0, bias
    names = ("dense1", "dense2", "logits")
    return Folded(settings, tuple(convolutions), tuple(_weights(model.get_layer(n)) for n in names))


def _weights(layer) -> tuple[np.ndarray, np.ndarray]:
    kernel = np.asarray(keras.ops.convert_to_numpy(layer.kernel), np.float64)
    if not layer.use_bias:
        return kernel, np.zeros(kernel.shape[-1])
    return kernel, np.asarray(keras.ops.convert_to_numpy(layer.bias), np.float64)


def _fold_batch_norm(model: keras.Model, number: int) -> tuple[np.ndarray, np.ndarray]:
    kernel, bias = _weights(model.get_layer(f"conv{number}"))
    if number not in BATCH_NORM_AFTER:
        return kernel, bias
    norm = model.get_layer(f"conv{number}_bn")
    gamma, beta, mean, variance = (
        np.asarray(keras.ops.convert_to_numpy(v), np.float64)
        for v in (norm.gamma, norm.beta, norm.moving_mean, norm.moving_variance)
    )
    scale = gamma / np.sqrt(variance + norm.epsilon)
    return kernel * scale, (bias - mean) * scale + beta
