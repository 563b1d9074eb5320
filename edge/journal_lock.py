"""One writer at a time: a lock beside the journal, which ends with the process that holds it."""

import fcntl
import os
from pathlib import Path

from edge.errors import JournalError


class WriterLock:
    """The right to write a journal. Reading needs none.

    Args:
        path: The journal; the lock is a file beside it, which stays when the lock is let go.

    Raises:
        JournalError: Another process holds it, or there can be no file.
    """

    def __init__(self, path: Path) -> None:
        # Not on the journal itself: to close any handle of it would drop the locks of SQLite.
        beside = path.with_name(f"{path.name}.lock")
        try:
            self._file: int | None = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise JournalError(
                f"journal {path}: it cannot be opened; give a path to a file this user may write "
                f"({error})"
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self.close()
            raise JournalError(
                f"journal {path}: another process is using it; stop that one or give another path"
            ) from error

    def close(self) -> None:
        """Let go. Safe to call twice."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
