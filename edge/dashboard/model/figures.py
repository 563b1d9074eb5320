"""The figures of an evaluation, each beside what it has to be held against."""

from dataclasses import dataclass
from typing import Any

from edge.dashboard.values import printable
from edge.swap.evaluation import Evaluation, figure, inside

MAX_SETS = 8


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure.

    Attributes:
        name: What it is.
        value: As people read it.
        beside: What it has to be held against.
        weak: Whether it is no better than that.
    """

    name: str
    value: str
    beside: str = ""
    weak: bool = False


def tiles_of(values: Evaluation) -> tuple[Tile, ...]:
    """The figures that the evaluation has."""
    made = (
        _precision(values),
        _micro(values),
        _macro(values),
        _accuracy(values),
        _exact(values),
        _calibration(values),
        _int8(values),
        *_photographs(values),
    )
    return tuple(tile for tile in made if tile is not None)


def pictures_of(values: Evaluation) -> int | None:
    """On how many pictures all that was found."""
    found = figure(values, "test", "pictures")
    return None if found is None else int(found)


def share(value: float | None, digits: int = 1) -> str:
    """A share as per cent."""
    return "–" if value is None else f"{100 * value:.{digits}f} %"


def plain(value: float | None) -> str:
    """A figure as it is."""
    return "–" if value is None else f"{value:.3f}"


def _precision(values: Evaluation) -> Tile | None:
    found = figure(values, "test", "mean_average_precision")
    if found is None:
        return None
    chance = figure(values, "test", "chance_average_precision")
    beside = "" if chance is None else f"by chance {plain(chance)}"
    weak = chance is not None and found <= chance
    return Tile("Mean average precision", plain(found), beside, weak)


def _micro(values: Evaluation) -> Tile | None:
    found = figure(values, "test", "micro_f1")
    return found if found is None else Tile("Micro F1", plain(found), _both(inside(values, "test")))


def _macro(values: Evaluation) -> Tile | None:
    found = figure(values, "test", "macro_f1")
    if found is None:
        return None
    return Tile("Macro F1", plain(found), "each label alike, rare or not")


def _accuracy(values: Evaluation) -> Tile | None:
    found = figure(values, "test", "binary_accuracy")
    if found is None:
        return None
    absent = figure(values, "test", "all_absent_accuracy")
    beside = "" if absent is None else f"saying “all absent” gives {share(absent)}"
    return Tile("Binary accuracy", share(found), beside, absent is not None and found <= absent)


def _exact(values: Evaluation) -> Tile | None:
    found = figure(values, "test", "exact_match")
    if found is None:
        return None
    reported = figure(values, "test", "labels_reported_per_picture")
    beside = "" if reported is None else f"{reported:.1f} labels are reported per picture"
    return Tile("Exactly the right labels", share(found), beside)


def _calibration(values: Evaluation) -> Tile | None:
    found = figure(values, "test", "calibration_error")
    if found is None:
        return None
    return Tile("Calibration error", share(found, 2), "confidence against how often it is right")


def _int8(values: Evaluation) -> Tile | None:
    small = figure(values, "int8_against_float", "map_int8")
    large = figure(values, "int8_against_float", "map_float")
    if small is None or large is None:
        return None
    same = figure(values, "int8_against_float", "same_label_set")
    beside = f"mAP {plain(small)} against {plain(large)}"
    if same is not None:
        beside += f"; the same labels on {share(same, 0)}"
    return Tile("Cost of int8", f"{large - small:+.3f}".replace("+", "−").replace("-", "+"), beside)


def _photographs(values: Evaluation) -> list[Tile | None]:
    """A tile for each set of photographs; older bundles have one without a name."""
    found = inside(values, "photographs")
    if figure(found, "micro_f1") is not None:
        return [_photograph_set(values, "F1 on photographs", found)]
    sets = list(found.items())[:MAX_SETS] if isinstance(found, dict) else []
    return [
        tile
        for name, one in sets
        for tile in (
            _right_first(printable(name) or "", one),
            _photograph_set(values, f"F1 on photographs: {printable(name)}", one),
        )
    ]


def _right_first(name: str, found: Any) -> Tile | None:
    first = figure(found, "right_first")
    if first is None:
        return None
    count, five = figure(found, "pictures"), figure(found, "right_in_five")
    beside = f"of {count or 0:.0f} photographs; {share(five)} among the first five"
    return Tile(f"Right first: {name}", share(first), beside)


def _photograph_set(values: Evaluation, title: str, found: Any) -> Tile | None:
    score = figure(found, "micro_f1")
    if score is None:
        return None
    count = figure(found, "pictures")
    on = "" if count is None else f"{count:.0f} real pictures; "
    rendered = figure(values, "test", "micro_f1")
    weak = rendered is not None and score < rendered / 2
    return Tile(title, plain(score), on + _both(found), weak)


def _both(found: Any) -> str:
    precision, recall = (figure(found, f"micro_{k}") for k in ("precision", "recall"))
    return f"precision {plain(precision)}, recall {plain(recall)}"
