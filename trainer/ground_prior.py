"""Makes the ground what a position is taken for until something says otherwise.

A label's Grad-CAM shows what speaks for it. Where a network holds a label back by a little evidence
against it everywhere, rather than by a bias, nothing speaks for it and its map is blank, however
right the label is. Here the bias of every label is lowered, and evidence of "some brick" is raised
by as much: brick positions keep their scores, up to how well bricks can be told from the ground.
"""

from collections.abc import Sequence

import keras
import numpy as np

from trainer.augment import WindowSettings, draw_window
from trainer.errors import RecipeError
from trainer.labelled import LabelledPicture

PICTURES = 250
RIDGE = 0.01
BATCH = 16


def apply_ground_prior(
    model: keras.Model,
    prior: float,
    pictures: Sequence[LabelledPicture],
    settings: WindowSettings,
    labels: int,
    seed: int,
) -> None:
    """Lower every label's bias by `prior`, and raise evidence of a brick by as much.

    Args:
        model: With the "positions" head; its last layer is changed in place.
        prior: In logits.
        pictures: With instance maps; a few hundred of them are looked at.
        settings: Whole pictures at the network's size.
        labels: n, the number of labels.
        seed: Of which pictures, and how they are turned.

    Raises:
        RecipeError: No picture has an instance map.
    """
    features, bricks = _positions(model, pictures, settings, labels, seed)
    if not bricks.any() or bricks.all():
        raise RecipeError("ground_prior: needs pictures with instance maps, of bricks and ground")
    direction = brick_direction(features, bricks)
    last = model.get_layer("logits")
    kernel, bias = last.get_weights()
    last.set_weights([kernel + prior * direction[:, None].astype(kernel.dtype), bias - prior])


def brick_direction(features: np.ndarray, bricks: np.ndarray) -> np.ndarray:
    """The vector v (c,) for which `features @ v` is nearest 1 on bricks and 0 on ground.

    Ridge regression; bricks and ground weigh the same, whichever there is more of.

    Args:
        features: (m, c).
        bricks: (m,) bool.
    """
    weights = np.where(bricks, 0.5 / bricks.mean(), 0.5 / (1 - bricks.mean()))
    scaled = features * weights[:, None]
    gram = scaled.T @ features
    ridge = RIDGE * np.trace(gram) / len(gram)
    return np.linalg.solve(gram + ridge * np.eye(len(gram)), scaled.T @ bricks.astype(float))


def _positions(model, pictures, settings, labels: int, seed: int):
    """What the last layer sees (m, c) at each position that counts, and whether it is a brick."""
    rng = np.random.default_rng((seed, 77))
    chosen = rng.permutation(len(pictures))[:PICTURES]
    windows = [draw_window(pictures[i], settings, labels, rng) for i in chosen]
    looks = keras.Model(model.input, model.get_layer("logits").input)
    features, bricks = [], []
    for first in range(0, len(windows), BATCH):
        some = windows[first : first + BATCH]
        images = np.stack([w.image for w in some]).astype(np.float32) / 255
        seen = np.asarray(keras.ops.convert_to_numpy(looks.predict_on_batch(images)), np.float64)
        truth = np.stack([w.positions for w in some])
        features.append(seen[truth >= 0])
        bricks.append(truth[truth >= 0] < labels)
    return np.concatenate(features), np.concatenate(bricks)
