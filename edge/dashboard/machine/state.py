"""The machine as JSON for its page."""

import math
from collections.abc import Sequence

from edge.board import Snapshot
from edge.dashboard.live.state import machine_of
from edge.dashboard.values import Json, number, printable
from edge.faults import Fault, waiting
from edge.journal_receipts import Heard
from edge.manual import HandReport
from sorter_firmware_bridge.bins import Bin

SHOWN_FAULTS = 50
TRIPS = 100


def state_of(snapshot: Snapshot, heard: Sequence[Heard], problem: str | None) -> Json:
    """Everything the page shows but what changes with every heartbeat.

    Args:
        snapshot: From the board.
        heard: What the machine said last.
        problem: Why the journal cannot be read; None where it can.
    """
    hello = snapshot.hello
    return {
        "machine": machine_of(snapshot)
        | {
            "watchdog_s": number(hello.watchdog_s) if hello else None,
            "queue_depth": hello.queue_depth if hello else None,
            "bins": [_bin(bin_) for bin_ in sorted(hello.bins)] if hello else [],
        },
        "mode": printable(snapshot.about.mode),
        "faults": {
            "waiting": waiting(snapshot.faults),
            "list": [_fault(fault) for fault in snapshot.faults[:SHOWN_FAULTS]],
        },
        "by_hand": _by_hand(snapshot.by_hand),
        "receipts": [_heard(one) for one in heard],
        "problem": printable(problem),
    }


def aside_of(snapshot: Snapshot) -> Json:
    """What changes with every heartbeat: the machine's clock, and round trips in milliseconds."""
    trips = sorted(snapshot.round_trips_ms)
    return {
        "clock_s": number(snapshot.machine.clock_s, 1) if snapshot.machine else None,
        "round_trips": {
            "count": len(trips),
            "p50": _quantile(trips, 0.5),
            "p95": _quantile(trips, 0.95),
            "max": number(trips[-1], 2) if trips else None,
            "last": [number(one, 2) for one in snapshot.round_trips_ms[-TRIPS:]],
        },
    }


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    """The smallest value that so large a share is at or below."""
    if not ordered:
        return None
    return number(ordered[math.ceil(share * len(ordered)) - 1], 2)


def _fault(fault: Fault) -> Json:
    return {
        "number": fault.number,
        "at_s": number(fault.at_s, 1),
        "kind": str(fault.kind),
        "text": printable(fault.text),
        "times": fault.times,
        "seen_by": printable(fault.seen_by),
        "seen_at_s": number(fault.seen_at_s, 1),
    }


def _by_hand(report: HandReport) -> Json:
    return {
        "who": printable(report.who),
        "page": report.page,
        "ended": printable(report.ended),
        "moves": [
            {
                "request": moved.request,
                "bin": _bin(moved.bin),
                "text": printable(moved.text),
                "sent": moved.sent,
            }
            for moved in report.moves
        ],
    }


def _heard(heard: Heard) -> Json:
    return {
        "item_id": heard.item_id,
        "command_id": heard.command_id,
        "bin": _bin(heard.bin),
        "at_s": number(heard.at_s, 1),
        "after_ms": number(heard.after_s * 1e3, 0),
        "state": printable(heard.state),
        "cause": printable(heard.cause),
        "reason": printable(heard.reason),
    }


def _bin(bin_: Bin) -> Json:
    return {"number": bin_.number, "name": printable(bin_.name)}
