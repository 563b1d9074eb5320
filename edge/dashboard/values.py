"""Values that JSON has and a page may show.

Everything a machine, a camera or a bundle said is text from outside: it is cut to length, and
what would not print is replaced.
"""

import math
from typing import Any

from edge.domain import NOT_REPORTED, Label

MAX_TEXT_CHARS = 400

Json = dict[str, Any]


def age_ms(then_s: float, now_s: float) -> int:
    """Whole milliseconds since then, never below zero."""
    return max(0, round((now_s - then_s) * 1e3))


def printable(value: object) -> str | None:
    """Text from outside, safe to show: without control characters, and not endless."""
    if value is None:
        return None
    shown = "".join(char if char.isprintable() else " " for char in str(value)[:MAX_TEXT_CHARS])
    return shown + "…" if len(str(value)) > MAX_TEXT_CHARS else shown


def label_of(label: Label) -> Json:
    """Which label it is."""
    return {"index": label.index, "id": printable(label.id), "name": printable(label.name)}


def number(value: Any, digits: int = 4) -> float | None:
    """A finite number, rounded; JSON has no others."""
    if value is None or not math.isfinite(value):
        return None
    return round(float(value), digits)


def threshold_of(value: float | None) -> float | None:
    """A threshold, rounded; None where there is none, as for a label that is not reported."""
    return None if value is None or value >= NOT_REPORTED else number(value)
