"""The round primitives of the LDraw library, computed instead of read: its files have 16 sides.

A name such as `3-8cyli` says which share of a turn is drawn. Angles begin at +X and turn towards
+Z; flat faces look along -Y. See https://www.ldraw.org/article/321.html. Each of 16 corners is also
one of the 48, so what is drawn by hand beside a primitive still meets it in the corners. Primitives
of eight sides (`8/`) are still read: they are tiny, and their neighbours are drawn for them.
"""

import math
import re

import numpy as np

SIDES = 48
"""Of a whole turn."""
_COARSE = 16
_ALONG = np.array([0.0, 1.0, 0.0])
_NAME = re.compile(
    r"(?:48/)?(\d{1,2})-(4|8|16)(cyl[ioc]|cyls|cylse|cyls2|cys2|disc|ndis|chrd|tang)\.dat"
)
_SIZED = re.compile(r"(?:48/)?(\d{1,2})-(4|8|16)(ring|con)(\d{1,2})\.dat")


def primitive(key: str) -> np.ndarray | None:
    """The faces of a round primitive.

    Args:
        key: Its file's name, lower case with `/`, such as "4-4cyli.dat".

    Returns:
        (t, 3, 3) LDU, counter-clockwise seen from outside; None where the name is none of a round
        primitive.
    """
    named = _NAME.fullmatch(key) or _SIZED.fullmatch(key)
    if named is None:
        return None
    share, parts, kind, *size = named.groups()
    steps = int(share) * SIDES // int(parts)
    if not 0 < steps <= SIDES:
        return None
    if size:
        inner = float(size[0])
        return _ring(steps, inner) if kind == "ring" else _cone(steps, inner)
    return _BUILDERS[kind](steps)


def _arc(steps: int, first: int = 0) -> np.ndarray:
    """Points (steps + 1, 3) of the unit circle at height 0."""
    turn = (first + np.arange(steps + 1)) * (2 * math.pi / SIDES)
    return np.stack([np.cos(turn), np.zeros(steps + 1), np.sin(turn)], axis=1)


def _band(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Two triangles between each step of two lines (n, 3), the second at larger Y."""
    a, b, c, d = high[:-1], high[1:], low[1:], low[:-1]
    return np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)])


def _fan(middle: np.ndarray, rim: np.ndarray) -> np.ndarray:
    """Triangles (n - 1, 3, 3) from a point to each step of a line (n, 3)."""
    return np.stack([np.broadcast_to(middle, rim[1:].shape), rim[:-1], rim[1:]], axis=1)


def _cylinder(steps: int) -> np.ndarray:
    low = _arc(steps)
    return _band(low, low + _ALONG)


def _sloped(steps: int) -> np.ndarray:
    """Rises from 0 at +X to 2 at -X."""
    low = _arc(steps)
    return _band(low, low * [1, 0, 1] + np.stack([0 * low[:, 0], 1 - low[:, 0], 0 * low[:, 0]], 1))


def _sloped_convex(steps: int) -> np.ndarray:
    """Begins a quarter of a turn later, and rises from 0 there to 1 at -X."""
    low = _arc(steps, SIDES // 4)
    return _band(low, low + np.stack([0 * low[:, 0], -low[:, 0], 0 * low[:, 0]], 1))


def _disc(steps: int) -> np.ndarray:
    return _fan(np.zeros(3), _arc(steps))


def _closed(steps: int) -> np.ndarray:
    return np.concatenate([_cylinder(steps), _disc(steps)])


def _chord(steps: int) -> np.ndarray:
    """What lies between an arc and the straight line from its first point to its last."""
    rim = _arc(steps)
    return _disc(steps) if steps == SIDES else _fan(rim[0], rim[1:])


def _square_less_disc(steps: int) -> np.ndarray:
    """What a square leaves around a disc; each quarter from its own corner."""
    pieces = []
    quarter = SIDES // 4
    for first in range(0, steps, quarter):
        middle = (first + quarter / 2) * 2 * math.pi / SIDES
        corner = np.sign([math.cos(middle), 0, math.sin(middle)])
        pieces.append(_fan(corner, _arc(min(quarter, steps - first), first))[:, ::-1])
    return np.concatenate(pieces)


def _tangents_less_disc(steps: int) -> np.ndarray:
    """What the tangents at every sixteenth of a turn leave around a disc."""
    each = SIDES // _COARSE
    pieces = []
    for first in range(0, steps, each):
        middle = (first + each / 2) * 2 * math.pi / SIDES
        reach = 1 / math.cos(math.pi / _COARSE)
        corner = np.array([math.cos(middle), 0, math.sin(middle)]) * reach
        pieces.append(_fan(corner, _arc(min(each, steps - first), first))[:, ::-1])
    return np.concatenate(pieces)


def _ring(steps: int, inner: float) -> np.ndarray:
    """Flat, one unit wide."""
    arc = _arc(steps)
    return _band(arc * (inner + 1), arc * inner)[:, ::-1]


def _cone(steps: int, inner: float) -> np.ndarray:
    """One unit wider at height 0 than at 1."""
    arc = _arc(steps)
    if inner == 0:
        return _fan(np.array([0.0, 1.0, 0.0]), arc)[:, ::-1]
    return _band(arc * (inner + 1), arc * inner + _ALONG)


_BUILDERS = {
    "cyli": _cylinder,
    "cylo": _cylinder,
    "cylc": _closed,
    "cyls": _sloped,
    "cylse": _sloped,
    "cyls2": _sloped_convex,
    "cys2": _sloped_convex,
    "disc": _disc,
    "chrd": _chord,
    "ndis": _square_less_disc,
    "tang": _tangents_less_disc,
}
