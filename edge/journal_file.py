"""The file of the journal: how it is opened, and its errors in our words."""

import contextlib
import logging
import os
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from edge.errors import JournalError
from edge.journal_migration import migrate
from edge.journal_schema import SCHEMA, SCHEMA_VERSION, SEARCH

APPLICATION_ID = 0x42726B53  # "BrkS", in the header of the file
PAGE_BYTES = 4096
BUSY_S = 1.0
"""A reader may hold the file for a moment."""


def open_file(path: Path, max_bytes: int) -> sqlite3.Connection:
    """Open a journal for writing, or begin one where there is none.

    Args:
        path: The file; its folder is there, and no other process writes it.
        max_bytes: Size at which the file is full.

    Returns:
        A connection that begins no transaction by itself.

    Raises:
        JournalError: It cannot be opened, is no journal, is damaged, or is of a newer release.
    """
    with translated(path):
        # The thread that opens is not the one that writes; there is only ever one of them.
        db = sqlite3.connect(
            path,
            timeout=BUSY_S,
            check_same_thread=False,
            isolation_level=None,
            cached_statements=256,
        )
        try:
            _prepare(db, path, max_bytes)
        except BaseException:
            db.close()
            raise
        return db


def open_to_read(path: Path, check: bool = True) -> sqlite3.Connection:
    """Open a journal for reading, also one that a running device writes.

    Args:
        path: The file.
        check: Whether all of it is looked at for damage first, which takes seconds for a long one.

    Returns:
        A connection that sees one moment of it.

    Raises:
        JournalError: There is none, or it cannot be read.
    """
    if not path.is_file():
        raise JournalError(f"journal {path}: there is none; give the path of a journal")
    with translated(path):
        db = _opened_to_read(path)
        try:
            db.row_factory = sqlite3.Row
            if not _holds_a_journal(db, path):
                raise JournalError(f"journal {path}: it is empty; nothing was recorded yet")
            if _get(db, "user_version") != SCHEMA_VERSION:
                raise JournalError(
                    f"journal {path}: found version {_get(db, 'user_version')}, expected"
                    f" {SCHEMA_VERSION}; start the device on it once, which brings it up to date"
                )
            if check:
                _check(db, path)
            db.execute("BEGIN")
        except BaseException:
            db.close()
            raise
        return db


def _opened_to_read(path: Path) -> sqlite3.Connection:
    address = path.absolute().as_uri()
    db = sqlite3.connect(f"{address}?mode=ro", uri=True, timeout=BUSY_S, isolation_level=None)
    try:
        db.execute("PRAGMA schema_version").fetchone()
    except sqlite3.OperationalError:
        db.close()
        if path.with_name(f"{path.name}-wal").exists() or os.access(path.parent, os.W_OK):
            raise
        # Nobody has it open, and in this folder SQLite can make none of the files it wants.
        return sqlite3.connect(f"{address}?immutable=1", uri=True, isolation_level=None)
    return db


def _prepare(db: sqlite3.Connection, path: Path, max_bytes: int) -> None:
    db.row_factory = sqlite3.Row
    if not _holds_a_journal(db, path):
        db.executescript(
            f"BEGIN; {SCHEMA} PRAGMA application_id = {APPLICATION_ID};"
            f"PRAGMA user_version = {SCHEMA_VERSION}; COMMIT;"
        )
    _check(db, path)
    _set(db, "journal_mode", "WAL")
    if _get(db, "user_version") < SCHEMA_VERSION:
        migrate(db, path)
    _make_searchable(db, path)
    _set(db, "synchronous", "FULL")
    _set(db, "foreign_keys", "ON")
    _set(db, "max_page_count", str(max_bytes // PAGE_BYTES))


def _make_searchable(db: sqlite3.Connection, path: Path) -> None:
    if searchable(db):
        return
    try:
        db.executescript(f"BEGIN IMMEDIATE; {SEARCH} COMMIT;")
    except sqlite3.OperationalError as error:
        # A disk without room for it: what is recorded matters more than finding it fast.
        log.warning("journal %s: it is searched without an index (%s)", path, error)
        with contextlib.suppress(sqlite3.OperationalError):
            db.execute("ROLLBACK")


def searchable(db: sqlite3.Connection) -> bool:
    """Whether it has what finds items fast; every one that was opened for writing since has."""
    made = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'recognised'"
    return db.execute(made).fetchone() is not None


def _check(db: sqlite3.Connection, path: Path) -> None:
    found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        told = " ".join(found.replace("*", "").split())
        raise JournalError(f"journal {path}: {_ADVICE[sqlite3.SQLITE_CORRUPT]} ({told})")


def _holds_a_journal(db: sqlite3.Connection, path: Path) -> bool:
    """Whether there is a journal already; an empty file is none yet, anything else an error."""
    program, version = _get(db, "application_id"), _get(db, "user_version")
    if program == APPLICATION_ID and 1 <= version <= SCHEMA_VERSION:
        return True
    if program == APPLICATION_ID:
        raise JournalError(
            f"journal {path}: found version {version}, expected {SCHEMA_VERSION} or older; "
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


log = logging.getLogger(__name__)

_ADVICE = {
    sqlite3.SQLITE_FULL: "it is full; free space on the disk, raise max_mb or lower max_rows",
    sqlite3.SQLITE_NOTADB: "this is no journal; move the file away or give another path",
    sqlite3.SQLITE_CORRUPT: "the file is damaged; move it away, and a new one is begun",
    sqlite3.SQLITE_BUSY: "another process is using it; stop that one or give another path",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened; give a path to a file this user may write",
    sqlite3.SQLITE_READONLY: "it cannot be written; make the file and its folder writable",
    sqlite3.SQLITE_IOERR: "the disk does not work; check its connection and its free space",
}

_SENSELESS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, zlib.error)
"""What reading values raises that are not as they were written."""


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """All or nothing: what is inside is on the disk afterwards, or none of it."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        # A full disk may have undone it already.
        with contextlib.suppress(sqlite3.OperationalError):
            db.execute("ROLLBACK")
        raise


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


@contextmanager
def understood(path: Path) -> Iterator[None]:
    """The same for what only reads: values that no release writes are an error, too."""
    with translated(path):
        try:
            yield
        except _SENSELESS as error:
            found = f"{type(error).__name__}: {error}"
            raise JournalError(
                f"journal {path}: a record holds what no release writes ({found}); compare it with"
                " a copy you trust, or move it away, and a new one is begun"
            ) from error
