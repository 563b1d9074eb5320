"""A film of one place onto which piles are put: what a camera over a tray sees."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from trainer.endless import SEED_STEP
from trainer.errors import RenderError
from trainer.render.engines import open_engine, open_scenes
from trainer.render.recipe import RenderRecipe
from trainer.scenes.sampling import draw_scene
from trainer.scenes.scene import Camera, Scene

FRAMES_PER_S = 10
EMPTY_FRAMES = 30
PILE_FRAMES = (24, 36)
ASPECT = 0.75
NOISE = 1.0
CAMERA = Camera((0.0, -118.0, 112.0), (0.0, 0.0, 6.0), 0.0, 42.0)


def stills(recipe: RenderRecipe, piles: int) -> Iterator[np.ndarray]:
    """The empty place, then each pile on it, drawn one after the other.

    Args:
        recipe: Place, light and ground come from its first scene, the piles from those after it.
        piles: How many.

    Yields:
        (3 s / 4, s, 3) uint8 RGB.

    Raises:
        SceneError, GeometryError, PictureError, RenderError: As the engine.
    """
    engine, stock = open_engine(recipe), open_scenes(recipe)
    first = recipe.seed * SEED_STEP
    scenes = [draw_scene(first + k, recipe.scenes, stock) for k in range(piles + 1)]
    place = replace(scenes[0], bricks=(), clutter=(), camera=CAMERA)
    for scene in (place, *(_put(scene, place) for scene in scenes[1:])):
        image = engine.draw(scene).image
        height = round(image.shape[0] * ASPECT)
        above = (image.shape[0] - height) // 2
        yield image[above : above + height]


def _put(scene: Scene, place: Scene) -> Scene:
    """A scene's bricks in the middle of a place."""
    middle = np.mean([brick.position_mm for brick in scene.bricks], axis=0)
    moved = [
        replace(
            brick,
            position_mm=(
                float(brick.position_mm[0] - middle[0]),
                float(brick.position_mm[1] - middle[1]),
                brick.position_mm[2],
            ),
        )
        for brick in scene.bricks
    ]
    return replace(place, bricks=tuple(moved))


def frames(pictures: Sequence[np.ndarray], seed: int) -> Iterator[np.ndarray]:
    """The film: each picture for a while, with a little noise, as a camera has."""
    rng = np.random.default_rng(seed)
    for number, picture in enumerate(pictures):
        lasts = EMPTY_FRAMES if number == 0 else PILE_FRAMES[number % len(PILE_FRAMES)]
        for _ in range(lasts):
            noise = rng.normal(0, NOISE, picture.shape)
            yield np.clip(picture + noise, 0, 255).astype(np.uint8)


def write_film(path: Path, pictures: Sequence[np.ndarray], seed: int) -> int:
    """Write an H.264 film that any browser and player shows.

    Returns:
        How many frames it has.

    Raises:
        RenderError: imageio-ffmpeg is not installed, or ffmpeg fails.
    """
    try:
        import imageio_ffmpeg
    except ImportError as error:
        raise RenderError(f"a film needs imageio-ffmpeg ({error}); pip install it") from error
    height, width = pictures[0].shape[:2]
    count = 0
    try:
        writer = imageio_ffmpeg.write_frames(
            str(path), (width, height), fps=FRAMES_PER_S, codec="libx264", macro_block_size=2
        )
        writer.send(None)
        for frame in frames(pictures, seed):
            writer.send(np.ascontiguousarray(frame))
            count += 1
        writer.close()
    except OSError as error:
        raise RenderError(f"{path}: ffmpeg cannot write it ({error})") from error
    return count
