"""The core of the app is killed and started again: no item twice, none lost."""

from pathlib import Path

import pytest
from builders import make_item

from edge.decision import Reason, SortDecision
from edge.journal import Journal, JournalSettings
from tests.prove.killing import kill, row_of

NOT_MOVED = SortDecision(
    item=make_item(),
    target=None,
    label=None,
    reason=Reason.NOT_ARMED,
    explanation="Because.",
    alternatives=(),
    decided_at_s=1.0,
    due_s=None,
    deadline_s=None,
    model_sha256="a" * 64,
    policy_sha256="b" * 64,
)


@pytest.mark.parametrize("max_rows", [100_000, 100])
def test_a_kill_loses_nothing_and_repeats_nothing(tmp_path: Path, max_rows: int) -> None:
    """Also while old items are pruned: there are as many before as may be kept."""
    with Journal(JournalSettings(tmp_path / "journal.sqlite", max_rows), 0.0) as journal:
        for _ in range(100):
            journal.record_decision(NOT_MOVED, 0.0)
    found = kill(tmp_path, kills=5, seed=1, max_rows=max_rows)
    assert found.problems == ()
    assert found.items > 100
    assert found.commands > 0
    assert row_of(found).holds
