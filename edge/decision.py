"""Evidence, a policy and the facts of the moment become a decision: a pure function."""

from dataclasses import dataclass, replace

from edge.checks import CHECKS, deciding_label
from edge.domain import Label
from edge.due import in_time
from edge.evidence import Evidence
from edge.facts import Facts
from edge.finding import Case, Finding, named, review
from edge.items import Item
from edge.policy import Mode, Policy, Route
from edge.policy_problems import policy_problems
from edge.reasons import Reason
from edge.room import with_room
from sorter_firmware_bridge.bins import Bin, Command, MachineState

__all__ = [
    "Alternative",
    "Evidence",
    "Facts",
    "Mode",
    "Policy",
    "Reason",
    "Route",
    "SortDecision",
    "Verdict",
    "command_for",
    "decide",
    "decide_evidence",
    "label_in_question",
    "policy_problems",
]

MAX_ALTERNATIVES = 3


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another label it could have been.

    Attributes:
        label: The label.
        probability: 0..1, calibrated, the mean over the item's frames.
        bin: Where it would have gone by its rule.
    """

    label: Label
    probability: float
    bin: Bin | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Where something with this evidence goes, and why.

    Attributes:
        target: Its bin; None is no movement.
        label: The one label it was sorted by; None where there was not one.
        reason: Why, from a closed list.
        text: Why, in one sentence with the names and figures of this item.
        alternatives: Up to three other labels, most probable first.
        due_s: `time.monotonic()` at which it passes its bin; None when it waits there.
        deadline_s: After this it is missed; None with `due_s`.
    """

    target: Bin | None
    label: Label | None
    reason: Reason
    text: str
    alternatives: tuple[Alternative, ...]
    due_s: float | None
    deadline_s: float | None


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
    """Say where an item goes; see `decide_evidence`.

    Args:
        item: What was seen.
        policy: What the operator wants.
        facts: The machine and the model now.
        now_s: `time.monotonic()`.

    Returns:
        The decision. Its target is a bin of the policy or None, and None in `Mode.WATCH`.
    """
    verdict = decide_evidence(item.evidence, policy, facts, now_s)
    return SortDecision(
        item=item,
        target=verdict.target,
        label=verdict.label,
        reason=verdict.reason,
        explanation=verdict.text,
        alternatives=verdict.alternatives,
        decided_at_s=now_s,
        due_s=verdict.due_s,
        deadline_s=verdict.deadline_s,
        model_sha256=facts.model_sha256,
        policy_sha256=policy.digest,
    )


def decide_evidence(evidence: Evidence, policy: Policy, facts: Facts, now_s: float) -> Verdict:
    """Say where something with this evidence goes; no pictures, so it can be asked again later.

    The first of these that does not hold decides, so that a machine never moves on a doubt: the
    machine is armed and bins, labels and rules fit; the frame is fresh; enough frames agree; on
    one object one label is above its threshold and far enough ahead, or what is wanted on a tray
    is surely there or surely not; the explanation does not speak against it; the wanted list, its
    rule and the overflow chain have a bin with room; the machine takes more; it can still be
    reached in time.

    An explanation that speaks against a label sends to review what would have moved; it moves
    nothing that would have stayed.

    Args:
        evidence: What was seen.
        policy: What the operator wants.
        facts: The machine and the model now.
        now_s: `time.monotonic()`.

    Returns:
        The verdict. Its target is a bin of the policy or None, and None in `Mode.WATCH`.
    """
    case = Case(evidence, policy, facts, now_s)
    finding = next(found for check in CHECKS[policy.mode] if (found := check(case)) is not None)
    verdict = _settled(case, finding)
    vetoed = _veto(case, finding)
    return _settled(case, vetoed) if vetoed and verdict.target else verdict


def label_in_question(
    evidence: Evidence, policy: Policy, facts: Facts, now_s: float
) -> Label | None:
    """The label whose explanation may veto the movement; None where that is not asked for.

    Args:
        evidence, policy, facts, now_s: As for `decide_evidence`.
    """
    if policy.veto_share is None:
        return None
    return deciding_label(Case(evidence, policy, facts, now_s))


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


def _veto(case: Case, finding: Finding) -> Finding | None:
    least, share = case.policy.veto_share, case.evidence.focus
    if least is None or share is None or share >= least or finding.label is None:
        return None
    lies = f"{share:.0%} of what speaks for {named(finding.label)} lies on the object"
    return review(case, Reason.EXPLANATION_VETO, f"Only {lies}, {least:.0%} is needed")


def _settled(case: Case, finding: Finding) -> Verdict:
    found, times = in_time(case, _held(case, with_room(case, finding)))
    alternatives = _alternatives(case, found.label)
    return Verdict(
        found.target,
        found.label,
        found.reason,
        found.text,
        alternatives,
        times.due_s,
        times.deadline_s,
    )


def _held(case: Case, finding: Finding) -> Finding:
    if finding.target is None or not case.facts.hold:
        return finding
    text = f"Not sent to {finding.target}: {case.facts.hold}."
    return replace(finding, reason=Reason.QUEUE_FULL, text=text, target=None)


def _alternatives(case: Case, chosen: Label | None) -> tuple[Alternative, ...]:
    pairs = zip(case.facts.labels, map(float, case.evidence.probabilities), strict=False)
    others = [(label, p) for label, p in pairs if label != chosen]
    others.sort(key=lambda pair: (-pair[1], pair[0].index))
    return tuple(
        Alternative(label, probability, case.policy.rule_of(label))
        for label, probability in others[:MAX_ALTERNATIVES]
    )
