"""Renders a data set on many processes or machines.

One task draws one shard. What is finished is on disk, so whatever dies, the same command goes on:
a worker's task goes to another worker, and a shard that is there with the right checksums is left
as it is.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from edge.errors import EdgeError
from trainer.endless import SEED_STEP
from trainer.errors import NoRoomError, RenderError, TrainerError
from trainer.render.blender import find_blender
from trainer.render.cluster import open_client
from trainer.render.engines import describe_stock
from trainer.render.origin import claimed, merge
from trainer.render.recipe import RenderRecipe
from trainer.render.shard_files import (
    SHARDS,
    STAGED_SUFFIX,
    merge_index,
    remove_staged,
    shard_folder,
)
from trainer.render.shards import (
    FULL,
    ShardDone,
    ShardJob,
    draw_shard,
    plan,
)

RETRIES = 3
MERGE_EVERY_S = 30.0
MERGE_SHARE = 0.05
"""Of the time, that writing the index again may take."""
LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class ShardFailure:
    """A shard that another try would not bring."""

    number: int
    message: str
    no_room: bool = False


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a call of `render` came to: pictures it drew, pictures in the data set."""

    drawn: int
    pictures: int


def render(
    recipe: RenderRecipe,
    folder: Path,
    first: int,
    count: int,
    console: Console,
    workers: str = "local",
    processes: int | None = None,
) -> Rendered:
    """Draw pictures `first` to `first + count` of a recipe into a data set.

    Args:
        recipe: What is drawn.
        folder: The data set; on a file system that all workers see.
        first: Index of the first picture.
        count: Pictures.
        console: Where progress and shards that are drawn again are shown.
        workers: See `trainer.render.cluster.open_client`.
        processes: Workers to start.

    Raises:
        RenderError: The engine or the workers fail; NoRoomError: the disk is full.
        DatasetError: The folder is of another recipe, or another command renders into it.
        SceneError, GeometryError, PictureError: No scene can be drawn from what is here.
    """
    _check_range(first, count)
    folder = folder.resolve()
    stock = describe_stock(recipe.scenes)
    if recipe.engine == "blender" and workers == "local":
        find_blender()
    with _no_room_told(folder), claimed(folder, recipe, stock):
        shards = plan(first, count, recipe.shard_size)
        jobs = [ShardJob(folder, n, begin, amount, recipe, stock) for n, begin, amount in shards]
        drawn = 0
        try:
            with open_client(workers, processes, recipe.slurm) as client:
                drawn = _draw(client, jobs, folder, console)
        finally:
            remove_staged(folder)
            pictures = merge(folder, recipe, stock)
    return Rendered(drawn, pictures)


def task(job: ShardJob) -> ShardDone | ShardFailure:
    """Draw a shard, in a worker.

    Returns:
        The shard, or why trying again is no use.

    Raises:
        RenderError, OSError: What another try may bring.
    """
    try:
        return draw_shard(job)
    except NoRoomError as error:
        return ShardFailure(job.number, str(error), no_room=True)
    except RenderError:
        raise
    except (TrainerError, EdgeError) as error:
        return ShardFailure(job.number, str(error))


def _draw(client: Any, jobs: Sequence[ShardJob], folder: Path, console: Console) -> int:
    finished: SimpleQueue = SimpleQueue()
    futures = client.map(task, jobs, retries=RETRIES, pure=False, batch_size=500)
    for future in futures:
        future.add_done_callback(finished.put)
    numbers = {future.key: job.number for future, job in zip(futures, jobs, strict=True)}
    merging = _Merging(folder)
    with _Shown(console, folder, sum(job.count for job in jobs)) as shown:
        try:
            while numbers:
                with suppress(Empty):
                    future = finished.get(timeout=LOOK_EVERY_S)
                    number = numbers.pop(future.key)
                    shown.add(_result(future, number, folder))
                    future.release()
                shown.look()
                merging.sometimes()
        finally:
            client.cancel(futures, force=True)
    return shown.drawn


def _result(future: Any, number: int, folder: Path) -> ShardDone:
    """What a task gave.

    Raises:
        NoRoomError, RenderError: It failed; the message names the shard.
    """
    from distributed import CancelledError, KilledWorker

    try:
        result = future.result()
    except KilledWorker as error:
        raise RenderError(
            f"shard {number}: {RETRIES + 1} workers died of it, perhaps for want of memory; what is"
            " finished is kept, the same command goes on"
        ) from error
    except (CancelledError, RenderError, OSError) as error:
        raise RenderError(
            f"shard {number}: {error}; tried {RETRIES + 1} times; what is finished is kept, the"
            " same command goes on"
        ) from error
    if isinstance(result, ShardFailure):
        if result.no_room:
            raise NoRoomError(result.message)
        raise RenderError(f"shard {number}: {result.message}")
    if not shard_folder(folder, number).is_dir():
        raise RenderError(
            f"shard {number}: a worker drew it, and it is not in {folder}; choose an --out that"
            " all workers and this machine share"
        )
    return result


class _Merging:
    """Writes the index again from time to time; seldom where that takes long."""

    def __init__(self, folder: Path):
        self._folder, self._next_s = folder, time.monotonic() + MERGE_EVERY_S

    def sometimes(self) -> None:
        begun_s = time.monotonic()
        if begun_s < self._next_s:
            return
        merge_index(self._folder)
        now_s = time.monotonic()
        self._next_s = now_s + max(MERGE_EVERY_S, (now_s - begun_s) / MERGE_SHARE)


class _Shown:
    """The progress bar: pictures done, pictures a second, time left."""

    def __init__(self, console: Console, folder: Path, total: int):
        columns = (
            TextColumn("rendering"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[pace]}"),
        )
        self._progress = Progress(*columns, console=console)
        self._console, self._folder, self._total = console, folder, total
        self._done, self.drawn, self._begun_s = 0, 0, time.monotonic()
        self._bar: TaskID | None = None

    def __enter__(self) -> "_Shown":
        self._progress.start()
        self._bar = self._progress.add_task("", total=self._total, pace="")
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def add(self, shard: ShardDone) -> None:
        """Count a finished shard."""
        if shard.damage:
            self._console.print(f"drawn again: {shard.damage}", soft_wrap=True, markup=False)
        self._done += shard.count
        self.drawn += shard.drawn

    def look(self) -> None:
        """Show where things are, with the pictures of shards that are being drawn."""
        begun = sum(1 for _ in (self._folder / SHARDS).glob(f"*{STAGED_SUFFIX}/ids/*.png"))
        took_s = time.monotonic() - self._begun_s
        rate = (self.drawn + begun) / took_s
        done = min(self._done + begun, self._total)
        pace = f"{rate:.1f} pictures/s"
        if rate > 0:
            pace += f", {_clock((self._total - done) / rate)} left"
        if self._bar is not None:
            self._progress.update(self._bar, completed=done, pace=pace)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}"


def _check_range(first: int, count: int) -> None:
    if first < 0 or count < 1 or first + count > SEED_STEP:
        raise RenderError(
            f"pictures {first} to {first + count}: a recipe seed has those from 0 to {SEED_STEP};"
            " give --first and --count within, or another seed in the recipe"
        )


@contextmanager
def _no_room_told(folder: Path) -> Iterator[None]:
    """One error for a full disk, wherever it was noticed."""
    try:
        yield
    except NoRoomError as error:
        raise NoRoomError(f"{error}; {_GOES_ON}") from error
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise NoRoomError(f"{folder}: no room ({error.strerror}); {_GOES_ON}") from error


_GOES_ON = "what is finished is kept; make room, the same command goes on"
