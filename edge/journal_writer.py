"""Puts the rows of the journal into its tables, each bound to the chain."""

import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from edge.balance import Outcome
from edge.decision import Facts, SortDecision
from edge.errors import ForeignReceipt
from edge.journal_chain import Chain, Kind
from edge.journal_contents import Contents
from edge.journal_evidence import Model, evidence_values, model_of, model_values
from edge.journal_file import transaction, translated
from edge.journal_records import intent_values, item_values, outcome_of_row, receipt_values
from sorter_firmware_bridge.bins import Bin, Cause, Receipt, ReceiptState


class Writer:
    """Writes rows. Every call but `writing` is inside it.

    Args:
        db: Of an open journal.
        path: Its file, for errors.
    """

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self._db, self._path = db, path
        self.chain = Chain(db)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction; after an error nothing of it is there.

        Raises:
            JournalError: It cannot be written.
        """
        before = self.chain.head
        with translated(self._path):
            try:
                with transaction(self._db):
                    yield
            except BaseException:
                self.chain.head = before
                raise

    def decision(
        self, decision: SortDecision, now_s: float, facts: Facts | None
    ) -> tuple[int, int | None]:
        """Insert an item with what it rested on and its intent: their ids."""
        item_id = self._insert(Kind.ITEM, "items", item_values(decision, now_s))
        if facts is not None:
            self._keep_evidence(item_id, decision, facts)
        if decision.target is None:
            return item_id, None
        return item_id, self._intend(item_id, decision, decision.target)

    def receipt(self, receipt: Receipt, now_s: float) -> tuple[Outcome, Outcome]:
        """Insert a receipt, unless the same was told: what became of the item, before and after.

        Raises:
            ForeignReceipt: No intent has that id.
        """
        before = self._entry_of(receipt.command_id)
        known = "SELECT 1 FROM receipts WHERE command_id = ? AND state = ?"
        if self._db.execute(known, [receipt.command_id, receipt.state]).fetchone() is None:
            name = f"{receipt.command_id}/{receipt.state}"
            self._insert(
                Kind.RECEIPT, "receipts", receipt_values(receipt, now_s), before["id"], name
            )
        return outcome_of_row(before), outcome_of_row(self._entry_of(receipt.command_id))

    def interrupted(self, now_s: float) -> int:
        """Insert that what was sent and not answered is unknown: how many."""
        pending = (
            "SELECT command_id FROM entries "
            "WHERE command_id NOT NULL AND (state IS NULL OR state = ?)"
        )
        reason = "the device stopped before the result was known; it is not sent again"
        rows = self._db.execute(pending, [ReceiptState.ACCEPTED]).fetchall()
        for (command_id,) in rows:
            receipt = Receipt(command_id, ReceiptState.UNKNOWN, None, Cause.RESTART, reason)
            self.receipt(receipt, now_s)
        return len(rows)

    def frame(self, item_id: int, sha256: str, size_bytes: int) -> None:
        """Insert that a picture was kept."""
        values = {"item_id": item_id, "sha256": sha256, "bytes": size_bytes}
        self._insert(Kind.FRAME, "frames", values, item_id)

    def proof(self, now_s: float) -> None:
        """Write something that says nothing."""
        self._db.execute("DELETE FROM proof")
        self._db.execute("INSERT INTO proof VALUES (?)", [now_s])

    def prune(self, items: int, contents: Contents) -> int:
        """Remove the oldest items whose result is known, keeping their counts.

        Args:
            items: Among how many of the oldest.
            contents: Keeps what they left in the bins.

        Returns:
            How many were removed.
        """
        oldest = "SELECT * FROM entries ORDER BY id LIMIT ?"
        rows = self._db.execute(oldest, [items]).fetchall()
        done = [row for row in rows if outcome_of_row(row) is not Outcome.PENDING]
        if not done:
            return 0
        self._count_pruned(Counter(map(outcome_of_row, done)))
        contents.carry(row["command_id"] for row in done if row["command_id"] is not None)
        gone = [row["id"] for row in done]
        self._db.executemany("DELETE FROM items WHERE id = ?", [[item_id] for item_id in gone])
        self.chain.forget(gone)
        return len(gone)

    def _count_pruned(self, counts: Counter[Outcome]) -> None:
        self._db.executemany(
            "INSERT INTO pruned VALUES (?, ?) "
            "ON CONFLICT (outcome) DO UPDATE SET items = items + excluded.items",
            list(counts.items()),
        )

    def _keep_evidence(self, item_id: int, decision: SortDecision, facts: Facts) -> None:
        values = evidence_values(item_id, decision, facts, self._model(facts))
        self._insert(Kind.EVIDENCE, "evidence", values, item_id)

    def _model(self, facts: Facts) -> Model:
        """The model as it is recorded, by now."""
        known = "SELECT * FROM models WHERE sha256 = ?"
        row = self._db.execute(known, [facts.model_sha256]).fetchone()
        if row is not None:
            return model_of(row)
        self._insert(Kind.MODEL, "models", model_values(facts), name=facts.model_sha256)
        return Model(facts.model_sha256, facts.labels, facts.thresholds)

    def _intend(self, item_id: int, decision: SortDecision, target: Bin) -> int:
        return self._insert(
            Kind.INTENT, "intents", intent_values(item_id, target, decision.label), item_id
        )

    def _entry_of(self, command_id: int) -> sqlite3.Row:
        found = self._db.execute("SELECT * FROM entries WHERE command_id = ?", [command_id])
        row: sqlite3.Row | None = found.fetchone()
        if row is None:
            raise ForeignReceipt(
                f"journal {self._path}: a receipt for command {command_id}, of which no "
                "intent is recorded; is another program driving the machine?"
            )
        return row

    def _insert(
        self,
        kind: Kind,
        table: str,
        values: dict[str, Any],
        item_id: int | None = None,
        name: str | None = None,
    ) -> int:
        """Append a row and bind it; its id."""
        names, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
        cursor = self._db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", values)
        made = int(cursor.lastrowid or 0)
        item = made if kind is Kind.ITEM else item_id
        self.chain.append(kind, made if name is None else name, item)
        return made
