"""Slopes, straight, curved and inverted: bodies whose level sections are rectangles."""

from collections.abc import Sequence

import numpy as np

from trainer.scenes.shapes.bricks import (
    BRICK,
    GAP,
    PITCH,
    PLATE,
    WALL,
    clutch,
    inset,
    places,
    reach,
    studs,
)
from trainer.scenes.shapes.solids import (
    BORE_RADIUS,
    STUD_HEIGHT,
    STUD_RADIUS,
    TUBE_RADII,
    Span,
    circle,
    joined,
    rectangle,
    skin,
    stud,
    tube,
)

LIP = 1.6
"""Height of the upright edge at the foot of a slope."""
STUD_TOP = BRICK + STUD_HEIGHT
Section = tuple[float, float, float]
"""Height, and from where to where a body reaches in Y there."""


def slope(nx: int, ny: int) -> np.ndarray:
    """Falls from the last row of studs to the lip at the other end."""
    low, high = reach(ny)
    crest = high + GAP - PITCH
    steepness = (BRICK - LIP) / (crest - low)
    ceiling = BRICK - WALL
    rise = low + WALL + (ceiling - LIP) / steepness
    body = _profile(
        nx,
        [(0, low, high), (LIP, low, high), (BRICK, crest, high)],
        [(0, *inset((low, high))), (ceiling, rise, high - WALL)],
    )
    tubes = [
        tube(x, y, min(ceiling, LIP + (y - TUBE_RADII[1] - low) * steepness - 0.3))
        for x in places(nx - 1)
        for y in places(ny - 1)
    ]
    return joined([body, *tubes, studs(places(nx), [high + GAP - PITCH / 2], BRICK)])


def inverted_slope(nx: int, ny: int, edge: float = LIP) -> np.ndarray:
    """Stands on its last row; the overhang has a pit with bored studs and ends in an edge."""
    low, high = reach(ny)
    foot, lip, ceiling = high + GAP - PITCH, BRICK - edge, BRICK - WALL
    x, y = reach(nx), inset((foot, high))
    pit_x, pit_y = inset(x, 0.8), (low + WALL, foot)
    body = skin(
        [
            *(rectangle(inset(x), y, z) for z in (ceiling, 0)),
            rectangle(x, (foot, high), 0),
            *(rectangle(x, (low, high), z) for z in (lip, BRICK)),
            *(rectangle(pit_x, pit_y, z) for z in (BRICK, lip)),
            rectangle(pit_x, (foot, foot), LIP),
        ],
        end=False,
    )
    *bored, last = places(ny)
    steepness = lip / (foot - low)
    in_pit = [
        _raised_stud(a, b, (foot - b + STUD_RADIUS) * steepness + 0.4)
        for a in places(nx)
        for b in bored
    ]
    return joined([body, *in_pit, studs(places(nx), [last], BRICK)])


def cheese_slope(nx: int) -> np.ndarray:
    """A slope of 31 degrees, two plates high, without a stud."""
    low, high = reach(1)
    x = reach(nx)
    top = rectangle(inset(x, 0.8), (3.73, high), 6.24)
    outer = [rectangle(x, (low, high), z) for z in (0, LIP)]
    inner = inset(x)
    cavity = [rectangle(inner, (0.5, high - WALL), 4.2), rectangle(inner, inset((low, high)), 0)]
    shell = skin([*cavity, *outer, rectangle(x, (2.4, high), 5.44), top])
    return joined([shell, clutch(nx, 1, 3.0)])


def curved_slope(nx: int, foot: Span, end: float, arc: Sequence[Span]) -> np.ndarray:
    """A curved slope: on its foot to the height of a plate, then further to `end`.

    Args:
        foot: Where it stands, in Y.
        end: How far it goes above, in Y.
        arc: Height and Y of points on the curve, upwards; one is as high as a plate.
    """
    low, high = foot
    below = [(z, y, high) for z, y in arc if z <= PLATE]
    above = [(z, y, end) for z, y in arc if z >= PLATE]
    return _profile(
        nx,
        [(0, low, high), *below, *above],
        [(0, low + WALL, high - WALL), (2.2, low + 2 * WALL, high - WALL)],
    )


def bow() -> np.ndarray:
    """A brick 1x2x1 1/3 whose back curves over a stud."""
    low, high = reach(2)
    curve = [(7.86, -7.39), (9.6, -6.4)]
    body = _profile(
        1,
        [(0, low, 0), (4.8, low, 0), (6.4, -7.7, 0), (6.4, -7.7, high)]
        + [(z, y, high) for z, y in curve]
        + [(9.6, -6.4, 0), (10.46, -5.66, 0), (12.19, -3.06, 0), (12.8, 0, 0)],
        [(0, low + WALL, -WALL), (5, low + WALL, -WALL)],
    )
    return joined([body, stud(0, PITCH / 2, BRICK)])


def vault() -> np.ndarray:
    """A brick 2x2 with the top of a barrel and two bored studs."""
    low, high = reach(2)
    curve = [(4.66, 7.39), (7.26, 5.66), (8.99, 3.06), (9.6, 0)]
    body = _profile(
        2,
        [(0, low, high), (LIP, low, high), *((z, -y, y) for z, y in curve)],
        [(0, *inset((low, high))), (4, -5.8, 5.8), (7, -3, 3)],
    )
    on_top = [_raised_stud(x, 0, BRICK - 0.8) for x in places(2)]
    return joined([body, tube(0, 0, 8), *on_top])


def _profile(nx: int, outside: Sequence[Section], cavity: Sequence[Section]) -> np.ndarray:
    """A body as wide as `nx` studs whose sections are rectangles; both lists go upwards."""
    x = reach(nx)
    inner = [rectangle(inset(x), (low, high), z) for z, low, high in reversed(cavity)]
    outer = [rectangle(x, (low, high), z) for z, low, high in outside]
    return skin([*inner, *outer])


def _raised_stud(x: float, y: float, z: float) -> np.ndarray:
    """A bored stud that stands in a pit, as high as its neighbours."""
    outside = [(STUD_RADIUS, z), (STUD_RADIUS, STUD_TOP)]
    bore = [(BORE_RADIUS, STUD_TOP), (BORE_RADIUS, z + 0.5)]
    return skin([circle(radius, height, (x, y)) for radius, height in (*outside, *bore)])
