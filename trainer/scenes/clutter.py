"""Simple bodies of unit size, for clutter."""

from functools import cache

import numpy as np

from trainer.scenes.mesh import Mesh, with_normals

SEGMENTS = 24


@cache
def shape_mesh(shape: str) -> Mesh:
    """A "box", "cylinder" (axis Z) or "sphere" that fills the unit cube around the origin."""
    return with_normals(_BUILDERS[shape]())


def _box() -> np.ndarray:
    quads = []
    for axis in range(3):
        u, v = np.eye(3)[(axis + 1) % 3] / 2, np.eye(3)[(axis + 2) % 3] / 2
        for sign in (1, -1):
            middle = sign * np.eye(3)[axis] / 2
            quads.append(
                [middle - u - v, middle + sign * (u - v), middle + u + v, middle - sign * (u - v)]
            )
    corners = np.array(quads)
    return np.concatenate([corners[:, [0, 1, 2]], corners[:, [0, 2, 3]]])


def _revolved(profile: np.ndarray) -> np.ndarray:
    """The surface of a profile (m, 2) of radius and height, turned once around Z."""
    angles = np.arange(SEGMENTS + 1) / SEGMENTS * 2 * np.pi
    ring = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    rows = np.concatenate(
        [
            profile[:, None, :1] * ring[None],
            np.broadcast_to(profile[:, None, 1:], (len(profile), SEGMENTS + 1, 1)),
        ],
        axis=2,
    )
    a, b, c, d = rows[:-1, :-1], rows[:-1, 1:], rows[1:, 1:], rows[1:, :-1]
    return np.concatenate(
        [np.stack([a, b, c], axis=2), np.stack([a, c, d], axis=2)], axis=0
    ).reshape(-1, 3, 3)


def _cylinder() -> np.ndarray:
    return _revolved(np.array([[0, -0.5], [0.5, -0.5], [0.5, 0.5], [0, 0.5]]))


def _sphere() -> np.ndarray:
    angles = np.linspace(-np.pi / 2, np.pi / 2, SEGMENTS // 2 + 1)
    return _revolved(np.stack([np.cos(angles) / 2, np.sin(angles) / 2], axis=-1))


_BUILDERS = {"box": _box, "cylinder": _cylinder, "sphere": _sphere}
