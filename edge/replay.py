"""Decides a journal's items again, under another policy: what would have moved."""

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from edge.decision import Verdict, decide_evidence, policy_problems
from edge.facts import Facts
from edge.journal_evidence import Case
from edge.journal_reader import JournalReader, Mark, Record
from edge.policy import Policy
from sorter_firmware_bridge.bins import Bin

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Moved:
    """An item that another policy would send elsewhere.

    Attributes:
        record: As it was decided, without its `case`.
        verdict: As it would be decided.
    """

    record: Record
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Side:
    """What one policy makes of all items.

    Attributes:
        bins: How many go to each bin; None is those that are not moved.
        reasons: How many for each reason.
        review: How many are for a person to look at.
    """

    bins: Counter[Bin | None] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    review: Counter[bool] = field(default_factory=Counter)

    def add(self, target: Bin | None, reason: str, needs_person: bool) -> None:
        """Count an item."""
        self.bins[target] += 1
        self.reasons[reason] += 1
        self.review[needs_person] += 1

    @property
    def review_rate(self) -> float:
        """Share, 0..1, of the items that are for a person; 0 without items."""
        return self.review[True] / self.review.total() if self.review.total() else 0.0


@dataclass(frozen=True, slots=True)
class Replayed:
    """What another policy would change.

    Attributes:
        before, after: As it was decided, and as it would be.
        moved: The items that would go elsewhere, oldest first.
        reworded: Items that would go to the same place for another reason.
        without_evidence: Items that cannot be decided again: of version 1 of the journal.
        new_bins: Bins of the policy that the machine did not have, and is taken to have.
    """

    before: Side = field(default_factory=Side)
    after: Side = field(default_factory=Side)
    moved: list[Moved] = field(default_factory=list)
    reworded: list[Moved] = field(default_factory=list)
    without_evidence: list[int] = field(default_factory=list)
    new_bins: set[Bin] = field(default_factory=set)

    @property
    def items(self) -> int:
        """How many were decided again."""
        return self.before.bins.total()


def policy_misfits(policy: Policy, reader: JournalReader) -> list[str]:
    """What is wrong with a policy for the models of a journal; each problem once."""
    return list(
        dict.fromkeys(
            problem
            for labels in reader.labels.values()
            for problem in policy_problems(policy, [label.id for label in labels])
        )
    )


def replay(story: Iterable[Record | Mark], policy: Policy) -> Replayed:
    """Decide again.

    Each item is decided with what was seen and what was so then. What may have been in the bins
    follows: an item that goes elsewhere is missing where it went and counts where it would go,
    until that bin is emptied. A machine is taken to do what it is told.

    Args:
        story: Items and marks in their order.
        policy: The other policy.
    """
    found = Replayed()
    for record, verdict in verdicts(story, policy, found):
        _count(found, record, verdict)
    return found


def verdicts(
    story: Iterable[Record | Mark],
    policy: Policy,
    found: Replayed,
    as_seen: Callable[[Case], Case] = lambda case: case,
) -> Iterator[tuple[Record, Verdict]]:
    """Each item that can be decided again, and how it would be; see `replay`.

    Args:
        story: Items and marks in their order.
        policy: The other policy.
        found: Where it is noted what cannot be decided again, and which bins are new.
        as_seen: What would have been seen instead.
    """
    apart = _Apart()
    own = policy.digest
    for entry in story:
        if isinstance(entry, Mark):
            apart.emptied(entry.bin_number)
        elif entry.case is None:
            found.without_evidence.append(entry.item_id)
        else:
            case = as_seen(entry.case)
            facts = apart.facts(case.facts)
            if entry.policy_sha256 != own:
                facts = _with_bins(facts, policy, found)
            verdict = decide_evidence(case.evidence, policy, facts, case.decided_at_s)
            apart.went(entry, verdict)
            yield entry, verdict


class _Apart:
    """How the contents of the bins differ from those that were."""

    def __init__(self) -> None:
        self._contents: Counter[int] = Counter()
        self._delivered: Counter[tuple[str, int]] = Counter()

    def emptied(self, bin_number: int | None) -> None:
        if bin_number is None:
            self._delivered.clear()
        else:
            self._contents.pop(bin_number, None)

    def went(self, record: Record, verdict: Verdict) -> None:
        label_id = verdict.label.id if verdict.label else None
        if (record.bin, record.label_id) == (verdict.target, label_id if verdict.target else None):
            return
        if record.bin is not None and record.moved:
            self._count(record.bin, record.label_id, -1)
        if verdict.target is not None:
            self._count(verdict.target, label_id, 1)

    def facts(self, facts: Facts) -> Facts:
        return replace(
            facts,
            contents=_sum(facts.contents, self._contents),
            delivered=_sum(facts.delivered, self._delivered),
        )

    def _count(self, bin_: Bin, label_id: str | None, items: int) -> None:
        self._contents[bin_.number] += items
        if label_id is not None:
            self._delivered[label_id, bin_.number] += items


def _with_bins(facts: Facts, policy: Policy, found: Replayed) -> Facts:
    # Else a policy with another bin would move nothing, because the machine had it not yet.
    missing = [bin_ for bin_ in policy.bins if bin_ not in facts.bins]
    found.new_bins.update(missing)
    return replace(facts, bins=(*facts.bins, *missing))


def _count(found: Replayed, record: Record, verdict: Verdict) -> None:
    found.before.add(record.bin, record.reason, record.needs_person)
    # Without what it was seen by: a long journal would not fit into memory.
    record = replace(record, case=None)
    found.after.add(verdict.target, verdict.reason, verdict.reason.needs_person)
    if record.bin != verdict.target:
        found.moved.append(Moved(record, verdict))
    elif record.reason != verdict.reason:
        found.reworded.append(Moved(record, verdict))


def _sum(there: Mapping[K, int], apart: Mapping[K, int]) -> dict[K, int]:
    return {key: there.get(key, 0) + apart.get(key, 0) for key in (*there, *apart)}
