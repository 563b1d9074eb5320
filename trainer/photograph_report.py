"""What the page of an evaluation shows of photographs."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from edge.bundle import Bundle
from trainer.metrics import f1
from trainer.page_pictures import curve, svg, thumbnail
from trainer.photograph_figures import JudgedSet, Pair, confused_pairs

EXAMPLES = 16
SHOWN_PAIRS = 20
PAIR_PICTURES = 4
THUMBNAIL_PX = 160
CANDIDATES = 3
FIGURES = (
    ("right_first", "Right first, every type alike"),
    ("right_in_five", "Right among the first five, every type alike"),
    ("micro_precision", "Micro precision of what is reported"),
    ("micro_recall", "Micro recall"),
    ("micro_f1", "Micro F1"),
    ("answered", "Share of pictures on which something is reported"),
)


def photograph_section(
    bundle: Bundle, judged: JudgedSet, found: Mapping[str, Any]
) -> dict[str, Any]:
    """Values of a section of the page.

    Args:
        bundle: What was judged.
        judged: On what.
        found: `trainer.photograph_figures.photograph_summary` of it.
    """
    single = judged.photographs.single
    dot = found["answered"] if single else found["micro_recall"], found["micro_precision"]
    return {
        "name": judged.photographs.name,
        "found": found,
        "figures": [(title, found[key]) for key, title in FIGURES if key in found],
        "plot": svg(curve, found["curve"], found["curve_of"], dot, height=3.2),
        "types": _types(found),
        "pairs": _pairs(bundle, judged) if single else [],
        "examples": _examples(bundle, judged),
    }


def _types(found: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Types and their rows, the weakest first."""
    return sorted(found.get("labels", {}).items(), key=lambda item: (item[1]["first"], item[0]))


def _pairs(bundle: Bundle, judged: JudgedSet) -> list[dict[str, Any]]:
    return [_pair(bundle, judged, pair) for pair in confused_pairs(judged)[:SHOWN_PAIRS]]


def _pair(bundle: Bundle, judged: JudgedSet, pair: Pair) -> dict[str, Any]:
    """A pair with its pictures, and one of the type it is taken for, where the set has one."""
    of_named = np.flatnonzero(judged.wanted[:, pair.named])
    return {
        "shown": bundle.labels[pair.shown],
        "named": bundle.labels[pair.named],
        "times": len(pair.rows),
        "of": int(judged.wanted[:, pair.shown].sum()),
        "pictures": [_picture(judged, row) for row in pair.rows[:PAIR_PICTURES]],
        "beside": _picture(judged, int(of_named[0])) if len(of_named) else None,
    }


def _picture(judged: JudgedSet, row: int) -> str:
    return thumbnail(judged.photographs.photographs[row].picture, THUMBNAIL_PX)


def _examples(bundle: Bundle, judged: JudgedSet) -> list[dict[str, Any]]:
    """Pictures from the best to the worst, evenly spread."""
    order = np.argsort(-_goodness(judged), kind="stable")
    chosen = order[np.linspace(0, len(order) - 1, min(EXAMPLES, len(order))).astype(int)]
    return [_example(bundle, judged, int(row)) for row in chosen]


def _goodness(judged: JudgedSet) -> np.ndarray:
    """From surely right down to surely wrong, or by the F1 of a picture."""
    if judged.photographs.single:
        rows, strongest = np.arange(len(judged.wanted)), judged.strongest
        sure = judged.probabilities[rows, strongest]
        return np.where(judged.wanted[rows, strongest], sure, -sure)
    right = (judged.wanted & judged.reported).sum(axis=1)
    wrong = (~judged.wanted & judged.reported).sum(axis=1)
    return f1(right, wrong, (judged.wanted & ~judged.reported).sum(axis=1))


def _example(bundle: Bundle, judged: JudgedSet, row: int) -> dict[str, Any]:
    there, said = judged.wanted[row], judged.reported[row]
    ranked = np.argsort(-judged.scores[row], kind="stable")[:CANDIDATES]

    def named(which: np.ndarray) -> list[str]:
        return [_said(bundle, judged, row, int(i)) for i in np.flatnonzero(which)]

    return {
        "picture": thumbnail(judged.photographs.photographs[row].picture),
        "file": judged.photographs.photographs[row].picture.name,
        "right": named(there & said),
        "wrong": named(said & ~there),
        "missed": named(there & ~said),
        "ignored": named(judged.ignored[row] & (judged.probabilities[row] >= bundle.thresholds)),
        "candidates": [] if said.any() else [_said(bundle, judged, row, int(i)) for i in ranked],
    }


def _said(bundle: Bundle, judged: JudgedSet, row: int, column: int) -> str:
    label = bundle.labels[column]
    return f"{label.name} ({label.id}) {100 * float(judged.probabilities[row, column]):.0f}\u00a0%"
