"""The bins as JSON for their page."""

from collections.abc import Sequence

from edge.board import Snapshot
from edge.dashboard.live.state import balance_of, bins_of, feeding_of
from edge.dashboard.values import Json, printable
from edge.inventory.counting import BinContents, Lot
from edge.policy import Policy

MAX_LOTS = 100


def state_of(
    snapshot: Snapshot, policy: Policy, lots: Sequence[BinContents], problem: str | None
) -> Json:
    """Everything the page shows.

    Args:
        snapshot: From the board.
        policy: What the operator wants.
        lots: What lies in which bin.
        problem: Why the journal cannot be read; None where it can.
    """
    names = {label.id: label.name for label in snapshot.about.labels}
    there = {contents.bin.number: contents for contents in lots}
    bins = [
        entry
        | {"overflow": _overflow(policy, entry["number"])}
        | _contents(there.get(entry["number"]))
        for entry in bins_of(snapshot)
    ]
    return {
        "bins": bins,
        "feeding": feeding_of(snapshot),
        "balance": balance_of(snapshot.balance),
        "wanted": _wanted(snapshot, policy, names),
        "problem": printable(problem),
    }


def _contents(contents: BinContents | None) -> Json:
    lots = contents.lots if contents else ()
    return {
        "lots": [_lot(lot) for lot in lots[:MAX_LOTS]],
        "more": max(0, len(lots) - MAX_LOTS),
        "pruned": contents.pruned if contents else 0,
    }


def _lot(lot: Lot) -> Json:
    return {
        "id": printable(lot.label_id),
        "name": printable(lot.name),
        "quantity": lot.quantity,
    }


def _overflow(policy: Policy, number: int) -> str | None:
    """What takes over from a bin that is full."""
    name = next((bin_.name for bin_ in policy.bins if bin_.number == number), None)
    return next((printable(str(taker)) for taker in policy.chain_of(name)[1:]), None)


def _wanted(snapshot: Snapshot, policy: Policy, names: dict[str, str]) -> list[Json]:
    found = []
    for line in policy.collected:
        target = policy.bin_named(line.bin or policy.wanted_bin)
        # What came to its bin counts for the order, whichever bin it is now.
        delivered = (
            snapshot.delivered.get((line.label_id, target.number), 0) if target is not None else 0
        )
        found.append(
            {
                "id": printable(line.label_id),
                "name": printable(names.get(line.label_id, "")),
                "quantity": line.quantity,
                "delivered": delivered,
                "remaining": None if line.quantity is None else max(0, line.quantity - delivered),
                "bin": {"number": target.number, "name": printable(target.name)}
                if target
                else None,
            }
        )
    return found
