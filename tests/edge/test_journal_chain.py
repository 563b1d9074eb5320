"""What was changed, removed or slipped in shows."""

import hashlib
import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from builders import LABELS, make_item
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.decision import Facts, Reason, SortDecision
from edge.errors import JournalError
from edge.journal import Journal, JournalSettings
from edge.journal_chain import START
from edge.journal_reader import JournalReader
from sorter_firmware_bridge.bins import Bin, Cause, Receipt, ReceiptState

BRICKS = Bin(1, "bricks")
FACTS = Facts(None, (BRICKS,), LABELS, "a" * 64, (0.5, 0.5, 0.5, 0.5))
AT_S = 1_700_000_000.0


def item(journal: Journal, *states: ReceiptState) -> None:
    decision = SortDecision(
        item=make_item(),
        target=BRICKS if states else None,
        label=LABELS[0],
        reason=Reason.SORTED,
        explanation="Because.",
        alternatives=(),
        decided_at_s=100.1,
        due_s=None,
        deadline_s=None,
        model_sha256="a" * 64,
        policy_sha256="b" * 64,
    )
    command_id = journal.record_decision(decision, AT_S, FACTS)
    for state in states:
        journal.record_receipt(Receipt(command_id or 0, state, 1.5, Cause.NONE, ""), AT_S)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of three items, a picture and a mark."""
    path = tmp_path / "journal.db"
    with Journal(JournalSettings(path), AT_S) as journal:
        item(journal, ReceiptState.ACCEPTED, ReceiptState.FIRED)
        item(journal, ReceiptState.ACCEPTED, ReceiptState.MISSED)
        journal.record_frame(2, "c" * 64, 1234)
        journal.empty_bin(1, AT_S)
        item(journal)
    return path


def problem_of(path: Path) -> str | None:
    with JournalReader(path) as reader:
        return reader.verify().problem


def tamper(path: Path, *statements: str) -> None:
    """Change the file as somebody would who knows SQLite."""
    with closing(sqlite3.connect(path)) as db:
        triggers = db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:
            db.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            db.execute(statement)
        db.commit()


def test_what_the_journal_wrote_follows_from_itself(path: Path) -> None:
    assert problem_of(path) is None
    with JournalReader(path) as reader:
        verified = reader.verify()
    # A model, three items with evidence, two intents, four receipts, a picture and a mark.
    assert verified.records == 1 + 3 * 2 + 2 + 4 + 1 + 1
    with Journal(JournalSettings(path), AT_S) as journal:
        assert journal.head == verified.head


def test_the_hashes_are_what_is_said_of_them(path: Path) -> None:
    """By hand: SHA-256 of the one before, the kind and the digest of the row's JSON."""
    with closing(sqlite3.connect(path)) as db:
        db.row_factory = sqlite3.Row
        before = START
        chain = db.execute("SELECT * FROM chain ORDER BY n").fetchall()
        for entry in chain:
            before = hashlib.sha256(
                before + entry["kind"].encode() + b"\0" + entry["digest"]
            ).digest()
            assert before == entry["hash"]
        mark = dict(db.execute("SELECT * FROM marks").fetchone())
        (entry,) = [entry for entry in chain if entry["kind"] == "mark"]
        text = json.dumps(mark, sort_keys=True, separators=(",", ":"))
        assert hashlib.sha256(text.encode()).digest() == entry["digest"]


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE items SET reason = 'wanted' WHERE id = 2", r"\(item 2\) was changed"),
        ("UPDATE intents SET bin_number = 2 WHERE command_id = 1", r"\(intent 1\) was changed"),
        ("UPDATE evidence SET focus = 0.5 WHERE item_id = 3", r"\(evidence 3\) was changed"),
        ("UPDATE receipts SET at_s = at_s + 1", r"record 5 \(receipt 1/accepted\) was changed"),
        ("UPDATE frames SET bytes = 1", r"\(frame 2\) was changed"),
        ("UPDATE models SET thresholds = '[]'", r"record 2 \(model a+\) was changed"),
        ("DELETE FROM receipts WHERE state = 'missed'", r"\(receipt 2/missed\) was removed"),
        ("DELETE FROM items WHERE id = 2", r"\(item 2\) was removed"),
        ("DELETE FROM marks", r"\(mark 1\) was removed"),
        (
            "INSERT INTO receipts VALUES (2, 'fired', 4, 0, NULL, 'none', '')",
            "receipt 2/fired was slipped in",
        ),
        (
            "INSERT INTO items SELECT 99, seen_at_s, label_ids, reason, explanation, needs_person,"
            " model_sha256, policy_sha256 FROM items WHERE id = 1",
            "item 99 was slipped in",
        ),
        ("DELETE FROM chain WHERE n = 4", "record 4 was removed from the chain"),
        ("UPDATE chain SET hash = digest WHERE n = 4", r"record 4 .* does not follow"),
        ("UPDATE chain SET kind = 'tale' WHERE n = 4", r"record 4 \(tale .* nothing of that kind"),
        ("INSERT INTO prunings (item_ids) VALUES ('all')", "pruning 1 was changed"),
        ("INSERT INTO prunings (item_ids) VALUES ('[[1]]')", "pruning 1 was changed"),
        ("INSERT INTO pruned VALUES ('fired', 2)", "counted wrongly: 5 items, 3 seen"),
        ("INSERT INTO pruned VALUES ('fired', -1)", "counted wrongly: 2 items, 3 seen"),
        ("DELETE FROM chain WHERE n > 12", "the end was cut off: there were 15 records, 12"),
    ],
)
def test_what_was_done_to_it_is_named(path: Path, statement: str, found: str) -> None:
    tamper(path, statement)
    problem = problem_of(path)
    assert problem is not None
    assert re.search(found, problem), problem


def test_an_older_copy_is_known_by_a_head_that_was_noted(path: Path, tmp_path: Path) -> None:
    older = tmp_path / "older.db"
    shutil.copy(path, older)
    with Journal(JournalSettings(path), AT_S) as journal:
        early = journal.head
        item(journal)
        late = journal.head
    for file, head, known in ((path, early, True), (path, late, True), (older, late, False)):
        with JournalReader(file) as reader:
            assert reader.verify().problem is None
            assert reader.has_record(head) is known


def test_pruning_shortens_the_chain_and_it_still_follows(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with Journal(JournalSettings(path, max_rows=100), AT_S) as journal:
        journal.empty_bin(1, AT_S)
        item(journal, ReceiptState.FIRED)
        for _ in range(350):
            item(journal, ReceiptState.FIRED)
    with JournalReader(path) as reader:
        verified = reader.verify()
        assert reader.models != {}
    assert verified.problem is None
    assert verified.records < 100 * 5
    tamper(path, "DELETE FROM items WHERE id = 300")
    assert "(item 300) was removed" in str(problem_of(path))


ACTS = st.lists(
    st.sampled_from(["sent", "waiting", "unmoved", "empty", "order", "open", "many"]), max_size=15
)


@settings(max_examples=15, deadline=None)
@given(ACTS)
def test_whatever_is_written_follows(
    tmp_path_factory: pytest.TempPathFactory, acts: list[str]
) -> None:
    path = tmp_path_factory.mktemp("chain") / "journal.db"
    journal = Journal(JournalSettings(path, max_rows=100), AT_S)
    does: dict[str, Callable[[], None]] = {
        "sent": lambda: item(journal, ReceiptState.ACCEPTED, ReceiptState.FIRED),
        "waiting": lambda: item(journal, ReceiptState.ACCEPTED),
        "unmoved": lambda: item(journal),
        "empty": lambda: journal.empty_bin(1, AT_S),
        "order": lambda: journal.begin_order(AT_S),
        "many": lambda: [item(journal, ReceiptState.FIRED) for _ in range(60)] and None,
    }
    for act in acts:
        if act == "open":
            journal.close()
            journal = Journal(JournalSettings(path, max_rows=100), AT_S)
        else:
            does[act]()
    with JournalReader(path) as reader:
        assert reader.verify().problem is None
        assert reader.balance() == journal.balance()
    journal.close()


def test_reading_needs_no_leave_to_write(path: Path) -> None:
    with Journal(JournalSettings(path), AT_S) as journal:
        item(journal, ReceiptState.ACCEPTED)
        with JournalReader(path) as reader:
            assert reader.count() == 4
            item(journal)
            assert reader.count() == 4, "it sees one moment"
    with pytest.raises(JournalError, match="there is none"):
        JournalReader(path.with_name("other.db"))
