"""A part's surface as triangles with smooth normals."""

import math
from dataclasses import dataclass

import numpy as np

CREASE_DEG = 35.0
"""Faces that meet at less are one rounded surface; at more, an edge is seen."""
WELD_MM = 0.01
"""Corners closer than this are one point; the shapes' own coordinates are off by 0.0005 mm."""
SMALLEST_AREA_MM2 = 1e-5


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """The surface of one part, Z up, centred on the middle of its bounding box.

    Attributes:
        triangles: (t, 3, 3) float32, mm; corners counter-clockwise seen from outside; read-only.
        normals: (t, 3, 3) float32, one unit vector a corner, pointing outside; read-only.
    """

    triangles: np.ndarray
    normals: np.ndarray

    @property
    def size_mm(self) -> np.ndarray:
        """(3,) float32: length of the bounding box along X, Y, Z."""
        corners = self.triangles.reshape(-1, 3)
        return corners.max(axis=0) - corners.min(axis=0)


def with_normals(triangles: np.ndarray) -> Mesh:
    """Centre a surface and compute its normals.

    A corner's normal is the mean of the faces that meet there at less than `CREASE_DEG`, weighted
    by their area and by their angle at the corner, so that it does not depend on how a flat face
    is cut.

    Args:
        triangles: (t, 3, 3), mm, counter-clockwise seen from outside.

    Returns:
        The mesh without triangles that have no area.
    """
    kept, areas = _with_area(np.asarray(triangles, np.float64).reshape(-1, 3, 3))
    if len(kept) == 0:
        return Mesh(_frozen(kept), _frozen(kept))
    corners = kept.reshape(-1, 3)
    kept = kept - (corners.min(axis=0) + corners.max(axis=0)) / 2
    return Mesh(_frozen(kept), _frozen(_smoothed(kept, areas)))


def signed_volume(triangles: np.ndarray) -> float:
    """Volume in the cube of the triangles' unit; negative where a closed surface is inside out.

    Args:
        triangles: (t, 3, 3).
    """
    first, second, third = np.moveaxis(np.asarray(triangles, np.float64), 1, 0)
    return float(np.einsum("ti,ti->", first, np.cross(second, third)) / 6)


def _with_area(triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The triangles that have an area, and their areas (t,)."""
    areas = np.linalg.norm(_twice_area_vectors(triangles), axis=1) / 2
    kept = areas > SMALLEST_AREA_MM2
    return triangles[kept], areas[kept]


def _twice_area_vectors(triangles: np.ndarray) -> np.ndarray:
    """(t, 3): along the face's normal, as long as twice its area."""
    return np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])


def _smoothed(triangles: np.ndarray, areas: np.ndarray) -> np.ndarray:
    """Normals (t, 3, 3) of triangles (t, 3, 3)."""
    faces = np.repeat(_unit(_twice_area_vectors(triangles)), 3, axis=0)
    weighted = faces * (np.repeat(areas, 3) * _angles(triangles).ravel())[:, None]
    one, other = _pairs_at_one_point(triangles.reshape(-1, 3))
    smooth = np.einsum("pi,pi->p", faces[one], faces[other]) > math.cos(math.radians(CREASE_DEG))
    sums = np.stack(
        [np.bincount(one[smooth], weighted[other[smooth], axis], len(faces)) for axis in range(3)],
        axis=1,
    )
    return _unit(sums).reshape(-1, 3, 3)


def _angles(triangles: np.ndarray) -> np.ndarray:
    """The angle at each corner: (t, 3), radians."""
    ahead = _unit(np.roll(triangles, -1, axis=1) - triangles)
    behind = _unit(np.roll(triangles, 1, axis=1) - triangles)
    return np.arccos(np.clip(np.einsum("tci,tci->tc", ahead, behind), -1, 1))


def _pairs_at_one_point(corners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All ordered pairs (i, j), also i = j, of corners (n, 3) that are the same point."""
    # Shifted, since coordinates are round numbers: they must not lie where rounding changes.
    grid = np.floor(corners / WELD_MM + 0.37).astype(np.int64)
    _, point, counts = np.unique(grid, axis=0, return_inverse=True, return_counts=True)
    point = point.ravel()
    by_point = np.argsort(point, kind="stable")
    starts = np.cumsum(counts) - counts
    partners = counts[point]
    one = np.repeat(np.arange(len(corners)), partners)
    rank = np.arange(len(one)) - np.repeat(np.cumsum(partners) - partners, partners)
    return one, by_point[np.repeat(starts[point], partners) + rank]


def _unit(vectors: np.ndarray) -> np.ndarray:
    """Each vector (..., 3) with length one; one without length stays."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)


def _frozen(values: np.ndarray) -> np.ndarray:
    """A read-only float32 copy."""
    copied = np.array(values, np.float32)
    copied.setflags(write=False)
    return copied
