"""Prints one table of what the dashboard promises; exit code 1 when a figure falls short, 2 when
one cannot be taken."""

from collections.abc import Mapping
from typing import Annotated

import typer

from tests.bench.choice import chosen
from tests.bench.subject import ROOT
from tests.prove.context import Proof
from tests.prove.dashboard.door_figures import fuzz_rows, open_rows
from tests.prove.dashboard.page_figures import delay_rows, weight_rows
from tests.prove.dashboard.view_figures import viewer_rows
from tests.prove.ledger import code_mark
from tests.prove.measuring import Figure, JsonOption, QuickOption, named_option, prove

FIGURES: Mapping[str, Figure] = {
    "viewers": Figure(viewer_rows, kept=False),
    "weight": Figure(weight_rows, kept=False),
    "delay": Figure(delay_rows, kept=False),
    "open": Figure(open_rows, kept=False),
    "fuzz": Figure(fuzz_rows, kept=False),
}
"""In the order of the table."""
FOLDER = ROOT / "runs" / "prove-dashboard"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    only: Annotated[list[str] | None, named_option(FIGURES)] = None,
    quick: QuickOption = False,
    file: JsonOption = None,
) -> None:
    """Measure what the dashboard promises on the running app. Exits with 1 when a figure falls
    short, 2 when one cannot be taken."""
    named, folder = only or [], FOLDER / "quick" if quick else FOLDER
    proof = Proof(folder, code_mark(), quick)
    figures = chosen(named, FIGURES)
    raise typer.Exit(prove("what the dashboard promises", figures, proof, named, True, file))


if __name__ == "__main__":
    app()
