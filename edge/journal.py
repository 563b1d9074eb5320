"""What was seen, decided, sent and done: an append-only record in SQLite.

An intent is on the disk before its command is sent. One that has no result when the journal is
opened again is marked unknown and is never sent again.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from edge.decision import SortDecision
from edge.errors import JournalError
from edge.journal_contents import Contents
from edge.journal_file import open_file, translated
from edge.journal_records import (
    Balance,
    Entry,
    Outcome,
    entry_of_row,
    intent_values,
    item_values,
    outcome_of_row,
    outcome_with,
    receipt_values,
)
from edge.ranges import check_range
from sorter_firmware_bridge.bins import Cause, Receipt, ReceiptState

__all__ = ["Balance", "Entry", "Journal", "JournalSettings", "Outcome"]

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
    max_bytes: int = 256 * 2**20

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
        self._db = open_file(settings.path, settings.max_bytes)
        try:
            with translated(settings.path):
                self._interrupted = self._resolve_interrupted(now_s)
                self._kept, self._seen, self._counts = self._count()
                self._contents = Contents(self._db)
        except JournalError:
            self._db.close()
            raise

    @property
    def interrupted(self) -> int:
        """How many commands were marked unknown when the journal was opened."""
        return self._interrupted

    @property
    def contents(self) -> Mapping[int, int]:
        """Items that may be in a bin since it was emptied, by its number; costs no reading."""
        return dict(self._contents.bins)

    @property
    def delivered(self) -> Mapping[tuple[str, int], int]:
        """Items sent by a label since the order began, by label id and bin number."""
        return dict(self._contents.delivered)

    def record_decision(self, decision: SortDecision, now_s: float) -> int | None:
        """Write down an item and, where it is to be moved, the intent: before sending.

        Args:
            decision: What was decided.
            now_s: Seconds since the epoch.

        Returns:
            The id to send the command under, never used before; None where there is no target.

        Raises:
            JournalError: It is not on the disk, so that the command must not be sent.
        """
        with translated(self._settings.path), self._db:
            pruned = self._prune()
            item_id = self._insert("items", item_values(decision, now_s))
            command_id = None
            if decision.target is not None:
                command_id = self._insert("intents", intent_values(item_id, decision.target))
                if decision.label is not None:
                    self._contents.sort(command_id, decision.label.id)
            outcome = outcome_with(decision.reason.needs_person, command_id, None)
        self._counts[outcome] += 1
        self._seen += 1
        self._kept += 1 - pruned
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
            JournalError: It cannot be written, or no intent has that id.
        """
        with translated(self._settings.path), self._db:
            before = self._outcome_of(receipt.command_id)
            self._insert("receipts", receipt_values(receipt, now_s), or_ignore=True)
            after = self._outcome_of(receipt.command_id)
            if (before in _NOT_MOVED) != (after in _NOT_MOVED):
                self._contents.add(receipt.command_id, -1 if after in _NOT_MOVED else 1)
        self._counts[before] -= 1
        self._counts[after] += 1

    def empty_bin(self, bin_number: int, now_s: float) -> None:
        """Write down that a bin was emptied; what is on its way to it still counts.

        Args:
            bin_number: Of the bin.
            now_s: Seconds since the epoch.

        Raises:
            JournalError: It cannot be written.
        """
        with translated(self._settings.path), self._db:
            self._contents.empty(bin_number, now_s)
            self._contents.load()

    def begin_order(self, now_s: float) -> None:
        """Write down that the wanted list is collected anew; what is on its way still counts.

        Args:
            now_s: Seconds since the epoch.

        Raises:
            JournalError: It cannot be written.
        """
        with translated(self._settings.path), self._db:
            self._contents.begin_order(now_s)
            self._contents.load()

    def recent(self, limit: int) -> tuple[Entry, ...]:
        """The newest items, newest first.

        Args:
            limit: At most so many, 1 or more.

        Raises:
            JournalError: The file cannot be read.
        """
        with translated(self._settings.path):
            rows = self._db.execute("SELECT * FROM entries ORDER BY id DESC LIMIT ?", [limit])
            return tuple(map(entry_of_row, rows))

    def balance(self) -> Balance:
        """How many items were seen and what became of them; costs no reading."""
        counts = {str(outcome): self._counts[outcome] for outcome in Outcome}
        return Balance(seen=self._seen, **counts)

    def close(self) -> None:
        """Let go of the file. Safe to call twice."""
        with translated(self._settings.path):
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _resolve_interrupted(self, now_s: float) -> int:
        pending = (
            "SELECT command_id FROM entries "
            "WHERE command_id NOT NULL AND (state IS NULL OR state = ?)"
        )
        reason = "the device stopped before the result was known; it is not sent again"
        with self._db:
            rows = self._db.execute(pending, [ReceiptState.ACCEPTED]).fetchall()
            for (command_id,) in rows:
                receipt = Receipt(command_id, ReceiptState.UNKNOWN, None, Cause.RESTART, reason)
                self._insert("receipts", receipt_values(receipt, now_s))
        return len(rows)

    def _count(self) -> tuple[int, int, Counter[Outcome]]:
        """Items kept, items seen, and what became of those seen."""
        counts = Counter(map(outcome_of_row, self._db.execute("SELECT * FROM entries")))
        kept = counts.total()
        for outcome, items in self._db.execute("SELECT outcome, items FROM pruned"):
            counts[Outcome(outcome)] += items
        gone = self._db.execute("SELECT COALESCE(SUM(items), 0) FROM pruned").fetchone()[0]
        return kept, kept + gone, counts

    def _outcome_of(self, command_id: int) -> Outcome:
        found = self._db.execute("SELECT * FROM entries WHERE command_id = ?", [command_id])
        row = found.fetchone()
        if row is None:
            raise JournalError(
                f"journal {self._settings.path}: a receipt for command {command_id}, of which no "
                "intent is recorded; is another program driving the machine?"
            )
        return outcome_of_row(row)

    def _prune(self) -> int:
        """Make room: a tenth of the items, the oldest, if their result is known."""
        if self._kept < self._settings.max_rows:
            return 0
        chunk = max(1, self._settings.max_rows // 10)
        rows = self._db.execute("SELECT * FROM entries ORDER BY id LIMIT ?", [chunk]).fetchall()
        done = [(row["id"], outcome_of_row(row)) for row in rows]
        done = [(item_id, outcome) for item_id, outcome in done if outcome is not Outcome.PENDING]
        for outcome, items in Counter(outcome for _, outcome in done).items():
            self._db.execute(
                "INSERT INTO pruned VALUES (?, ?) "
                "ON CONFLICT (outcome) DO UPDATE SET items = items + excluded.items",
                [outcome, items],
            )
        gone = {item_id for item_id, _ in done}
        moved = [row for row in rows if row["id"] in gone and row["command_id"] is not None]
        self._contents.carry(row["command_id"] for row in moved)
        self._db.executemany("DELETE FROM items WHERE id = ?", [[item_id] for item_id, _ in done])
        return len(done)

    def _insert(self, table: str, values: dict[str, Any], or_ignore: bool = False) -> int:
        names, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
        verb = "INSERT OR IGNORE" if or_ignore else "INSERT"
        cursor = self._db.execute(f"{verb} INTO {table} ({names}) VALUES ({marks})", values)
        return int(cursor.lastrowid or 0)
