"""Bricks, plates and tiles: boxes, open below, with studs."""

from collections.abc import Sequence

import numpy as np

from trainer.scenes.shapes.solids import (
    Span,
    corner,
    joined,
    moved,
    post,
    rectangle,
    skin,
    stud,
    tube,
    turned_to,
)

PITCH = 8.0
GAP = 0.1
WALL = 1.5
PLATE, BRICK = 3.2, 9.6
SIDE_STUD_Z = 5.6
"""Height of the middle of studs on sides."""


def places(count: int) -> np.ndarray:
    """Middles of `count` studs in a row, about 0."""
    return (np.arange(count) - (count - 1) / 2) * PITCH


def reach(count: int) -> Span:
    """From where to where a body of `count` studs goes."""
    half = count * PITCH / 2 - GAP
    return -half, half


def inset(span: Span, by: float = WALL) -> Span:
    """What is left of a span inside walls."""
    return span[0] + by, max(span[0] + by, span[1] - by)


def studs(x: Sequence[float], y: Sequence[float], z: float, bore: bool = False) -> np.ndarray:
    """A grid of studs on a surface at height z."""
    return joined(stud(a, b, z, bore) for a in x for b in y)


def clutch(nx: int, ny: int, top: float) -> np.ndarray:
    """What holds the studs of the brick below: tubes, or posts in a single row."""
    if min(nx, ny) > 1:
        return joined(tube(x, y, top) for x in places(nx - 1) for y in places(ny - 1))
    if nx > 1:
        return joined(post(x, 0, top) for x in places(nx - 1))
    return joined(post(0, y, top) for y in places(ny - 1))


def box(nx: int, ny: int, height: float) -> np.ndarray:
    """A brick without studs, open below."""
    x, y, ceiling = reach(nx), reach(ny), height - WALL
    inner = inset(x), inset(y)
    shell = skin(
        [
            rectangle(*inner, ceiling),
            rectangle(*inner, 0),
            rectangle(x, y, 0),
            rectangle(x, y, height),
        ]
    )
    return joined([shell, clutch(nx, ny, ceiling)])


def brick(nx: int, ny: int, height: float = BRICK) -> np.ndarray:
    """A brick or plate."""
    return joined([box(nx, ny, height), studs(places(nx), places(ny), height)])


def jumper(nx: int, ny: int) -> np.ndarray:
    """A plate with one stud in its middle."""
    return joined([box(nx, ny, PLATE), stud(0, 0, PLATE, bore=True)])


def corner_brick(height: float) -> np.ndarray:
    """A brick or plate of three studs in an L."""
    side, ceiling = PITCH, height - WALL
    shell = skin(
        [
            corner(side, GAP + WALL, ceiling),
            corner(side, GAP + WALL, 0),
            corner(side, GAP, 0),
            corner(side, GAP, height),
        ]
    )
    half = PITCH / 2
    at = ((-half, -half), (-half, half), (half, -half))
    return joined([shell, *(stud(x, y, height) for x, y in at)])


def brick_with_side_studs(nx: int, facings: Sequence[Span]) -> np.ndarray:
    """A brick with studs on its sides; each facing is a level direction."""
    on_top = joined(stud(x, 0, PITCH / 2 - GAP, bore=True) for x in places(nx))
    sides = [moved(turned_to(on_top, facing), z=SIDE_STUD_Z) for facing in facings]
    return joined([brick(nx, 1), *sides])
