"""Prints one table of what the trainer promises; exit code 1 when a figure falls short, 2 when one
cannot be taken."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from tests.bench.choice import chosen
from tests.bench.subject import ROOT
from tests.prove.ablations import ablations, best
from tests.prove.context import Proof
from tests.prove.device import device
from tests.prove.feeding import feed
from tests.prove.ledger import code_mark
from tests.prove.measuring import (
    AgainOption,
    Figure,
    JsonOption,
    QuickOption,
    be_quiet,
    named_option,
    prove,
)
from tests.prove.paper import not_run, paper
from tests.prove.photographs import folders, only_when_named, photographs
from tests.prove.rendering import raster, rendering, workers
from tests.prove.shipped import shipped

BUDGET = ("data", "types", "budget_mpx")
PHOTOGRAPHS = ("learn_from", "judge_on")
FIGURES: Mapping[str, Figure] = {
    "rendering": Figure(rendering),
    "raster": Figure(raster),
    "workers": Figure(workers),
    "feed": Figure(feed),
    "shipped": Figure(shipped, kept=False),
    "device": Figure(device),
    "best": Figure(best, BUDGET, ("best-", "compact-")),
    "ablations": Figure(ablations, BUDGET, ("best-", "without-", "with-")),
    "photographs": Figure(
        photographs, ("data", *PHOTOGRAPHS), ("photographs-",), otherwise=only_when_named
    ),
    "paper": Figure(paper, ("paper_epochs",), ("paper-",), otherwise=not_run),
}
"""In the order of the table."""

FOLDER = ROOT / "runs" / "prove"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def _forget_runs(figures: Mapping[str, Figure], named: Sequence[str], folder: Path) -> None:
    """Remove what was trained for these figures, so that it is trained again."""
    for name, figure in figures.items():
        if figure.otherwise is None or name in named:
            for run in (found for start in figure.runs for found in folder.glob(f"{start}*")):
                shutil.rmtree(run)


@app.command()
def main(
    only: Annotated[list[str] | None, named_option(FIGURES)] = None,
    quick: QuickOption = False,
    again: AgainOption = False,
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
    learn_from: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Photographs of single bricks to train on, labels.csv."),
    ] = None,
    judge_on: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Photographs of single bricks to judge on, labels.csv."),
    ] = None,
    file: JsonOption = None,
) -> None:
    """Measure what the trainer promises. Exits with 1 when a figure falls short, 2 when one cannot
    be taken."""
    be_quiet()
    named, folder = only or [], FOLDER / "quick" if quick else FOLDER
    figures = chosen(named, FIGURES)
    place = data.resolve() if data else None
    training, judging = folders()
    learn, judge = learn_from or training, judge_on or judging
    proof = Proof(folder, code_mark(), quick, place, types, budget, paper_epochs, learn, judge)
    if again:
        _forget_runs(figures, named, folder / "runs")
    raise typer.Exit(prove("what the trainer promises", figures, proof, named, again, file))


if __name__ == "__main__":
    app()
