"""One case to decide, and what a check finds in it."""

from collections.abc import Callable
from dataclasses import dataclass

from edge.domain import Label
from edge.evidence import Evidence
from edge.facts import Facts
from edge.policy import Mode, Policy
from edge.reasons import Reason
from sorter_firmware_bridge.bins import Bin


@dataclass(frozen=True, slots=True)
class Case:
    """All that a decision rests on."""

    evidence: Evidence
    policy: Policy
    facts: Facts
    now_s: float


@dataclass(frozen=True, slots=True)
class Finding:
    """What decides.

    Attributes:
        reason: Why.
        text: The same with the names and figures of this item.
        target: Where it should go; None is no movement.
        label: The label it goes by; None where there is not one.
    """

    reason: Reason
    text: str
    target: Bin | None = None
    label: Label | None = None


Check = Callable[[Case], Finding | None]


def review(case: Case, reason: Reason, text: str) -> Finding:
    """A doubt: to the review bin."""
    target, name = fallback(case.policy, case.policy.review_bin)
    return Finding(reason, f"{text}: {name}.", target)


def fallback(policy: Policy, name: str | None) -> tuple[Bin | None, str]:
    """The bin of that name, or else the overflow; with what to call it."""
    if policy.mode is Mode.WATCH:
        return None, "nothing is moved in mode 'watch'"
    target = policy.bin_named(policy.overflow_bin if name is None else name)
    return target, str(target) if target else "no bin is set for it, so it is not moved"


def named(label: Label) -> str:
    """A label for a person."""
    return f"{label.name} ({label.id})"
