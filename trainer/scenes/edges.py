"""Where the edges of a surface stand out: what a shader needs to let them catch light."""

import math
from dataclasses import dataclass

import numpy as np

from trainer.scenes.mesh import CREASE_DEG, WELD_MM, Mesh

FAR_MM = 1000.0
"""What is no edge that stands out lies so far away."""
FOLDED = -0.95
"""Cosine between the two sides of a sheet without thickness, which is no edge."""


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """Of each triangle's three sides; side k lies opposite corner k.

    Attributes:
        away_mm: (t, 3, 3) float32: of corner c from side k, where side k is an edge that stands
            out; else far. Interpolated, it is the distance of any point from that edge.
        beyond: (t, 3, 3) float32: normal of the face beyond side k; 0 where side k is none.
    """

    away_mm: np.ndarray
    beyond: np.ndarray


def edges_of(mesh: Mesh) -> Edges:
    """Find the sharp, convex edges of a mesh."""
    corners = mesh.triangles.astype(np.float64)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1)
    normals /= np.maximum(lengths, 1e-12)[:, None]
    beyond = np.zeros((len(corners), 3, 3))
    for one, other in _neighbours(corners):
        toward = corners[other // 3].mean(axis=1) - corners[one // 3, (one % 3 + 1) % 3]
        cosine = np.einsum("ei,ei->e", normals[one // 3], normals[other // 3])
        convex = np.einsum("ei,ei->e", normals[one // 3], toward) < -1e-6
        sharp = (cosine < math.cos(math.radians(CREASE_DEG))) & (cosine > FOLDED) & convex
        beyond.reshape(-1, 3)[one[sharp]] = normals[other[sharp] // 3]
    away = np.full((len(corners), 3, 3), FAR_MM)
    sides = np.linalg.norm(np.roll(corners, -1, axis=1) - np.roll(corners, 1, axis=1), axis=2)
    heights = lengths[:, None] / np.maximum(sides, 1e-9)
    for k in range(3):
        stands_out = beyond[:, k].any(axis=1)
        away[stands_out, :, k] = 0
        away[stands_out, k, k] = heights[stands_out, k]
    return Edges(away.astype(np.float32), beyond.astype(np.float32))


def _neighbours(corners: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs of sides, as 3 t + k, that run between the same two points; both ways round."""
    grid = np.floor(corners.reshape(-1, 3) / WELD_MM + 0.37).astype(np.int64)
    _, point = np.unique(grid, axis=0, return_inverse=True)
    point = point.reshape(-1, 3)
    first, last = np.roll(point, -1, axis=1).ravel(), np.roll(point, 1, axis=1).ravel()
    key = np.minimum(first, last) * (point.max() + 1) + np.maximum(first, last)
    order = np.argsort(key, kind="stable")
    same = key[order][1:] == key[order][:-1]
    one, other = order[:-1][same], order[1:][same]
    return [(one, other), (other, one)]
