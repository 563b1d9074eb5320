"""Prints one table of the promised figures; exit code 1 when one falls short, 2 when one cannot be
taken."""

import json
import logging
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from edge.errors import EdgeError
from tests.bench.accuracy import int8_labels
from tests.bench.choice import chosen
from tests.bench.context import Bench
from tests.bench.needs import CannotMeasure
from tests.bench.publishing import publishing
from tests.bench.speed import (
    grad_cam_against_forward,
    grad_cam_against_pytorch,
    int8_against_float,
    int8_against_rivals,
)
from tests.bench.starting import starting
from tests.bench.subject import ROOT
from tests.bench.table import Row, as_json, exit_code, show
from trainer.errors import TrainerError

Figure = Callable[[Bench], list[Row]]

FIGURES: Mapping[str, Figure] = {
    "int8": int8_against_float,
    "rivals": int8_against_rivals,
    "gradcam": grad_cam_against_forward,
    "pytorch": grad_cam_against_pytorch,
    "publishing": publishing,
    "starting": starting,
    "labels": int8_labels,
}
"""In the order of the table."""

DATA = ROOT.parent / "shared" / "data" / "starter"
CANNOT_MEASURE = 2

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def measure(
    figures: Mapping[str, Figure], bench: Bench, shown: Console
) -> tuple[list[Row], list[str]]:
    """Take figures one after the other.

    Returns:
        The rows, and for each figure that could not be taken the reason.
    """
    rows, problems = [], []
    with shown.status("measuring") as status:
        for name, figure in figures.items():
            status.update(f"measuring: {name}")
            try:
                rows += figure(bench)
            except (CannotMeasure, EdgeError, TrainerError) as error:
                problems.append(f"{name}: {error}")
    return rows, problems


def report(rows: list[Row], problems: list[str], as_lines: bool, shown: Console) -> int:
    """Print what was found.

    Args:
        rows: The figures.
        problems: Why others could not be taken.
        as_lines: One JSON object a line in place of the table.
        shown: Where problems go.

    Returns:
        The exit code.
    """
    if as_lines:
        for row in rows:
            typer.echo(json.dumps(as_json(row), ensure_ascii=False))
    elif rows:
        width = None if sys.stdout.isatty() else 120
        show(rows, Console(width=width), "medians of ratios, one thread, same weights")
    for problem in problems:
        shown.print(f"cannot measure {problem}", style="red", markup=False, soft_wrap=True)
    return CANNOT_MEASURE if problems else exit_code(rows)


@app.command()
def main(
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help=f"One of {', '.join(FIGURES)}; may be repeated."),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="How often two things take turns.")] = 60,
    data: Annotated[
        Path, typer.Option(metavar="DIR", help="Data set whose test split judges the labels.")
    ] = DATA,
    as_lines: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Measure what is promised. Exits with 1 when it falls short, 2 when it cannot be taken."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger().setLevel(logging.ERROR)
    shown = Console(stderr=True)
    figures = chosen(only or [], FIGURES)
    with tempfile.TemporaryDirectory() as folder:
        rows, problems = measure(figures, Bench(rounds, Path(folder), data), shown)
    raise typer.Exit(report(rows, problems, as_lines, shown))


if __name__ == "__main__":
    app()
