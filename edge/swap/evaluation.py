"""Figures of an evaluation.json, whoever wrote it: what is not there or no number is None."""

import hashlib
import json
import math
from pathlib import Path
from typing import Any

MAX_BYTES = 4_000_000

Evaluation = dict[str, Any]


def read_evaluation(path: Path, sha256: str | None = None) -> Evaluation:
    """All of the file; empty where `read_text` gives None, or it is no JSON object."""
    text = read_text(path, sha256)
    try:
        values = json.loads(text) if text is not None else None
    except (ValueError, RecursionError):
        return {}
    return values if isinstance(values, dict) else {}


def read_text(path: Path, sha256: str | None = None) -> str | None:
    """A file of a bundle as text.

    Args:
        path: The file.
        sha256: What it has to be; None takes what there is.

    Returns:
        The text; None where it cannot be read, is no text, is too large or is another one.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
        text = content.decode()
    except (OSError, ValueError):
        return None
    changed = sha256 is not None and hashlib.sha256(content).hexdigest() != sha256
    return None if changed or len(content) > MAX_BYTES else text


def inside(values: Any, *keys: str) -> Any:
    """What lies under keys; None where there is nothing."""
    for key in keys:
        values = values.get(key) if isinstance(values, dict) else None
    return values


def figure(values: Any, *keys: str) -> float | None:
    """The finite number under keys."""
    found = inside(values, *keys)
    if isinstance(found, bool) or not isinstance(found, int | float):
        return None
    try:
        number = float(found)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
