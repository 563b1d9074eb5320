"""The rows of the journal, and what they say became of an item."""

import json
import sqlite3
from collections import Counter
from dataclasses import dataclass
from typing import Any

from edge.balance import Balance, Outcome
from edge.decision import SortDecision
from edge.domain import Label
from sorter_firmware_bridge.bins import Bin, Receipt, ReceiptState

# What is known best of a command: a late proof that it moved outweighs everything else.
_RANKS = {
    ReceiptState.REFUSED: 0,
    ReceiptState.ACCEPTED: 1,
    ReceiptState.UNKNOWN: 2,
    ReceiptState.MISSED: 3,
    ReceiptState.FIRED: 4,
    ReceiptState.CONFIRMED: 5,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of the journal.

    Attributes:
        item_id: Counts up for the life of the journal.
        seen_at_s: Seconds since the epoch, as the wall clock said then.
        label_ids: What was recognised, most confident first.
        reason: The closed reason code of the decision.
        explanation: The decision in one sentence.
        bin: Where it was sent; None where nothing was.
        command_id: Under which id; None where nothing was sent.
        outcome: What became of it.
    """

    item_id: int
    seen_at_s: float
    label_ids: tuple[str, ...]
    reason: str
    explanation: str
    bin: Bin | None
    command_id: int | None
    outcome: Outcome


def item_values(decision: SortDecision, now_s: float) -> dict[str, Any]:
    return {
        "seen_at_s": now_s,
        "label_ids": json.dumps([label.id for label in decision.item.labels]),
        "reason": decision.reason,
        "explanation": decision.explanation,
        "needs_person": decision.reason.needs_person,
        "model_sha256": decision.model_sha256,
        "policy_sha256": decision.policy_sha256,
    }


def intent_values(item_id: int, target: Bin, label: Label | None) -> dict[str, Any]:
    return {
        "item_id": item_id,
        "bin_number": target.number,
        "bin_name": target.name,
        "label_id": label.id if label else None,
    }


def receipt_values(receipt: Receipt, now_s: float) -> dict[str, Any]:
    return {
        "command_id": receipt.command_id,
        "state": receipt.state,
        "rank": _RANKS[receipt.state],
        "at_s": now_s,
        "clock_s": receipt.clock_s,
        "cause": receipt.cause,
        "reason": receipt.reason,
    }


def outcome_with(needs_person: bool, command_id: int | None, state: str | None) -> Outcome:
    if command_id is None:
        return Outcome.REVIEW if needs_person else Outcome.UNMOVED
    if state is None or state == ReceiptState.ACCEPTED:
        return Outcome.PENDING
    if needs_person and state in (ReceiptState.FIRED, ReceiptState.CONFIRMED):
        return Outcome.REVIEW
    return Outcome(state)


def outcome_of_row(row: sqlite3.Row) -> Outcome:
    return outcome_with(bool(row["needs_person"]), row["command_id"], row["state"])


def entry_of_row(row: sqlite3.Row) -> Entry:
    moved = row["command_id"] is not None
    return Entry(
        item_id=row["id"],
        seen_at_s=row["seen_at_s"],
        label_ids=tuple(json.loads(row["label_ids"])),
        reason=row["reason"],
        explanation=row["explanation"],
        bin=Bin(row["bin_number"], row["bin_name"]) if moved else None,
        command_id=row["command_id"],
        outcome=outcome_of_row(row),
    )


def counted(db: sqlite3.Connection) -> tuple[int, Counter[Outcome]]:
    """How many items there are, and what became of all that were seen."""
    counts = Counter(map(outcome_of_row, db.execute("SELECT * FROM entries")))
    kept = counts.total()
    for outcome, items in db.execute("SELECT outcome, items FROM pruned"):
        counts[Outcome(outcome)] += items
    return kept, counts


def balance_of(seen: int, counts: Counter[Outcome]) -> Balance:
    return Balance(seen=seen, **{str(outcome): counts[outcome] for outcome in Outcome})
