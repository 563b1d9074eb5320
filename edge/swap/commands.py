"""bricksight-edge model: the same swap and rollback as on the page, from a shell."""

import getpass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from edge.standard_output import printing, say, tables

if TYPE_CHECKING:
    from edge.swap.swapper import Swapper

ConfigOption = Annotated[
    Path, typer.Option("--config", metavar="FILE", help="The machine's edge.toml.")
]
AGAIN = "a device that runs takes it when it is started again"

model_app = typer.Typer(no_args_is_help=True, help="Which model is live, and which may be.")


@model_app.command("list")
def list_models(config: ConfigOption) -> None:
    """Show the models that may be made live, and which one is."""
    swapper = _swapper(config)
    standing = swapper.standing()
    table = Table()
    for column in ("model", "", "name", "made", "mAP", "problem"):
        table.add_column(column, overflow="fold")
    previous = standing.previous.id if standing.previous else None
    for found in swapper.candidates():
        mark = "live" if found.id == standing.live.id else "before" if found.id == previous else ""
        manifest = found.manifest
        precision = found.mean_average_precision
        cells = (
            found.id,
            mark,
            manifest.name if manifest else "",
            manifest.created_at[:16] if manifest else "",
            "" if precision is None else f"{precision:.3f}",
            found.problem or "",
        )
        table.add_row(*map(escape, cells))
    with printing():
        tables().print(table)
    if standing.notice:
        say(standing.notice)


@model_app.command()
def swap(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="As `model list` shows it.")],
    config: ConfigOption,
) -> None:
    """Try a model, and make it live where it passes."""
    found = _swapper(config).swap(model, _whoever())
    say(f"{found.name} is live, tried in {found.seconds:.1f} s; {AGAIN}")


@model_app.command()
def rollback(config: ConfigOption) -> None:
    """Try the model that was live before, and make it live again."""
    found = _swapper(config).roll_back(_whoever())
    say(f"{found.name} is live again, tried in {found.seconds:.1f} s; {AGAIN}")


def register(app: typer.Typer) -> None:
    """Add the commands to those of the device."""
    app.add_typer(model_app, name="model")


def _swapper(config: Path) -> "Swapper":
    from edge.config import read_config
    from edge.swap.settings import places_of
    from edge.swap.swapper import Swapper

    return Swapper(places_of(read_config(config)))


def _whoever() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # A user of a container may have no name.
        return "somebody"
