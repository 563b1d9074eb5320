"""Whether a bin takes another item, and which one takes over when it does not."""

from dataclasses import replace

from edge.domain import Label
from edge.finding import Case, Finding
from edge.reasons import Reason
from sorter_firmware_bridge.bins import Bin


def with_room(case: Case, finding: Finding) -> Finding:
    """Send an item along the overflow chain until a bin takes it.

    Returns:
        The finding, with the first bin of the chain that takes the item. Where none does, it is
        `Reason.BIN_FULL`, to the review bin if that takes it, and else not moved.
    """
    if finding.target is None:
        return finding
    closed = _no_room(case, finding.target, finding.label)
    if not closed:
        return finding
    taker = _first_with_room(case, finding.target.name, finding.label)
    if taker is None:
        return _full(case, finding, closed)
    reason = Reason.OVERFLOW if finding.label else finding.reason
    text = f"{finding.text} {closed}, so it goes to {taker}."
    return replace(finding, reason=reason, text=text, target=taker)


def _full(case: Case, finding: Finding, closed: str) -> Finding:
    target = _first_with_room(case, case.policy.review_bin, finding.label)
    then = f"so it goes to {target}" if target else "so it is not moved"
    text = f"{finding.text} {closed}, and so is what takes over from it, {then}."
    return Finding(Reason.BIN_FULL, text, target, finding.label)


def _first_with_room(case: Case, name: str | None, label: Label | None) -> Bin | None:
    chain = case.policy.chain_of(name)
    return next((bin_ for bin_ in chain if not _no_room(case, bin_, label)), None)


def _no_room(case: Case, bin_: Bin, label: Label | None) -> str:
    """Why a bin takes no more of this; empty where it does."""
    there, capacity = case.facts.contents.get(bin_.number, 0), case.policy.capacity_of(bin_.name)
    if capacity is not None and there >= capacity:
        return f"{_capital(bin_)} is full ({there} of {capacity})"
    found = case.policy.wanted_line(label.id) if label else None
    if label is None or found is None or found[1] != bin_ or found[0].quantity is None:
        return ""
    # An order is an order: the label comes here by no other way either.
    there = case.facts.delivered.get((label.id, bin_.number), 0)
    done = there >= found[0].quantity
    return f"{_capital(bin_)} has its {found[0].quantity} of {label.id}" if done else ""


def _capital(bin_: Bin) -> str:
    return f"Bin {bin_.number} '{bin_.name}'"
