"""The file behind users, tokens, sessions and the audit: access.sqlite beside the journal."""

import os
import secrets
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from edge.errors import AccessError

VERSION = 1
BUSY_S = 5.0
PRIVATE = 0o600

_SCHEMA = """
CREATE TABLE users (
    name TEXT PRIMARY KEY COLLATE NOCASE,
    role TEXT NOT NULL,
    password TEXT NOT NULL,
    changed_at_s REAL NOT NULL
);
CREATE TABLE tokens (
    name TEXT PRIMARY KEY COLLATE NOCASE,
    role TEXT NOT NULL,
    digest BLOB NOT NULL UNIQUE,
    made_at_s REAL NOT NULL
);
CREATE TABLE sessions (
    digest BLOB PRIMARY KEY,
    user TEXT REFERENCES users ON DELETE CASCADE ON UPDATE CASCADE,
    participant TEXT,
    study_id TEXT,
    begun_at_s REAL NOT NULL,
    seen_at_s REAL NOT NULL,
    proven_at_s REAL NOT NULL
);
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_s REAL NOT NULL,
    person TEXT NOT NULL,
    role TEXT NOT NULL,
    address TEXT NOT NULL,
    act TEXT NOT NULL,
    detail TEXT NOT NULL,
    status INTEGER NOT NULL
);
CREATE TRIGGER audit_stays BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TABLE secret (value BLOB NOT NULL);
"""


def access_path(journal: Path) -> Path:
    """Where the users of a device are: beside its journal."""
    return journal.with_name(f"{journal.name}.access.sqlite")


class AccessStore:
    """An open access.sqlite; readable by its owner only. Safe from many threads and processes.

    Args:
        path: The file; made where it is missing.

    Raises:
        AccessError: It cannot be opened, or is of another version.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        try:
            _make_private(path)
            self._db = sqlite3.connect(
                path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
            )
            self._db.row_factory = sqlite3.Row
            self._prepare()
        except (sqlite3.Error, OSError) as error:
            raise AccessError(f"{path}: cannot be used ({error}); it holds the users") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file. Safe to call twice."""
        with self._lock:
            self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Everything inside happens at once or not at all.

        Raises:
            AccessError: The file cannot be read or written.
        """
        with self._lock:
            try:
                self._db.execute("BEGIN IMMEDIATE")
                try:
                    yield self._db
                except BaseException:
                    self._db.execute("ROLLBACK")
                    raise
                self._db.execute("COMMIT")
            except sqlite3.Error as error:
                raise AccessError(f"{self.path}: {error}; is the disk full?") from error

    def read(self, question: str, *values: object) -> list[sqlite3.Row]:
        """The rows of a question.

        Raises:
            AccessError: The file cannot be read.
        """
        with self._lock:
            try:
                return self._db.execute(question, values).fetchall()
            except sqlite3.Error as error:
                raise AccessError(f"{self.path}: cannot be read ({error})") from error

    def secret(self) -> bytes:
        """32 random bytes of this device, made once; they sign its cookies."""
        with self.transaction() as db:
            row = db.execute("SELECT value FROM secret").fetchone()
            if row is not None:
                return bytes(row["value"])
            made = secrets.token_bytes(32)
            db.execute("INSERT INTO secret VALUES (?)", [made])
            return made

    def _prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA foreign_keys = ON")
        self._db.execute("BEGIN IMMEDIATE")
        found = self._db.execute("PRAGMA user_version").fetchone()[0]
        if found not in (0, VERSION):
            self._db.execute("ROLLBACK")
            raise AccessError(
                f"{self.path}: version {found} of the users' file; this program reads {VERSION}."
                " Update the program"
            )
        if found == 0:
            for statement in _statements(_SCHEMA):
                self._db.execute(statement)
            self._db.execute(f"PRAGMA user_version = {VERSION}")
        self._db.execute("COMMIT")


def _make_private(path: Path) -> None:
    # Before SQLite makes it readable for everybody; its -wal and -shm follow its mode.
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, PRIVATE))
    if path.stat().st_mode & 0o077:
        path.chmod(PRIVATE)


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
