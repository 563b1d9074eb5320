"""How many items may be in each bin, and how many of the wanted list: counted from the journal."""

import sqlite3
from collections import Counter
from collections.abc import Iterable

from sorter_firmware_bridge.bins import ReceiptState

NOT_MOVED = (ReceiptState.MISSED, ReceiptState.REFUSED)

_MOVES = """
SELECT command_id, bin_number, COALESCE(label_id, '') AS label_id, state
FROM entries WHERE command_id NOT NULL
"""
_FIRST_WAITING = """
SELECT min(command_id) FROM intents WHERE (? IS NULL OR bin_number = ?) AND NOT EXISTS (
    SELECT 1 FROM receipts WHERE receipts.command_id = intents.command_id AND state <> 'accepted'
)
"""
_LAST = "SELECT COALESCE(max(command_id), 0) FROM intents WHERE ? IS NULL OR bin_number = ?"
_ALL = ""
"""The label of a row in `carried` that is about the bin's contents, not the wanted list."""


class Contents:
    """Counts what may be in the bins: every command but those known not to have moved anything.

    A bin's contents begin anew when it is emptied, the wanted list's when an order is begun.

    Args:
        db: Of an open journal. The caller holds the transaction of every call.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.bins: Counter[int] = Counter()
        self.delivered: Counter[tuple[str, int]] = Counter()
        self._marks: dict[int | None, int] = {}
        self.load()

    def load(self) -> None:
        """Count from the beginning."""
        self.bins.clear()
        self.delivered.clear()
        marks = self._db.execute("SELECT bin_number, command_id FROM marks ORDER BY id")
        self._marks = {row["bin_number"]: row["command_id"] for row in marks}
        for row in self._db.execute("SELECT * FROM carried"):
            self._count(row["bin_number"], row["label_id"], row["items"])
        for row in self._db.execute(_MOVES).fetchall():
            if row["state"] not in NOT_MOVED:
                self._add(row, 1)

    def begin_anew(self, bin_number: int | None) -> None:
        """Count a bin, or with None the wanted list, since the mark that was made last."""
        sought = "SELECT max(command_id) FROM marks WHERE bin_number IS ?"
        mark = self._db.execute(sought, [bin_number]).fetchone()[0]
        self._marks[bin_number] = mark
        if bin_number is None:
            self.delivered.clear()
        else:
            self.bins.pop(bin_number, None)
        for row in self._db.execute(f"{_MOVES} AND command_id > ?", [mark]).fetchall():
            if row["state"] in NOT_MOVED:
                continue
            if bin_number is None and row["label_id"]:
                self._count(row["bin_number"], row["label_id"], 1)
            elif bin_number == row["bin_number"]:
                self._count(row["bin_number"], _ALL, 1)

    def add(self, command_id: int, items: int) -> None:
        """Count a command, 1, or take it off again, -1."""
        self._add(self._db.execute(f"{_MOVES} AND command_id = ?", [command_id]).fetchone(), items)

    def empty(self, bin_number: int, now_s: float) -> int:
        """Begin the contents of a bin anew; what is on its way to it still counts.

        Returns:
            The id of the mark that says so.
        """
        mark = self._mark(bin_number, now_s)
        self._db.execute(
            "DELETE FROM carried WHERE bin_number = ? AND label_id = ?", [bin_number, _ALL]
        )
        return mark

    def begin_order(self, now_s: float) -> int:
        """Begin to count the wanted list anew; what is on its way still counts.

        Returns:
            The id of the mark that says so.
        """
        mark = self._mark(None, now_s)
        self._db.execute("DELETE FROM carried WHERE label_id <> ?", [_ALL])
        return mark

    def carry(self, command_ids: Iterable[int]) -> None:
        """Keep the count of commands that are about to be pruned."""
        for command_id in command_ids:
            row = self._db.execute(f"{_MOVES} AND command_id = ?", [command_id]).fetchone()
            if row["state"] in NOT_MOVED:
                continue
            for label_id in self._counting(row):
                self._db.execute(
                    "INSERT INTO carried VALUES (?, ?, 1) "
                    "ON CONFLICT (bin_number, label_id) DO UPDATE SET items = items + 1",
                    [row["bin_number"], label_id],
                )

    def _add(self, row: sqlite3.Row, items: int) -> None:
        for label_id in self._counting(row):
            self._count(row["bin_number"], label_id, items)

    def _counting(self, row: sqlite3.Row) -> list[str]:
        """Under which labels of `carried` a command counts."""
        counts = [_ALL] if row["command_id"] > self._marked(row["bin_number"]) else []
        if row["label_id"] and row["command_id"] > self._marked(None):
            counts.append(row["label_id"])
        return counts

    def _count(self, bin_number: int, label_id: str, items: int) -> None:
        if label_id == _ALL:
            self.bins[bin_number] += items
        else:
            self.delivered[label_id, bin_number] += items

    def _marked(self, bin_number: int | None) -> int:
        """The last command that no longer counts."""
        return self._marks.get(bin_number, 0)

    def _mark(self, bin_number: int | None, now_s: float) -> int:
        about = [bin_number, bin_number]
        waiting = self._db.execute(_FIRST_WAITING, about).fetchone()[0]
        last = waiting - 1 if waiting else self._db.execute(_LAST, about).fetchone()[0]
        made = self._db.execute(
            "INSERT INTO marks (bin_number, command_id, at_s) VALUES (?, ?, ?)",
            [bin_number, max(last, self._marked(bin_number)), now_s],
        )
        return int(made.lastrowid or 0)
