"""Rounds weights so that what one of them loses the ones after it make up for.

A weight rounded alone moves every sum by its own error. Rounded in turn, each error is handed on to
the weights that are not rounded yet, as far as their inputs go along with its own: GPTQ (Frantar
et al. 2023, arXiv:2210.17323), on the second moments of what the layer sees. It matters most where
one large weight sets a coarse step for many small ones, as a residual's does.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from trainer.folded import Folded
from trainer.graph import Graph

STEPS = 127
"""Of an int8 weight, to either side of 0."""
DAMPING = 0.01
PICTURES = 64
SAMPLES_PER_PICTURE = 300
SAMPLES_PER_WEIGHT = 2.0
"""With fewer, what the samples happen to have in common would count too much."""


@dataclass(slots=True)
class Moments:
    """Second moments (f, f) of a layer's inputs, summed over so many samples."""

    total: np.ndarray | float = 0.0
    samples: int = 0

    def add(self, rows: np.ndarray) -> None:
        """Take samples (m, f) in."""
        self.total = self.total + (rows.T @ rows).astype(np.float64)
        self.samples += len(rows)

    @property
    def enough(self) -> bool:
        """Whether there are samples enough to go by."""
        return self.samples >= SAMPLES_PER_WEIGHT * np.shape(self.total)[0]


class InputsGraph(Graph):
    """Hands out what every layer multiplies its weights with."""

    def inputs(self, picture) -> dict[str, tf.Tensor]:
        """Rows (m, f) of every layer, by name; depthwise steps of a trunk are left out."""
        self._rows: dict[str, tf.Tensor] = {}
        self.predict(picture)
        return self._rows

    def multiplied(self, x, name: str, side: tuple[int, int] = (1, 1), strides=(1, 1)):
        """Keeps it, a row for every sum that is made of it."""
        if x.shape.rank == 4:
            patches = tf.image.extract_patches(
                x, [1, *side, 1], [1, *strides, 1], [1, 1, 1, 1], "SAME"
            )
            self._rows[name] = tf.reshape(patches, [-1, patches.shape[-1]])
        else:
            self._rows[name] = x
        return x


def input_moments(folded: Folded, pictures: Sequence[np.ndarray]) -> dict[str, Moments]:
    """Moments of what each layer sees, "conv1" and so on, "dense1" and so on, and "logits".

    Args:
        folded: The weights.
        pictures: (s, s, 3) uint8 RGB; at most `PICTURES` of them are looked at.
    """
    see = tf.function(InputsGraph(folded).inputs)
    rng = np.random.default_rng(0)
    moments: dict[str, Moments] = {}
    for picture in pictures[:: -(-len(pictures) // PICTURES)]:
        for name, rows in see(tf.constant(picture[None])).items():
            few = min(len(rows), SAMPLES_PER_PICTURE)
            chosen = rng.choice(len(rows), few, replace=False)
            moments.setdefault(name, Moments()).add(rows.numpy()[chosen])
    return moments


def rounded(weights: np.ndarray, largest: np.ndarray, moments: Moments) -> np.ndarray:
    """Weights on their int8 steps.

    Args:
        weights: (f, o) float, a column for each output channel.
        largest: (o,) what step 127 of each column stands for.
        moments: Of the f inputs; if they are too few, every weight is rounded alone.

    Returns:
        (f, o) float64 multiples of `largest` / 127.
    """
    step = largest / STEPS
    left = np.array(weights, np.float64)
    if not moments.enough:
        return _to_steps(left, step)
    spread = _spread(moments.total)
    for row in range(len(left)):
        exact = left[row].copy()
        left[row] = _to_steps(exact, step)
        error = (exact - left[row]) / spread[row, row]
        left[row + 1 :] -= spread[row, row + 1 :, None] * error
    return left


def _to_steps(weights: np.ndarray, step: np.ndarray) -> np.ndarray:
    return np.clip(np.round(weights / step), -STEPS, STEPS) * step


def _spread(total: np.ndarray) -> np.ndarray:
    # Upper triangular U with U^T U the inverse: row i says how later weights make up for the i-th.
    damped = total + np.eye(len(total)) * (DAMPING * np.diag(total).mean() + 1e-12)
    return np.linalg.cholesky(np.linalg.inv(damped)).T
