"""A bundle's evaluation as one HTML page that needs nothing else."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, select_autoescape

from edge.bundle import Bundle
from trainer.evaluate import Judged
from trainer.metrics import average_precision, f1
from trainer.page_pictures import STYLE, curve, svg, thumbnail
from trainer.photograph_figures import JudgedSet
from trainer.photograph_report import photograph_section

EXAMPLES = 12
FIGURES = (
    ("mean_average_precision", "Mean average precision", "chance_average_precision"),
    ("micro_precision", "Micro precision", None),
    ("micro_recall", "Micro recall", None),
    ("micro_f1", "Micro F1", None),
    ("macro_f1", "Macro F1", None),
    ("exact_match", "Exact match of the label set", None),
    ("binary_accuracy", "Binary accuracy", "all_absent_accuracy"),
    ("hamming_loss", "Hamming loss", None),
    ("calibration_error", "Expected calibration error", None),
    ("labels_reported_per_picture", "Labels reported a picture", None),
)
"""Key, title, and what chance or saying "nothing there" gets."""


def write_report(
    path: Path,
    bundle: Bundle,
    judged: Judged | None = None,
    found: dict[str, Any] | None = None,
    photographs: Sequence[tuple[JudgedSet, dict[str, Any]]] = (),
    int8: dict[str, Any] | None = None,
) -> None:
    """Write the page.

    Args:
        path: Of the HTML file.
        bundle: What was judged.
        judged: On what rendered pictures, where there were any.
        found: `trainer.evaluate.summary` of them.
        photographs: Sets of photographs and `trainer.photograph_figures.photograph_summary` of
            each.
        int8: `trainer.against_float.int8_against_float`, where the float weights are known.
    """
    folder = FileSystemLoader(Path(__file__).with_name("templates"))
    page = Environment(loader=folder, autoescape=select_autoescape()).get_template("report.html")
    names = {label.id: label.name for label in bundle.labels}
    text = page.render(
        bundle=bundle,
        names=names,
        silent=[e for e in bundle.manifest.labels if not e.reported],
        photographs=[photograph_section(bundle, *one) for one in photographs],
        int8=int8,
        **(_renders(bundle, judged, found, names) if judged and found else {}),
    )
    path.write_text(text, encoding="utf-8")


def _renders(
    bundle: Bundle, judged: Judged, found: dict[str, Any], names: dict[str, str]
) -> dict[str, Any]:
    return {
        "found": found,
        "figures": [(title, found[key], found.get(base or "")) for key, title, base in FIGURES],
        "plots": _plots(judged, found, names),
        "examples": _examples(bundle, judged),
    }


def _plots(judged: Judged, found: dict[str, Any], names: dict[str, str]) -> list[tuple[str, str]]:
    """(title, SVG) of every plot."""
    plots = [
        ("Reliability: how often a label is there, by how probable it was said", _reliability),
        ("Precision and recall of all decisions together", _precision_recall),
    ]
    drawn = [(title, svg(draw, judged, found)) for title, draw in plots]
    dot = found["micro_recall"], found["micro_precision"]
    drawn.append(
        ("Coverage against precision", svg(curve, found["curve"], "labels that are there", dot))
    )
    drawn.append(("F1 of each type", svg(_label_bars, found, names, height=13.0)))
    drawn += [
        (f"By {stratum}", svg(_stratum_bars, parts, height=0.6 + 0.28 * len(parts)))
        for stratum, parts in found["strata"].items()
    ]
    if found["size"]:
        drawn.append(("Recall by the brick's share of the picture", svg(_size_bars, found)))
    return drawn


def _reliability(axes: Any, judged: Judged, found: dict[str, Any]) -> None:
    rows = found["reliability"]
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    sizes = [8 + 6 * np.log10(row["decisions"]) for row in rows]
    x, y = ([row[key] for row in rows] for key in ("probability", "share"))
    axes.plot(x, y, color=STYLE["bar"], linewidth=1)
    axes.scatter(x, y, sizes, color=STYLE["bar"])
    axes.set(xlabel="calibrated probability", ylabel="share there", xlim=(0, 1), ylim=(0, 1))


def _precision_recall(axes: Any, judged: Judged, found: dict[str, Any]) -> None:
    scores, truth = judged.probabilities.ravel(), judged.wanted.ravel()
    order = np.argsort(-scores, kind="stable")
    hits = truth[order].cumsum()
    kept = np.unique(np.linspace(0, len(hits) - 1, 600).astype(int))
    axes.plot(hits[kept] / max(hits[-1], 1), hits[kept] / (kept + 1), color=STYLE["bar"])
    axes.scatter([found["micro_recall"]], [found["micro_precision"]], color=STYLE["wrong"])
    average = average_precision(truth, scores)
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1))
    axes.set_title(f"average precision {average:.3f}; the dot is at the thresholds", fontsize=9)


def _label_bars(axes: Any, found: dict[str, Any], names: dict[str, str]) -> None:
    rows = sorted(found["labels"].items(), key=lambda item: item[1]["f1"])
    titles = [f"{names[part]}  {part}" for part, _ in rows]
    axes.barh(titles, [row["f1"] for _, row in rows], color=STYLE["bar"])
    axes.tick_params(axis="y", labelsize=5.5, length=0)
    axes.set(xlim=(0, 1), xlabel="F1")
    axes.margins(y=0.005)


def _stratum_bars(axes: Any, parts: dict[str, dict[str, float]]) -> None:
    titles = [f"{value} ({row['pictures']})" for value, row in parts.items()][::-1]
    values = [row["mean_average_precision"] for row in parts.values()][::-1]
    axes.barh(titles, values, color=STYLE["bar"])
    axes.tick_params(axis="y", labelsize=8, length=0)
    axes.set(xlim=(0, 1), xlabel="mean average precision (number of pictures)")


def _size_bars(axes: Any, found: dict[str, Any]) -> None:
    rows = found["size"]
    titles = [f"{size}\n({row['bricks']})" for size, row in rows.items()]
    axes.bar(titles, [row["recall"] for row in rows.values()], color=STYLE["bar"])
    axes.set(ylim=(0, 1), ylabel="recall")


def _examples(bundle: Bundle, judged: Judged) -> list[dict[str, Any]]:
    """Pictures from the best to the worst, evenly spread."""
    tp = (judged.wanted.astype(bool) & judged.reported).sum(axis=1)
    fp = (~judged.wanted.astype(bool) & judged.reported).sum(axis=1)
    fn = (judged.wanted.astype(bool) & ~judged.reported).sum(axis=1)
    order = np.argsort(-f1(tp, fp, fn), kind="stable")
    chosen = order[np.linspace(0, len(order) - 1, min(EXAMPLES, len(order))).astype(int)]
    return [_example(bundle, judged, int(row)) for row in chosen]


def _example(bundle: Bundle, judged: Judged, row: int) -> dict[str, Any]:
    there, said = judged.wanted[row].astype(bool), judged.reported[row]

    def named(which: np.ndarray) -> Sequence[str]:
        return [bundle.labels[i].name for i in np.flatnonzero(which)]

    return {
        "picture": thumbnail(judged.samples[row].picture),
        "right": named(there & said),
        "wrong": named(said & ~there),
        "missed": named(there & ~said),
    }
