"""The checks of a decision in their order; the first that finds something decides."""

from edge.domain import NOT_REPORTED, Label
from edge.finding import Case, Check, Finding, fallback, named, review
from edge.policy import Mode
from edge.policy_problems import machine_problems, policy_problems
from edge.reasons import Reason
from sorter_firmware_bridge.bins import Bin


def deciding_label(case: Case) -> Label | None:
    """The label that a movement would rest on; None where there is not one."""
    labels = case.evidence.labels
    if case.policy.mode is Mode.SCOOP:
        return next((label for label in labels if _open_line(case, label)), None)
    return labels[0] if case.policy.mode is Mode.SINGLE and len(labels) == 1 else None


# --- whatever the mode ---


def _not_armed(case: Case) -> Finding | None:
    machine = case.facts.machine
    if machine is not None and machine.armed:
        return None
    said = "there is no machine" if machine is None else f"the machine is {machine.condition}"
    why = f" ({machine.reason})" if machine is not None and machine.reason else ""
    return Finding(Reason.NOT_ARMED, f"Nothing is moved: {said}{why}.")


def _by_hand(case: Case) -> Finding | None:
    who = case.facts.by_hand
    text = f"Nothing is sorted: {who} moves the machine by hand."
    return Finding(Reason.MANUAL_MODE, text) if who else None


def _mismatch(case: Case) -> Finding | None:
    problems = policy_problems(case.policy, [label.id for label in case.facts.labels])
    problems += machine_problems(case.policy, case.facts.bins)
    if not problems:
        return None
    return Finding(Reason.BINS_MISMATCH, f"Nothing is moved: {'; '.join(problems)}.")


def _stale(case: Case) -> Finding | None:
    age_s = case.now_s - case.evidence.newest_at_s
    if 0 <= age_s <= case.policy.max_age_s:
        return None
    allowed = f"0..{case.policy.max_age_s:g} s is allowed"
    return Finding(Reason.STALE_FRAME, f"The newest frame is {age_s:.2f} s old; {allowed}.")


def _disagreement(case: Case) -> Finding | None:
    seen = case.evidence
    if seen.agreed:
        return None
    text = f"{seen.agreeing} of {seen.frames} frames agree, {seen.needed} are needed"
    return review(case, Reason.FRAMES_DISAGREE, text)


# --- single ---


def _two_objects(case: Case) -> Finding | None:
    objects = case.evidence.objects
    if objects is None or objects < 2:
        return None
    return review(case, Reason.TWO_OBJECTS, f"{objects} objects are in view, one is expected")


def _no_label(case: Case) -> Finding | None:
    if case.evidence.labels:
        return None
    target, name = fallback(case.policy, case.policy.unknown_bin)
    return Finding(Reason.NO_LABEL, f"No brick type is above its threshold: {name}.", target)


def _several(case: Case) -> Finding | None:
    labels = case.evidence.labels
    if len(labels) <= 1:
        return None
    names = ", ".join(map(named, labels))
    return review(case, Reason.SEVERAL_LABELS, f"{len(labels)} brick types at once ({names})")


def _close_call(case: Case) -> Finding | None:
    label = case.evidence.labels[0]
    lead = case.evidence.lead(label)
    if lead >= case.policy.margin:
        return None
    text = f"{named(label)} leads by {lead:.2f}, {case.policy.margin:g} is needed"
    return review(case, Reason.SMALL_MARGIN, text)


def _wanted(case: Case) -> Finding | None:
    label = deciding_label(case)
    line = _open_line(case, label) if label else None
    if label is None or line is None:
        return None
    text = f"{_at(case, label)} is wanted ({line[1]}): {line[0]}."
    return Finding(Reason.WANTED, text, line[0], label)


def _route(case: Case) -> Finding | None:
    label = case.evidence.labels[0]
    text = _at(case, label)
    target = case.policy.rule_of(label)
    if target is not None:
        return Finding(Reason.SORTED, f"{text}: {target}.", target, label)
    target, name = fallback(case.policy, None)
    return Finding(Reason.NO_ROUTE, f"{text} has no bin of its own: {name}.", target, label)


# --- scoop ---


def _doubtful(case: Case) -> Finding | None:
    wanted = [label for label in case.facts.labels if _open_line(case, label)]
    doubts = [label for label in wanted if not _surely_absent(case, label)]
    if not doubts:
        return None
    likeliest = max(doubts, key=case.evidence.probability)
    text = f"{_at(case, likeliest)} is wanted, neither surely there nor surely not"
    return review(case, Reason.WANTED_DOUBTFUL, text)


def _surely_absent(case: Case, label: Label) -> bool:
    thresholds = case.facts.thresholds
    # What the model may not be believed about is neither surely there nor surely not.
    if label.index >= len(thresholds) or thresholds[label.index] >= NOT_REPORTED:
        return False
    limit = case.policy.recall_share * thresholds[label.index]
    return case.evidence.probability(label) < limit


def _rest(case: Case) -> Finding | None:
    target, name = fallback(case.policy, case.policy.rest_bin)
    return Finding(Reason.NOTHING_WANTED, f"Nothing that is wanted is there: {name}.", target)


# --- watch ---


def _watched(case: Case) -> Finding | None:
    wanted = case.policy.watch_for
    seen = [label for label in case.evidence.labels if not wanted or label.id in wanted]
    if not seen:
        return Finding(Reason.NOTHING_WATCHED, Reason.NOTHING_WATCHED.describe)
    names = ", ".join(map(named, seen))
    return Finding(Reason.WATCHED, f"Watched for and recognised: {names}.", None, seen[0])


_SEEN: tuple[Check, ...] = (_stale, _disagreement)
CHECKS: dict[Mode, tuple[Check, ...]] = {
    Mode.SINGLE: (
        _not_armed,
        _by_hand,
        _mismatch,
        *_SEEN,
        _several,
        _two_objects,
        _no_label,
        _close_call,
        _wanted,
        _route,
    ),
    Mode.SCOOP: (_not_armed, _by_hand, _mismatch, *_SEEN, _wanted, _doubtful, _rest),
    Mode.WATCH: (*_SEEN, _watched),
}
"""The last of each finds something in every case."""


def _open_line(case: Case, label: Label) -> tuple[Bin, str] | None:
    """The bin a label is wanted in, and how many of how many are there; None where not wanted."""
    found = case.policy.wanted_line(label.id)
    if found is None:
        return None
    line, target = found
    there = case.facts.delivered.get((label.id, target.number), 0)
    if line.quantity is None:
        return target, "any number"
    return (target, f"{there} of {line.quantity} so far") if there < line.quantity else None


def _at(case: Case, label: Label) -> str:
    return f"{named(label)} at {case.evidence.probability(label):.0%}"
