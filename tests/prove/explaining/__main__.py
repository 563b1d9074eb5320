"""Prints one table of what the explanations promise; exit code 1 when a figure falls short, 2 when
one cannot be taken."""

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tests.bench.choice import chosen
from tests.bench.needs import CannotMeasure
from tests.bench.subject import ROOT
from tests.prove.context import Proof
from tests.prove.explaining.faithfulness_figures import faithfulness_rows
from tests.prove.explaining.latency_figures import latency_rows
from tests.prove.explaining.lime_figures import lime_rows
from tests.prove.explaining.map_figures import map_rows
from tests.prove.ledger import Ledger, code_mark
from tests.prove.measuring import CANNOT_MEASURE, STOPPED, Figure, measure, report

FIGURES: Mapping[str, Figure] = {
    "latency": Figure(latency_rows),
    "lime": Figure(lime_rows, ("data",)),
    "maps": Figure(map_rows, ("data",)),
    "faithfulness": Figure(faithfulness_rows, ("data",), kept=False),
}
"""In the order of the table. What is faithful is kept by `explain-eval` itself."""
FOLDER = ROOT / "runs" / "prove-explanations"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


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
        bool, typer.Option("--again", help="Measure again what is known already.")
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Rendered data set with at least 200 test pictures; drawn if not given.",
        ),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the rows there, too.")
    ] = None,
) -> None:
    """Measure what the explanations promise, on a machine that does nothing else. Exits with 1 when
    a figure falls short, 2 when one cannot be taken."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger().setLevel(logging.ERROR)
    shown, named = Console(stderr=True), only or []
    figures = chosen(named, FIGURES)
    folder = FOLDER / "quick" if quick else FOLDER
    proof = Proof(folder, code_mark(), quick, data.resolve() if data else None)
    try:
        ledger = Ledger(folder / "rows.json")
        rows, problems = measure(figures, proof, ledger, named, again, shown)
    except CannotMeasure as error:
        shown.print(str(error), style="red", markup=False, soft_wrap=True)
        raise typer.Exit(CANNOT_MEASURE) from None
    except KeyboardInterrupt:
        shown.print("stopped; the same command goes on where it was")
        raise typer.Exit(STOPPED) from None
    title = "what the explanations promise"
    raise typer.Exit(report(title, rows, problems, file, not quick, shown))


if __name__ == "__main__":
    app()
