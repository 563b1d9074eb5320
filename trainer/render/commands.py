"""The commands around scenes and pictures: render, sheet, settle, verify, coco.

None of them imports TensorFlow, which must not meet Mesa's software renderer in one process.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, track


class Engine(StrEnum):
    """Which engine draws."""

    RASTER = "raster"
    BLENDER = "blender"


RecipeArgument = Annotated[
    Path,
    typer.Argument(metavar="RECIPE.toml", help="A render recipe, or a training recipe's scenes."),
]
EngineOption = Annotated[Engine | None, typer.Option("--engine", help="The recipe's if not given.")]
SizeOption = Annotated[
    int | None,
    typer.Option("--size", min=32, max=2048, metavar="PX", help="Side; the recipe's if not given."),
]
FirstOption = Annotated[int, typer.Option("--first", min=0, help="Number of the first picture.")]
DataArgument = Annotated[Path, typer.Argument(metavar="DIR", help="A data set.")]


def render(
    recipe: RecipeArgument,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the data set goes.")],
    count: Annotated[int, typer.Option("--count", min=1, help="How many pictures.")],
    first: FirstOption = 0,
    engine: EngineOption = None,
    size: SizeOption = None,
    workers: Annotated[
        str, typer.Option(help="local, slurm, or the address of a Dask scheduler.")
    ] = "local",
    processes: Annotated[
        int | None, typer.Option(min=1, max=4096, help="Workers to start; one a core if not given.")
    ] = None,
    coco: Annotated[bool, typer.Option("--coco", help="Also write coco.json.")] = False,
) -> None:
    """Render a data set. One that was stopped goes on where it was."""
    from trainer.render.farm import render as render_pictures
    from trainer.render.recipe import read_render_recipe

    console = Console()
    chosen = read_render_recipe(recipe, engine.value if engine else None, size)
    try:
        done = render_pictures(chosen, out, first, count, console, workers, processes)
    except KeyboardInterrupt:
        typer.echo("stopped; what is finished is kept, the same command goes on", err=True)
        raise typer.Exit(130) from None
    if coco:
        _write_coco(out, console)
    typer.echo(f"{out}: {done.pictures} pictures, {done.drawn} of them drawn now")


def sheet(
    recipe: RecipeArgument,
    out: Annotated[Path, typer.Option("--out", metavar="FILE.png", help="Where the sheet goes.")],
    first: FirstOption = 0,
    engine: EngineOption = None,
    size: SizeOption = None,
) -> None:
    """Draw 24 pictures of a recipe with their labels on one sheet, to be looked at."""
    from edge.pictures import write_picture
    from trainer.render.recipe import read_render_recipe
    from trainer.render.sheet import COLUMNS, ROWS, caption, compose, draw_pictures

    console = Console()
    chosen = read_render_recipe(recipe, engine.value if engine else None, size)
    shown = track(draw_pictures(chosen, first), "drawing", total=COLUMNS * ROWS, console=console)
    drawn = list(shown)
    write_picture(out, compose([d.image for d in drawn], [caption(d, chosen) for d in drawn]))
    typer.echo(str(out))


def film(
    recipe: RecipeArgument,
    out: Annotated[Path, typer.Option("--out", metavar="FILE.mp4", help="Where the film goes.")],
    piles: Annotated[int, typer.Option("--piles", min=1, max=1000, help="How many.")] = 8,
    engine: EngineOption = None,
    size: SizeOption = None,
) -> None:
    """Film piles on one place: a camera's recording for a demo."""
    from trainer.render.film import stills, write_film
    from trainer.render.recipe import read_render_recipe

    chosen = read_render_recipe(recipe, engine.value if engine else None, size)
    drawn = track(stills(chosen, piles), "drawing", total=piles + 1, console=Console())
    count = write_film(out, list(drawn), chosen.seed)
    typer.echo(f"{out}: {count} frames")


def settle(
    piles: Annotated[int, typer.Option("--piles", min=0, help="How many piles.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE.npz", help="Where poses go.")],
    rests: Annotated[
        int, typer.Option("--rests", min=1, help="How often each part is dropped alone.")
    ] = 60,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of all chance.")] = 0,
) -> None:
    """Let parts and piles of them fall, and keep how they come to lie."""
    from trainer.scenes.geometry import Geometry
    from trainer.scenes.poses import write_poses
    from trainer.scenes.settle import settle_library

    geometry = Geometry.from_environment()
    with _progress("settling", Console()) as progress:
        library = settle_library(geometry, piles, rests, seed, progress)
    write_poses(library, out)
    typer.echo(f"{out}: rests of {len(library.rests)} parts, {len(library.piles)} piles")


def verify(data: DataArgument) -> None:
    """Compare every file of a rendered data set with its checksum."""
    from trainer.render.shard_files import check_shards, shard_folders

    total = len(shard_folders(data))
    checked = sum(1 for _ in track(check_shards(data), "checking", total, console=Console()))
    typer.echo(f"{data}: {checked} shards are as they were written")


def coco(data: DataArgument) -> None:
    """Write a data set's coco.json, for detectors and segmenters of others."""
    _write_coco(data, Console())


def _write_coco(folder: Path, console: Console) -> None:
    from trainer.render.coco import write_coco

    with _progress("writing COCO", console) as progress:
        path, annotations = write_coco(folder, progress)
    typer.echo(f"{path}: {annotations} annotations")


@contextmanager
def _progress(what: str, console: Console) -> Iterator[Callable[[int, int], None]]:
    """A bar, as a function of the steps done and all steps."""
    with Progress(console=console) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
