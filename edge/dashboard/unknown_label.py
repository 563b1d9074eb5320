"""The answer to who names a label that the model does not know."""

from collections.abc import Iterable
from difflib import get_close_matches

from flask import Response

from edge.dashboard.guard import problem
from edge.domain import Label

MAX_MATCHES = 3


def unknown_label(label_id: str, labels: Iterable[Label]) -> Response:
    """400 with those that are written much like it, by id or by name."""
    known = tuple(labels)
    names = {label.id.casefold(): label.id for label in known}
    names |= {label.name.casefold(): label.id for label in known}
    found = get_close_matches(label_id.casefold(), names, MAX_MATCHES, cutoff=0.5)
    close = list(dict.fromkeys(names[name] for name in found))
    hint = f"; did you mean {' or '.join(close)}?" if close else ""
    return problem(400, f"no label {label_id[:40]!r}{hint}", did_you_mean=close)
