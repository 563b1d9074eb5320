"""What lies in the bins, counted from the journal no more often than it changes."""

import threading
from pathlib import Path

from edge.board import Board, Snapshot
from edge.errors import JournalError
from edge.inventory.counting import BinContents, bins_of
from edge.journal_reader import JournalReader


class CountedBins:
    """Counts for however many people look. Safe from many threads.

    Args:
        journal: The journal's file, which the device writes.
        board: Says when something was written.
    """

    def __init__(self, journal: Path, board: Board) -> None:
        self._journal = journal
        self._board = board
        self._lock = threading.Lock()
        self._key: object = None
        self._counted: tuple[BinContents, ...] = ()
        self._problem: str | None = None

    def lots(self) -> tuple[tuple[BinContents, ...], str | None]:
        """What may lie in each bin since it was emptied, and why that cannot be read."""
        key = _key(self._board.current())
        # Whoever comes while another counts is given what was counted before.
        if key != self._key and self._lock.acquire(blocking=not self._counted):
            try:
                if key != self._key:
                    self._count()
                    self._key = key
            finally:
                self._lock.release()
        return self._counted, self._problem

    def now(self) -> tuple[BinContents, ...]:
        """What surely lies in each bin, for an inventory.

        Raises:
            JournalError: The journal cannot be read.
        """
        with JournalReader(self._journal, check=False) as reader:
            return bins_of(reader)

    def _count(self) -> None:
        try:
            with JournalReader(self._journal, check=False) as reader:
                self._counted = bins_of(reader, with_unknown=True)
            self._problem = None
        except JournalError as error:
            self._problem = str(error)


def _key(snapshot: Snapshot) -> object:
    return snapshot.balance, dict(snapshot.line.contents)
