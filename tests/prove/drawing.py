"""What drawing processes do; nothing here reaches TensorFlow."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.bench.timing import without_collection
from tests.prove.context import RECIPES
from trainer.endless import SEED_STEP
from trainer.errors import RenderError
from trainer.render.cluster import open_client
from trainer.render.engines import describe_stock, open_engine, open_scenes
from trainer.render.farm import ShardFailure, task
from trainer.render.recipe import Engine, RenderRecipe, read_render_recipe
from trainer.render.shards import ShardJob, draw_shard, row_of, write_drawn
from trainer.scenes.geometry import Geometry
from trainer.scenes.physics import hull_of
from trainer.scenes.sampling import draw_scene
from trainer.scenes.settle import choose_piles, settle_pile

PILES = RECIPES / "piles.toml"


def piles_recipe(engine: Engine, size_px: int) -> RenderRecipe:
    """The shipped recipe of piles, for an engine and a size."""
    return read_render_recipe(PILES, engine, size_px)


def picture_seconds(recipe: RenderRecipe, folder: Path, warm: int, count: int) -> list[float]:
    """Seconds that each of `count` pictures takes after `warm` others.

    All of it: sampling the scene, drawing it, instance map and labels, JPEG, PNG and index row.

    Args:
        recipe: What is drawn.
        folder: Where pictures are written.
        warm: Pictures before the first that counts.
        count: Pictures that count.
    """
    for name in ("images", "ids"):
        (folder / name).mkdir(parents=True)
    engine, stock = open_engine(recipe), open_scenes(recipe)
    seconds = []
    with without_collection():
        for index in range(warm + count):
            begun_s = time.perf_counter()
            scene = draw_scene(recipe.seed * SEED_STEP + index, recipe.scenes, stock)
            drawn = engine.draw(scene)
            write_drawn(folder, drawn, recipe.jpeg_quality)
            json.dumps(row_of(drawn, recipe, "000000"))
            seconds.append(time.perf_counter() - begun_s)
    return seconds[warm:]


def drawing_seconds(recipe: RenderRecipe, count: int) -> list[float]:
    """Seconds that sampling and drawing each of `count` pictures takes.

    Ids and labels are in, writing is not. All are drawn once before, so that the textures of their
    grounds and the shapes of their parts are there.
    """
    engine, stock = open_engine(recipe), open_scenes(recipe)

    def drawn_s(index: int) -> float:
        begun_s = time.perf_counter()
        seed = recipe.seed * SEED_STEP + index
        engine.draw(draw_scene(seed, recipe.scenes, stock)).labels(recipe.labels.rule())
        return time.perf_counter() - begun_s

    for index in range(count):
        drawn_s(index)
    with without_collection():
        return [drawn_s(index) for index in range(count)]


def shard_seconds(recipe: RenderRecipe, folder: Path, count: int) -> float:
    """Seconds of one shard of `count` pictures as a worker draws it, checksums and all.

    Drawn once before, as for `drawing_seconds`.
    """
    stock = describe_stock(recipe.scenes)

    def drawn_s(out: Path) -> float:
        job = ShardJob(out.resolve(), 0, 0, count, recipe, stock)
        begun_s = time.perf_counter()
        draw_shard(job)
        return time.perf_counter() - begun_s

    drawn_s(folder / "warm")
    with without_collection():
        return drawn_s(folder / "measured")


def settling_seconds(count: int) -> list[float]:
    """Seconds that each of `count` piles of 2 to 14 bricks takes to settle, from known shapes."""
    geometry = Geometry.from_environment()
    hulls = {part: hull_of(geometry.mesh(part)) for part in geometry.ids()}
    seconds = []
    for number, ids in enumerate(choose_piles(tuple(hulls), count, seed=1)):
        begun_s = time.perf_counter()
        settle_pile(ids, hulls, (1, number))
        seconds.append(time.perf_counter() - begun_s)
    return seconds


def farm_rates(
    recipe: RenderRecipe, folder: Path, shards: int, rounds: int
) -> tuple[list[float], list[float]]:
    """Shards a second of one worker and of two, in turn, on one cluster that is warm.

    Args:
        recipe: What is drawn; `shard_size` pictures a task.
        folder: Where data sets are written.
        shards: Tasks, the same ones every time.
        rounds: How often one and two take turns.
    """
    with open_client("local", 2, recipe.slurm) as client:
        client.wait_for_workers(2, timeout=60)
        both = sorted(client.scheduler_info()["workers"])
        stock = describe_stock(recipe.scenes)

        def jobs(name: str) -> list[ShardJob]:
            out, size = (folder / name).resolve(), recipe.shard_size
            return [ShardJob(out, n, n * size, size, recipe, stock) for n in range(shards)]

        warm = [_begun(client, jobs(f"warm-{n}"), [both[n]]) for n in range(2)]
        for ends_s, futures in warm:
            _finish(client, ends_s, futures)
        rates: tuple[list[float], list[float]] = ([], [])
        for number in range(rounds):
            for workers in (1, 2):
                begun = _begun(client, jobs(f"{number}-of-{workers}"), both[:workers])
                rates[workers - 1].append(steady_rate(_finish(client, *begun), workers))
    return rates


def _begun(client: Any, jobs: Sequence[ShardJob], workers: list[str]) -> tuple[list[float], Any]:
    ends_s: list[float] = []
    futures = client.map(task, jobs, pure=False, workers=workers, allow_other_workers=False)
    for future in futures:
        future.add_done_callback(lambda _: ends_s.append(time.perf_counter()))
    return ends_s, futures


def _finish(client: Any, ends_s: list[float], futures: Any) -> list[float]:
    """When each task ended.

    Raises:
        RenderError: One failed.
    """
    for done in client.gather(futures):
        if isinstance(done, ShardFailure):
            raise RenderError(f"shard {done.number}: {done.message}")
    while len(ends_s) < len(futures):  # callbacks come on a thread of their own
        time.sleep(0.01)
    return ends_s


def steady_rate(ends_s: Sequence[float], workers: int) -> float:
    """Tasks a second while all workers are busy: without the first of each, and without the end.

    Args:
        ends_s: When each task ended, in any order; more than twice as many as workers.
        workers: How many there are.
    """
    ordered = sorted(ends_s)
    first, last = workers - 1, len(ordered) - workers
    return (last - first) / (ordered[last] - ordered[first])
