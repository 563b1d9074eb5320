"""Takes figures one after the other, keeps what is done, and says which promises hold."""

import json
import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from edge.errors import EdgeError
from tests.bench.needs import CannotMeasure
from tests.bench.table import Row, as_json, exit_code, show
from tests.prove.context import Proof
from tests.prove.ledger import Ledger
from trainer.errors import TrainerError

CANNOT_MEASURE = 2
STOPPED = 130
WIDTH = 140


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


QuickOption = Annotated[
    bool, typer.Option("--quick", help="Tiny settings: shows that it runs, measures nothing.")
]
AgainOption = Annotated[
    bool, typer.Option("--again", help="Measure and train again what is known already.")
]
JsonOption = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write the rows there, too.")
]


def named_option(figures: Mapping[str, Figure]) -> Any:
    """The option that names some of the figures."""
    return typer.Option(metavar="NAME", help=f"One of {', '.join(figures)}; may be repeated.")


def prove(
    title: str,
    figures: Mapping[str, Figure],
    proof: Proof,
    named: Sequence[str],
    again: bool,
    file: Path | None,
) -> int:
    """Take figures, keep them in the proof's folder, and print one table.

    Args:
        title: Of the table.
        figures: By name; those to take.
        proof: Settings.
        named: Figures that were asked for by name.
        again: Whether to measure also what is known.
        file: Where the rows also go as JSON, if anywhere.

    Returns:
        The exit code.
    """
    shown = Console(stderr=True)
    try:
        ledger = Ledger(proof.folder / "rows.json")
        rows, problems = measure(figures, proof, ledger, named, again, shown)
    except CannotMeasure as error:
        shown.print(str(error), style="red", markup=False, soft_wrap=True)
        return CANNOT_MEASURE
    except KeyboardInterrupt:
        shown.print("stopped; the same command goes on where it was")
        return STOPPED
    return report(title, rows, problems, file, not proof.quick, shown)


def be_quiet() -> None:
    """Keep TensorFlow from telling what it does."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    logging.getLogger().setLevel(logging.ERROR)


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


def report(
    title: str,
    rows: list[Row],
    problems: list[str],
    file: Path | None,
    judged: bool,
    shown: Console,
) -> int:
    """Print what was found.

    Args:
        title: Of the table.
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
        show(rows, Console(width=width), title, told="reported")
    for problem in problems:
        shown.print(f"cannot measure {problem}", style="red", markup=False, soft_wrap=True)
    if problems:
        return CANNOT_MEASURE
    return exit_code(rows) if judged else 0
