"""Simple bodies of unit size, for clutter."""

from functools import cache

import numpy as np

from trainer.scenes.mesh import Mesh, with_normals

SEGMENTS = 24


@cache
def shape_mesh(shape: str) -> Mesh:
    """One of the forms of `trainer.scenes.scene.Clutter`, filling the unit cube about the origin.

    A cylinder, coin and nut stand on their round side's axis Z; a screw and a cable lie along X.
    """
    triangles = _BUILDERS[shape]()
    corners = triangles.reshape(-1, 3)
    low, high = corners.min(axis=0), corners.max(axis=0)
    return with_normals((triangles - (low + high) / 2) / (high - low))


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
    return _quads(rows)


def _cylinder() -> np.ndarray:
    return _revolved(np.array([[0, -0.5], [0.5, -0.5], [0.5, 0.5], [0, 0.5]]))


def _sphere() -> np.ndarray:
    angles = np.linspace(-np.pi / 2, np.pi / 2, SEGMENTS // 2 + 1)
    return _revolved(np.stack([np.cos(angles) / 2, np.sin(angles) / 2], axis=-1))


def _screw() -> np.ndarray:
    shaft = [[0, 0.5], [0.12, 0.45], *([0.17 + 0.03 * (k % 2), 0.4 - 0.05 * k] for k in range(14))]
    head = [[0.18, -0.3], [0.5, -0.32], [0.5, -0.42], [0.34, -0.5], [0.1, -0.5], [0, -0.44]]
    profile = np.array([*shaft, *head])[::-1]
    # Its axis turns from Z to X; -Z comes to lie at Z.
    return _revolved(profile) @ np.array([[0.0, 0, 1], [0, 1, 0], [-1, 0, 0]]).T


def _nut() -> np.ndarray:
    turn = np.arange(7) * np.pi / 3
    rim = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    way = [(0.55, -0.5), (1.0, -0.5), (1.0, 0.5), (0.55, 0.5), (0.55, -0.5)]
    rows = np.stack([np.column_stack([rim * r, np.full(7, z)]) for r, z in way])
    return _quads(rows)


def _cable() -> np.ndarray:
    along = np.linspace(0, 1, 20)
    middle = np.stack([along, 0.3 * np.sin(5 * along), np.zeros(20)], axis=1)
    ahead = np.gradient(middle, axis=0)
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    aside = np.stack([-ahead[:, 1], ahead[:, 0], np.zeros(20)], axis=1)
    turn = np.arange(9) * np.pi / 4
    up = np.array([0.0, 0.0, 1.0])
    around = np.cos(turn)[:, None, None] * aside + np.sin(turn)[:, None, None] * up
    return _quads(middle + 0.02 * around)


def _scrap() -> np.ndarray:
    rim = np.array([(-0.5, -0.4), (0.1, -0.5), (0.5, -0.2), (0.4, 0.5), (-0.2, 0.35), (-0.45, 0.5)])
    above, below = (np.column_stack([rim, np.full(6, z)]) for z in (0.5, -0.5))
    sides = _quads(np.stack([np.vstack([ring, ring[:1]]) for ring in (below, above)]))
    fan = [above[[0, i, i + 1]] for i in range(1, 5)]
    return np.concatenate([sides, np.array(fan), np.array(fan)[:, ::-1] * [1, 1, -1]])


def _quads(rows: np.ndarray) -> np.ndarray:
    """The surface between rows of points (m, n, 3)."""
    a, b, c, d = rows[:-1, :-1], rows[:-1, 1:], rows[1:, 1:], rows[1:, :-1]
    return np.concatenate([np.stack([a, b, c], axis=2), np.stack([a, c, d], axis=2)]).reshape(
        -1, 3, 3
    )


_BUILDERS = {
    "box": _box,
    "cylinder": _cylinder,
    "sphere": _sphere,
    "screw": _screw,
    "nut": _nut,
    "coin": _cylinder,
    "cable": _cable,
    "scrap": _scrap,
}
