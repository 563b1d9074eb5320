"""Everything of a scene that has a surface, as both engines draw it."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from trainer.scenes.colours import Colour, colours
from trainer.scenes.grounds import photograph_colours
from trainer.scenes.scene import Brick, Clutter, Ground, Scene, model_matrix


@dataclass(frozen=True, slots=True)
class Body:
    """One thing to draw.

    Attributes:
        key: Its shape: a part id, or "@" and a simple shape.
        matrix: Body to world, (4, 4).
        albedo: Linear.
        number: What the instance map calls it; 0 is no brick.
    """

    key: str
    matrix: np.ndarray
    albedo: tuple[float, float, float]
    opacity: float
    roughness: float
    number: int


def bodies_of(scene: Scene) -> list[Body]:
    """All bricks, numbered from 1, then the clutter."""
    table = colours()
    bricks = [
        _brick_body(brick, number, table[brick.colour])
        for number, brick in enumerate(scene.bricks, start=1)
    ]
    return bricks + [_clutter_body(thing) for thing in scene.clutter]


def mean_albedo(ground: Ground) -> np.ndarray:
    """(3,) mean albedo of a ground."""
    if ground.photograph is not None:
        return _photograph_albedo(ground.photograph)
    return (np.asarray(ground.dark) + np.asarray(ground.bright)) / 2


@lru_cache(maxsize=64)
def _photograph_albedo(path: str) -> np.ndarray:
    # A megapixel of powers: as long as drawing the whole scene, so once a photograph.
    return photograph_colours(path).mean(axis=(0, 1))


def linear(srgb: str) -> tuple[float, float, float]:
    """ "#rrggbb" to linear light, 0..1 each."""
    values = (int(srgb[i : i + 2], 16) / 255 for i in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in values)
    return red, green, blue


def _brick_body(brick: Brick, number: int, colour: Colour) -> Body:
    matrix = model_matrix(brick.position_mm, brick.rotation)
    albedo = linear(colour.srgb)
    return Body(brick.part, matrix, albedo, colour.opacity, brick.roughness, number)


def _clutter_body(thing: Clutter) -> Body:
    matrix = model_matrix(thing.position_mm, thing.rotation, thing.size_mm)
    return Body(f"@{thing.shape}", matrix, thing.colour, 1.0, thing.roughness, 0)
