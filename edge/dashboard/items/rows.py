"""An item as a row."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from edge.corrections.corrections import Correction
from edge.dashboard.values import Json, number, printable
from edge.decision import Reason
from edge.domain import Label
from edge.journal_search import Found
from sorter_firmware_bridge.bins import Bin

TONES = {
    "confirmed": "good",
    "fired": "good",
    "review": "warn",
    "missed": "bad",
    "refused": "bad",
    "unknown": "bad",
}
"""How an outcome is coloured; the others are quiet."""


def row_of(found: Found, names: Mapping[str, str], correction: Correction | None) -> Json:
    """An item in a list.

    Args:
        found: The item.
        names: Of labels, by id.
        correction: What counts of it; None where nothing was said.
    """
    entry = found.entry
    return {
        "item_id": entry.item_id,
        "seen_at_s": number(entry.seen_at_s, 3),
        "seen_at": clock(entry.seen_at_s),
        "labels": named(entry.label_ids, names),
        "reason": printable(entry.reason),
        "reason_text": described(entry.reason),
        "sentence": printable(entry.explanation),
        "needs_person": found.needs_person,
        "bin": bin_of(entry.bin),
        "outcome": str(entry.outcome),
        "tone": TONES.get(str(entry.outcome), "quiet"),
        "picture": found.picture_sha256 is not None,
        "correction": correction_of(correction, names),
    }


def correction_of(correction: Correction | None, names: Mapping[str, str]) -> Json | None:
    """What somebody said of an item."""
    if correction is None:
        return None
    return {
        "version": correction.version,
        "labels": None if correction.labels is None else named(correction.labels, names),
        "confirms": correction.confirms,
        "note": printable(correction.note),
        "who": printable(correction.who),
        "at_s": number(correction.at_s, 3),
        "at": clock(correction.at_s),
        "said": said(correction, names),
    }


def said(correction: Correction, names: Mapping[str, str]) -> str:
    """The same in words."""
    if correction.labels is None:
        return "taken back"
    if correction.confirms:
        return "right as recognised"
    return ", ".join(in_words(named(correction.labels, names))) or "no known brick"


def named(label_ids: Iterable[str], names: Mapping[str, str]) -> list[Json]:
    """Labels by their ids."""
    return [
        {"id": printable(known), "name": printable(names.get(known, ""))} for known in label_ids
    ]


def in_words(labels: Iterable[Mapping[str, Any]]) -> list[str]:
    """Labels as a person reads them."""
    return [f"{one['name']} ({one['id']})" if one["name"] else one["id"] for one in labels]


def names_of(*known: Iterable[Label]) -> dict[str, str]:
    """Names by id; the first that knows one says it."""
    found: dict[str, str] = {}
    for labels in known:
        for label in labels:
            found.setdefault(label.id, label.name)
    return found


def described(reason: str) -> str | None:
    """A reason as a sentence; None where this release does not know it."""
    return Reason(reason).describe if reason in list(Reason) else None


def bin_of(target: Bin | None) -> Json | None:
    """Which bin it is."""
    return {"number": target.number, "name": printable(target.name)} if target else None


def clock(at_s: float, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """A time by the device's own clock and zone."""
    try:
        return time.strftime(form, time.localtime(at_s))
    except (ValueError, OverflowError, OSError):
        return "at no time"
