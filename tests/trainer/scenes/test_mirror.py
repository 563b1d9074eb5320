"""Windows are mirrored in training, so every type must look like itself in a mirror."""

from itertools import permutations, product
from pathlib import Path

import numpy as np
import pytest

from trainer.scenes.geometry import Geometry

POINTS = 300
NEAR = 0.05
"""Of the longest side: what counts as the same place. Small lettering and clips may differ."""
SAME_SHARE = 0.97
LIBRARY = Path(__file__).parents[4] / "shared" / "data" / "ldraw"
GEOMETRY = Geometry(LIBRARY) if LIBRARY.is_dir() else Geometry.from_environment()
"""All 85 types where an LDraw library is at hand, else those whose shape is computed."""


def rotations() -> list[np.ndarray]:
    """The 24 turns of a cube."""
    signed = [
        np.eye(3)[list(order)] * np.array(signs)[:, None]
        for order in permutations(range(3))
        for signs in product((1, -1), repeat=3)
    ]
    return [turn for turn in signed if np.linalg.det(turn) > 0]


def surface_points(triangles: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Random points (count, 3) on triangles (t, 3, 3), evenly by area."""
    rng = np.random.default_rng(seed)
    a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
    areas = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    chosen = rng.choice(len(triangles), count, p=areas / areas.sum())
    u, v = rng.random((2, count, 1))
    folded = u + v > 1
    u, v = np.where(folded, 1 - u, u), np.where(folded, 1 - v, v)
    return a[chosen] + u * (b - a)[chosen] + v * (c - a)[chosen]


def same_in_a_mirror(triangles: np.ndarray) -> bool:
    """Whether a turn brings the mirror image of a shape back onto it."""
    corners = triangles.reshape(-1, 3)
    middle = (corners.max(0) + corners.min(0)) / 2
    size = np.ptp(corners, axis=0)
    triangles = (triangles - middle).astype(np.float64)
    dense = surface_points(triangles, 20 * POINTS, 1)
    few = surface_points(triangles, POINTS, 2) * [-1, 1, 1]
    for turn in rotations():
        if not np.allclose(np.abs(turn) @ size, size, atol=NEAR * size.max()):
            continue
        away = np.linalg.norm((few @ turn.T)[:, None] - dense[None], axis=2).min(axis=1)
        if (away < NEAR * size.max()).mean() >= SAME_SHARE:
            return True
    return False


@pytest.mark.parametrize("part", GEOMETRY.ids())
def test_every_type_looks_like_itself_in_a_mirror(part):
    assert same_in_a_mirror(GEOMETRY.mesh(part).triangles)


def test_a_shape_with_a_left_hand_is_told():
    # A staircase that winds: no turn brings its mirror image back.
    boxes = [((0, 0, 0), (4, 2, 1)), ((2, 2, 0), (4, 6, 1)), ((0, 4, 1), (2, 6, 4))]
    assert not same_in_a_mirror(np.concatenate([box(*ends) for ends in boxes]))
    assert same_in_a_mirror(box((0, 0, 0), (4, 2, 1)))


def box(low, high) -> np.ndarray:
    """The twelve triangles (12, 3, 3) of a box."""
    corner = np.array(list(product(*zip(low, high, strict=True))), float)
    faces = [(0, 1, 3, 2), (4, 5, 7, 6), (0, 1, 5, 4), (2, 3, 7, 6), (0, 2, 6, 4), (1, 3, 7, 5)]
    return np.concatenate([corner[[[a, b, c], [a, c, d]]] for a, b, c, d in faces])
