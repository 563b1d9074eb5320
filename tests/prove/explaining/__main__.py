"""Prints one table of what the explanations promise; exit code 1 when a figure falls short, 2 when
one cannot be taken."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from tests.bench.choice import chosen
from tests.bench.subject import ROOT
from tests.prove.context import Proof
from tests.prove.explaining.faithfulness_figures import faithfulness_rows
from tests.prove.explaining.latency_figures import latency_rows
from tests.prove.explaining.lime_figures import lime_rows
from tests.prove.explaining.map_figures import map_rows
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
    only: Annotated[list[str] | None, named_option(FIGURES)] = None,
    quick: QuickOption = False,
    again: AgainOption = False,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Rendered data set with at least 200 test pictures; drawn if not given.",
        ),
    ] = None,
    file: JsonOption = None,
) -> None:
    """Measure what the explanations promise, on a machine that does nothing else. Exits with 1 when
    a figure falls short, 2 when one cannot be taken."""
    be_quiet()
    named, folder = only or [], FOLDER / "quick" if quick else FOLDER
    figures = chosen(named, FIGURES)
    proof = Proof(folder, code_mark(), quick, data.resolve() if data else None)
    raise typer.Exit(prove("what the explanations promise", figures, proof, named, again, file))


if __name__ == "__main__":
    app()
