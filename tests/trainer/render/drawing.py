"""What tests do in other processes, where TensorFlow is not loaded."""

import os
import resource
import signal
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from trainer.errors import NoRoomError
from trainer.render import farm, shards
from trainer.render.cluster import slurm_cluster
from trainer.render.drawn import Drawn
from trainer.render.engines import describe_stock
from trainer.render.recipe import RenderRecipe, Slurm
from trainer.render.shards import ShardDone, ShardJob, draw_shard, plan
from trainer.scenes.scene import Camera, Ground, Light, Sky

COUNT = 5
RECIPE = """
name = "tiny-piles"
seed = 7
size_px = 64
shard_size = 2

[scenes]
bricks = [3, 5]
"""


def recipe_with(**changes: Any) -> RenderRecipe:
    return RenderRecipe(**{"name": "tiny", "size_px": 64} | changes)


def draw_shards(recipe: RenderRecipe, folder: Path, first: int, count: int) -> list[ShardDone]:
    """What the workers do, one after the other."""
    stock = describe_stock(recipe.scenes)
    return [
        draw_shard(ShardJob(folder, number, begin, amount, recipe, stock))
        for number, begin, amount in plan(first, count, recipe.shard_size)
    ]


def draw_on_a_small_disk(recipe: RenderRecipe, folder: Path, count: int, bytes_max: int) -> str:
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_max, resource.RLIM_INFINITY))
    try:
        draw_shards(recipe, folder, 0, count)
    except NoRoomError as error:
        return str(error)
    return ""


def job_script(slurm: Slurm) -> str:
    with slurm_cluster(slurm) as cluster:
        return cluster.job_script()


# ---- accidents ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Accident:
    """Happens once, at the second picture of a shard.

    Attributes:
        signal: Sent to the drawing worker, or to the process that renders.
        parent: Process that renders; None hits the worker.
        folder: Where it is noted that it happened, and which shards were drawn.
    """

    shard: int
    signal: int
    parent: int | None
    folder: Path

    def __call__(self, job: ShardJob) -> Any:
        if job.number == self.shard and not (self.folder / "happened").exists():
            self._lie_in_wait()
        try:
            result = farm.draw_shard(job)
        finally:
            shards.write_drawn = WRITE_DRAWN
        with (self.folder / "drawn").open("a") as log:
            log.write(f"{job.number}\n" if result.drawn else "")
        return result

    def _lie_in_wait(self) -> None:
        written = []

        def write_drawn(*arguments: Any) -> None:
            WRITE_DRAWN(*arguments)
            written.append(arguments)
            if len(written) == 2:
                (self.folder / "happened").touch()
                os.kill(self.parent or os.getpid(), self.signal)
                shards.write_drawn = WRITE_DRAWN

        shards.write_drawn = write_drawn


WRITE_DRAWN = shards.write_drawn


def render_with_accident(
    recipe: RenderRecipe, folder: Path, count: int, notes: Path, kill_worker: bool
) -> list[int]:
    """Render on two workers; gives the shards that were drawn, as often as they were."""
    if kill_worker:
        farm.task = Accident(2, signal.SIGKILL, None, notes)
    else:
        farm.task = Accident(2, signal.SIGINT, os.getpid(), notes)
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        farm.render(recipe, folder, 0, count, Console(quiet=True), processes=2)
    except KeyboardInterrupt:
        if kill_worker:
            raise
    return [int(line) for line in (notes / "drawn").read_text().split()]


# ---- alignment ---------------------------------------------------------------------------------


FIELD_DEG = 30.0


def with_and_without_bricks(recipe: RenderRecipe, index: int) -> tuple[Drawn, np.ndarray]:
    """A picture of red bricks on a white ground under light from above, and the bare ground."""
    scene = shards.draw_scene(index, recipe.scenes, shards.open_scenes(recipe))
    x, y, _ = np.mean([brick.position_mm for brick in scene.bricks], axis=0)
    reach = max(np.hypot(b.position_mm[0] - x, b.position_mm[1] - y) for b in scene.bricks) + 20
    far = reach / np.tan(np.radians(FIELD_DEG / 2))
    white = (0.8, 0.8, 0.8)
    scene = replace(
        scene,
        bricks=tuple(replace(brick, colour=4, roughness=1.0) for brick in scene.bricks),
        clutter=(),
        camera=Camera((x, y, far), (x, y, 0.0), 0.0, FIELD_DEG),
        lights=(Light((0.0, 0.0, 1.0), 1.0, (1.0, 1.0, 1.0), 0.8),),
        sky=Sky(0, 0.1, (1.0, 1.0, 1.0), 0.3),
        ground=Ground("carpet", 0, white, white, 100.0, 0.0, (0.0, 0.0), 1.0),
        exposure=1.0,
        tone="standard",
    )
    engine = shards.open_engine(recipe)
    return engine.draw(scene), engine.draw(replace(scene, bricks=())).image


# ---- realism -----------------------------------------------------------------------------------


def with_and_without(recipe: RenderRecipe, step: str, indices: range) -> list[tuple[Drawn, Drawn]]:
    """Pictures of some scenes as they are, and short of one step of realism."""
    left = tuple(other for other in recipe.scenes.realism if other != step)
    plain = recipe.scenes.model_copy(update={"realism": left})
    engine, stock = shards.open_engine(recipe), shards.open_scenes(recipe)
    return [
        (
            engine.draw(shards.draw_scene(index, recipe.scenes, stock)),
            engine.draw(shards.draw_scene(index, plain, stock)),
        )
        for index in indices
    ]
