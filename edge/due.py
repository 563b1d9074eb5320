"""When an item passes its bin, and whether it can still be reached."""

from dataclasses import dataclass, replace

from edge.belt import Belt
from edge.finding import Case, Finding
from edge.reasons import Reason
from sorter_firmware_bridge.bins import Bin


@dataclass(frozen=True, slots=True)
class Times:
    """When a command has to fire.

    Attributes:
        due_s: `time.monotonic()` at which the item passes its bin; None when it waits there.
        deadline_s: After this it is missed; None with `due_s`.
    """

    due_s: float | None = None
    deadline_s: float | None = None


def in_time(case: Case, finding: Finding) -> tuple[Finding, Times]:
    """The finding with its times, or why the item cannot be reached."""
    if finding.target is None:
        return finding, Times()
    due_s, problem = _due(case, finding.target)
    if problem:
        return _left(finding, Reason.BELT_STOPPED, f"Not sent to {finding.target}: {problem}.")
    if due_s is None:
        return finding, Times()
    if not due_s - case.now_s >= case.policy.lead_s:
        late = f"due in {due_s - case.now_s:.3f} s, {case.policy.lead_s:g} s are needed"
        return _left(finding, Reason.TOO_LATE, f"Too late for {finding.target}: {late}.")
    return finding, Times(due_s, due_s + case.policy.tolerance_s)


def _left(finding: Finding, reason: Reason, text: str) -> tuple[Finding, Times]:
    return replace(finding, reason=reason, text=text, target=None), Times()


def _due(case: Case, target: Bin) -> tuple[float | None, str]:
    """`time.monotonic()` when the item is at a bin, None for at once; or why it is not known."""
    if case.policy.belt is not None:
        return _on_belt(case, case.policy.belt, target)
    travel_s = case.policy.travel_s
    return (None if travel_s is None else case.evidence.started_at_s + travel_s), ""


def _on_belt(case: Case, belt: Belt, target: Bin) -> tuple[float | None, str]:
    way_mm = belt.way_mm(target.name)
    if way_mm is None:
        return None, "where it is on the belt is not known; give it a distance_mm"
    if belt.speed_mm_s is not None:
        return case.evidence.started_at_s + way_mm / belt.speed_mm_s, ""
    reading = case.facts.belt
    if reading is None or reading.speed_mm_s is None:
        known = reading.problem if reading else ""
        return None, known or "the belt's encoder says nothing"
    return reading.at_s + (way_mm - reading.moved_mm) / reading.speed_mm_s, ""
