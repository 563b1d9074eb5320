"""A sheet of pictures with their labels, for a person who looks at what a recipe draws."""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from trainer.endless import SEED_STEP
from trainer.render.drawn import Drawn
from trainer.render.engines import open_engine, open_scenes
from trainer.render.recipe import RenderRecipe
from trainer.scenes.parts import name_of
from trainer.scenes.sampling import draw_scene

COLUMNS, ROWS = 6, 4
GAP_PX = 6
LINE_PX = 16
LINES_MIN = 4
LETTER_PX = 7
INK, PAPER = (30, 30, 30), 245


def draw_pictures(recipe: RenderRecipe, first: int) -> Iterator[Drawn]:
    """The pictures of a sheet, one after the other in this process.

    Raises:
        SceneError, GeometryError, PictureError, RenderError: As the engine.
    """
    engine, stock = open_engine(recipe), open_scenes(recipe)
    for index in range(first, first + COLUMNS * ROWS):
        seed = recipe.seed * SEED_STEP + index
        yield engine.draw(draw_scene(seed, recipe.scenes, stock))


def caption(drawn: Drawn, recipe: RenderRecipe) -> list[str]:
    """The names of the parts that count as visible, each once, with how many there are."""
    counts = drawn.labels(recipe.labels.rule())
    seen = [b.part for b, c in zip(drawn.scene.bricks, counts, strict=True) if c]
    often = {part: f"{seen.count(part)} x " if seen.count(part) > 1 else "" for part in seen}
    return [f"{times}{part} {name_of(part)}" for part, times in often.items()]


def compose(pictures: Sequence[np.ndarray], captions: Sequence[Sequence[str]]) -> np.ndarray:
    """Lay pictures out in rows of six, their captions below them.

    Args:
        pictures: Each (s, s, 3) uint8 RGB, of one size.
        captions: Lines below each.

    Returns:
        (h, w, 3) uint8 RGB.
    """
    rows = [slice(i, i + COLUMNS) for i in range(0, len(pictures), COLUMNS)]
    return np.vstack([_row(pictures[row], captions[row]) for row in rows])


def _row(pictures: Sequence[np.ndarray], captions: Sequence[Sequence[str]]) -> np.ndarray:
    side = pictures[0].shape[0]
    lines = max(LINES_MIN, *(len(caption) for caption in captions))
    height = side + 2 * GAP_PX + LINE_PX * lines
    row = np.full((height, COLUMNS * (side + GAP_PX) + GAP_PX, 3), PAPER, np.uint8)
    for number, (picture, texts) in enumerate(zip(pictures, captions, strict=True)):
        left = GAP_PX + number * (side + GAP_PX)
        row[GAP_PX : GAP_PX + side, left : left + side] = picture
        for line, text in enumerate(texts, start=1):
            fitting = text[: side // LETTER_PX]
            place = (left, side + line * LINE_PX)
            cv2.putText(row, fitting, place, cv2.FONT_HERSHEY_SIMPLEX, 0.4, INK, 1, cv2.LINE_AA)
    return row
