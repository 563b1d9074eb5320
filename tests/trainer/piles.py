"""A tiny data set made on the spot: grey shapes on a ground, with instance maps."""

import json
from pathlib import Path

import cv2
import numpy as np

SIDE = 96
PARTS = ("3001", "3024", "6141")


def write_piles(folder: Path, count: int = 60, seed: int = 0) -> Path:
    """Write `count` pictures of squares, bars and discs in the trainer's format."""
    rng = np.random.default_rng(seed)
    (folder / "images").mkdir(parents=True)
    (folder / "ids").mkdir()
    rows = [_write_pile(folder, number, rng) for number in range(count)]
    (folder / "index.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def _write_pile(folder: Path, number: int, rng: np.random.Generator) -> dict:
    image = np.full((SIDE, SIDE, 3), rng.integers(90, 150), np.uint8)
    ids = np.zeros((SIDE, SIDE), np.uint8)
    kinds = rng.integers(0, 3, rng.integers(1, 3))
    for k, kind in enumerate(kinds):
        _draw(image, ids, int(kind), k, rng)
    parts = [PARTS[kind] for kind in kinds]
    picture, map_path = f"images/{number}.jpg", f"ids/{number}.png"
    cv2.imwrite(str(folder / picture), image)
    cv2.imwrite(str(folder / map_path), ids)
    pixels = [int((ids == k + 1).sum()) for k in range(len(parts))]
    shown = [p > 40 for p in pixels]
    return {
        "seed": number,
        "picture": picture,
        "ids": map_path,
        "labels": sorted({part for part, seen in zip(parts, shown, strict=True) if seen}),
        "instances": [
            {"part": part, "visible_px": px, "full_px": max(px, 1), "label": seen}
            for part, px, seen in zip(parts, pixels, shown, strict=True)
        ],
    }


def _draw(image, ids, kind: int, k: int, rng: np.random.Generator) -> None:
    x, y = (20 + 50 * k, int(rng.integers(24, 72)))
    shape = np.zeros(ids.shape, np.uint8)
    if kind == 0:
        cv2.rectangle(shape, (x - 14, y - 14), (x + 14, y + 14), 1, -1)
    elif kind == 1:
        cv2.rectangle(shape, (x - 4, y - 20), (x + 4, y + 20), 1, -1)
    else:
        cv2.circle(shape, (x, y), 12, 1, -1)
    image[shape == 1] = (30, 60, 220)[kind]
    ids[shape == 1] = k + 1


TINY_RECIPE = """
name = "tiny"
seed = 3
weight_decay = 0.0

[network]
size_px = 96
width = 0.1
dense_size = 16
stem_kernel = 5
stem_stride = 2
second_kernel = 3
head = "positions"
colour = "grey"

[loss]
positive_weight = 3.0
position_weight = 1.0

[[stage]]
name = "bricks"
around = "brick"
side_px = 64
zoom = [0.4, 0.8]
epochs = 2
windows_per_epoch = 320
batch_size = 16
learning_rate = 3e-3

[[stage]]
name = "piles"
side_px = 96
epochs = 1
windows_per_epoch = 160
batch_size = 16
learning_rate = 1e-3
"""

_, _, STAGES = TINY_RECIPE.partition("[loss]")
STACK_RECIPE = f"""
name = "tiny-stack"
seed = 3

[network]
family = "stack"
size_px = 96
head = "positions"
colour = "grey"
hidden = []

[[network.convolution]]
channels = 16
kernel = 8
stride = 4

[[network.convolution]]
channels = 16
residual = true

[[network.convolution]]
channels = 24
kernel = 2
stride = 2

[[network.convolution]]
channels = 24
residual = true

[[network.convolution]]
channels = 32
kernel = 1

[loss]{STAGES}"""

RECIPES = {"alexnet": TINY_RECIPE, "stack": STACK_RECIPE}
