"""The file of the journal: its schema, how it is opened, and its errors in our words."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.errors import JournalError

APPLICATION_ID = 0x42726B53  # "BrkS", in the header of the file
SCHEMA_VERSION = 1
PAGE_BYTES = 4096

_SCHEMA = """
CREATE TABLE items (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    seen_at_s REAL NOT NULL,
    label_ids TEXT NOT NULL,
    reason TEXT NOT NULL,
    explanation TEXT NOT NULL,
    needs_person INTEGER NOT NULL,
    model_sha256 TEXT NOT NULL,
    policy_sha256 TEXT NOT NULL
);
CREATE TABLE intents (
    command_id INTEGER PRIMARY KEY AUTOINCREMENT,
    item_id INTEGER NOT NULL UNIQUE REFERENCES items ON DELETE CASCADE,
    bin_number INTEGER NOT NULL,
    bin_name TEXT NOT NULL
);
CREATE TABLE receipts (
    command_id INTEGER NOT NULL REFERENCES intents ON DELETE CASCADE,
    state TEXT NOT NULL,
    rank INTEGER NOT NULL,
    at_s REAL NOT NULL,
    clock_s REAL,
    cause TEXT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (command_id, state)
);
CREATE TABLE pruned (outcome TEXT PRIMARY KEY, items INTEGER NOT NULL);
CREATE TRIGGER items_stay BEFORE UPDATE ON items
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER intents_stay BEFORE UPDATE ON intents
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER receipts_stay BEFORE UPDATE ON receipts
    BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE VIEW entries AS
    SELECT items.*, command_id, bin_number, bin_name, (
        SELECT state FROM receipts WHERE receipts.command_id = intents.command_id
        ORDER BY rank DESC LIMIT 1
    ) AS state
    FROM items LEFT JOIN intents ON intents.item_id = items.id;
"""


def open_file(path: Path, max_bytes: int) -> sqlite3.Connection:
    """Open a journal, or begin one where there is none.

    Args:
        path: The file; its folder is made where it is missing.
        max_bytes: Size at which the file is full.

    Returns:
        A connection that no other process can share.

    Raises:
        JournalError: It cannot be opened, is no journal, or is used by another process.
    """
    with translated(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        # The thread that opens is not the one that writes; there is only ever one of them.
        db = sqlite3.connect(path, timeout=0, check_same_thread=False)
        try:
            _prepare(db, path, max_bytes)
        except BaseException:
            db.close()
            raise
        return db


def _prepare(db: sqlite3.Connection, path: Path, max_bytes: int) -> None:
    db.row_factory = sqlite3.Row
    _set(db, "locking_mode", "EXCLUSIVE")
    if not _holds_a_journal(db, path):
        db.executescript(
            f"BEGIN; {_SCHEMA} PRAGMA application_id = {APPLICATION_ID};"
            f"PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
        )
    _set(db, "journal_mode", "WAL")
    _set(db, "synchronous", "FULL")
    _set(db, "foreign_keys", "ON")
    _set(db, "max_page_count", str(max_bytes // PAGE_BYTES))


def _holds_a_journal(db: sqlite3.Connection, path: Path) -> bool:
    """Whether there is a journal already; an empty file is none yet, anything else an error."""
    program, version = _get(db, "application_id"), _get(db, "user_version")
    if program == APPLICATION_ID and version == SCHEMA_VERSION:
        return True
    if program == APPLICATION_ID:
        raise JournalError(
            f"journal {path}: found version {version}, expected {SCHEMA_VERSION}; "
            "use the release that wrote it, or move it away"
        )
    if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise JournalError(
            f"journal {path}: this is a database of another program; give another path"
        )
    return False


def _get(db: sqlite3.Connection, pragma: str) -> int:
    return int(db.execute(f"PRAGMA {pragma}").fetchone()[0])


def _set(db: sqlite3.Connection, pragma: str, value: str) -> None:
    db.execute(f"PRAGMA {pragma} = {value}").fetchall()


_ADVICE = {
    sqlite3.SQLITE_FULL: "it is full; free space on the disk, raise max_bytes or lower max_rows",
    sqlite3.SQLITE_NOTADB: "this is no journal; move the file away or give another path",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; move it away, and a new one is begun",
    sqlite3.SQLITE_BUSY: "another process is using it; stop that one or give another path",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; give a path to a file this user may write",
    sqlite3.SQLITE_READONLY: "it cannot be written; make the file and its folder writable",
    sqlite3.SQLITE_IOERR: "the disk does not work; check its connection and its free space",
}


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn what SQLite and the disk report into a `JournalError` that says what to do."""
    try:
        yield
    except JournalError:
        raise
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        advice = _ADVICE.get(code, "it cannot be used; open it again or give another path")
        raise JournalError(f"journal {path}: {advice} ({error})") from error
    except OSError as error:
        advice = "its folder cannot be made; give a path this user may write"
        raise JournalError(f"journal {path}: {advice} ({error})") from error
