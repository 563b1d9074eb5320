"""Brings the file of an older release up to date, beside a copy of how it was."""

import contextlib
import sqlite3
from pathlib import Path

from edge.errors import JournalError
from edge.journal_chain import Chain, Kind
from edge.journal_schema import FROM_1, SCHEMA_VERSION


def migrate(db: sqlite3.Connection, path: Path) -> Path:
    """Make version 2 of a file of version 1: all of it, or none.

    Version 1 did not write down in which order things happened; the chain takes items with their
    intents first, then receipts, then marks.

    Args:
        db: Of that file, outside a transaction.
        path: The file.

    Returns:
        Where the copy is.

    Raises:
        JournalError: There is no room for the copy.
    """
    copy = _copied(db, path)
    try:
        db.executescript(f"BEGIN IMMEDIATE; {FROM_1}")
        _bind(db)
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        db.execute("COMMIT")
    except BaseException:
        with contextlib.suppress(sqlite3.OperationalError):
            db.execute("ROLLBACK")
        raise
    return copy


def _copied(db: sqlite3.Connection, path: Path) -> Path:
    version = db.execute("PRAGMA user_version").fetchone()[0]
    copy = _free(path.with_name(f"{path.name}.v{version}"))
    part = copy.with_name(f"{copy.name}.part")
    try:
        part.unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(part)) as target:
            db.backup(target)
        part.replace(copy)
    except (OSError, sqlite3.Error) as error:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        raise JournalError(
            f"journal {path}: it is of version {version}, and no copy of it can be made at {copy}"
            f" before it is brought up to date ({error}); make room on the disk"
        ) from error
    return copy


def _free(path: Path) -> Path:
    number, free = 2, path
    while free.exists():
        number, free = number + 1, path.with_name(f"{path.name}-{number}")
    return free


def _bind(db: sqlite3.Connection) -> None:
    chain = Chain(db)
    rows = db.execute("SELECT id, command_id FROM entries ORDER BY id").fetchall()
    for item_id, command_id in rows:
        chain.append(Kind.ITEM, item_id, item_id)
        if command_id is not None:
            chain.append(Kind.INTENT, command_id, item_id)
    told = "SELECT command_id, state, item_id FROM receipts JOIN intents USING (command_id)"
    for command_id, state, item_id in db.execute(f"{told} ORDER BY receipts.rowid").fetchall():
        chain.append(Kind.RECEIPT, f"{command_id}/{state}", item_id)
    for (mark,) in db.execute("SELECT id FROM marks ORDER BY id").fetchall():
        chain.append(Kind.MARK, mark)
