"""A journal of an older release is brought up to date, and nothing of it is lost."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from edge.errors import JournalError
from edge.journal import Balance, Journal, JournalSettings
from edge.journal_reader import JournalReader
from sorter_firmware_bridge.bins import Bin, Receipt, ReceiptState

AT_S = 1_700_000_000.0
VERSION_1 = """
CREATE TABLE items (id INTEGER PRIMARY KEY AUTOINCREMENT, seen_at_s REAL NOT NULL,
    label_ids TEXT NOT NULL, reason TEXT NOT NULL, explanation TEXT NOT NULL,
    needs_person INTEGER NOT NULL, model_sha256 TEXT NOT NULL, policy_sha256 TEXT NOT NULL);
CREATE TABLE intents (command_id INTEGER PRIMARY KEY AUTOINCREMENT,
    item_id INTEGER NOT NULL UNIQUE REFERENCES items ON DELETE CASCADE,
    bin_number INTEGER NOT NULL, bin_name TEXT NOT NULL);
CREATE TABLE receipts (command_id INTEGER NOT NULL REFERENCES intents ON DELETE CASCADE,
    state TEXT NOT NULL, rank INTEGER NOT NULL, at_s REAL NOT NULL, clock_s REAL,
    cause TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (command_id, state));
CREATE TABLE pruned (outcome TEXT PRIMARY KEY, items INTEGER NOT NULL);
CREATE TRIGGER items_stay BEFORE UPDATE ON items
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER intents_stay BEFORE UPDATE ON intents
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER receipts_stay BEFORE UPDATE ON receipts
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE VIEW entries AS SELECT items.*, command_id, bin_number, bin_name, (
        SELECT state FROM receipts WHERE receipts.command_id = intents.command_id
        ORDER BY rank DESC LIMIT 1) AS state
    FROM items LEFT JOIN intents ON intents.item_id = items.id;
INSERT INTO items VALUES
    (7, 1e9, '["3001"]', 'sorted', 'To bin 1.', 0, 'aa', 'bb'),
    (8, 1e9, '["3003", "3020"]', 'several_labels', 'To a person.', 1, 'aa', 'bb'),
    (9, 1e9, '[]', 'not_armed', 'Nothing is moved.', 0, 'aa', 'bb'),
    (10, 1e9, '["3001"]', 'sorted', 'To bin 1.', 0, 'aa', 'bb');
INSERT INTO intents VALUES (4, 7, 1, 'bricks'), (5, 10, 1, 'bricks');
INSERT INTO receipts VALUES
    (4, 'accepted', 1, 1e9, 0.5, 'none', ''), (4, 'fired', 4, 1e9, 0.7, 'none', ''),
    (5, 'accepted', 1, 1e9, 1.5, 'none', '');
INSERT INTO pruned VALUES ('fired', 3), ('unmoved', 3);
PRAGMA application_id = 0x42726B53; PRAGMA user_version = 1;
"""
BESIDE = """
CREATE TABLE sorted_by (command_id INTEGER PRIMARY KEY REFERENCES intents ON DELETE CASCADE,
    label_id TEXT NOT NULL);
CREATE TABLE marks (id INTEGER PRIMARY KEY AUTOINCREMENT, bin_number INTEGER,
    command_id INTEGER NOT NULL, at_s REAL NOT NULL);
CREATE TABLE carried (bin_number INTEGER NOT NULL, label_id TEXT NOT NULL, items INTEGER NOT NULL,
    PRIMARY KEY (bin_number, label_id));
CREATE TRIGGER marks_stay BEFORE UPDATE ON marks
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
INSERT INTO sorted_by VALUES (4, '3001'), (5, '3001');
INSERT INTO marks VALUES (1, 2, 3, 1e9);
INSERT INTO carried VALUES (1, '', 3), (1, '3001', 3);
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.sqlite"


def write(path: Path, *scripts: str) -> None:
    with closing(sqlite3.connect(path)) as db:
        for script in scripts:
            db.executescript(script)


def rows(path: Path) -> list[tuple[object, ...]]:
    """What both versions have."""
    with closing(sqlite3.connect(path)) as db:
        found: list[tuple[object, ...]] = []
        found += db.execute("SELECT * FROM items ORDER BY id")
        found += db.execute("SELECT command_id, item_id, bin_number, bin_name FROM intents")
        found += db.execute("SELECT * FROM receipts ORDER BY command_id, rank")
        found += db.execute("SELECT * FROM pruned ORDER BY outcome")
    return found


@pytest.mark.parametrize("beside", [False, True])
def test_version_1_is_kept_row_by_row(path: Path, beside: bool) -> None:
    write(path, VERSION_1, *([BESIDE] if beside else []))
    before = rows(path)
    with Journal(JournalSettings(path), AT_S) as journal:
        assert journal.interrupted == 1
        expected = Balance(seen=10, fired=4, review=1, unmoved=4, unknown=1)
        assert journal.balance() == expected
        assert journal.balance().reconciles
        entries = journal.recent(10)
        assert [entry.item_id for entry in entries] == [10, 9, 8, 7]
        assert entries[3].bin == Bin(1, "bricks")
        assert journal.contents == {1: 5 if beside else 2}
        assert journal.delivered == ({("3001", 1): 5} if beside else {})
    unknown = (5, "unknown", 2, AT_S)
    after = [row for row in rows(path) if row[:4] != unknown]
    assert after == before
    assert rows(path.with_name("journal.sqlite.v1")) == before
    with JournalReader(path) as reader:
        assert reader.verify().problem is None
        assert reader.balance() == expected


def test_it_goes_on_where_it_was(path: Path) -> None:
    write(path, VERSION_1, BESIDE)
    for _ in range(2):
        with Journal(JournalSettings(path), AT_S) as journal:
            journal.record_receipt(Receipt(5, ReceiptState.FIRED, 2.0), AT_S)
            journal.empty_bin(1, AT_S)
            assert journal.balance().fired == 5
            assert journal.contents.get(1, 0) == 0
    assert [file.name for file in path.parent.glob("*.v1*")] == ["journal.sqlite.v1"]
    with JournalReader(path) as reader:
        assert reader.verify().problem is None


def test_a_copy_of_before_is_never_written_over(path: Path) -> None:
    write(path, VERSION_1)
    path.with_name("journal.sqlite.v1").write_text("of last year")
    Journal(JournalSettings(path), AT_S).close()
    assert path.with_name("journal.sqlite.v1").read_text() == "of last year"
    assert len(rows(path.with_name("journal.sqlite.v1-2"))) == len(rows(path)) - 1


def test_without_a_copy_it_stays_as_it_is(path: Path) -> None:
    write(path, VERSION_1)
    before = rows(path)
    path.with_name("journal.sqlite.v1.part").mkdir()
    with pytest.raises(JournalError, match=r"no copy of it can be made at .*v1 .*make room"):
        Journal(JournalSettings(path), AT_S)
    path.with_name("journal.sqlite.v1.part").rmdir()
    assert rows(path) == before
    with Journal(JournalSettings(path), AT_S) as journal:
        assert journal.balance().seen == 10


def test_one_that_cannot_be_brought_up_to_date_stays_as_it_is(path: Path) -> None:
    write(path, VERSION_1, "CREATE TABLE evidence (mine TEXT);")
    before = rows(path)
    with pytest.raises(JournalError, match="evidence already exists"):
        Journal(JournalSettings(path), AT_S)
    assert rows(path) == before
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (1,)


def test_reading_one_says_what_to_do(path: Path) -> None:
    write(path, VERSION_1)
    with pytest.raises(JournalError, match="found version 1, expected 2; start the device on it"):
        JournalReader(path)
