"""bricksight-edge study: make, open, close, export and analyse blind studies."""

import json
import secrets
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from edge.errors import StudyError
from edge.standard_output import printing, say, tables

if TYPE_CHECKING:
    from edge.study.rows import Row

study = typer.Typer(
    no_args_is_help=True,
    help="The blind forced choice between Grad-CAM and LIME: make it, open it, read it.",
)

StudiesArgument = Annotated[
    Path,
    typer.Argument(metavar="STUDIES", help="The folder of all studies, as journal.sqlite.studies."),
]
StudyArgument = Annotated[str, typer.Argument(metavar="ID", help="The study; see `list`.")]


class Question(StrEnum):
    """See `edge.study.plan.Asked`."""

    TRUST = "trust"
    WHERE = "where"


class Form(StrEnum):
    """What `export` writes."""

    CSV = "csv"
    JSON = "json"


@study.command()
def create(
    studies: StudiesArgument,
    title: Annotated[
        str, typer.Option(metavar="TEXT", help="Participants see it; name no method in it.")
    ] = "Which picture do you trust?",
    journal: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Take the newest pictures that were kept beside it."),
    ] = None,
    pictures: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Or take the pictures of a folder.")
    ] = None,
    count: Annotated[int, typer.Option(min=4, max=60, metavar="N", help="Pictures at most.")] = 10,
    asked: Annotated[
        Question,
        typer.Option(help="trust hides what the model said; where names the brick it explains."),
    ] = Question.TRUST,
    confidence: Annotated[
        bool, typer.Option(help="Whether people may say how sure they are.")
    ] = True,
    objective: Annotated[
        bool, typer.Option(help="Ask at the end which of four bricks a map points to.")
    ] = False,
    seed: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Of order, sides and LIME.")
    ] = None,
    samples: Annotated[
        int | None, typer.Option(min=1, max=100_000, metavar="N", help="Of LIME, at most.")
    ] = None,
    bundle: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Model bundle; the shipped one if not given."),
    ] = None,
) -> None:
    """Explain pictures by both methods, in one style; the study is a draft then."""
    from rich.progress import Progress

    from edge.config import SHIPPED_BUNDLE
    from edge.study.making import make_study
    from edge.study.plan import Asked
    from edge.study.progress import Held, Making, Stage, Wish, note, write_wish
    from edge.study.studies import Studies

    if (journal is None) == (pictures is None):
        raise StudyError("give either --journal FILE or --pictures DIR")
    _check_title(title)
    wish = Wish(
        title=title,
        asked=Asked(asked),
        ask_confidence=confidence,
        objective=objective,
        seed=secrets.randbelow(2**32) if seed is None else seed,
        count=count,
        journal=str(journal) if journal else None,
        pictures=str(pictures) if pictures else None,
        bundle=str(bundle or SHIPPED_BUNDLE),
        samples=samples,
    )
    folder = Studies(studies).new_folder()
    write_wish(folder, wish)
    held = Held(folder)
    shown = Console(stderr=True)
    bar = Progress(console=shown, transient=True, disable=not shown.is_terminal)
    try:
        with bar:
            task = bar.add_task("explaining", total=count)

            def watch(made: int, of: int) -> None:
                bar.update(task, completed=made)
                note(folder, Making(stage=Stage.RUNNING, made=made, of=of))

            plan = make_study(folder, wish, watch)
    except BaseException:
        Studies(studies).discard(folder)
        raise
    finally:
        held.close()
    say(f"study {plan.id}: {len(plan.items)} pictures, a draft")
    for why, times in plan.left_out.items():
        say(f"left out, {why}: {times}")
    say(f"open it with: bricksight-edge study open {studies} {plan.id}")


@study.command("list")
def list_(studies: StudiesArgument) -> None:
    """All studies, the newest first."""
    from rich.markup import escape
    from rich.table import Table

    from edge.study.studies import Studies

    table = Table()
    for column in ("id", "title", "state", "participants", "invitation"):
        table.add_column(column, overflow="fold")
    for entry in Studies(studies).all():
        standing = entry.standing
        table.add_row(
            entry.id,
            escape(entry.title),
            escape(entry.problem or (standing.state if standing else entry.made.stage)),
            str(standing.participants) if standing else "",
            standing.invitation if standing else "",
        )
    with printing():
        tables().print(table)


@study.command("open")
def open_(studies: StudiesArgument, study_id: StudyArgument) -> None:
    """Let people in; prints the code that invites them."""
    from edge.study.studies import Studies

    found = Studies(studies).study(study_id)
    found.book.open(_now())
    say(f"study {study_id} is open; people enter this code at /participate:")
    say(found.book.standing().invitation)


@study.command()
def close(studies: StudiesArgument, study_id: StudyArgument) -> None:
    """End a study for good: no more answers, and its results can be read."""
    from edge.study.studies import Studies

    found = Studies(studies).study(study_id)
    found.book.close(_now())
    say(f"study {study_id} is closed; it had {found.book.standing().participants} participants")


@study.command()
def export(
    studies: StudiesArgument,
    study_id: StudyArgument,
    format_: Annotated[Form, typer.Option("--format", help="Tidy CSV, or all as JSON.")] = Form.CSV,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Standard output if not given.")
    ] = None,
) -> None:
    """What people answered in a closed study."""
    from edge.study.files import write_atomically
    from edge.study.rows import as_csv, rows_of
    from edge.study.studies import Studies

    file = Studies(studies).study(study_id).file
    text = as_csv(rows_of(file)) if format_ is Form.CSV else file.model_dump_json(indent=1) + "\n"
    if out is None:
        say(text, nl=False)
    elif out.exists():
        raise StudyError(f"{out} is there already; give another name with --out")
    else:
        write_atomically(out, text)
        typer.echo(f"wrote {out}", err=True)


@study.command("import")
def import_(
    studies: StudiesArgument,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="What `export --format json` wrote.")
    ],
) -> None:
    """Take over a closed study of another device, to look at its results."""
    from edge.study.file import read_study_file
    from edge.study.files import text_of
    from edge.study.studies import Studies

    found = Studies(studies).bring_in(read_study_file(text_of(file), str(file)))
    say(f"study {found.id}: {found.plan.title}")


@study.command()
def analyse(
    studies: Annotated[
        Path | None, typer.Argument(metavar="[STUDIES", help="The folder of all studies.")
    ] = None,
    study_id: Annotated[
        str | None, typer.Argument(metavar="ID]", help="The study; see `list`.")
    ] = None,
    answers: Annotated[
        Path | None,
        typer.Option(
            metavar="CSV",
            help="Answers instead of a study: columns participant, choice (grad-cam or lime),"
            " and what else `export` writes.",
        ),
    ] = None,
    paper: Annotated[
        bool, typer.Option("--paper", help="The source paper's ten people with ten answers.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """What the answers say: by person, by answer, with intervals; what they do not say."""
    from dataclasses import asdict

    from edge.study.analysis import analyse as analysed
    from edge.study.report import show

    given = (studies is not None and study_id is not None, answers is not None, paper)
    if sum(given) != 1:
        raise StudyError("give one of: STUDIES and ID; --answers CSV; --paper")
    rows, asked = _rows(studies, study_id, answers)
    found = analysed(rows, asked)
    if as_json:
        say(json.dumps(asdict(found)))
    else:
        show(found)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(study, name="study")


def _rows(
    studies: Path | None, study_id: str | None, answers: Path | None
) -> "tuple[tuple[Row, ...], int | None]":
    from edge.study.files import text_of
    from edge.study.paper import paper_rows
    from edge.study.rows import from_csv, rows_of
    from edge.study.studies import Studies

    if answers is not None:
        return from_csv(text_of(answers), str(answers)), None
    if studies is None or study_id is None:
        return paper_rows(), None
    file = Studies(studies).study(study_id).file
    return rows_of(file), len(file.plan.items)


def _check_title(title: str) -> None:
    from edge.study.plan import MAX_TITLE_CHARS

    if not 1 <= len(title) <= MAX_TITLE_CHARS:
        raise StudyError(f"--title: found {len(title)} characters, allowed 1..{MAX_TITLE_CHARS}")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
