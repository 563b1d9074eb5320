"""What is round: surfaces of revolution."""

from collections.abc import Sequence

import numpy as np

from trainer.scenes.shapes.bricks import BRICK, GAP, PITCH, PLATE, WALL, places, studs
from trainer.scenes.shapes.solids import (
    BORE_RADIUS,
    STUD_HEIGHT,
    STUD_RADIUS,
    Span,
    circle,
    cross,
    joined,
    ring,
    skin,
    stud,
    tube,
    turned_to,
)

RADIUS_1, RADIUS_2 = PITCH / 2 - GAP, PITCH - GAP
"""Of what is as wide as one stud, as two."""
FOOT_RADIUS = 3.2
"""Of the narrower foot that fits between studs."""
STUD_TOP = BRICK + STUD_HEIGHT


def axle_hole(z: float) -> np.ndarray:
    """The loop of a hole for axles."""
    return cross(reach=2.3, width=1.8, z=z)


def round_plate_1() -> np.ndarray:
    """A round plate 1x1."""
    foot = [(STUD_RADIUS, 2), (STUD_RADIUS, 0), (FOOT_RADIUS, 0), (FOOT_RADIUS, 2)]
    return joined([_lathe([*foot, (RADIUS_1, 2), (RADIUS_1, PLATE)]), stud(0, 0, PLATE)])


def round_brick_1() -> np.ndarray:
    """A round brick 1x1 with a bored stud."""
    neck = [(RADIUS_1, BRICK), (STUD_RADIUS, BRICK), (STUD_RADIUS, STUD_TOP)]
    return _pipe([*_bored_foot(narrows=6, foot=1.6), *neck])


def cone() -> np.ndarray:
    """A cone 1x1 with a bored stud."""
    neck = [(STUD_RADIUS, BRICK), (STUD_RADIUS, STUD_TOP)]
    return _pipe([*_bored_foot(narrows=4.8, foot=2), *neck])


def round_2(height: float) -> np.ndarray:
    """A round plate or brick 2x2 with an axle hole."""
    ceiling, inner = height - WALL, RADIUS_2 - WALL
    shell = ring(
        [
            axle_hole(ceiling),
            circle(inner, ceiling),
            circle(inner, 0),
            circle(RADIUS_2, 0),
            circle(RADIUS_2, height),
            axle_hole(height),
        ]
    )
    return joined([shell, tube(0, 0, ceiling), studs(places(2), places(2), height)])


def round_tile() -> np.ndarray:
    """A round tile 2x2."""
    inner, ceiling = RADIUS_2 - WALL, PLATE - WALL
    shell = _lathe([(inner, ceiling), (inner, 0), (RADIUS_2, 0), (RADIUS_2, PLATE)])
    return joined([shell, tube(0, 0, ceiling)])


def dish() -> np.ndarray:
    """A dish 2x2, hollow side down, with a bored stud."""
    below = [(1.6, 1.9), (4, 1.5), (6, 0.8), (7.3, 0)]
    above = [(RADIUS_2, 0), (RADIUS_2, 0.9), (6, 1.8), (4, 2.6), (STUD_RADIUS, PLATE)]
    return joined([_lathe([*below, *above]), tube(0, 0, 1.6), stud(0, 0, PLATE, bore=True)])


def pin() -> np.ndarray:
    """A Technic pin along X; its slots are left out."""
    half, collar, rim = 7.9, 0.8, 6.8
    right = [(2.4, rim), (2.6, rim), (2.6, half)]
    left = [(radius, -x) for radius, x in reversed(right)]
    middle = [(2.4, -collar), (3.2, -collar), (3.2, collar), (2.4, collar)]
    bore = [(BORE_RADIUS, half), (BORE_RADIUS, -half)]
    return turned_to(_pipe([*bore, *left, *middle, *right]), (1, 0))


def _bored_foot(narrows: float, foot: float) -> list[Span]:
    """From a stud's bore down to where the body is wide, as radius and height.

    Args:
        narrows: Height at which the hole for a stud becomes a bore.
        foot: Height of the narrower foot.
    """
    return [
        (BORE_RADIUS, STUD_TOP),
        (BORE_RADIUS, narrows),
        (STUD_RADIUS, narrows),
        (STUD_RADIUS, 0),
        (FOOT_RADIUS, 0),
        (FOOT_RADIUS, foot),
        (RADIUS_1, foot),
    ]


def _lathe(way: Sequence[Span]) -> np.ndarray:
    """A round body; the way of radius and height goes as in `skin`."""
    return skin([circle(radius, z) for radius, z in way])


def _pipe(way: Sequence[Span]) -> np.ndarray:
    """A round body with a hole through it."""
    return ring([circle(radius, z) for radius, z in way])
