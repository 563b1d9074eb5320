"""Each label, each group of pictures, look-alikes, and all else of an evaluation."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from edge.bundle import Bundle
from edge.dashboard.values import printable, threshold_of
from edge.domain import NOT_REPORTED
from edge.swap.evaluation import Evaluation, figure, inside

MAX_LABELS = 2000
MAX_GROUPS = 20
MAX_STRATA = 8
MAX_PAIRS = 30
MAX_REST = 200
MAX_DEPTH = 6
TABLES = ("test", "photographs")
"""Sections with figures of each label, which are not listed number by number."""
SHOWN_ELSEWHERE = frozenset({"labels", "strata", "reliability", "look_alikes", "size"})


@dataclass(frozen=True, slots=True)
class LabelRow:
    """One label; figures are None where the evaluation has none.

    Attributes:
        id, name: Of the label.
        threshold: That is used; None where the label is not reported.
        own: The model's own, where the settings give another one: a threshold, or "not reported".
        average_precision, precision, recall, f1: On the test pictures.
        support: In how many of those it is.
    """

    id: str
    name: str
    threshold: float | None
    own: float | str | None
    average_precision: float | None
    precision: float | None
    recall: float | None
    f1: float | None
    support: int | None


@dataclass(frozen=True, slots=True)
class Group:
    """Pictures of a kind: how many (or bricks, where `of` says so), and the figure on them."""

    name: str
    count: int | None
    value: float


@dataclass(frozen=True, slots=True)
class Stratum:
    """Groups by one thing; `figure` is what is shown of each, `of` what is counted."""

    name: str
    figure: str
    of: str
    groups: tuple[Group, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """A label that is missed where another is reported, as often as it says."""

    missed: str
    reported: str
    times: float


def label_rows(bundle: Bundle, values: Evaluation) -> tuple[LabelRow, ...]:
    """A row for each label, in the model's order."""
    found = inside(values, "test", "labels")
    return tuple(_row(bundle, found, index) for index in range(len(bundle.labels[:MAX_LABELS])))


def strata_of(values: Evaluation) -> tuple[Stratum, ...]:
    """The groups of pictures, by how many bricks are there, by ground and so on."""
    strata = inside(values, "test", "strata")
    named = list(strata.items())[:MAX_STRATA] if isinstance(strata, dict) else []
    found = [_stratum(name, groups, "micro_f1", "F1", "pictures") for name, groups in named]
    found.append(_stratum("size", inside(values, "test", "size"), "recall", "Recall", "bricks"))
    return tuple(stratum for stratum in found if stratum.groups)


def look_alikes(bundle: Bundle, values: Evaluation) -> tuple[Pair, ...]:
    """What is taken for what, beyond what chance would give."""
    names = {label.id: label.name for label in bundle.labels}
    pairs = inside(values, "test", "look_alikes")
    found = []
    for pair in pairs[:MAX_PAIRS] if isinstance(pairs, list) else []:
        missed, reported, times = (inside(pair, k) for k in ("missed", "reported", "times"))
        if isinstance(missed, str) and isinstance(reported, str) and figure(pair, "times"):
            found.append(Pair(_named(missed, names), _named(reported, names), float(times)))
    return tuple(found)


def all_else(values: Evaluation) -> tuple[tuple[str, str], ...]:
    """Every other number and word, with the way to it."""
    return tuple(
        (printable(way) or "", printable(value) or "")
        for (way, value), _ in zip(_leaves(values, ""), range(MAX_REST), strict=False)
    )


def _row(bundle: Bundle, found: Any, index: int) -> LabelRow:
    entry = bundle.manifest.labels[index]
    used = float(bundle.thresholds[index])
    own = entry.threshold if entry.reported else NOT_REPORTED
    support = figure(found, entry.id, "support")
    return LabelRow(
        id=printable(entry.id) or "",
        name=printable(entry.name) or "",
        threshold=threshold_of(used),
        own=None if math.isclose(used, own, abs_tol=1e-6) else threshold_of(own) or "not reported",
        average_precision=figure(found, entry.id, "average_precision"),
        precision=figure(found, entry.id, "precision"),
        recall=figure(found, entry.id, "recall"),
        f1=figure(found, entry.id, "f1"),
        support=None if support is None else int(support),
    )


def _stratum(name: str, groups: Any, key: str, called: str, of: str) -> Stratum:
    found = []
    for group, values in list(groups.items())[:MAX_GROUPS] if isinstance(groups, dict) else ():
        value, count = figure(values, key), figure(values, of)
        if value is not None:
            shown = None if count is None else int(count)
            found.append(Group(printable(group) or "", shown, min(1.0, max(0.0, value))))
    return Stratum((printable(name) or "").replace("_", " "), called, of, tuple(found))


def _named(label_id: str, names: dict[str, str]) -> str:
    name = names.get(label_id)
    return printable(f"{name} ({label_id})" if name else label_id) or ""


def _leaves(value: Any, way: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and depth < MAX_DEPTH:
        for key, part in value.items():
            if not (way.startswith(TABLES) and key in SHOWN_ELSEWHERE):
                yield from _leaves(part, f"{way} · {key}" if way else str(key), depth + 1)
    elif isinstance(value, bool | str | int):
        yield way.replace("_", " "), str(value)
    elif isinstance(value, float):
        yield way.replace("_", " "), f"{value:.6g}"
