"""What other settings would have made of the last items."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from edge.decision import Verdict
from edge.journal_evidence import Case
from edge.journal_reader import JournalReader, Record
from edge.replay import Replayed, Side, verdicts
from edge.tuning.settings import Checked

LAST = 500


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """An item that would go elsewhere.

    Attributes:
        record: As it was.
        before: What the settings of now make of it.
        after: What the others would.
    """

    record: Record
    before: Verdict
    after: Verdict


@dataclass(frozen=True, slots=True)
class Preview:
    """What other settings would have made of the last items.

    Both sides are decided again: what the settings of now make of them, and what the others would.

    Attributes:
        before, after: Counts under the settings of now, and under the others.
        elsewhere: Items that would go elsewhere, newest first.
        reworded: How many would go to the same place for another reason.
        without_evidence: How many cannot be decided again: moved by hand, or of version 1.
    """

    before: Side
    after: Side
    elsewhere: tuple[Elsewhere, ...]
    reworded: int
    without_evidence: int


def preview(journal: Path, now: Checked, then: Checked, last: int = LAST) -> Preview:
    """Decide the last items again, under settings as they are and as they would be.

    Which labels were present follows from the mean of an item's probabilities where a threshold is
    another than when it was seen: near it, single frames may have voted otherwise. Whether its
    frames agree, and what the encoder of a belt said, stays as it was.

    Args:
        journal: The journal's file.
        now: What holds.
        then: What would.
        last: How many items.

    Raises:
        JournalError: It cannot be read.
    """
    with JournalReader(journal, check=False) as reader:
        story = list(reader.story(last))
    before, after, found = Side(), Side(), Replayed()
    elsewhere: list[Elsewhere] = []
    reworded = 0
    was = verdicts(story, now.policy, found, partial(seen_under, now.thresholds))
    is_ = verdicts(story, then.policy, Replayed(), partial(seen_under, then.thresholds))
    for (record, old), (_, new) in zip(was, is_, strict=True):
        for side, verdict in ((before, old), (after, new)):
            side.add(verdict.target, verdict.reason, verdict.reason.needs_person)
        if old.target != new.target:
            elsewhere.append(Elsewhere(record, old, new))
        elif old.reason is not new.reason:
            reworded += 1
    return Preview(before, after, tuple(reversed(elsewhere)), reworded, len(found.without_evidence))


def seen_under(thresholds: Mapping[str, float], case: Case) -> Case:
    """A case as it would have been seen under other thresholds.

    Args:
        thresholds: By label id.
        case: As it was; labels whose threshold is another now are present by their mean
            probability, all others as they were.
    """
    facts, evidence = case.facts, case.evidence
    values = tuple(
        thresholds.get(label.id, own)
        for label, own in zip(facts.labels, facts.thresholds, strict=False)
    )
    if values == facts.thresholds:
        return case
    present = set(evidence.labels)
    for label, value, own in zip(facts.labels, values, facts.thresholds, strict=False):
        if value != own:
            present.discard(label)
            if evidence.probability(label) >= value:
                present.add(label)
    ordered = sorted(present, key=lambda label: (-evidence.probability(label), label.index))
    return replace(
        case,
        evidence=replace(
            evidence, labels=tuple(ordered), probabilities=np.array(evidence.probabilities)
        ),
        facts=replace(facts, thresholds=values),
    )
