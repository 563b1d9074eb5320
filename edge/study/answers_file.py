"""The file of the answers: how it is opened, and its errors in our words."""

import contextlib
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.errors import StudyLost

APPLICATION_ID = 0x42726B54  # "BrkT", in the header of the file
VERSION = 1
BUSY_S = 10.0

SCHEMA = f"""
BEGIN;
CREATE TABLE study (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    state TEXT NOT NULL,
    invitation TEXT NOT NULL,
    opened_at TEXT,
    closed_at TEXT,
    withdrawn INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE participants (
    id TEXT PRIMARY KEY,
    number INTEGER NOT NULL UNIQUE,
    code TEXT NOT NULL UNIQUE,
    familiarity TEXT NOT NULL,
    consented_on TEXT NOT NULL
);
CREATE TABLE answers (
    participant TEXT NOT NULL REFERENCES participants ON DELETE CASCADE,
    trial INTEGER NOT NULL,
    choice TEXT NOT NULL,
    rt_ms INTEGER NOT NULL,
    confidence INTEGER,
    PRIMARY KEY (participant, trial)
) WITHOUT ROWID;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {VERSION};
COMMIT;
"""


@contextmanager
def opened(path: Path, create: bool = False) -> Iterator[sqlite3.Connection]:
    """A connection of its own, which begins no transaction by itself: threads share none.

    Args:
        path: The file.
        create: Whether it is made where there is none.

    Raises:
        StudyLost: It cannot be read or written, then or inside.
    """
    mode = "rwc" if create else "rw"
    try:
        address = f"{path.absolute().as_uri()}?mode={mode}"
        connected = sqlite3.connect(address, uri=True, timeout=BUSY_S, isolation_level=None)
        with contextlib.closing(connected) as db:
            _prepare(db, path, create)
            yield db
    except sqlite3.Error as error:
        raise StudyLost(
            f"{path}: the answers cannot be read or written ({error}); is the disk full, or the"
            " file damaged?"
        ) from error


def _prepare(db: sqlite3.Connection, path: Path, create: bool) -> None:
    db.row_factory = sqlite3.Row
    found = [
        db.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
    ]
    if not create and found != [APPLICATION_ID, VERSION]:
        raise StudyLost(f"{path}: this is no file of answers, or of another release")
    # What is deleted is overwritten, and nothing of it stays in a log beside the file.
    for pragma in ("secure_delete = ON", "synchronous = FULL", "foreign_keys = ON"):
        db.execute(f"PRAGMA {pragma}")


@contextmanager
def whole(db: sqlite3.Connection) -> Iterator[None]:
    """All that is inside happens, or none of it."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        # A full disk may have undone it already.
        with contextlib.suppress(sqlite3.OperationalError):
            db.execute("ROLLBACK")
        raise
