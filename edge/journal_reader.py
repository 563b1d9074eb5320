"""A journal to look at: one moment of it, also while a device writes it."""

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Self

from edge.balance import Balance
from edge.domain import Label
from edge.journal_chain import Verified, verify
from edge.journal_evidence import Case, Model, case_of, model_of
from edge.journal_file import open_to_read, understood
from edge.journal_records import balance_of, counted
from sorter_firmware_bridge.bins import Bin, ReceiptState


@dataclass(frozen=True, slots=True)
class Mark:
    """That a bin was emptied, or that the wanted list was begun anew.

    Attributes:
        bin_number: The bin; None for the wanted list.
    """

    bin_number: int | None


@dataclass(frozen=True, slots=True, eq=False)
class Record:
    """One item of the journal with what its decision rested on.

    Attributes:
        item_id: Its id.
        seen_at_s: Seconds since the epoch.
        label_ids: What was recognised, most confident first.
        reason: The closed reason code.
        text: The decision in one sentence.
        needs_person: Whether it was for a person.
        policy_sha256: Of the policy that decided.
        bin: Where it was sent; None where nothing was.
        label_id: The label it was sorted by; None where there was not one.
        moved: Whether it may have been moved: sent, and not known to have stayed.
        case: What the decision rested on; None in rows of version 1.
    """

    item_id: int
    seen_at_s: float
    label_ids: tuple[str, ...]
    reason: str
    text: str
    needs_person: bool
    policy_sha256: str
    bin: Bin | None
    label_id: str | None
    moved: bool
    case: Case | None


@dataclass(frozen=True, slots=True)
class Lying:
    """How many items of a label lie in a bin since it was emptied.

    Attributes:
        bin: The bin.
        label_id: By which they were sorted; None where no brick type was recognised.
        states: How far their commands got, and how many did.
    """

    bin: Bin
    label_id: str | None
    states: dict[str, int]


class JournalReader:
    """Reads a journal; never writes to it.

    Args:
        path: The file.
        check: Whether all of it is looked at for damage first, which takes seconds for a long one.

    Raises:
        JournalError: There is none, it is damaged, or of another version.
    """

    def __init__(self, path: Path, check: bool = True) -> None:
        self._path = path
        self._db = open_to_read(path, check)

    @cached_property
    def models(self) -> dict[str, Model]:
        """The models that saw its items, by their SHA-256."""
        with understood(self._path):
            return {row["sha256"]: model_of(row) for row in self._db.execute(_MODELS)}

    @property
    def labels(self) -> dict[str, tuple[Label, ...]]:
        """The labels of each model, by its SHA-256."""
        return {sha256: model.labels for sha256, model in self.models.items()}

    def balance(self) -> Balance:
        """What became of all items."""
        with understood(self._path):
            _, counts = counted(self._db)
        return balance_of(counts.total(), counts)

    def verify(self) -> Verified:
        """Compute the chain anew."""
        with understood(self._path):
            return verify(self._db)

    def has_record(self, head: str) -> bool:
        """Whether a hash that was noted is that of a record of this journal."""
        with understood(self._path):
            known = "SELECT 1 FROM chain WHERE hash = ? UNION SELECT 1 FROM anchor WHERE hash = ?"
            wanted = bytes.fromhex(head)
            return self._db.execute(known, [wanted, wanted]).fetchone() is not None

    def kept_frames(self) -> dict[int, str]:
        """SHA-256 of each picture that was kept, by its item."""
        with understood(self._path):
            rows = self._db.execute("SELECT item_id, sha256 FROM frames").fetchall()
        return {row["item_id"]: row["sha256"] for row in rows}

    def count(self) -> int:
        """How many items there are."""
        with understood(self._path):
            return int(self._db.execute("SELECT count(*) FROM items").fetchone()[0])

    def story(self, last: int | None = None) -> Iterator[Record | Mark]:
        """Items and marks, in the order in which they were written.

        Args:
            last: Only the newest so many items, and the marks among them; None gives all.
        """
        told = "SELECT kind, name FROM chain WHERE n >= ? AND kind IN ('item', 'mark') ORDER BY n"
        with understood(self._path):
            for kind, name in self._db.execute(told, [self._beginning(last)]):
                found = self._mark(name) if kind == "mark" else self._record(name)
                if found is not None:
                    yield found

    def lying(self) -> list[Lying]:
        """What lies in the bins since they were emptied, by bin and label."""
        with understood(self._path):
            found: dict[tuple[Bin, str | None], Lying] = {}
            for row in self._db.execute(_LYING):
                key = Bin(row["bin_number"], row["bin_name"]), row["label_id"]
                entry = found.setdefault(key, Lying(*key, {}))
                entry.states[row["state"] or ReceiptState.ACCEPTED] = row["items"]
            return list(found.values())

    def pruned_in_bins(self) -> dict[int, int]:
        """Items in a bin whose rows were pruned, so that their labels are not known."""
        with understood(self._path):
            rows = self._db.execute("SELECT bin_number, items FROM carried WHERE label_id = ''")
            return {row["bin_number"]: int(row["items"]) for row in rows if row["items"]}

    def last_names(self) -> dict[int, str]:
        """What each bin was called when something was sent there last, by its number."""
        with understood(self._path):
            return {number: name for number, name, _ in self._db.execute(_LAST_NAMES)}

    def close(self) -> None:
        """Let go of the file. Safe to call twice."""
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

    def _beginning(self, last: int | None) -> int:
        """The number in the chain of the item from which on there are so many."""
        if last is None:
            return 0
        # Without an index: from the end it is there soon.
        sought = "SELECT n FROM chain WHERE +kind = 'item' ORDER BY n DESC LIMIT 1 OFFSET ?"
        found = self._db.execute(sought, [last - 1]).fetchone()
        return int(found[0]) if found else 0

    def _mark(self, name: str) -> Mark | None:
        found = self._db.execute("SELECT bin_number FROM marks WHERE id = ?", [name]).fetchone()
        return Mark(found["bin_number"]) if found is not None else None

    def _record(self, name: str | int) -> Record | None:
        row = self._db.execute(_RECORD, [name]).fetchone()
        return record_of(row, self.models.get(row["model_sha256"])) if row is not None else None


def record_of(row: sqlite3.Row, model: Model | None) -> Record:
    """The item of a row of `entries` beside `evidence`.

    Args:
        row: As SQLite gave it.
        model: The model that saw it; None where it is not known.
    """
    sent = row["command_id"] is not None
    return Record(
        item_id=row["id"],
        seen_at_s=float(row["seen_at_s"]),
        label_ids=tuple(json.loads(row["label_ids"])),
        reason=row["reason"],
        text=row["explanation"],
        needs_person=bool(row["needs_person"]),
        policy_sha256=row["policy_sha256"],
        bin=Bin(row["bin_number"], row["bin_name"]) if sent else None,
        label_id=row["label_id"],
        moved=sent and row["state"] not in (ReceiptState.MISSED, ReceiptState.REFUSED),
        case=case_of(row, model) if row["item_id"] is not None and model else None,
    )


_MODELS = "SELECT * FROM models"
_RECORD = "SELECT * FROM entries LEFT JOIN evidence ON evidence.item_id = entries.id WHERE id = ?"
# Of each group, SQLite gives the name of the row with the maximum.
_LAST_NAMES = "SELECT bin_number, bin_name, max(command_id) FROM intents GROUP BY bin_number"
_LYING = """
SELECT bin_number, bin_name, label_id, state, count(*) AS items FROM entries
WHERE command_id > COALESCE(
    (SELECT max(marks.command_id) FROM marks WHERE marks.bin_number = entries.bin_number), 0
)
GROUP BY bin_number, bin_name, label_id, state ORDER BY bin_number, bin_name, label_id
"""
