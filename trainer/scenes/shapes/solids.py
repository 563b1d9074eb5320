"""Builds surfaces from loops: closed lines of points, counter-clockwise seen from above.

All lengths are mm. Surfaces are triangles (t, 3, 3), counter-clockwise seen from outside.
"""

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np

SEGMENTS = 48
"""Sides of what is round."""
STUD_RADIUS, STUD_HEIGHT = 2.4, 1.7
BORE_RADIUS = 1.6
TUBE_RADII = (2.4, 6.51 / 2)
POST_RADIUS = 1.6
Span = tuple[float, float]


def circle(radius: float, z: float, middle: Span = (0, 0)) -> np.ndarray:
    """A loop (48, 3)."""
    turn = np.arange(SEGMENTS) * 2 * math.pi / SEGMENTS
    return _lifted(np.stack([np.cos(turn), np.sin(turn)], axis=1) * radius + middle, z)


def cross(reach: float, width: float, z: float) -> np.ndarray:
    """A loop (48, 3) around an upright cross; corner i lies in about the direction of circle's."""
    half = width / 2
    arm = [(reach, 0), (reach, half * 0.5), (reach, half), (half, half), (half, reach)]
    arm.append((half * 0.5, reach))
    quarters = []
    for _ in range(4):
        quarters += arm
        arm = [(-y, x) for x, y in arm]
    return _lifted(_halved(np.array(quarters)), z)


def rectangle(x: Span, y: Span, z: float) -> np.ndarray:
    """A loop (4, 3) that begins at the corner of least x and y."""
    return _lifted(np.array([(x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1])]), z)


def outline(below: Span, above: float) -> np.ndarray:
    """A rectangle's outline as 48 points, in about the directions of a circle's.

    Args:
        below: Half its width, and how far it reaches towards -Y.
        above: How far it reaches towards +Y.
    """
    half, deep = below
    steps = np.array([0, 0.33, 0.67])
    quarters = [
        [(half, above * s) for s in steps] + [(half * (1 - s), above) for s in steps],
        [(-half * s, above) for s in steps] + [(-half, above * (1 - s)) for s in steps],
        [(-half, -deep * s) for s in steps] + [(-half * (1 - s), -deep) for s in steps],
        [(half * s, -deep) for s in steps] + [(half, -deep * (1 - s)) for s in steps],
    ]
    return _lifted(_halved(np.array([point for quarter in quarters for point in quarter])), 0)


def corner(side: float, inset: float, z: float) -> np.ndarray:
    """Three squares of `side` in an L about the origin, without that of most x and y.

    Args:
        inset: By how much all of the outline stands back.

    Returns:
        A loop (6, 3) that begins at the inner corner, from which all of the L can be seen.
    """
    low, inner, high = -side + inset, -inset, side - inset
    plane = [(inner, inner), (inner, high), (low, high), (low, low), (high, low), (high, inner)]
    return _lifted(np.array(plane), z)


def skin(loops: Sequence[np.ndarray], start: bool = True, end: bool = True) -> np.ndarray:
    """The surface that joins loops of n points (n, 3), each with the next.

    Args:
        loops: On the way from inside the bottom to the top: outside is to the right of the way.
        start: Whether the first is closed, seen from below.
        end: Whether the last is closed, seen from above.
    """
    bands = [band(one, other) for one, other in pairwise(loops)]
    caps = [*([_cap(loops[0])[:, ::-1]] if start else []), *([_cap(loops[-1])] if end else [])]
    return joined([*bands, *caps])


def ring(loops: Sequence[np.ndarray]) -> np.ndarray:
    """As `skin`, of a thing with a hole through it: the last loop is joined with the first."""
    return skin([*loops, loops[0]], start=False, end=False)


def band(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Triangles (2 n, 3, 3) between two loops (n, 3)."""
    a, b = one, np.roll(one, -1, axis=0)
    c, d = np.roll(other, -1, axis=0), other
    return np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)])


def stud(x: float, y: float, z: float, bore: bool = False) -> np.ndarray:
    """A stud on a surface at height z, with a bore or solid."""
    middle = (x, y)
    loops = [circle(STUD_RADIUS, z, middle), circle(STUD_RADIUS, z + STUD_HEIGHT, middle)]
    if bore:
        top = z + STUD_HEIGHT
        loops += [circle(BORE_RADIUS, top, middle), circle(BORE_RADIUS, z, middle)]
    return skin(loops, start=False)


def tube(x: float, y: float, top: float) -> np.ndarray:
    """A clutch tube from the ground up to a ceiling."""
    inner, outer = TUBE_RADII
    return skin(
        [
            circle(inner, top, (x, y)),
            circle(inner, 0, (x, y)),
            circle(outer, 0, (x, y)),
            circle(outer, top, (x, y)),
        ],
        start=False,
        end=False,
    )


def post(x: float, y: float, top: float) -> np.ndarray:
    """A clutch post, solid, from the ground up to a ceiling."""
    loops = [circle(POST_RADIUS, 0, (x, y)), circle(POST_RADIUS, top, (x, y))]
    return skin(loops, end=False)


def turned_to(triangles: np.ndarray, facing: Sequence[float]) -> np.ndarray:
    """A surface that faced up, turned so that it faces a level direction (2,)."""
    x, y = facing
    # Columns: where X, Y and Z go.
    return triangles @ np.array([[-y, 0, x], [x, 0, y], [0, 1, 0]], float).T


def moved(triangles: np.ndarray, x: float = 0, y: float = 0, z: float = 0) -> np.ndarray:
    """A surface somewhere else."""
    return triangles + np.array([x, y, z])


def joined(surfaces: Iterable[np.ndarray]) -> np.ndarray:
    """All triangles (t, 3, 3) of some surfaces."""
    return np.concatenate([np.zeros((0, 3, 3)), *surfaces])


def _cap(loop: np.ndarray) -> np.ndarray:
    """Triangles that fill a loop, facing up: around the middle of what is round."""
    if len(loop) == SEGMENTS:
        middle = np.broadcast_to(loop.mean(axis=0), loop.shape)
        return np.stack([middle, loop, np.roll(loop, -1, axis=0)], axis=1)
    first = np.broadcast_to(loop[0], (len(loop) - 2, 3))
    return np.stack([first, loop[1:-1], loop[2:]], axis=1)


def _halved(plane: np.ndarray) -> np.ndarray:
    """A closed line (n, 2) with a point more in the middle of each side."""
    middles = (plane + np.roll(plane, -1, axis=0)) / 2
    return np.stack([plane, middles], axis=1).reshape(-1, 2)


def _lifted(plane: np.ndarray, z: float) -> np.ndarray:
    return np.column_stack([plane, np.full(len(plane), float(z))])
