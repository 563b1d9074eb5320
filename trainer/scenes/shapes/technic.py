"""Technic bricks and beams: bodies with holes across."""

from collections.abc import Callable, Sequence

import numpy as np

from trainer.scenes.shapes.bricks import BRICK, GAP, PITCH, WALL, inset, places, reach, studs
from trainer.scenes.shapes.solids import (
    Span,
    band,
    circle,
    joined,
    moved,
    outline,
    rectangle,
    ring,
    skin,
    turned_to,
)

HOLE_RADIUS = 2.4
HOLE_Z = 5.8
SLEEVE_RADIUS = 3.2
BEAM_HALF_WIDTH = 3.6
SUNK = 0.3
"""How deep inner surfaces end inside walls, where they are not seen."""
Cutout = Callable[[float], np.ndarray]
"""Gives the loop (48, 3) of a hole at a height."""


def round_hole(z: float) -> np.ndarray:
    """The loop of a hole for pins."""
    return circle(HOLE_RADIUS, z)


def holed_brick(nx: int, holes: Sequence[float], cutout: Cutout) -> np.ndarray:
    """A Technic brick one stud deep.

    Args:
        nx: Studs along X.
        holes: Where its holes are in X; they go through along Y.
        cutout: Their form.
    """
    x, (near, far) = reach(nx), reach(1)
    outside = _pierced(x, holes, cutout, far, BRICK)
    sleeves = _pierced(inset(x, SUNK), holes, _sleeve, far - WALL, BRICK - SUNK)[:, ::-1]
    front = joined([outside, sleeves])
    back = front * [-1, -1, 1]
    on_top = studs(places(nx), [0], BRICK, bore=True)
    return joined([_frame(x, (near, far)), front, back, on_top])


def beam(count: int) -> np.ndarray:
    """A Technic beam along Y with `count` round holes upwards."""
    return joined(
        moved(_beam_cell(index == 0, index == count - 1), y=y)
        for index, y in enumerate(places(count))
    )


def _frame(x: Span, y: Span) -> np.ndarray:
    """A box, open below, without its walls that face along Y."""
    loops = [
        rectangle(inset(x), inset(y), BRICK - WALL),
        rectangle(inset(x), inset(y), 0),
        rectangle(x, y, 0),
        rectangle(x, y, BRICK),
    ]
    shell = skin(loops)
    return shell[np.ptp(shell[:, :, 1], axis=1) > 0]


def _sleeve(z: float) -> np.ndarray:
    """The loop of the outside of a hole's wall."""
    return circle(SLEEVE_RADIUS, z)


def _pierced(
    x: Span, holes: Sequence[float], cutout: Cutout, depth: float, top: float
) -> np.ndarray:
    """A wall at -Y that faces away, with the near half of each hole.

    Args:
        x: From where to where it goes.
        holes: Where its holes are.
        cutout: Their form.
        depth: From the wall to the middle of the brick.
        top: Height of its upper edge.
    """
    half, above = PITCH / 2 - 0.5, top - HOLE_Z
    edges = [x[0], *(hole + side * half for hole in holes for side in (-1, 1)), x[1]]
    between = zip(edges[::2], edges[1::2], strict=True)
    pieces = [skin([rectangle(span, (-HOLE_Z, above), 0)], start=False) for span in between]
    for hole in holes:
        rim = cutout(0)
        around = [band(outline((half, HOLE_Z), above), rim), band(rim, cutout(-depth))]
        pieces.append(moved(joined(around), x=hole))
    # Built lying with its face up; stood up, what was Y is height.
    return moved(turned_to(joined(pieces), (0, -1)), y=-depth, z=HOLE_Z)


def _beam_cell(first: bool, last: bool) -> np.ndarray:
    """One hole's share of a beam, rounded where it is the first or last."""
    side, half = PITCH / 2, BEAM_HALF_WIDTH
    edge, arc = outline((half, side), side), circle(half, 0)
    middle = len(edge) // 2
    if last:
        edge[: middle + 1] = arc[: middle + 1]
    if first:
        edge[middle:], edge[0] = arc[middle:], arc[0]
    thick = PITCH / 2 - GAP
    top, bottom = [0, 0, thick], [0, 0, -thick]
    cell = ring(
        [edge + bottom, edge + top, circle(HOLE_RADIUS, thick), circle(HOLE_RADIUS, -thick)]
    )
    flat = np.ptp(cell[:, :, 1], axis=1) < 1e-9
    between_cells = flat & (np.abs(cell[:, 0, 1]) == side)
    return cell[~between_cells]
