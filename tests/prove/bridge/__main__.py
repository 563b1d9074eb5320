"""Prints one table of what the bridge promises; exit code 1 when a figure falls short, 2 when one
cannot be taken."""

from collections.abc import Mapping
from typing import Annotated

import typer

from tests.bench.choice import chosen
from tests.bench.subject import ROOT
from tests.prove.bridge.kill_figures import app_rows, host_rows
from tests.prove.bridge.pace_figures import schedule_rows, size_rows, throughput_rows
from tests.prove.bridge.wire_figures import (
    campaign_rows,
    mutation_rows,
    noise_rows,
    silence_rows,
)
from tests.prove.context import Proof
from tests.prove.ledger import code_mark
from tests.prove.measuring import Figure, JsonOption, QuickOption, named_option, prove

FIGURES: Mapping[str, Figure] = {
    "wire": Figure(campaign_rows, kept=False),
    "mutations": Figure(mutation_rows, kept=False),
    "silence": Figure(silence_rows, kept=False),
    "hosts": Figure(host_rows, kept=False),
    "noise": Figure(noise_rows, kept=False),
    "schedule": Figure(schedule_rows, kept=False),
    "throughput": Figure(throughput_rows, kept=False),
    "size": Figure(size_rows, kept=False),
    "app": Figure(app_rows, kept=False),
}
"""In the order of the table."""
FOLDER = ROOT / "runs" / "prove-bridge"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    only: Annotated[list[str] | None, named_option(FIGURES)] = None,
    quick: QuickOption = False,
    file: JsonOption = None,
) -> None:
    """Measure what the bridge promises on executed firmware. Exits with 1 when a figure falls
    short, 2 when one cannot be taken."""
    named, folder = only or [], FOLDER / "quick" if quick else FOLDER
    proof = Proof(folder, code_mark(), quick)
    figures = chosen(named, FIGURES)
    raise typer.Exit(prove("what the bridge promises", figures, proof, named, True, file))


if __name__ == "__main__":
    app()
