"""An evaluation of explanations as one HTML page that needs nothing else."""

from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, select_autoescape

from edge.bundle import Bundle
from trainer.faithfulness.examples import RULE, Example
from trainer.faithfulness.plots import plots
from trainer.faithfulness.rows import Row, plain
from trainer.faithfulness.summary import FIGURES, OUTCOMES, SHARES

COMPARED = (
    "pointing", "pointing_exact", "energy", "rank_accuracy", "average_precision",
    "symmetric_difference", "selectivity",
)  # fmt: skip


def write_page(path: Path, bundle: Bundle, found: Row, examples: Sequence[Example]) -> None:
    """Write the page.

    Args:
        path: Of the HTML file.
        bundle: What was explained.
        found: `trainer.faithfulness.summary.summarise`, with `settings` and `counterfactual`.
        examples: To look at.
    """
    folder = FileSystemLoader(Path(__file__).parents[1] / "templates")
    engine = Environment(loader=folder, autoescape=select_autoescape())
    engine.filters["interval"] = interval
    engine.filters["value"] = value
    names = {label.id: label.name for label in bundle.labels}
    text = engine.get_template("explain.html").render(
        bundle=bundle,
        found=plain(found),
        outcomes=OUTCOMES,
        titles=FIGURES | {share: share for share in SHARES},
        figures=list(FIGURES),
        compared=COMPARED,
        plots=plots(found, names),
        examples=examples,
        rule=RULE,
    )
    path.write_text(text, encoding="utf-8")


def value(number: float | None) -> str:
    """A number for a table; a dash where there is none."""
    return "–" if number is None else f"{number:.3f}"


def interval(figure: Row) -> str:
    """A figure with its interval; a dash where it is nowhere defined."""
    if figure["mean"] is None:
        return "–"
    if figure["low"] is None:
        return f"{figure['mean']:.3f}"
    return f"{figure['mean']:.3f} [{figure['low']:.3f}, {figure['high']:.3f}]"
