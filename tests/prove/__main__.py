"""Prints one table of what the trainer promises; exit code 1 when a figure falls short, 2 when one
cannot be taken."""

import logging
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tests.bench.choice import chosen
from tests.bench.needs import CannotMeasure
from tests.bench.subject import ROOT
from tests.prove.ablations import ablations, best
from tests.prove.context import Proof
from tests.prove.device import device
from tests.prove.feeding import feed
from tests.prove.ledger import Ledger, code_mark
from tests.prove.measuring import CANNOT_MEASURE, STOPPED, Figure, measure, report
from tests.prove.paper import not_run, paper
from tests.prove.rendering import raster, rendering, workers
from tests.prove.shipped import shipped

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

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


def _forget_runs(figures: Mapping[str, Figure], named: Sequence[str], folder: Path) -> None:
    """Remove what was trained for these figures, so that it is trained again."""
    for name, figure in figures.items():
        if figure.otherwise is None or name in named:
            for run in (found for start in figure.runs for found in folder.glob(f"{start}*")):
                shutil.rmtree(run)


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
    title = "what the trainer promises"
    raise typer.Exit(report(title, rows, problems, file, not quick, shown))


if __name__ == "__main__":
    app()
