"""What may be in the bins, counted from the journal."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import LABELS, make_item
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.decision import Reason, SortDecision
from edge.journal import Journal, JournalSettings
from edge.journal_contents import Contents
from sorter_firmware_bridge.bins import Bin, Cause, Receipt, ReceiptState

BRICKS, PLATES = Bin(1, "bricks"), Bin(2, "plates")
AT_S = 1_700_000_000.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with Journal(JournalSettings(path, max_rows=100), AT_S) as opened:
        yield opened


def _sent(
    journal: Journal, *states: ReceiptState, target: Bin = BRICKS, label: int | None = 0
) -> int:
    decision = SortDecision(
        item=make_item(),
        target=target,
        label=None if label is None else LABELS[label],
        reason=Reason.SORTED,
        explanation="Because.",
        alternatives=(),
        decided_at_s=1.0,
        due_s=None,
        deadline_s=None,
        model_sha256="a" * 64,
        policy_sha256="b" * 64,
    )
    command_id = journal.record_decision(decision, AT_S)
    assert command_id is not None
    for state in states:
        _told(journal, command_id, state)
    return command_id


def _told(journal: Journal, command_id: int, state: ReceiptState) -> None:
    journal.record_receipt(Receipt(command_id, state, 1.5, Cause.NONE, ""), AT_S)


@pytest.mark.parametrize(
    ("states", "counts"),
    [
        ((), 1),
        ((ReceiptState.ACCEPTED,), 1),
        ((ReceiptState.ACCEPTED, ReceiptState.FIRED, ReceiptState.CONFIRMED), 1),
        ((ReceiptState.UNKNOWN,), 1),
        ((ReceiptState.REFUSED,), 0),
        ((ReceiptState.ACCEPTED, ReceiptState.MISSED), 0),
        ((ReceiptState.MISSED, ReceiptState.FIRED), 1),
    ],
)
def test_all_that_may_be_in_a_bin_counts(
    journal: Journal, path: Path, states: tuple[ReceiptState, ...], counts: int
) -> None:
    _sent(journal, *states)
    assert journal.contents.get(1, 0) == counts
    assert journal.delivered.get(("3001", 1), 0) == counts
    journal.close()
    with Journal(JournalSettings(path), AT_S) as again:
        assert again.contents.get(1, 0) == counts
        assert again.delivered.get(("3001", 1), 0) == counts


def test_bins_and_labels_count_apart(journal: Journal) -> None:
    _sent(journal)
    _sent(journal, label=1)
    _sent(journal, target=PLATES)
    _sent(journal, target=PLATES, label=None)
    assert journal.contents == {1: 2, 2: 2}
    assert journal.delivered == {("3001", 1): 1, ("3003", 1): 1, ("3001", 2): 1}


def test_a_bin_that_was_emptied_counts_what_is_on_its_way(journal: Journal, path: Path) -> None:
    _sent(journal, ReceiptState.FIRED)
    _sent(journal, ReceiptState.FIRED, target=PLATES)
    waiting = _sent(journal, ReceiptState.ACCEPTED)
    journal.empty_bin(1, AT_S)
    assert journal.contents == {1: 1, 2: 1}
    _told(journal, waiting, ReceiptState.FIRED)
    _sent(journal)
    assert journal.contents == {1: 2, 2: 1}
    # What was delivered for an order stays delivered.
    assert journal.delivered["3001", 1] == 3
    journal.close()
    with Journal(JournalSettings(path), AT_S) as again:
        assert again.contents == {1: 2, 2: 1}


def test_an_order_begun_anew_leaves_the_bins_as_full_as_they_are(journal: Journal) -> None:
    _sent(journal, ReceiptState.FIRED)
    journal.begin_order(AT_S)
    assert journal.contents == {1: 1}
    assert journal.delivered == {}
    _sent(journal)
    assert journal.delivered == {("3001", 1): 1}


def test_to_empty_a_bin_reads_no_more_than_what_followed(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine waits for it: with a long journal, counting all again would trip its watchdog."""
    for _ in range(50):
        _sent(journal, ReceiptState.FIRED)
    _sent(journal, ReceiptState.ACCEPTED, target=PLATES)
    monkeypatch.setattr(Contents, "load", _never)
    journal.empty_bin(1, AT_S)
    assert journal.contents == {2: 1}
    journal.begin_order(AT_S)
    assert journal.delivered == {("3001", 2): 1}


def _never(contents: Contents) -> None:
    raise AssertionError("counted all again")


def test_what_was_pruned_is_still_in_its_bin(journal: Journal, path: Path) -> None:
    for _ in range(150):
        _sent(journal, ReceiptState.FIRED)
    assert len(journal.recent(1000)) < 150
    assert journal.contents == {1: 150}
    journal.close()
    with Journal(JournalSettings(path, max_rows=100), AT_S) as again:
        assert again.contents == {1: 150}
        assert again.delivered == {("3001", 1): 150}
        again.empty_bin(1, AT_S)
        assert again.contents.get(1, 0) == 0
        assert again.delivered == {("3001", 1): 150}
        again.begin_order(AT_S)
        assert again.delivered == {}


ACTS = st.lists(
    st.sampled_from(["fired", "missed", "waiting", "late", "empty", "order", "open"]), max_size=30
)


@settings(max_examples=25, deadline=None)
@given(ACTS)
def test_what_is_counted_on_the_way_is_what_the_file_says(
    tmp_path_factory: pytest.TempPathFactory, acts: list[str]
) -> None:
    path = tmp_path_factory.mktemp("contents") / "journal.db"
    journal = Journal(JournalSettings(path), AT_S)
    for act in acts:
        match act:
            case "fired" | "missed":
                _sent(journal, ReceiptState(act))
            case "waiting":
                _sent(journal, ReceiptState.ACCEPTED)
            case "late":
                _told(journal, _sent(journal, ReceiptState.MISSED), ReceiptState.FIRED)
            case "empty":
                journal.empty_bin(1, AT_S)
            case "order":
                journal.begin_order(AT_S)
            case "open":
                before = _counted(journal)
                journal.close()
                journal = Journal(JournalSettings(path), AT_S)
                assert _counted(journal) == before
    journal.close()


def _counted(journal: Journal) -> tuple[dict[object, int], dict[object, int]]:
    """What there is any of."""
    bins, delivered = Counter(journal.contents), Counter(journal.delivered)
    return dict(+bins), dict(+delivered)
