"""Shapes computed from published dimensions, for those who have no LDraw library.

The pitch of studs is 8 mm, a plate is 3.2 mm high and a brick 9.6, each side stands back by
0.1 mm; studs are 4.8 mm wide and 1.7 high, walls 1.5 thick, clutch tubes 6.51 outside and 4.8
inside, as measured by https://www.cailliau.org/en/Alphabetical/L/Lego/Dimensions/. What does not
show, such as ribs inside, is left out. Parts lie as in the LDraw library: long bricks along X,
slopes fall towards -Y.
"""

from collections.abc import Callable
from functools import partial
from types import MappingProxyType

import numpy as np

from trainer.errors import GeometryError
from trainer.scenes.mesh import Mesh, with_normals
from trainer.scenes.parts import name_of
from trainer.scenes.shapes import bricks, rounds, slopes, technic


def parametric_ids() -> tuple[str, ...]:
    """Parts whose shape can be computed."""
    return tuple(_SHAPES)


def parametric_mesh(part_id: str) -> Mesh:
    """The shape of a part.

    Args:
        part_id: One of `parametric_ids()`.

    Raises:
        GeometryError: Its shape cannot be computed.
    """
    shape = _SHAPES.get(part_id)
    if shape is None:
        raise GeometryError(
            f"{part_id} ({name_of(part_id)}): its shape is not one of the {len(_SHAPES)} that can"
            " be computed; set LDRAWDIR to an LDraw library: get complete.zip from"
            " https://library.ldraw.org/updates and unpack it"
        )
    return with_normals(shape())


# fmt: off
_BRICKS = {
    "3005": (1, 1), "3004": (2, 1), "3622": (3, 1), "3010": (4, 1), "3009": (6, 1),
    "3008": (8, 1), "3003": (2, 2), "3002": (3, 2), "3001": (4, 2), "2456": (6, 2),
}
_PLATES = {
    "3024": (1, 1), "3023b": (2, 1), "3623": (3, 1), "3710": (4, 1), "3666": (6, 1),
    "3460": (8, 1), "3022": (2, 2), "3021": (3, 2), "3020": (4, 2), "3795": (6, 2),
    "3034": (8, 2), "3031": (4, 4), "3032": (6, 4), "3035": (8, 4),
}
_TILES = {
    "3070b": (1, 1), "3069b": (2, 1), "63864": (3, 1), "2431": (4, 1), "6636": (6, 1),
    "3068b": (2, 2), "87079": (4, 2),
}
_SLOPES = {"3040b": (1, 2), "3039": (2, 2), "3038": (3, 2), "3037": (4, 2), "3298": (2, 3)}
"""Studs along X and Y."""
_SHORT_ARC = (
    (1.6, -7.9), (3.01, -5.77), (3.2, -5.4), (4.2, -3.31), (5.15, -0.66), (5.84, 2.14),
    (6.26, 5.05), (6.4, 7.9),
)
_LONG_ARC = (
    (1.6, -11.9), (3.2, -9.65), (4.24, -8), (6.56, -3.31), (8.24, 1.65), (9.26, 6.78), (9.6, 11.9),
)
"""Height and Y of points on curved slopes."""
# fmt: on
_SHAPES: MappingProxyType[str, Callable[[], np.ndarray]] = MappingProxyType(
    {part: partial(bricks.brick, *size) for part, size in _BRICKS.items()}
    | {part: partial(bricks.brick, *size, bricks.PLATE) for part, size in _PLATES.items()}
    | {part: partial(bricks.box, *size, bricks.PLATE) for part, size in _TILES.items()}
    | {part: partial(slopes.slope, *size) for part, size in _SLOPES.items()}
    | {
        "2357": partial(bricks.corner_brick, bricks.BRICK),
        "2420": partial(bricks.corner_brick, bricks.PLATE),
        "3665a": partial(slopes.inverted_slope, 1, 2),
        "3660a": partial(slopes.inverted_slope, 2, 2),
        "3747b": partial(slopes.inverted_slope, 2, 3, edge=1.2),
        "54200": partial(slopes.cheese_slope, 1),
        "85984": partial(slopes.cheese_slope, 2),
        "11477": partial(slopes.curved_slope, 1, (-7.9, 0), 7.9, _SHORT_ARC),
        "15068": partial(slopes.curved_slope, 2, (-7.9, 0), 7.9, _SHORT_ARC),
        "50950": partial(slopes.curved_slope, 1, (-11.9, 4), 11.9, _LONG_ARC),
        "6091": slopes.bow,
        "30165": slopes.vault,
        "6141": rounds.round_plate_1,
        "3062b": rounds.round_brick_1,
        "4032a": partial(rounds.round_2, bricks.PLATE),
        "3941": partial(rounds.round_2, bricks.BRICK),
        "4150": rounds.round_tile,
        "4740": rounds.dish,
        "4589": rounds.cone,
        "87580": partial(bricks.jumper, 2, 2),
        "3794b": partial(bricks.jumper, 2, 1),
        "87087": partial(bricks.brick_with_side_studs, 1, [(0, -1)]),
        "47905": partial(bricks.brick_with_side_studs, 1, [(0, -1), (0, 1)]),
        "4733": partial(bricks.brick_with_side_studs, 1, [(0, -1), (0, 1), (1, 0), (-1, 0)]),
        "11211": partial(bricks.brick_with_side_studs, 2, [(0, -1)]),
        "3700": partial(technic.holed_brick, 2, [0], technic.round_hole),
        "6541": partial(technic.holed_brick, 1, [0], technic.round_hole),
        "3701": partial(technic.holed_brick, 4, [-8, 0, 8], technic.round_hole),
        "32064a": partial(technic.holed_brick, 2, [0], rounds.axle_hole),
        "32316": partial(technic.beam, 5),
        "3673": rounds.pin,
    }
)
