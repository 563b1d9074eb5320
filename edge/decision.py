"""An item, a policy and the facts of the moment become a decision: a pure function."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edge.domain import Label
from edge.items import Item
from edge.policy import Mode, Policy, Route, policy_problems
from edge.reasons import Reason
from sorter_firmware_bridge.bins import Bin, Command, MachineState

__all__ = [
    "Alternative",
    "Facts",
    "Mode",
    "Policy",
    "Reason",
    "Route",
    "SortDecision",
    "command_for",
    "decide",
    "policy_problems",
]

MAX_ALTERNATIVES = 3


@dataclass(frozen=True, slots=True)
class Facts:
    """What is so at the moment of a decision, beyond the item.

    Attributes:
        machine: What the machine says of itself; None where there is none.
        bins: The bins the machine declared.
        labels: All labels of the model, in the order of its output.
        model_sha256: The model that made the predictions.
    """

    machine: MachineState | None
    bins: tuple[Bin, ...]
    labels: tuple[Label, ...]
    model_sha256: str


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another label it could have been.

    Attributes:
        label: The label.
        probability: 0..1, calibrated, the mean over the item's frames.
        bin: Where it would have gone by its route.
    """

    label: Label
    probability: float
    bin: Bin | None


@dataclass(frozen=True, slots=True, eq=False)
class SortDecision:
    """Where an item goes, and why.

    Attributes:
        item: The item it speaks of.
        target: Its bin; None is no movement.
        label: The one label it was sorted by; None where there was not one.
        reason: Why, from a closed list.
        explanation: Why, in one sentence with the names and figures of this item.
        alternatives: Up to three other labels, most probable first.
        decided_at_s: `time.monotonic()` of the decision.
        due_s: `time.monotonic()` at which it passes its bin; None when it waits there.
        deadline_s: After this it is missed; None with `due_s`.
        model_sha256: The model that saw it.
        policy_sha256: `Policy.digest` of the policy that decided.
    """

    item: Item
    target: Bin | None
    label: Label | None
    reason: Reason
    explanation: str
    alternatives: tuple[Alternative, ...]
    decided_at_s: float
    due_s: float | None
    deadline_s: float | None
    model_sha256: str
    policy_sha256: str


def decide(item: Item, policy: Policy, facts: Facts, now_s: float) -> SortDecision:
    """Say where an item goes.

    The first of these that does not hold decides, so that a machine never moves on a doubt: the
    machine is armed and bins, labels and routes fit; the frame is fresh; enough frames agree;
    there is a label; there is one only; it is far enough ahead; it has a route; it can still be
    reached in time.

    Args:
        item: What was seen.
        policy: What the operator wants.
        facts: The machine and the model now.
        now_s: `time.monotonic()`.

    Returns:
        The decision. Its target is a bin of the policy or None, and None in `Mode.WATCH`.
    """
    case = _Case(item, policy, facts, now_s)
    checks = _WATCH if policy.mode is Mode.WATCH else _SINGLE
    finding = next(found for check in checks if (found := check(case)) is not None)
    return _in_time(case, finding)


def command_for(
    decision: SortDecision, command_id: int, machine: MachineState, now_s: float
) -> Command:
    """The command that carries out a decision, in the machine's time.

    Args:
        decision: One with a target.
        command_id: Never used before.
        machine: Its state, asked for at `now_s`: this ties its clock to ours.
        now_s: `time.monotonic()`.

    Raises:
        ValueError: The decision has no target.
    """
    if decision.target is None:
        raise ValueError(f"nothing to send: {decision.explanation}")
    if decision.due_s is None or decision.deadline_s is None:
        return Command(command_id, decision.target)
    ahead_s = machine.clock_s - now_s
    return Command(
        command_id, decision.target, decision.due_s + ahead_s, decision.deadline_s + ahead_s
    )


@dataclass(frozen=True, slots=True)
class _Case:
    item: Item
    policy: Policy
    facts: Facts
    now_s: float


@dataclass(frozen=True, slots=True)
class _Finding:
    reason: Reason
    text: str
    target: Bin | None = None
    label: Label | None = None


_Check = Callable[[_Case], _Finding | None]


def _not_armed(case: _Case) -> _Finding | None:
    machine = case.facts.machine
    if machine is not None and machine.armed:
        return None
    said = "there is no machine" if machine is None else f"the machine is {machine.condition}"
    why = f" ({machine.reason})" if machine is not None and machine.reason else ""
    return _Finding(Reason.NOT_ARMED, f"Nothing is moved: {said}{why}.")


def _mismatch(case: _Case) -> _Finding | None:
    problems = policy_problems(case.policy, [label.id for label in case.facts.labels])
    missing = [bin_ for bin_ in case.policy.bins if bin_ not in case.facts.bins]
    problems += [f"the machine has no {bin_}" for bin_ in missing]
    if not problems:
        return None
    return _Finding(Reason.BINS_MISMATCH, f"Nothing is moved: {'; '.join(problems)}.")


def _stale(case: _Case) -> _Finding | None:
    age_s = case.now_s - case.item.newest.frame.captured_at_s
    if 0 <= age_s <= case.policy.max_age_s:
        return None
    allowed = f"0..{case.policy.max_age_s:g} s is allowed"
    return _Finding(Reason.STALE_FRAME, f"The newest frame is {age_s:.2f} s old; {allowed}.")


def _disagreement(case: _Case) -> _Finding | None:
    item = case.item
    if item.agreed:
        return None
    text = f"{item.agreeing} of {len(item.predictions)} frames agree, {item.needed} are needed"
    return _review(case, Reason.FRAMES_DISAGREE, text)


def _no_label(case: _Case) -> _Finding | None:
    if case.item.labels:
        return None
    target, name = _fallback(case.policy, case.policy.unknown_bin)
    return _Finding(Reason.NO_LABEL, f"No brick type is above its threshold: {name}.", target)


def _several(case: _Case) -> _Finding | None:
    labels = case.item.labels
    if len(labels) == 1:
        return None
    names = ", ".join(map(_named, labels))
    return _review(case, Reason.SEVERAL_LABELS, f"{len(labels)} brick types at once ({names})")


def _close_call(case: _Case) -> _Finding | None:
    label = case.item.labels[0]
    lead = _lead(case.item, label)
    if lead >= case.policy.margin:
        return None
    text = f"{_named(label)} leads by {lead:.2f}, {case.policy.margin:g} is needed"
    return _review(case, Reason.SMALL_MARGIN, text)


def _route(case: _Case) -> _Finding | None:
    label = case.item.labels[0]
    probability = float(case.item.probabilities[label.index])
    text = f"{_named(label)} at {probability:.0%}"
    target = case.policy.route_of(label.id)
    if target is not None:
        return _Finding(Reason.SORTED, f"{text}: {target}.", target, label)
    target, name = _fallback(case.policy, None)
    return _Finding(Reason.NO_ROUTE, f"{text} has no bin of its own: {name}.", target, label)


def _watched(case: _Case) -> _Finding | None:
    wanted = case.policy.watch_for
    seen = [label for label in case.item.labels if not wanted or label.id in wanted]
    if not seen:
        return _Finding(Reason.NOTHING_WATCHED, Reason.NOTHING_WATCHED.describe)
    names = ", ".join(map(_named, seen))
    return _Finding(Reason.WATCHED, f"Watched for and recognised: {names}.", None, seen[0])


_SINGLE: tuple[_Check, ...] = (
    _not_armed,
    _mismatch,
    _stale,
    _disagreement,
    _no_label,
    _several,
    _close_call,
    _route,
)
_WATCH: tuple[_Check, ...] = (_stale, _disagreement, _watched)


def _review(case: _Case, reason: Reason, text: str) -> _Finding:
    target, name = _fallback(case.policy, case.policy.review_bin)
    return _Finding(reason, f"{text}: {name}.", target)


def _fallback(policy: Policy, name: str | None) -> tuple[Bin | None, str]:
    """The bin of that name, or else the overflow; with what to call it."""
    if policy.mode is Mode.WATCH:
        return None, "nothing is moved in mode 'watch'"
    target = policy.bin_named(policy.overflow_bin if name is None else name)
    return target, str(target) if target else "no bin is set for it, so it is not moved"


def _in_time(case: _Case, finding: _Finding) -> SortDecision:
    due_s, deadline_s = _times(case) if finding.target else (None, None)
    if due_s is not None and due_s - case.now_s < case.policy.lead_s:
        late = f"due in {due_s - case.now_s:.3f} s, {case.policy.lead_s:g} s are needed"
        text = f"Too late for {finding.target}: {late}."
        finding = _Finding(Reason.TOO_LATE, text, None, finding.label)
        due_s = deadline_s = None
    return SortDecision(
        item=case.item,
        target=finding.target,
        label=finding.label,
        reason=finding.reason,
        explanation=finding.text,
        alternatives=_alternatives(case, finding.label),
        decided_at_s=case.now_s,
        due_s=due_s,
        deadline_s=deadline_s,
        model_sha256=case.facts.model_sha256,
        policy_sha256=case.policy.digest,
    )


def _times(case: _Case) -> tuple[float | None, float | None]:
    if case.policy.travel_s is None:
        return None, None
    due_s = case.item.started_at_s + case.policy.travel_s
    return due_s, due_s + case.policy.tolerance_s


def _lead(item: Item, label: Label) -> float:
    """How far the label's probability is above the highest of the others."""
    probabilities = item.probabilities
    others = np.delete(probabilities, label.index)
    return float(probabilities[label.index] - others.max(initial=0.0))


def _alternatives(case: _Case, chosen: Label | None) -> tuple[Alternative, ...]:
    pairs = zip(case.facts.labels, map(float, case.item.probabilities), strict=False)
    others = [(label, p) for label, p in pairs if label != chosen]
    others.sort(key=lambda pair: (-pair[1], pair[0].index))
    return tuple(
        Alternative(label, probability, case.policy.route_of(label.id))
        for label, probability in others[:MAX_ALTERNATIVES]
    )


def _named(label: Label) -> str:
    return f"{label.name} ({label.id})"
