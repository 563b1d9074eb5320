"""Closes the slivers between an arc of computed sides and the chord a neighbour has there.

What the LDraw library draws by hand follows its 16 sides; beside a primitive of 48, each of those
sides leaves a sliver up to 0.15 mm wide.
"""

from collections import defaultdict

import numpy as np

from trainer.scenes.mesh import WELD_MM

CHORD_RATIO = 0.45
"""A side of the arc is at most so much of the chord that spans three of them."""


def with_gaps_closed(triangles: np.ndarray) -> np.ndarray:
    """A surface with two triangles more for every chord beside an arc of three sides.

    Args:
        triangles: (t, 3, 3) mm, counter-clockwise seen from outside.
    """
    point, corners = _welded(triangles)
    onwards: dict[int, list[int]] = defaultdict(list)
    for start, end in _open_sides(point):
        onwards[start].append(end)
    fillings = [
        filling
        for start in list(onwards)
        for end in onwards[start]
        for filling in _between(start, end, onwards, corners)
    ]
    if not fillings:
        return triangles
    return np.concatenate([triangles, corners[np.array(fillings)]])


def _welded(triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which point each corner is, (t, 3), and where the points are, (n, 3)."""
    flat = triangles.reshape(-1, 3)
    grid = np.floor(flat / WELD_MM + 0.37).astype(np.int64)
    _, first, point = np.unique(grid, axis=0, return_index=True, return_inverse=True)
    return point.reshape(-1, 3), flat[first]


def _open_sides(point: np.ndarray) -> list[tuple[int, int]]:
    """Sides from one point to another that no triangle goes back along."""
    starts, ends = point.ravel(), np.roll(point, -1, axis=1).ravel()
    many = int(point.max(initial=0)) + 1
    there, back = starts * many + ends, ends * many + starts
    lonely = np.unique(there[~np.isin(there, back) & (starts != ends)])
    return [(int(key // many), int(key % many)) for key in lonely]


def _between(start: int, end: int, onwards, corners) -> list[tuple[int, int, int]]:
    """The two triangles between a side and the three open sides that lead back; [] if none do."""
    reach = CHORD_RATIO * np.linalg.norm(corners[end] - corners[start])

    def steps(here: int) -> list[int]:
        return [p for p in onwards[here] if np.linalg.norm(corners[p] - corners[here]) <= reach]

    for near_end in steps(end) if end in onwards else ():
        for near_start in steps(near_end) if near_end in onwards else ():
            if near_start in onwards and start in steps(near_start):
                return [(start, near_start, near_end), (start, near_end, end)]
    return []
