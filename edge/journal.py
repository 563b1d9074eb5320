"""What was seen, decided, sent and done: an append-only record in SQLite.

An intent is on the disk before its command is sent. One that has no result when the journal is
opened again is marked unknown and is never sent again. Each record is bound to those before it by
a hash; see `edge.journal_chain`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from edge.balance import Balance, Outcome
from edge.decision import Facts, SortDecision
from edge.errors import JournalError
from edge.journal_chain import Kind
from edge.journal_contents import Contents
from edge.journal_file import open_file, translated, understood
from edge.journal_lock import WriterLock
from edge.journal_records import Entry, balance_of, counted, entry_of_row, outcome_with
from edge.journal_writer import Writer
from edge.ranges import check_range
from sorter_firmware_bridge.bins import Receipt

__all__ = ["Balance", "Entry", "Journal", "JournalSettings", "Outcome"]

PRUNED_AT_ONCE = 200
"""At most: a machine waits while that is done."""
_NOT_MOVED = (Outcome.MISSED, Outcome.REFUSED)


@dataclass(frozen=True, slots=True)
class JournalSettings:
    """Where the journal is, and how large it may become.

    Attributes:
        path: The file; its folder is made where it is missing.
        max_rows: Items kept; the oldest are pruned, and stay in the balance. 100..10,000,000.
        max_bytes: Size of the file, 64 KiB..64 GiB; a journal that reaches it is full.

    Raises:
        ConfigError: A value is out of range.
    """

    path: Path
    max_rows: int = 100_000
    max_bytes: int = 512 * 2**20

    def __post_init__(self) -> None:
        check_range("journal.max_rows", self.max_rows, 100, 10_000_000)
        check_range("journal.max_bytes", self.max_bytes, 2**16, 2**36)


class Journal:
    """The open journal. Used by one thread at a time, and by one process.

    Args:
        settings: Where it is and how large it may become.
        now_s: Seconds since the epoch, noted on what is marked unknown at opening.

    Raises:
        JournalError: The file cannot be opened, is no journal, or is used by another process.

    Example:
        with Journal(JournalSettings(Path("journal.db")), time.time()) as journal:
            command_id = journal.record_decision(decision, time.time())
            if command_id is not None:
                journal.record_receipt(machine.move_to(command_for(...)), time.time())
    """

    def __init__(self, settings: JournalSettings, now_s: float) -> None:
        self._settings = settings
        with translated(settings.path):
            settings.path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = WriterLock(settings.path)
        try:
            self._db = open_file(settings.path, settings.max_bytes)
        except JournalError:
            self._lock.close()
            raise
        try:
            self._begin(now_s)
        except JournalError:
            self.close()
            raise

    @property
    def interrupted(self) -> int:
        """How many commands were marked unknown when the journal was opened."""
        return self._interrupted

    @property
    def path(self) -> Path:
        """The file."""
        return self._settings.path

    @property
    def last_item(self) -> int:
        """The id of the item recorded last; 0 before the first."""
        return self._last_item

    @property
    def head(self) -> str:
        """The hash of the last record, in hex."""
        return self._writer.chain.head.hex()

    @property
    def contents(self) -> Mapping[int, int]:
        """Items that may be in a bin since it was emptied, by its number; costs no reading."""
        return dict(self._contents.bins)

    @property
    def delivered(self) -> Mapping[tuple[str, int], int]:
        """Items sent by a label since the order began, by label id and bin number."""
        return dict(self._contents.delivered)

    def record_decision(
        self, decision: SortDecision, now_s: float, facts: Facts | None = None
    ) -> int | None:
        """Write down an item and, where it is to be moved, the intent: before sending.

        Args:
            decision: What was decided.
            now_s: Seconds since the epoch.
            facts: What it rested on beside the item; without it, it cannot be replayed.

        Returns:
            The id to send the command under, never used before; None where there is no target.

        Raises:
            JournalError: It is not on the disk, so that the command must not be sent.
        """
        with self._writer.writing():
            pruned = self._prune()
            item_id, command_id = self._writer.decision(decision, now_s, facts)
        self._last_item = item_id
        self._kept += 1 - pruned
        self._counts[outcome_with(decision.reason.needs_person, command_id, None)] += 1
        if command_id is not None:
            with translated(self._settings.path):
                self._contents.add(command_id, 1)
        return command_id

    def record_receipt(self, receipt: Receipt, now_s: float) -> None:
        """Write down what is known of a command; the same state twice is written once.

        Args:
            receipt: Of a command recorded here.
            now_s: Seconds since the epoch.

        Raises:
            ForeignReceipt: No intent has that id.
            JournalError: It cannot be written.
        """
        with self._writer.writing():
            before, after = self._writer.receipt(receipt, now_s)
        self._counts[before] -= 1
        self._counts[after] += 1
        if (before in _NOT_MOVED) != (after in _NOT_MOVED):
            with translated(self._settings.path):
                self._contents.add(receipt.command_id, -1 if after in _NOT_MOVED else 1)

    def record_frame(self, item_id: int, sha256: str, size_bytes: int) -> None:
        """Write down that a picture of an item was kept.

        Args:
            item_id: Of an item recorded here.
            sha256: Of its file, in hex.
            size_bytes: Of its file.

        Raises:
            JournalError: It cannot be written.
        """
        with self._writer.writing():
            self._writer.frame(item_id, sha256, size_bytes)

    def empty_bin(self, bin_number: int, now_s: float) -> None:
        """Write down that a bin was emptied; what is on its way to it still counts.

        Args:
            bin_number: Of the bin.
            now_s: Seconds since the epoch.

        Raises:
            JournalError: It cannot be written.
        """
        with self._writer.writing():
            self._writer.chain.append(Kind.MARK, self._contents.empty(bin_number, now_s))
        self._begin_anew(bin_number)

    def begin_order(self, now_s: float) -> None:
        """Write down that the wanted list is collected anew; what is on its way still counts.

        Args:
            now_s: Seconds since the epoch.

        Raises:
            JournalError: It cannot be written.
        """
        with self._writer.writing():
            self._writer.chain.append(Kind.MARK, self._contents.begin_order(now_s))
        self._begin_anew(None)

    def prove_writable(self, now_s: float) -> None:
        """Write something that says nothing, as before a machine is armed.

        Raises:
            JournalError: It cannot be written.
        """
        with self._writer.writing():
            self._writer.proof(now_s)

    def recent(self, limit: int) -> tuple[Entry, ...]:
        """The newest items, newest first.

        Args:
            limit: At most so many, 1 or more.

        Raises:
            JournalError: The file cannot be read.
        """
        with understood(self._settings.path):
            rows = self._db.execute("SELECT * FROM entries ORDER BY id DESC LIMIT ?", [limit])
            return tuple(map(entry_of_row, rows))

    def balance(self) -> Balance:
        """How many items were seen and what became of them; costs no reading."""
        return balance_of(self._counts.total(), self._counts)

    def close(self) -> None:
        """Let go of the file. Safe to call twice."""
        try:
            with translated(self._settings.path):
                self._db.close()
        finally:
            self._lock.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _begin(self, now_s: float) -> None:
        with translated(self._settings.path):
            self._writer = Writer(self._db, self._settings.path)
        with self._writer.writing():
            self._interrupted = self._writer.interrupted(now_s)
        with understood(self._settings.path):
            self._kept, self._counts = counted(self._db)
            self._last_item = self._newest_item()
            self._contents = Contents(self._db)

    def _prune(self) -> int:
        """Make room: some of the items, the oldest, if their result is known."""
        if self._kept < self._settings.max_rows:
            return 0
        return self._writer.prune(
            min(PRUNED_AT_ONCE, self._settings.max_rows // 10), self._contents
        )

    def _newest_item(self) -> int:
        found = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'items'").fetchone()
        return int(found[0]) if found else 0

    def _begin_anew(self, bin_number: int | None) -> None:
        with translated(self._settings.path):
            self._contents.begin_anew(bin_number)
