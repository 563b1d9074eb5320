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
        """Count from the beginning, as after a mark was made."""
        self.bins.clear()
        self.delivered.clear()
        marks = self._db.execute("SELECT bin_number, command_id FROM marks ORDER BY id")
        self._marks = {row["bin_number"]: row["command_id"] for row in marks}
        for row in self._db.execute("SELECT * FROM carried"):
            self._count(row["bin_number"], row["label_id"], row["items"])
        for row in self._db.execute(_MOVES).fetchall():
            if row["state"] not in NOT_MOVED:
                self._add(row, 1)

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
        moves = [
            row
            for row in self._db.execute(_MOVES)
            if bin_number is None or row["bin_number"] == bin_number
        ]
        waiting = [r["command_id"] for r in moves if r["state"] in (None, ReceiptState.ACCEPTED)]
        last = min(waiting) - 1 if waiting else max((r["command_id"] for r in moves), default=0)
        made = self._db.execute(
            "INSERT INTO marks (bin_number, command_id, at_s) VALUES (?, ?, ?)",
            [bin_number, max(last, self._marked(bin_number)), now_s],
        )
        return int(made.lastrowid or 0)
