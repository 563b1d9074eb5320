"""Where bars and points of the plots are; the template draws them as SVG.

All are in units of the picture, y from the top.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from edge.dashboard.model.tables import LabelRow
from edge.swap.evaluation import Evaluation, figure, inside

BARS_PX = (900, 190)
SQUARE_PX = 240
MAX_POINTS = 100
ISO_F1 = (0.2, 0.4, 0.6, 0.8)


@dataclass(frozen=True, slots=True)
class Mark:
    """A bar or a point: where, how large (a bar's width and height, a point's radius), what."""

    x: float
    y: float
    width: float
    height: float
    text: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Level:
    """A line across: its height, what it is, and where its words stand."""

    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Plot:
    """One plot.

    Attributes:
        width, height: Of the picture.
        marks: Bars or points.
        levels: Lines across.
        curves: Points of lines, as SVG writes them, each with its words.
        said: All of it in a sentence, for who does not see it.
    """

    width: int
    height: int
    marks: tuple[Mark, ...]
    said: str
    levels: tuple[Level, ...] = ()
    curves: tuple[tuple[str, str], ...] = ()


def precision_bars(rows: Sequence[LabelRow], values: Evaluation) -> Plot | None:
    """Average precision of each label, the largest first; None without figures."""
    shown = sorted(
        ((row.average_precision, row) for row in rows if row.average_precision is not None),
        key=lambda pair: -pair[0],
    )
    if not shown:
        return None
    width, height = BARS_PX
    step = width / len(shown)
    marks = tuple(
        Mark(
            round(index * step + step * 0.1, 2),
            round(height * (1 - _share(found)), 1),
            round(step * 0.8, 2),
            round(height * _share(found), 1),
            f"{row.name} ({row.id}): {found:.3f}",
        )
        for index, (found, row) in enumerate(shown)
    )
    said = (
        f"Average precision of {len(shown)} labels, from {shown[0][0]:.2f} for {shown[0][1].name}"
        f" down to {shown[-1][0]:.2f} for {shown[-1][1].name}"
    )
    levels = (
        ("mean", figure(values, "test", "mean_average_precision")),
        ("chance", figure(values, "test", "chance_average_precision")),
    )
    return Plot(
        width,
        height,
        marks,
        said,
        tuple(
            Level(round(height * (1 - _share(at)), 1), f"{name} {at:.3f}")
            for name, at in levels
            if at is not None
        ),
    )


def reliability(values: Evaluation) -> Plot | None:
    """How often a label is there against how sure the model was; None without figures."""
    bins = [entry for entry in _entries(values) if _number(entry, "decisions") > 0]
    most = max((_number(entry, "decisions") for entry in bins), default=0.0)
    marks = tuple(_reliability_mark(entry, most) for entry in bins)
    if not marks:
        return None
    said = (
        f"How often labels are there against how sure the model was, in {len(marks)} steps; on"
        " the diagonal, confidence is right"
    )
    return Plot(SQUARE_PX, SQUARE_PX, marks, said, curves=((f"0,{SQUARE_PX} {SQUARE_PX},0", ""),))


def precision_recall(rows: Sequence[LabelRow]) -> Plot | None:
    """Each label's precision against its recall, at its threshold; None without figures."""
    marks = tuple(
        Mark(
            _along(row.recall),
            _up(row.precision),
            3.5,
            3.5,
            f"{row.name} ({row.id}): precision {row.precision:.2f}, recall {row.recall:.2f}",
        )
        for row in rows
        if row.precision is not None and row.recall is not None
    )
    if not marks:
        return None
    said = f"Precision against recall of {len(marks)} labels, each at its own threshold"
    curves = tuple((_iso(f1), f"F1 {f1:g}") for f1 in ISO_F1)
    return Plot(SQUARE_PX, SQUARE_PX, marks, said, curves=curves)


def _entries(values: Evaluation) -> list[Any]:
    found = inside(values, "test", "reliability")
    entries = found[:MAX_POINTS] if isinstance(found, list) else []
    return [e for e in entries if None not in (figure(e, "probability"), figure(e, "share"))]


def _reliability_mark(entry: Any, most: float) -> Mark:
    sure, right = _number(entry, "probability"), _number(entry, "share")
    count = _number(entry, "decisions")
    # Most decisions are "surely not there": by area alone the others would not be seen.
    radius = round(3 + 5 * math.log1p(count) / math.log1p(most), 1)
    text = f"{100 * sure:.0f} % sure: {100 * right:.0f} % are there, of {count:.0f} decisions"
    return Mark(_along(sure), _up(right), radius, radius, text)


def _iso(f1: float) -> str:
    """The curve of one F1: precision p = F r / (2 r - F)."""
    recalls = [f1 / 2 + (1 - f1 / 2) * k / 24 for k in range(25)]
    points = [(r, f1 * r / (2 * r - f1)) for r in recalls if 2 * r > f1]
    return " ".join(f"{_along(r)},{_up(p)}" for r, p in points if p <= 1)


def _number(entry: Any, key: str) -> float:
    return max(0.0, figure(entry, key) or 0.0)


def _along(share: float) -> float:
    return round(SQUARE_PX * _share(share), 1)


def _up(share: float) -> float:
    return round(SQUARE_PX * (1 - _share(share)), 1)


def _share(value: float) -> float:
    return min(1.0, max(0.0, value))
