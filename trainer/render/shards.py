"""Draws the pictures of one shard; plain functions, whoever calls them.

Picture `index` of a recipe is that of seed `recipe.seed * SEED_STEP + index`, whichever shard,
process or machine draws it.
"""

import errno
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from trainer.endless import SEED_STEP
from trainer.errors import DatasetError, GeometryError, NoRoomError
from trainer.render.drawn import Drawn
from trainer.render.engines import describe_stock, open_engine, open_scenes
from trainer.render.recipe import Engine, RenderRecipe
from trainer.render.shard_files import (
    DESCRIPTION,
    INDEX,
    SCENES,
    SHARDS,
    Seal,
    check_shard,
    publish,
    seal,
    shard_folder,
    staged_folder,
)
from trainer.scenes.geometry import VARIABLE
from trainer.scenes.sampling import draw_scene
from trainer.scenes.scene import Scene, scene_from_json

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@dataclass(frozen=True, slots=True)
class ShardJob:
    """One shard to draw.

    Attributes:
        folder: The data set, absolute.
        number: Of the shard.
        first: Index of its first picture.
        count: Pictures.
        recipe: What is drawn.
        stock: What it is drawn from, as `describe_stock` says it.
    """

    folder: Path
    number: int
    first: int
    count: int
    recipe: RenderRecipe
    stock: str


@dataclass(frozen=True, slots=True)
class ShardDone:
    """A shard that is on disk.

    Attributes:
        number: Of the shard.
        count: Pictures that were asked for.
        drawn: Pictures that were drawn; 0 if all were there.
        damage: What was wrong with the one that was there before, if anything.
    """

    number: int
    count: int
    drawn: int
    damage: str = ""


def plan(first: int, count: int, shard_size: int) -> Iterator[tuple[int, int, int]]:
    """Number, first picture and count of each shard that `count` pictures from `first` are in."""
    end = first + count
    for number in range(first // shard_size, -(-end // shard_size)):
        begin = max(first, number * shard_size)
        yield number, begin, min(end, (number + 1) * shard_size) - begin


def draw_shard(job: ShardJob) -> ShardDone:
    """Draw a shard, unless it is on disk and its checksums are right.

    Raises:
        NoRoomError: The disk is full.
        DatasetError: The shard there is of another recipe.
        SceneError, GeometryError, PictureError, RenderError: As the engine.
    """
    there, damage = _there(job)
    first, end = job.first, job.first + job.count
    if there is not None:
        # What is there stays: more pictures than before are all drawn again, together.
        first, end = min(first, there.first), max(end, there.first + there.count)
        if end - first == there.count:
            return ShardDone(job.number, job.count, 0)
    staged = None
    try:
        staged = staged_folder(job.folder, job.number)
        _draw_into(staged, job, range(first, end))
        seal(staged, job.number, first, end - first, job.recipe.sha256(), job.recipe.engine)
        publish(staged, shard_folder(job.folder, job.number))
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise NoRoomError(
            f"{job.folder}: no room for shard {job.number} ({error.strerror})"
        ) from error
    finally:
        if staged is not None:
            shutil.rmtree(staged, ignore_errors=True)
    return ShardDone(job.number, job.count, end - first, damage)


def draw_again(
    folder: Path, seed: int, without: int | None = None, engine: Engine | None = None
) -> Drawn:
    """Draw a picture of a rendered data set from its stored scene.

    Args:
        folder: The data set.
        seed: Of the scene.
        without: Number of a brick to leave out, from 0; those after it move up by one in the
            instance map, and none moves in the scene.
        engine: Instead of the one that drew the data set.

    Raises:
        DatasetError: It is no rendered data set, or has no such scene.
        SceneError: There is no such brick.
        GeometryError, PictureError, RenderError: As the engine.
    """
    recipe = recipe_of(folder)
    if engine is not None:
        recipe = recipe.model_copy(update={"engine": engine})
    scene = stored_scene(folder, seed, recipe)
    if without is not None:
        scene = scene.without(without)
    return open_engine(recipe).draw(scene)


def stored_scene(folder: Path, seed: int, recipe: RenderRecipe) -> Scene:
    """The scene that a data set's picture was drawn from.

    Raises:
        DatasetError: There is none.
        SceneError: It is damaged.
    """
    index = seed - recipe.seed * SEED_STEP
    path = shard_folder(folder, index // recipe.shard_size) / SCENES
    if index >= 0 and path.is_file():
        with path.open("rb") as lines:
            for scene in map(scene_from_json, lines):
                if scene.seed == seed:
                    return scene
    raise DatasetError(f"{folder}: no scene of seed {seed}; the seeds are in its {INDEX}")


def recipe_of(folder: Path) -> RenderRecipe:
    """The recipe a data set was rendered by.

    Raises:
        DatasetError: It is no rendered data set.
    """
    path = folder / DESCRIPTION
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
        return RenderRecipe.model_validate_json(json.dumps(described["recipe"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            f"{path}: {type(error).__name__} {error}; expected a data set of"
            " `bricksight-trainer render`"
        ) from error


def _there(job: ShardJob) -> tuple[Seal | None, str]:
    """The shard as it is on disk, and what is wrong with it."""
    shard = shard_folder(job.folder, job.number)
    if not shard.exists():
        return None, ""
    try:
        found = check_shard(shard)
    except DatasetError as error:
        return None, str(error)
    if found.recipe_sha256 != job.recipe.sha256():
        raise DatasetError(
            f"{shard}: of recipe {found.recipe_sha256[:12]}, expected"
            f" {job.recipe.sha256()[:12]}; choose another --out, or remove it"
        )
    return found, ""


def _draw_into(staged: Path, job: ShardJob, indices: range) -> None:
    _check_stock(job)
    engine, stock = open_engine(job.recipe), open_scenes(job.recipe)
    name = f"{SHARDS}/{job.number:06d}"
    with (staged / SCENES).open("wb") as scenes, (staged / INDEX).open("wb") as rows:
        for index in indices:
            seed = job.recipe.seed * SEED_STEP + index
            drawn = engine.draw(draw_scene(seed, job.recipe.scenes, stock))
            write_drawn(staged, drawn, job.recipe.jpeg_quality)
            scenes.write(drawn.scene.to_json().encode() + b"\n")
            rows.write(json.dumps(row_of(drawn, job.recipe, name)).encode() + b"\n")


def _check_stock(job: ShardJob) -> None:
    here = describe_stock(job.recipe.scenes)
    if here != job.stock:
        raise GeometryError(
            f"this worker has {here}; the data set is of {job.stock}; set {VARIABLE} on all"
            " workers to the same library, and install the same version"
        )


def write_drawn(staged: Path, drawn: Drawn, jpeg_quality: int) -> None:
    """Write a picture and its instance map.

    Raises:
        OSError: As any file.
    """
    seed = drawn.scene.seed
    quality = [cv2.IMWRITE_JPEG_QUALITY, jpeg_quality]
    picture = cv2.imencode(".jpg", drawn.image[..., ::-1], quality)[1]
    (staged / "images" / f"{seed}.jpg").write_bytes(picture.tobytes())
    (staged / "ids" / f"{seed}.png").write_bytes(cv2.imencode(".png", drawn.ids)[1].tobytes())


def row_of(drawn: Drawn, recipe: RenderRecipe, name: str) -> dict:
    """A row of the index, see `trainer.dataset`; `name` is the shard's path in the data set."""
    scene = drawn.scene
    counts = drawn.labels(recipe.labels.rule())
    away = np.subtract(scene.camera.position_mm, scene.camera.target_mm)
    return {
        "seed": scene.seed,
        "picture": f"{name}/images/{scene.seed}.jpg",
        "ids": f"{name}/ids/{scene.seed}.png",
        "labels": sorted({b.part for b, c in zip(scene.bricks, counts, strict=True) if c}),
        "instances": [
            {"part": b.part, "visible_px": round(v), "full_px": round(f), "label": bool(c)}
            for b, v, f, c in zip(
                scene.bricks, drawn.visible_px, drawn.full_px, counts, strict=True
            )
        ],
        "arrangement": scene.arrangement,
        "illumination": scene.illumination,
        "ground": scene.ground.kind,
        "elevation_deg": round(float(np.degrees(np.arcsin(away[2] / np.linalg.norm(away)))), 1),
        "field_deg": round(scene.camera.field_deg, 1),
        "engine": recipe.engine,
        "bricks": len(scene.bricks),
    }
