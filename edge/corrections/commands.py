"""bricksight-edge corrections: what people corrected, as a list and to train on."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from edge.errors import ConfigError
from edge.standard_output import printing, say, tables

if TYPE_CHECKING:
    from edge.corrections.correction import Correction
    from edge.corrections.corrections import Corrections
    from edge.corrections.export import Exported

commands = typer.Typer(
    no_args_is_help=True, help="What people said is right on the page, as a list and to train on."
)
ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="The machine's edge.toml, to find its journal."),
]
JournalOption = Annotated[
    Path | None,
    typer.Option(
        "--journal", metavar="FILE", help="The journal's file, which may be gone by now itself."
    ),
]


@commands.command("export")
def export_(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A folder that is not there yet.")],
    config: ConfigOption = None,
    journal: JournalOption = None,
) -> None:
    """Write the corrected pictures as a data set for bricksight-trainer.

    Near-duplicates are put together, so that none is on two sides of a split.
    """
    from rich.progress import track

    from edge.corrections.export import export

    shown = Console(stderr=True)
    found = export(
        _corrections(config, journal),
        out,
        lambda all_: track(
            all_, "copying", console=shown, transient=True, disable=not shown.is_terminal
        ),
    )
    with printing():
        tables().print(_by_label(found))
    corrected = found.pictures - found.confirmed
    say(
        f"{_counted(found.pictures, 'picture')} in {_counted(found.groups, 'group')} of"
        f" near-duplicates: {found.confirmed} confirmed, {corrected} corrected."
    )
    if found.gone:
        some = ", ".join(map(str, found.gone[:5]))
        typer.echo(
            f"left out, because their pictures are gone or damaged: {len(found.gone)} (items"
            f" {some}{', ...' if len(found.gone) > 5 else ''})",
            err=True,
        )
    say(f"Train with it: bricksight-trainer train RECIPE --data {out}")


@commands.command("list")
def list_(
    config: ConfigOption = None,
    journal: JournalOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """List what counts of every corrected item."""
    standing = _corrections(config, journal).standing()
    if as_json:
        for one in standing:
            say(json.dumps(_described(one)))
        return
    if not standing:
        say("nothing was corrected yet")
        return
    table = Table()
    for column in ("item", "when", "who", "recognised", "right", "note"):
        table.add_column(column, overflow="fold")
    for one in standing:
        right = "as recognised" if one.confirms else ", ".join(one.labels or ()) or "no brick"
        known = ", ".join(one.subject.recognised) or "nothing"
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(one.at_s))
        table.add_row(*map(_plain, (one.subject.item_id, when, one.who, known, right, one.note)))
    with printing():
        tables().print(table)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(commands, name="corrections")


def _corrections(config: Path | None, journal: Path | None) -> "Corrections":
    from edge.corrections.corrections import Corrections

    if (config is None) == (journal is None):
        raise ConfigError("give either --config FILE or --journal FILE: whose corrections?")
    if config is not None:
        from edge.config import read_config

        journal = read_config(config).journal.path
    found = Corrections(journal or Path())
    if not found.path.exists():
        raise ConfigError(
            f"{found.path}: there is none; nothing was corrected yet, or this is not the journal"
        )
    return found


def _by_label(found: "Exported") -> Table:
    table = Table()
    table.add_column("label")
    table.add_column("pictures", justify="right")
    for label_id, pictures in sorted(found.labels.items(), key=lambda pair: (-pair[1], pair[0])):
        table.add_row(_plain(label_id), str(pictures))
    return table


def _described(one: "Correction") -> dict[str, object]:
    return {
        "item": one.subject.item_id,
        "version": one.version,
        "picture_sha256": one.subject.picture_sha256,
        "model_sha256": one.subject.model_sha256,
        "recognised": one.subject.recognised,
        "labels": one.labels,
        "note": one.note,
        "who": one.who,
        "at_s": one.at_s,
    }


def _plain(value: object) -> str:
    from rich.markup import escape

    shown = "".join(char if char.isprintable() else " " for char in str(value))
    return escape(shown)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
