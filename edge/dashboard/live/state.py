"""A snapshot as JSON for the page."""

from collections.abc import Iterable, Mapping

from edge.balance import PARTS, WITHIN, Balance, Outcome
from edge.board import About, Snapshot
from edge.dashboard.live.state_explained import gradcam_of, lime_of
from edge.dashboard.values import Json, age_ms, label_of, number, printable
from edge.decision import Alternative, SortDecision
from edge.domain import Label, Prediction
from edge.faults import waiting
from edge.journal import Entry
from sorter_firmware_bridge.bins import Bin, Receipt, ReceiptState

MAX_RECENT = 20

OUTCOME_SENTENCES = {
    Outcome.CONFIRMED: "The machine moved it, and a sensor saw it drop.",
    Outcome.FIRED: "The machine moved it; no sensor has seen it drop.",
    Outcome.MISSED: "The machine took the command and did not move it.",
    Outcome.REFUSED: "The machine refused the command.",
    Outcome.UNKNOWN: "It was sent, and it is not known what happened. Look at the machine.",
    Outcome.REVIEW: "For a person to look at.",
    Outcome.UNMOVED: "Nothing was sent to the machine.",
    Outcome.PENDING: "Sent; the machine has not said yet what happened.",
}


def state_of(snapshot: Snapshot) -> Json:
    """Everything of one moment but the time that has passed since.

    Args:
        snapshot: From the board.

    Returns:
        Values that JSON has; the same for the same snapshot.
    """
    about = snapshot.about
    return {
        "version": snapshot.version,
        "frame": _frame(snapshot.prediction),
        "labels": _present(snapshot.prediction, about),
        "explanation": gradcam_of(snapshot.explanation),
        "lime": [lime_of(progress) for progress in snapshot.lime],
        "decision": _decision(snapshot.decision),
        "outcome": _outcome(snapshot.entry, snapshot.receipt),
        "recent": [_row(entry, about) for entry in snapshot.recent[:MAX_RECENT]],
        "balance": balance_of(snapshot.balance),
        "bins": bins_of(snapshot),
        "feeding": feeding_of(snapshot),
        "machine": machine_of(snapshot),
        "camera": {
            "state": snapshot.camera_state,
            "problem": printable(snapshot.camera_problem),
            "description": printable(about.camera),
        },
        "counters": {
            "frames_seen": snapshot.frames_seen,
            "frames_replaced": snapshot.frames_replaced,
        },
        "stage_ms": _stages(snapshot.stage_ms),
        "problem": printable(snapshot.problem),
        "about": _about(about),
    }


def ages_ms(snapshot: Snapshot, now_s: float) -> Json:
    """How old the picture, the explanations' pictures and the decision are; LIME's by number.

    Args:
        snapshot: From the board.
        now_s: `time.monotonic()`.
    """
    prediction, explanation, decision = (
        snapshot.prediction,
        snapshot.explanation,
        snapshot.decision,
    )
    return {
        "frame": age_ms(prediction.frame.captured_at_s, now_s) if prediction else None,
        "explanation": (
            age_ms(explanation.prediction.frame.captured_at_s, now_s) if explanation else None
        ),
        "lime": {
            str(progress.request.number): age_ms(
                progress.request.prediction.frame.captured_at_s, now_s
            )
            for progress in snapshot.lime
        },
        "decision": age_ms(decision.decided_at_s, now_s) if decision else None,
    }


def _frame(prediction: Prediction | None) -> Json | None:
    return {"sequence": prediction.frame.sequence} if prediction else None


def _present(prediction: Prediction | None, about: About) -> list[Json]:
    if prediction is None:
        return []
    return [
        label_of(label)
        | {
            "confidence": number(prediction.probabilities[label.index]),
            "threshold": number(about.thresholds[label.index]),
        }
        for label in prediction.present
    ]


def _decision(decision: SortDecision | None) -> Json | None:
    if decision is None:
        return None
    return {
        "item": decision.item.number,
        "sequence": decision.item.newest.frame.sequence,
        "reason": str(decision.reason),
        "reason_text": decision.reason.describe,
        "sentence": printable(decision.explanation),
        "bin": _bin(decision.target),
        "label": label_of(decision.label) if decision.label else None,
        "agreeing": decision.item.agreeing,
        "frames": len(decision.item.predictions),
        "alternatives": [_alternative(other) for other in decision.alternatives],
    }


def _alternative(other: Alternative) -> Json:
    return label_of(other.label) | {
        "confidence": number(other.probability),
        "bin": _bin(other.bin),
    }


def _outcome(entry: Entry | None, receipt: Receipt | None) -> Json | None:
    if entry is None:
        return None
    outcome = _answered(receipt) or entry.outcome
    reason = printable(receipt.reason) if receipt is not None else ""
    return {
        "code": str(outcome),
        "sentence": f"{OUTCOME_SENTENCES[outcome]} {reason}".rstrip(),
        "item_id": entry.item_id,
        "command_id": entry.command_id,
    }


def _answered(receipt: Receipt | None) -> Outcome | None:
    # An item for review is counted as such; here the machine's own answer comes first.
    if receipt is None:
        return None
    accepted = receipt.state is ReceiptState.ACCEPTED
    return Outcome.PENDING if accepted else Outcome(receipt.state.value)


def _row(entry: Entry, about: About) -> Json:
    return {
        "item_id": entry.item_id,
        "seen_at_s": number(entry.seen_at_s, 1),
        "labels": _named(entry.label_ids, about.labels),
        "reason": printable(entry.reason),
        "sentence": printable(entry.explanation),
        "bin": _bin(entry.bin),
        "outcome": str(entry.outcome),
    }


def _named(label_ids: Iterable[str], labels: Iterable[Label]) -> list[Json]:
    names = {label.id: label.name for label in labels}
    return [
        {"id": printable(known), "name": printable(names.get(known, ""))} for known in label_ids
    ]


def balance_of(balance: Balance) -> Json:
    """The balance in its five words, and what is within each."""
    finer = [
        {"outcome": str(outcome), "words": words, "items": balance.count(outcome)}
        for outcome, words in WITHIN.items()
    ]
    parts = [
        {
            "word": word,
            "items": items,
            "within": [part for part in finer if part["outcome"] in PARTS[word] and part["items"]],
        }
        for word, items in balance.parts.items()
    ]
    return {"seen": balance.seen, "parts": parts, "reconciles": balance.reconciles}


def feeding_of(snapshot: Snapshot) -> Json:
    """Whether the feeder may go on, and why not."""
    feeding = snapshot.line.feeding
    return {"ok": feeding.ok, "reason": printable(feeding.reason)}


def bins_of(snapshot: Snapshot) -> list[Json]:
    """The bins, how many items each has and how many it holds."""
    contents = snapshot.line.contents
    return [
        {
            "number": bin_.number,
            "name": printable(bin_.name),
            "items": contents.get(bin_.number, 0),
            "capacity": capacity,
            "full": capacity is not None and contents.get(bin_.number, 0) >= capacity,
        }
        for bin_, capacity in snapshot.about.bins
    ]


def machine_of(snapshot: Snapshot) -> Json:
    """What the machine says of itself and of its link."""
    machine = snapshot.machine
    return {
        "kind": printable(snapshot.about.machine_kind),
        "condition": str(machine.condition) if machine else None,
        "reason": printable(machine.reason) if machine else None,
        "queued": machine.queued if machine else None,
        "problem": printable(snapshot.machine_problem),
        "promise": str(snapshot.hello.promise) if snapshot.hello else None,
        "timing": str(snapshot.hello.timing) if snapshot.hello else None,
        "confirms": snapshot.hello.confirms if snapshot.hello else None,
        "faults": waiting(snapshot.faults),
    }


def _stages(stage_ms: Mapping[str, float]) -> Json:
    return {str(printable(name)): number(value, 1) for name, value in stage_ms.items()}


def _about(about: About) -> Json:
    return {
        "bundle": printable(about.bundle_name),
        "model_sha256": printable(about.model_sha256),
        "mode": printable(about.mode),
        "machine_kind": printable(about.machine_kind),
        "camera": printable(about.camera),
        "labels": len(about.labels),
        "lime": about.lime,
        "wanted": about.wanted,
    }


def _bin(target: Bin | None) -> Json | None:
    return {"number": target.number, "name": printable(target.name)} if target else None
