"""A relief on top of studs: raised strokes as high and wide as lettering, that say nothing."""

import math
from functools import cache

import numpy as np

from trainer.scenes.edges import edges_of
from trainer.scenes.mesh import Mesh

STUD_RADIUS_MM = 2.4
HEIGHT_MM = 0.12
SLANT_MM = 0.1
"""How far the sides of a stroke lean."""
LEAST_TRIANGLES = 14
"""Of a disc around its middle; the library's own have 16."""
# Middle along and across, length, direction in degrees; of a stud's radius.
STROKES = (
    (-0.64, 0.0, 0.46, 74.0),
    (-0.46, 0.1, 0.34, 74.0),
    (-0.28, -0.02, 0.5, 74.0),
    (-0.04, 0.16, 0.26, 8.0),
    (0.02, -0.16, 0.3, 8.0),
    (0.28, 0.02, 0.5, 106.0),
    (0.46, -0.08, 0.34, 106.0),
    (0.64, 0.0, 0.46, 106.0),
)
WIDTH = 0.11
"""Of a stroke, in a stud's radius."""


def with_relief(mesh: Mesh) -> Mesh:
    """A mesh with strokes raised on every stud; the same where it has no closed stud.

    A stud's top is a disc of its radius whose triangles meet in its middle.
    """
    pieces = [_placed(middle, normal) for middle, normal in stud_tops(mesh)]
    if not pieces:
        return mesh
    triangles = np.concatenate([mesh.triangles, *(triangles for triangles, _ in pieces)])
    normals = np.concatenate([mesh.normals, *(normals for _, normals in pieces)])
    for values in (triangles, normals):
        values.setflags(write=False)
    return Mesh(triangles, normals)


def stud_tops(mesh: Mesh) -> list[tuple[np.ndarray, np.ndarray]]:
    """Middle (3,) mm and normal (3,) of the top of every closed stud."""
    # Where a part is mirrored, the middle comes last.
    whole = mesh.triangles.astype(np.float64)
    corners = np.concatenate([np.roll(whole, -first, axis=1) for first in range(3)])
    rims = np.linalg.norm(corners[:, 1:] - corners[:, :1], axis=2)
    # Opposite the middle is the rim; only that of a stud, not that of a pit, stands out.
    stands_out = edges_of(mesh).beyond.any(axis=2).T.ravel()
    fans = np.flatnonzero((np.abs(rims - STUD_RADIUS_MM) < 0.03).all(axis=1) & stands_out)
    if len(fans) == 0:
        return []
    normals = np.cross(corners[fans, 1] - corners[fans, 0], corners[fans, 2] - corners[fans, 0])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    marks = np.round(np.concatenate([corners[fans, 0] / 0.02, normals * 20], axis=1)).astype(int)
    _, first, counts = np.unique(marks, axis=0, return_index=True, return_counts=True)
    chosen = first[counts >= LEAST_TRIANGLES]
    return [(corners[fans[i], 0], normals[i]) for i in chosen]


def _placed(middle: np.ndarray, normal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The strokes on one stud, along X where it points up."""
    reference = np.array([0.0, 1.0, 0.0]) if abs(normal[1]) < 0.9 else np.array([0.0, 0.0, 1.0])
    along = np.cross(reference, normal)
    along /= np.linalg.norm(along)
    axes = np.stack([along, np.cross(normal, along), normal])
    triangles, normals = _strokes()
    return (triangles @ axes + middle).astype(np.float32), (normals @ axes).astype(np.float32)


@cache
def _strokes() -> tuple[np.ndarray, np.ndarray]:
    """Triangles (t, 3, 3) mm and their normals, on the plane z = 0 about the origin."""
    triangles = np.concatenate([_stroke(*stroke) for stroke in STROKES])
    faces = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    faces /= np.linalg.norm(faces, axis=1, keepdims=True)
    return triangles, np.repeat(faces[:, None], 3, axis=1)


def _stroke(x: float, y: float, length: float, angle_deg: float) -> np.ndarray:
    turn = math.radians(angle_deg)
    along = np.array([math.cos(turn), math.sin(turn)])
    axes = np.stack([along, [-along[1], along[0]]]) * STUD_RADIUS_MM
    signs = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)])
    half = np.array([length, WIDTH]) / 2
    foot, top = (signs * (half + grow) @ axes for grow in (SLANT_MM / STUD_RADIUS_MM / 2, 0.0))
    shift = np.array([x, y]) * STUD_RADIUS_MM
    low = np.column_stack([foot + shift, np.full(4, -0.01)])
    high = np.column_stack([top + shift, np.full(4, HEIGHT_MM)])
    sides = [
        piece
        for i in range(4)
        for piece in (
            [low[i], low[(i + 1) % 4], high[(i + 1) % 4]],
            [low[i], high[(i + 1) % 4], high[i]],
        )
    ]
    return np.array([*sides, high[[0, 1, 2]], high[[0, 2, 3]]])
