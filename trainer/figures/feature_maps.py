"""What the channels of a layer answer to a picture."""

import re
from collections.abc import Sequence

import keras
import numpy as np

from trainer.errors import RecipeError

SHOWN = (
    re.compile(r"(conv\d+)_act"),
    re.compile(r"trunk_(stem)_relu6"),
    re.compile(r"trunk_(block\d+)_project"),
)
ADDED = re.compile(r"trunk_(\d+)_add")


def layer_names(model: keras.Model) -> list[str]:
    """Layers whose output can be shown, first to last: of a trunk stem, block0.., then conv1.."""
    return list(_outputs(model))


def _outputs(model: keras.Model) -> dict[str, str]:
    # Name -> the Keras layer with its output; a residual block's is the sum.
    found = {}
    for layer in model.layers:
        for pattern in SHOWN:
            if match := pattern.fullmatch(layer.name):
                found[match[1]] = layer.name
        if match := ADDED.fullmatch(layer.name):
            # Its number counts the stem as well.
            found[f"block{int(match[1]) - 1}"] = layer.name
    return found


def check_layers(model: keras.Model, wanted: Sequence[str]) -> None:
    """Refuse layers that are not there.

    Raises:
        RecipeError: Names those that are.
    """
    known = layer_names(model)
    unknown = [name for name in wanted if name not in known]
    if unknown:
        raise RecipeError(
            f"--layers: found {', '.join(unknown)}; this network has {', '.join(known)}"
        )


def feature_maps(
    model: keras.Model, layers: Sequence[str], picture: np.ndarray
) -> list[np.ndarray]:
    """Activations of layers: after leaky ReLU, in a trunk as a block hands them on.

    Args:
        model: The bundle's Keras network.
        layers: Of `layer_names`.
        picture: (s, s, 3) uint8 RGB, prepared.

    Returns:
        For each layer (h, w, c) float32.
    """
    known = _outputs(model)
    outputs = [model.get_layer(known[name]).output for name in layers]
    inside = keras.Model(model.inputs, outputs)
    found = inside.predict(picture[None].astype(np.float32) / 255, verbose=0)
    return [np.asarray(one[0], np.float32) for one in (found if len(layers) > 1 else [found])]


def strongest(activation: np.ndarray, count: int) -> list[int]:
    """The channels of (h, w, c) that vary most over the picture, most first."""
    spread = activation.std(axis=(0, 1))
    return np.argsort(-spread, kind="stable")[:count].tolist()


def as_pictures(activation: np.ndarray, channels: Sequence[int]) -> np.ndarray:
    """Channels of (h, w, c) in viridis, (n, h, w, 3) uint8.

    All share one scale, from the least to the largest value of the layer, so that a channel that
    says nothing looks even.
    """
    from edge.explain.colours import heat_colours

    chosen = np.moveaxis(activation[..., list(channels)], -1, 0)
    low, high = float(activation.min()), float(activation.max())
    return np.stack(
        [heat_colours((one - low) / max(high - low, 1e-12), "viridis") for one in chosen]
    )
