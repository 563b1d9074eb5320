"""An item with everything that is known of it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from edge.dashboard.items.rows import TONES, bin_of, clock, described, named
from edge.dashboard.items.wire import record_of, wire_of
from edge.dashboard.values import Json, label_of, number, printable, threshold_of
from edge.decision import Alternative, Verdict, decide_evidence
from edge.domain import NOT_REPORTED, Label
from edge.evidence import Trigger
from edge.facts import Facts
from edge.journal_evidence import Case
from edge.journal_item import Whole
from edge.policy import Policy

TOP = 10
"""Labels that are shown with their scores, besides all that were recognised."""
_BEGUN = {
    Trigger.STILL: "The scene changed and came to rest.",
    Trigger.SENSOR: "A sensor of the machine said so.",
}


def card_of(item: Whole, policy: Policy | None, names: Mapping[str, str]) -> Json:
    """Everything but pictures and corrections.

    Args:
        item: From the journal.
        policy: That decides now; None where it is not known.
        names: Of labels, by id.
    """
    record, entry = item.record, item.entry
    return {
        "item_id": record.item_id,
        "seen_at_s": number(record.seen_at_s, 3),
        "seen_at": clock(record.seen_at_s),
        "labels": named(record.label_ids, names),
        "reason": printable(record.reason),
        "reason_text": described(record.reason),
        "sentence": printable(record.text),
        "needs_person": record.needs_person,
        "bin": bin_of(record.bin),
        "outcome": str(entry.outcome),
        "tone": TONES.get(str(entry.outcome), "quiet"),
        "model_sha256": printable(item.model_sha256),
        "policy_sha256": printable(record.policy_sha256),
        "scores": _scores(record.case, record.label_ids),
        "seen": _seen(record.case),
        "facts": _facts(record.case.facts) if record.case else None,
        "again": _again(item, policy),
        "wire": wire_of(item),
        "record": record_of(item),
    }


def _scores(case: Case | None, recognised: tuple[str, ...]) -> list[Json] | None:
    """Probabilities against thresholds, the highest first; None where they are not recorded."""
    if case is None:
        return None
    probabilities = case.evidence.probabilities
    ranked = sorted(case.facts.labels, key=lambda label: -float(probabilities[label.index]))
    shown = [one for place, one in enumerate(ranked) if place < TOP or one.id in recognised]
    return [_score(label, case, label.id in recognised) for label in shown]


def _score(label: Label, case: Case, recognised: bool) -> Json:
    thresholds = case.facts.thresholds
    threshold = thresholds[label.index] if label.index < len(thresholds) else None
    probability = float(case.evidence.probabilities[label.index])
    return label_of(label) | {
        "probability": number(probability),
        "threshold": threshold_of(threshold),
        "reported": threshold is None or threshold < NOT_REPORTED,
        "above": threshold is not None and probability >= threshold,
        "recognised": recognised,
    }


def _seen(case: Case | None) -> Json | None:
    if case is None:
        return None
    seen = case.evidence
    return {
        "frames": seen.frames,
        "agreeing": seen.agreeing,
        "needed": seen.needed,
        "agreed": seen.agreed,
        "begun_by": _BEGUN[seen.trigger],
        "took_ms": max(0, round((case.decided_at_s - seen.started_at_s) * 1e3)),
        "age_ms": max(0, round((case.decided_at_s - seen.newest_at_s) * 1e3)),
        "objects": seen.objects,
        "focus": number(seen.focus),
    }


def _facts(facts: Facts) -> Json:
    machine, belt = facts.machine, facts.belt
    return {
        "machine": None
        if machine is None
        else {
            "condition": str(machine.condition),
            "reason": printable(machine.reason),
            "queued": machine.queued,
        },
        "contents": [
            {"bin": bin_of(one), "items": facts.contents.get(one.number, 0)} for one in facts.bins
        ],
        "belt": None
        if belt is None
        else {"speed_mm_s": number(belt.speed_mm_s, 1), "problem": printable(belt.problem)},
        "hold": printable(facts.hold),
    }


def _again(item: Whole, policy: Policy | None) -> Json | None:
    """What the policy of now says of it, with what else it could have been."""
    record, case = item.record, item.record.case
    if case is None:
        return None
    facts, same = case.facts, policy is not None and policy.digest == record.policy_sha256
    if policy is None:
        return {"known": False, "alternatives": _most_probable(case, record.label_id)}
    if not same:
        missing = tuple(one for one in policy.bins if one not in facts.bins)
        facts = replace(facts, bins=(*facts.bins, *missing))
    verdict = decide_evidence(case.evidence, policy, facts, case.decided_at_s)
    return {
        "known": True,
        "same_policy": same,
        "same": (verdict.target, str(verdict.reason)) == (record.bin, record.reason),
        "bin": bin_of(verdict.target),
        "reason": str(verdict.reason),
        "sentence": printable(verdict.text),
        "alternatives": _alternatives(verdict),
    }


def _alternatives(verdict: Verdict) -> list[Json]:
    return [_alternative(other) for other in verdict.alternatives]


def _alternative(other: Alternative) -> Json:
    return label_of(other.label) | {
        "probability": number(other.probability),
        "bin": bin_of(other.bin),
        "bin_known": True,
    }


def _most_probable(case: Case, chosen_id: str | None) -> list[Json]:
    probabilities = case.evidence.probabilities
    others = [label for label in case.facts.labels if label.id != chosen_id]
    others.sort(key=lambda label: -float(probabilities[label.index]))
    shown: list[dict[str, Any]] = [
        label_of(label)
        | {
            "probability": number(float(probabilities[label.index])),
            "bin": None,
            "bin_known": False,
        }
        for label in others[:3]
    ]
    return shown
