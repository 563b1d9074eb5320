"""What went to the machine and came back, and where that is recorded."""

from edge.dashboard.items.rows import bin_of, clock
from edge.dashboard.values import Json, number, printable
from edge.journal_item import Whole

_MEANINGS = {
    "accepted": "The machine took the command.",
    "refused": "The machine refused it, or never heard of it.",
    "fired": "The machine moved.",
    "confirmed": "A sensor saw it drop.",
    "missed": "It was not moved.",
    "unknown": "It is not known what happened.",
}


def wire_of(item: Whole) -> Json:
    """The command and every answer, in order."""
    entry, record = item.entry, item.record
    return {
        "intent": None
        if entry.command_id is None
        else {
            "command_id": entry.command_id,
            "bin": bin_of(record.bin),
            "label_id": printable(record.label_id),
            "at": clock(record.seen_at_s),
        },
        "receipts": [
            {
                "state": printable(told.state),
                "meaning": _MEANINGS.get(told.state),
                "at_s": number(told.at_s, 3),
                "at": clock(told.at_s),
                "after_ms": max(0, round((told.at_s - record.seen_at_s) * 1e3)),
                "clock_s": number(told.clock_s, 3),
                "cause": printable(told.cause),
                "reason": printable(told.reason),
            }
            for told in item.told
        ],
    }


def record_of(item: Whole) -> Json:
    """Where all of it is recorded, and whether it still is as it was written."""
    return {
        "records": item.records,
        "unchanged": all(link.unchanged for link in item.links) and bool(item.links),
        "links": [
            {
                "n": link.n,
                "kind": printable(link.kind),
                "hash": link.hash,
                "unchanged": link.unchanged,
            }
            for link in item.links
        ],
    }
