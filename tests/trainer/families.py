"""Small networks of every kind that is exported, for tests that hold for all of them."""

import keras
import numpy as np

from trainer.model import Convolution, ModelSettings, alexnet, build_model

STACK = (
    Convolution(16, 8, 4),
    Convolution(16, residual=True),
    Convolution(24, 2, 2),
    Convolution(24, residual=True),
    Convolution(32, 1),
)
POOLED = (
    Convolution(16, 4, 2, batch_norm=False, pool=True),
    Convolution(16, 5, residual=True),
    Convolution(24, 3),
    Convolution(24, residual=True, pool=True),
)

BEHIND_TRUNK = (Convolution(24, 1), Convolution(24, residual=True), Convolution(32, 1))

FAMILIES = {
    "alexnet-flatten": alexnet(labels=12, size_px=128, width=0.15, dense_size=24),
    "alexnet-positions": alexnet(
        width=0.15,
        dense_size=24,
        stem_kernel=7,
        stem_stride=2,
        second_kernel=3,
        labels=12,
        size_px=96,
        head="positions",
        colour="grey",
    ),
    "stack-positions": ModelSettings(STACK, labels=85, size_px=96, head="positions", colour="grey"),
    "stack-flatten": ModelSettings(STACK, labels=12, size_px=64, slope=0.0),
    "pooled-positions": ModelSettings(
        POOLED, hidden=(20,), labels=12, size_px=96, head="positions"
    ),
    "pooled-flatten": ModelSettings(POOLED, hidden=(24, 20, 16), labels=12, size_px=96),
    "lite-positions": ModelSettings(
        BEHIND_TRUNK, labels=12, size_px=64, head="positions", trunk_blocks=4
    ),
}


def shaken_model(settings: ModelSettings, seed: int = 0) -> keras.Model:
    """A network whose biases and batch-norm are not the zeros and ones they begin with.

    A trunk begins with weights that have learned.
    """
    model, rng = build_model(settings, seed), np.random.default_rng(seed)
    for variable in model.weights:
        if len(variable.shape) == 1 and not variable.path.startswith("trunk_"):
            variable.assign(variable + rng.uniform(0.05, 0.3, variable.shape))
    return model
