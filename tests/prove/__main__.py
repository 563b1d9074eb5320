"""Prints one table of what the trainer promises; exit code 1 when a figure falls short, 2 when one
cannot be taken."""

import json
import logging
import os
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from edge.errors import EdgeError
from tests.bench.choice import chosen
from tests.bench.needs import CannotMeasure
from tests.bench.subject import ROOT
from tests.bench.table import Row, as_json, exit_code, show
from tests.prove.ablations import ablations, best
from tests.prove.context import Proof
from tests.prove.device import device
from tests.prove.feeding import feed
from tests.prove.ledger import Ledger, code_mark
from tests.prove.paper import not_run, paper
from tests.prove.rendering import raster, rendering, workers
from tests.prove.shipped import shipped
from trainer.errors import TrainerError


@dataclass(frozen=True, slots=True)
class Figure:
    """How a figure is taken.

    Attributes:
        take: Measures it.
        settings: Fields of `Proof` that decide it, beside the code.
        runs: What the folders of its training runs begin with.
        kept: Whether it is measured once only.
        otherwise: Its rows when it takes hours, nobody asked for it by name and none are kept.
    """

    take: Callable[[Proof], list[Row]]
    settings: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    kept: bool = True
    otherwise: Callable[[], list[Row]] | None = None


BUDGET = ("data", "types", "budget_mpx")
FIGURES: Mapping[str, Figure] = {
    "rendering": Figure(rendering),
    "raster": Figure(raster),
    "workers": Figure(workers),
    "feed": Figure(feed),
    "shipped": Figure(shipped, kept=False),
    "device": Figure(device),
    "best": Figure(best, BUDGET, ("best-", "compact-")),
    "ablations": Figure(ablations, BUDGET, ("best-", "without-", "with-")),
    "paper": Figure(paper, ("paper_epochs",), ("paper-",), otherwise=not_run),
}
"""In the order of the table."""

FOLDER = ROOT / "runs" / "prove"
CANNOT_MEASURE = 2
STOPPED = 130
WIDTH = 140

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def measure(
    figures: Mapping[str, Figure],
    proof: Proof,
    ledger: Ledger,
    named: Sequence[str],
    again: bool,
    shown: Console,
) -> tuple[list[Row], list[str]]:
    """Take figures one after the other, but those that are known already.

    Args:
        figures: By name.
        proof: Settings.
        ledger: What is known; what is measured is written there at once.
        named: Figures that were asked for by name.
        again: Whether to measure also what is known.
        shown: Where progress is told.

    Returns:
        The rows, and for each figure that could not be taken the reason.
    """
    rows: list[Row] = []
    problems: list[str] = []
    for name, figure in figures.items():
        known = _known(name, figure, proof, ledger, named, again)
        if known is not None:
            rows += known
            continue
        shown.print(f"measuring: {name}", markup=False)
        try:
            taken = figure.take(proof)
        except (CannotMeasure, EdgeError, TrainerError) as error:
            problems.append(f"{name}: {error}")
            continue
        if figure.kept:
            ledger.keep(name, proof.code, _settings(figure, proof), taken)
        rows += taken
    return rows, problems


def _known(
    name: str, figure: Figure, proof: Proof, ledger: Ledger, named: Sequence[str], again: bool
) -> list[Row] | None:
    """Rows that need no measuring; None where it has to be measured."""
    if figure.otherwise is not None and name not in named:
        return ledger.last(name) or figure.otherwise()
    return None if again else ledger.rows(name, proof.code, _settings(figure, proof))


def _settings(figure: Figure, proof: Proof) -> dict[str, Any]:
    values = {name: getattr(proof, name) for name in figure.settings}
    return {name: str(v) if isinstance(v, Path) else v for name, v in values.items()}


def _forget_runs(figures: Mapping[str, Figure], named: Sequence[str], folder: Path) -> None:
    """Remove what was trained for these figures, so that it is trained again."""
    for name, figure in figures.items():
        if figure.otherwise is None or name in named:
            for run in (found for start in figure.runs for found in folder.glob(f"{start}*")):
                shutil.rmtree(run)


def report(
    rows: list[Row], problems: list[str], file: Path | None, judged: bool, shown: Console
) -> int:
    """Print what was found.

    Args:
        rows: The figures.
        problems: Why others could not be taken.
        file: Where they also go as JSON, if anywhere.
        judged: Whether a figure that falls short counts; not where tiny settings were measured.
        shown: Where problems go.

    Returns:
        The exit code.
    """
    if file is not None:
        found = {"rows": [as_json(row) for row in rows], "problems": problems}
        file.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if rows:
        width = None if sys.stdout.isatty() else WIDTH
        show(rows, Console(width=width), "what the trainer promises", told="reported")
    for problem in problems:
        shown.print(f"cannot measure {problem}", style="red", markup=False, soft_wrap=True)
    if problems:
        return CANNOT_MEASURE
    return exit_code(rows) if judged else 0


@app.command()
def main(
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help=f"One of {', '.join(FIGURES)}; may be repeated."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Tiny settings: shows that it runs, measures nothing.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Measure and train again what is known already.")
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Rendered data set: its test split judges, its types are the labels.",
        ),
    ] = None,
    types: Annotated[
        int, typer.Option(min=2, max=85, help="Part types of the ablations, without --data.")
    ] = 20,
    budget: Annotated[
        int, typer.Option(min=10, metavar="MPX", help="Million pixels each ablation sees.")
    ] = 1400,
    paper_epochs: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Train the paper's recipe for fewer.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the rows there, too.")
    ] = None,
) -> None:
    """Measure what the trainer promises. Exits with 1 when a figure falls short, 2 when one cannot
    be taken."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger().setLevel(logging.ERROR)
    shown, named = Console(stderr=True), only or []
    figures = chosen(named, FIGURES)
    folder = FOLDER / "quick" if quick else FOLDER
    place = data.resolve() if data else None
    proof = Proof(folder, code_mark(), quick, place, types, budget, paper_epochs)
    if again:
        _forget_runs(figures, named, folder / "runs")
    try:
        ledger = Ledger(folder / "rows.json")
        rows, problems = measure(figures, proof, ledger, named, again, shown)
    except CannotMeasure as error:
        shown.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(CANNOT_MEASURE) from None
    except KeyboardInterrupt:
        shown.print("stopped; the same command goes on where it was")
        raise typer.Exit(STOPPED) from None
    raise typer.Exit(report(rows, problems, file, not quick, shown))


if __name__ == "__main__":
    app()
