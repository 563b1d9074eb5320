"""What was seen, decided, sent and done."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from builders import LABELS, make_item, make_prediction
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.decision import Reason, SortDecision
from edge.errors import ConfigError, JournalError
from edge.journal import Balance, Journal, JournalSettings, Outcome
from sorter_firmware_bridge.bins import Bin, Cause, Receipt, ReceiptState

TARGET = Bin(2, "plates")
AT_S = 1_700_000_000.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    with Journal(JournalSettings(path), AT_S) as opened:
        yield opened


def _decision(target: Bin | None = TARGET, reason: Reason = Reason.SORTED) -> SortDecision:
    return SortDecision(
        item=make_item(make_prediction((0.9, 0.0, 0.8, 0.0))),
        target=target,
        label=LABELS[0],
        reason=reason,
        explanation="Because.",
        alternatives=(),
        decided_at_s=1.0,
        due_s=None,
        deadline_s=None,
        model_sha256="a" * 64,
        policy_sha256="b" * 64,
    )


def _send(journal: Journal, *states: ReceiptState, reason: Reason = Reason.SORTED) -> int:
    command_id = journal.record_decision(_decision(reason=reason), AT_S)
    assert command_id is not None
    for state in states:
        journal.record_receipt(_receipt(command_id, state), AT_S)
    return command_id


def _fill(journal: Journal) -> None:
    for _ in range(5000):
        _send(journal, ReceiptState.FIRED)


def _receipt(command_id: int, state: ReceiptState) -> Receipt:
    return Receipt(command_id, state, 1.5, Cause.NONE, "")


def _reopened(path: Path) -> Journal:
    return Journal(JournalSettings(path), AT_S + 60)


# --- what is written ---


def test_an_item_is_followed_from_intent_to_drop(journal: Journal) -> None:
    command_id = journal.record_decision(_decision(), AT_S)
    assert command_id == 1
    (entry,) = journal.recent(10)
    assert (entry.item_id, entry.command_id, entry.bin) == (1, 1, TARGET)
    assert entry.label_ids == ("3001", "3020")
    assert (entry.reason, entry.explanation) == ("sorted", "Because.")
    assert entry.seen_at_s == AT_S
    assert entry.outcome is Outcome.PENDING
    told = [
        (ReceiptState.ACCEPTED, Outcome.PENDING),
        (ReceiptState.FIRED, Outcome.FIRED),
        (ReceiptState.CONFIRMED, Outcome.CONFIRMED),
    ]
    for state, outcome in told:
        journal.record_receipt(_receipt(1, state), AT_S)
        assert journal.recent(1)[0].outcome is outcome


def test_an_item_that_is_not_moved_has_no_command(journal: Journal) -> None:
    assert journal.record_decision(_decision(None, Reason.NOT_ARMED), AT_S) is None
    (entry,) = journal.recent(1)
    assert (entry.command_id, entry.bin, entry.outcome) == (None, None, Outcome.UNMOVED)


def test_recent_gives_the_newest_first_and_no_more_than_asked(journal: Journal) -> None:
    for _ in range(5):
        _send(journal)
    assert [entry.command_id for entry in journal.recent(3)] == [5, 4, 3]


def test_the_intent_is_on_the_disk_before_the_command_is_sent(path: Path, tmp_path: Path) -> None:
    """A copy of the files at that moment, as a cut of the power would leave them."""
    journal = Journal(JournalSettings(path), AT_S)
    journal.record_decision(_decision(), AT_S)
    copy = tmp_path / "copy" / "journal.db"
    copy.parent.mkdir()
    for file in path.parent.glob("journal.db*"):
        (copy.parent / file.name).write_bytes(file.read_bytes())
    journal.close()
    with _reopened(copy) as after:
        assert after.interrupted == 1
        assert after.recent(1)[0].outcome is Outcome.UNKNOWN


def test_nothing_written_can_be_changed(journal: Journal, path: Path) -> None:
    _send(journal, ReceiptState.FIRED)
    journal.close()
    db = sqlite3.connect(path)
    for table in ("items", "intents", "receipts"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            db.execute(f"UPDATE {table} SET rowid = rowid + 1")
    db.close()


def test_a_late_proof_that_it_moved_outweighs_unknown(journal: Journal) -> None:
    _send(journal, ReceiptState.UNKNOWN, ReceiptState.FIRED, ReceiptState.UNKNOWN)
    assert journal.recent(1)[0].outcome is Outcome.FIRED


def test_a_receipt_without_an_intent_is_an_error(journal: Journal) -> None:
    with pytest.raises(JournalError, match="command 99, of which no intent is recorded"):
        journal.record_receipt(_receipt(99, ReceiptState.FIRED), AT_S)


# --- opening again ---


@pytest.mark.parametrize(
    ("states", "outcome"),
    [
        ([], Outcome.UNKNOWN),
        ([ReceiptState.ACCEPTED], Outcome.UNKNOWN),
        ([ReceiptState.REFUSED], Outcome.REFUSED),
        ([ReceiptState.ACCEPTED, ReceiptState.FIRED], Outcome.FIRED),
        ([ReceiptState.ACCEPTED, ReceiptState.MISSED], Outcome.MISSED),
    ],
)
def test_an_intent_without_result_is_unknown_after_a_restart(
    path: Path, states: list[ReceiptState], outcome: Outcome
) -> None:
    with Journal(JournalSettings(path), AT_S) as journal:
        _send(journal, *states)
    for interrupted in (int(outcome is Outcome.UNKNOWN), 0):
        with _reopened(path) as journal:
            assert journal.interrupted == interrupted
            assert journal.recent(1)[0].outcome is outcome


def test_no_command_id_is_ever_used_again(path: Path) -> None:
    with Journal(JournalSettings(path, max_rows=100), AT_S) as journal:
        ids = [_send(journal, ReceiptState.FIRED) for _ in range(250)]
    with _reopened(path) as journal:
        ids.append(_send(journal))
    assert ids == list(range(1, 252))


# --- the balance ---


def test_every_item_seen_is_counted_once(journal: Journal) -> None:
    fired, confirmed = ReceiptState.FIRED, ReceiptState.CONFIRMED
    _send(journal, ReceiptState.ACCEPTED, fired, confirmed)
    _send(journal, ReceiptState.ACCEPTED, fired)
    _send(journal, ReceiptState.ACCEPTED, ReceiptState.MISSED)
    _send(journal, ReceiptState.REFUSED)
    _send(journal, ReceiptState.UNKNOWN)
    _send(journal, ReceiptState.ACCEPTED, fired, reason=Reason.SEVERAL_LABELS)
    _send(journal, ReceiptState.UNKNOWN, reason=Reason.SEVERAL_LABELS)
    journal.record_decision(_decision(None, Reason.SMALL_MARGIN), AT_S)
    journal.record_decision(_decision(None, Reason.NOT_ARMED), AT_S)
    _send(journal, ReceiptState.ACCEPTED)
    assert journal.balance() == Balance(
        seen=10,
        confirmed=1,
        fired=1,
        missed=1,
        refused=1,
        unknown=2,
        review=2,
        unmoved=1,
        pending=1,
    )
    assert journal.balance().reconciles


def test_a_balance_that_lost_an_item_does_not_reconcile() -> None:
    assert not Balance(seen=3, fired=2).reconciles


STORIES = st.lists(
    st.tuples(
        st.sampled_from([Reason.SORTED, Reason.FRAMES_DISAGREE]),
        st.none() | st.lists(st.sampled_from(ReceiptState), max_size=4),
    ),
    max_size=12,
)


@settings(deadline=None)
@given(STORIES)
def test_the_balance_is_what_the_disk_says(
    tmp_path_factory: pytest.TempPathFactory, stories: list[tuple[Reason, list[ReceiptState]]]
) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal.db"
    with Journal(JournalSettings(path), AT_S) as journal:
        for reason, states in stories:
            if states is None:
                journal.record_decision(_decision(None, reason), AT_S)
            else:
                _send(journal, *states, reason=reason)
        kept = journal.balance()
        assert kept.reconciles
        assert kept.seen == len(stories)
        outcomes = [entry.outcome for entry in journal.recent(100)]
    assert all(getattr(kept, outcome) == outcomes.count(outcome) for outcome in Outcome)
    with _reopened(path) as journal:
        counted = journal.balance()
    assert counted.reconciles
    assert (counted.pending, counted.unknown) == (0, kept.unknown + kept.pending)


def test_old_items_are_pruned_and_stay_in_the_balance(path: Path) -> None:
    settings = JournalSettings(path, max_rows=100)
    with Journal(settings, AT_S) as journal:
        waiting = _send(journal, ReceiptState.ACCEPTED)
        for _ in range(499):
            _send(journal, ReceiptState.FIRED)
        kept = journal.recent(1000)
        assert 90 <= len(kept) <= 100
        assert kept[-1].command_id == waiting, "an item without result must not be pruned"
        assert journal.balance() == Balance(seen=500, fired=499, pending=1)
    db = sqlite3.connect(path)
    for table in ("items", "intents", "receipts"):
        assert db.execute(f"SELECT count(*) FROM {table}").fetchone() == (len(kept),)
    db.close()
    with _reopened(path) as journal:
        assert journal.balance() == Balance(seen=500, fired=499, unknown=1)


# --- disks and files that do not work ---


def test_a_full_disk_is_an_error_and_what_was_written_stays(path: Path) -> None:
    with Journal(JournalSettings(path, max_bytes=2**16), AT_S) as journal:
        with pytest.raises(JournalError, match=r"journal\.db: it is full; free space") as caught:
            _fill(journal)
        assert isinstance(caught.value, OSError)
        assert isinstance(caught.value.__cause__, sqlite3.OperationalError)
        assert journal.balance().reconciles
        before = journal.balance()
    with _reopened(path) as journal:
        after = journal.balance()
    assert (after.seen, after.fired) == (before.seen, before.fired)


def test_a_folder_that_takes_no_files_is_named() -> None:
    """Nobody, root included, can make a file in /proc."""
    with pytest.raises(JournalError, match=r"/proc/journal\.db: it cannot be opened; give a path"):
        Journal(JournalSettings(Path("/proc/journal.db")), AT_S)
    with pytest.raises(JournalError, match="its folder cannot be made; give a path"):
        Journal(JournalSettings(Path("/proc/none/journal.db")), AT_S)


def test_a_folder_in_place_of_the_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="cannot be opened"):
        Journal(JournalSettings(tmp_path), AT_S)


def test_a_file_that_is_no_database_is_left_as_it_is(path: Path) -> None:
    path.write_text("a shopping list, and more than one page of it\n" * 100)
    before = path.read_bytes()
    with pytest.raises(JournalError, match=r"journal\.db: this is no journal; move the file away"):
        Journal(JournalSettings(path), AT_S)
    assert path.read_bytes() == before


def test_a_database_of_another_program_is_left_as_it_is(path: Path) -> None:
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE recipes (name TEXT)")
    db.close()
    before = path.read_bytes()
    with pytest.raises(JournalError, match="database of another program; give another path"):
        Journal(JournalSettings(path), AT_S)
    assert path.read_bytes() == before


def test_a_journal_of_a_newer_release_is_refused(journal: Journal, path: Path) -> None:
    journal.close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 7")
    db.close()
    with pytest.raises(JournalError, match="found version 7, expected 2 or older"):
        Journal(JournalSettings(path), AT_S)


def test_a_damaged_journal_is_named(journal: Journal, path: Path) -> None:
    for _ in range(50):
        _send(journal, ReceiptState.FIRED)
    journal.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(bytes(content))
    with pytest.raises(JournalError, match="the file is damaged; move it away"):
        Journal(JournalSettings(path), AT_S)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE receipts SET state = 'vanished'",
        "INSERT INTO pruned VALUES ('vanished', 3)",
        "INSERT INTO pruned VALUES ('fired', 'many')",
        "INSERT INTO carried VALUES (1, '', 'many')",
    ],
)
def test_what_no_release_writes_is_refused(journal: Journal, path: Path, statement: str) -> None:
    _send(journal, ReceiptState.FIRED)
    journal.close()
    _changed(path, "receipts_stay", statement)
    with pytest.raises(JournalError, match=r"holds what no release writes .* move it away"):
        Journal(JournalSettings(path), AT_S)


def test_an_item_that_cannot_be_read_is_an_error_of_ours(journal: Journal, path: Path) -> None:
    """So that the machine is stopped, and the camera goes on."""
    _send(journal, ReceiptState.FIRED)
    _changed(path, "items_stay", "UPDATE items SET label_ids = 'none'")
    with pytest.raises(JournalError, match="holds what no release writes"):
        journal.recent(1)


def _changed(path: Path, trigger: str, statement: str) -> None:
    db = sqlite3.connect(path)
    db.execute(f"DROP TRIGGER {trigger}")
    db.execute(statement)
    db.commit()
    db.close()


@pytest.mark.usefixtures("journal")
def test_a_journal_in_use_is_refused(path: Path) -> None:
    with pytest.raises(JournalError, match="another process is using it"):
        Journal(JournalSettings(path), AT_S)


def test_the_folder_is_made_and_closing_twice_is_safe(tmp_path: Path) -> None:
    journal = Journal(JournalSettings(tmp_path / "new" / "folder" / "journal.db"), AT_S)
    journal.close()
    journal.close()
    with pytest.raises(JournalError, match="open it again"):
        journal.recent(1)


@pytest.mark.parametrize(("key", "value"), [("max_rows", 99), ("max_bytes", 1000)])
def test_a_journal_setting_out_of_range_is_named(path: Path, key: str, value: int) -> None:
    with pytest.raises(ConfigError, match=rf"journal\.{key}: found {value}, expected"):
        JournalSettings(path, **{key: value})
