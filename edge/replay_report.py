"""What a replay found, as tables for a person and as JSON for a program."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from edge.domain import Label
from edge.replay import Moved, Replayed, Side
from sorter_firmware_bridge.bins import Bin

ROWS = 50
NOT_MOVED = "not moved"


def show(found: Replayed, names: dict[str, Label], console: Console, every: bool) -> None:
    """Print what would change.

    Args:
        found: What a replay found.
        names: Labels by id.
        console: Where to.
        every: Whether all items are listed, not the first `ROWS` only.
    """
    console.print(f"{_items(found.items)} decided again; {len(found.moved)} would go elsewhere.")
    for note in notes(found):
        console.print(Text(note, "dim"))
    if not found.items:
        return
    bins = sorted(bin_ for bin_ in {*found.before.bins, *found.after.bins} if bin_ is not None)
    console.print(
        _counts("bin", map(_named, (*bins, None)), _by_bin(found.before), _by_bin(found.after))
    )
    before, after = found.before.reasons, found.after.reasons
    console.print(_counts("reason", sorted({*before, *after}), before, after))
    was, is_ = found.before.review_rate, found.after.review_rate
    console.print(
        f"For a person: {was:.1%} before, {is_:.1%} after ({(is_ - was) * 100:+.1f} points)."
    )
    if found.moved:
        console.print(_moves(found.moved if every else found.moved[:ROWS], names))
    if len(found.moved) > ROWS and not every:
        console.print(f"{len(found.moved) - ROWS} more; --all lists them")


def as_json(found: Replayed) -> dict[str, Any]:
    """The same as values that JSON has; every item is listed."""
    return {
        "items": found.items,
        "without_evidence": len(found.without_evidence),
        "new_bins": [bin_.name for bin_ in sorted(found.new_bins)],
        "before": _side(found.before),
        "after": _side(found.after),
        "moved": [_move(move) for move in found.moved],
        "other_reason": len(found.reworded),
    }


def notes(found: Replayed) -> list[str]:
    """What a reader has to know of the figures."""
    told = []
    if found.without_evidence:
        told.append(
            f"{_items(len(found.without_evidence))} left out: written by an older release, which"
            " did not keep what a decision rested on."
        )
    if found.new_bins:
        bins = ", ".join(map(str, sorted(found.new_bins)))
        told.append(f"The machine is taken to have {bins}, which it did not declare then.")
    if found.reworded:
        told.append(f"{_items(len(found.reworded))} would stay for another reason.")
    return told


def _items(count: int) -> str:
    return "1 item" if count == 1 else f"{count} items"


def _by_bin(side: Side) -> dict[str, int]:
    """Counts by the bin's name, in the order of their numbers; what is not moved last."""
    bins = sorted(bin_ for bin_ in side.bins if bin_ is not None)
    counts = {_named(bin_): side.bins[bin_] for bin_ in bins}
    return counts | ({NOT_MOVED: side.bins[None]} if side.bins[None] else {})


def _named(bin_: Bin | None) -> str:
    return f"{bin_.number} {bin_.name}" if bin_ else NOT_MOVED


def _counts(
    what: str, keys: Iterable[str], before: Mapping[str, int], after: Mapping[str, int]
) -> Table:
    table = Table()
    table.add_column(what, overflow="fold")
    for column in ("before", "after", "change"):
        table.add_column(column, justify="right")
    for key in keys:
        was, is_ = before.get(key, 0), after.get(key, 0)
        if not (was or is_):
            continue
        table.add_row(Text(key), str(was), str(is_), f"{is_ - was:+d}" if is_ != was else "")
    return table


def _moves(moved: list[Moved], names: dict[str, Label]) -> Table:
    table = Table(title="would go elsewhere")
    for column in ("item", "seen", "recognised", "from", "to", "why"):
        table.add_column(column, overflow="fold")
    for move in moved:
        record = move.record
        table.add_row(
            str(record.item_id),
            _when(record.seen_at_s),
            Text(", ".join(_label(id_, names) for id_ in record.label_ids) or "nothing"),
            Text(_named(record.bin)),
            Text(_named(move.verdict.target)),
            Text(_why(record.reason, str(move.verdict.reason))),
        )
    return table


def _when(at_s: float) -> str:
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at_s))
    except (OSError, OverflowError, ValueError):
        return "no such time"


def _why(before: str, after: str) -> str:
    return before if before == after else f"{before} → {after}"


def _label(label_id: str, names: dict[str, Label]) -> str:
    return f"{names[label_id].name} ({label_id})" if label_id in names else label_id


def _side(side: Side) -> dict[str, Any]:
    return {
        "bins": _by_bin(side),
        "reasons": {str(reason): count for reason, count in side.reasons.items()},
        "review_rate": round(side.review_rate, 6),
    }


def _move(move: Moved) -> dict[str, Any]:
    target = move.verdict.target
    return {
        "item_id": move.record.item_id,
        "seen_at_s": move.record.seen_at_s,
        "labels": list(move.record.label_ids),
        "from": move.record.bin.name if move.record.bin else None,
        "to": target.name if target else None,
        "reason_before": move.record.reason,
        "reason_after": str(move.verdict.reason),
        "sentence": move.verdict.text,
    }
