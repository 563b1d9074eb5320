"""The file of corrections: how it is opened, and its errors in our words."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from edge.errors import CorrectionsError, CorrectionsFull

APPLICATION_ID = 0x42726B43  # "BrkC", in the header of the file
VERSION = 1
BUSY_S = 3.0
"""Two people at once wait for each other's write."""

_SCHEMA = (
    """CREATE TABLE corrections (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        item_id INTEGER NOT NULL,
        picture_sha256 TEXT NOT NULL,
        model_sha256 TEXT NOT NULL,
        recognised TEXT NOT NULL,
        labels TEXT,
        note TEXT NOT NULL,
        who TEXT NOT NULL,
        at_s REAL NOT NULL
    )""",
    "CREATE INDEX corrections_items ON corrections (item_id, picture_sha256)",
    """CREATE TRIGGER corrections_stay BEFORE UPDATE ON corrections
        BEGIN SELECT RAISE(ABORT, 'corrections are append-only'); END""",
    """CREATE TRIGGER corrections_are_kept BEFORE DELETE ON corrections
        BEGIN SELECT RAISE(ABORT, 'corrections are append-only'); END""",
    f"PRAGMA application_id = {APPLICATION_ID}",
    f"PRAGMA user_version = {VERSION}",
)


@contextmanager
def opened(path: Path, to_write: bool = False) -> Iterator[sqlite3.Connection | None]:
    """Open the file for one question or one answer; any thread may.

    Args:
        path: The file.
        to_write: Whether there will be one where there is none, and all inside is one transaction.

    Yields:
        A connection; None where there is nothing yet and it is not to be written.

    Raises:
        CorrectionsFull: The disk has no room.
        CorrectionsError: It is damaged, or of another program or release.
    """
    if not to_write and not path.exists():
        yield None
        return
    with translated(path), closing(_connected(path, to_write)) as db:
        db.row_factory = sqlite3.Row
        db.execute("BEGIN IMMEDIATE" if to_write else "BEGIN")
        try:
            yield db if _prepared(db, path, to_write) else None
        except (ValueError, TypeError, LookupError) as error:
            raise CorrectionsError(
                f"corrections {path}: a row holds what no release writes ({error}); move it away"
            ) from error
        db.execute("COMMIT")


def _connected(path: Path, to_write: bool) -> sqlite3.Connection:
    # Not "ro": who reads after a power cut takes back what was half written. Where the file may
    # not be written, SQLite reads it all the same.
    mode = "rwc" if to_write else "rw"
    db = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=BUSY_S, isolation_level=None
    )
    # A rollback journal: one that reads needs no other file.
    db.execute("PRAGMA synchronous = FULL")
    return db


def _prepared(db: sqlite3.Connection, path: Path, to_write: bool) -> bool:
    """Whether there are tables, made where they are to be written."""
    if not db.execute("SELECT 1 FROM sqlite_master").fetchone():
        if not to_write:
            return False
        for statement in _SCHEMA:
            db.execute(statement)
    program = db.execute("PRAGMA application_id").fetchone()[0]
    version = db.execute("PRAGMA user_version").fetchone()[0]
    if program != APPLICATION_ID:
        raise CorrectionsError(
            f"corrections {path}: this is a database of another program; move it away"
        )
    if version != VERSION:
        raise CorrectionsError(
            f"corrections {path}: found version {version}, expected {VERSION}; use the release"
            " that wrote it, or move it away"
        )
    return True


_ADVICE = {
    sqlite3.SQLITE_NOTADB: "it is no database; move the file away",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; move it away, the pictures beside it stay",
    sqlite3.SQLITE_BUSY: "somebody else is writing it; try again in a moment",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; let this user read and write it and its folder",
    sqlite3.SQLITE_READONLY: "it cannot be written; make the file and its folder writable",
}
_NO_ROOM = "there is no room; free space on the disk, then correct again"


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn what SQLite and the disk report into a `CorrectionsError` that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        # A write beyond what the disk takes is reported as either.
        if code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            raise CorrectionsFull(f"corrections {path}: {_NO_ROOM} ({error})") from error
        advice = _ADVICE.get(code, "it cannot be used; move it away")
        raise CorrectionsError(f"corrections {path}: {advice} ({error})") from error
    except CorrectionsError:
        raise
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise CorrectionsFull(f"corrections {path}: {_NO_ROOM} ({error.strerror})") from error
        raise CorrectionsError(
            f"corrections {path}: {error.strerror}; let this user read and write it"
        ) from error
