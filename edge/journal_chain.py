"""The records of a journal in the order they were written, each bound to all before it.

    digest = SHA-256(canonical JSON of the row)
    hash   = SHA-256(hash of the record before, kind, digest)

A record that was changed, removed or slipped in shows. What no chain without a secret can show is
that its end was cut off, or that all of it was made anew: for that, note the head elsewhere.
"""

import hashlib
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any

START = bytes(32)
"""What stands before the first record."""


class Kind(StrEnum):
    """What can be recorded."""

    MODEL = "model"
    ITEM = "item"
    EVIDENCE = "evidence"
    INTENT = "intent"
    RECEIPT = "receipt"
    FRAME = "frame"
    MARK = "mark"
    PRUNING = "pruning"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the rows of a kind are.

    Attributes:
        table: The table.
        name: SQL that names a row of it.
        item: Whether such a row goes with its item.
    """

    table: str
    name: str
    item: bool = True


PLACES: Mapping[Kind, Place] = {
    Kind.MODEL: Place("models", "sha256", False),
    Kind.ITEM: Place("items", "id"),
    Kind.EVIDENCE: Place("evidence", "item_id"),
    Kind.INTENT: Place("intents", "command_id"),
    Kind.RECEIPT: Place("receipts", "command_id || '/' || state"),
    Kind.FRAME: Place("frames", "item_id"),
    Kind.MARK: Place("marks", "id", False),
    Kind.PRUNING: Place("prunings", "id", False),
}


class Chain:
    """The chain of an open journal. The caller holds the transaction of every call.

    Args:
        db: Of the journal.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self.head = START
        self.load()

    def load(self) -> None:
        """Read the head, as after a transaction was undone."""
        self.head = head_of(self._db)[1]

    def append(self, kind: Kind, name: int | str, item_id: int | None = None) -> None:
        """Bind a row that was just written.

        Args:
            kind: What it is.
            name: As its `Place` says.
            item_id: The item it goes with, if any.
        """
        digest = digest_of(row_of(self._db, kind, str(name)))
        self.head = bound(self.head, kind, digest)
        self._db.execute(
            "INSERT INTO chain (kind, name, item_id, digest, hash) VALUES (?, ?, ?, ?, ?)",
            [kind, str(name), item_id, digest, self.head],
        )

    def forget(self, item_ids: Iterable[int]) -> None:
        """Write down which items were just removed, and shorten the chain at its beginning."""
        ranges = json.dumps(_ranges(sorted(item_ids)))
        made = self._db.execute("INSERT INTO prunings (item_ids) VALUES (?)", [ranges])
        self.append(Kind.PRUNING, int(made.lastrowid or 0))
        self._shorten()

    def _shorten(self) -> None:
        """Drop what stands before the first record of an item that is still there."""
        kept = "SELECT n FROM chain WHERE item_id IN (SELECT id FROM items) ORDER BY n LIMIT 1"
        found = self._db.execute(kept).fetchone()
        first = found[0] if found else self._db.execute("SELECT max(n) FROM chain").fetchone()[0]
        before = "SELECT n, kind, name, hash FROM chain WHERE n < ? ORDER BY n"
        dropped = self._db.execute(before, [first]).fetchall()
        if not dropped:
            return
        self._db.execute("DELETE FROM anchor")
        self._db.execute("INSERT INTO anchor VALUES (?, ?)", [dropped[-1][0], dropped[-1][3]])
        self._db.execute("DELETE FROM chain WHERE n < ?", [first])
        for _, kind, name, _ in dropped:
            self._keep_or_drop(Kind(kind), name)

    def _keep_or_drop(self, kind: Kind, name: str) -> None:
        # What still says something moves to the end of the chain.
        if kind is Kind.PRUNING:
            self._db.execute("DELETE FROM prunings WHERE id = ?", [name])
        elif not PLACES[kind].item:
            self.append(kind, name)


def head_of(db: sqlite3.Connection) -> tuple[int, bytes]:
    """Number and hash of the last record; (0, `START`) where there is none."""
    last = db.execute("SELECT n, hash FROM chain ORDER BY n DESC LIMIT 1").fetchone()
    last = last or db.execute("SELECT n, hash FROM anchor").fetchone()
    return (last[0], bytes(last[1])) if last else (0, START)


def digest_of(row: Mapping[str, Any] | None) -> bytes:
    """SHA-256 of a row's canonical JSON: sorted keys, no spaces, blobs in hex."""
    values = {
        key: value.hex() if isinstance(value, bytes) else value
        for key, value in (row or {}).items()
    }
    text = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).digest()


def bound(before: bytes, kind: str, digest: bytes) -> bytes:
    """The hash of a record."""
    return hashlib.sha256(before + kind.encode() + b"\0" + digest).digest()


@dataclass(frozen=True, slots=True)
class Verified:
    """What a check of the chain found.

    Attributes:
        records: How many are in the chain.
        head: Hash of the last, in hex.
        problem: The first that is wrong, for a person; None where all is well.
    """

    records: int
    head: str
    problem: str | None


def verify(db: sqlite3.Connection) -> Verified:
    """Compute the chain anew.

    Args:
        db: Of a journal; it is only read.
    """
    number, head = head_of(db)
    first = db.execute("SELECT n FROM anchor").fetchone()
    problem = next(_problems(db), None)
    return Verified(number - (first[0] if first else 0), head.hex(), problem)


def _problems(db: sqlite3.Connection) -> Iterator[str]:
    anchor = db.execute("SELECT n, hash FROM anchor").fetchone()
    number, before = (anchor[0], bytes(anchor[1])) if anchor else (0, START)
    pruned, misread = _pruned(db)
    if misread is not None:
        yield f"pruning {misread} was changed"
    for entry in db.execute("SELECT * FROM chain ORDER BY n"):
        number += 1
        if entry["n"] != number:
            yield f"record {number} was removed from the chain"
            return
        what = f"record {number} ({entry['kind']} {entry['name']})"
        if entry["kind"] not in PLACES:
            yield f"{what} was changed: nothing of that kind is recorded"
            return
        row = row_of(db, Kind(entry["kind"]), entry["name"])
        if row is None and not _within(entry["item_id"], pruned):
            yield f"{what} was removed"
        elif row is not None and digest_of(row) != entry["digest"]:
            yield f"{what} was changed"
        before = bound(before, entry["kind"], entry["digest"])
        if before != entry["hash"]:
            yield f"{what} does not follow from those before it"
            return
    yield from _cut_off(db, number)
    yield from _slipped_in(db)
    yield from _miscounted(db)


def _cut_off(db: sqlite3.Connection, number: int) -> Iterator[str]:
    counted = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'chain'").fetchone()
    if counted and counted[0] > number:
        yield f"the end was cut off: there were {counted[0]} records, {number} are left"


def _miscounted(db: sqlite3.Connection) -> Iterator[str]:
    # Counts change with every pruning, so that no record can hold them.
    counted = "SELECT (SELECT count(*) FROM items) + (SELECT total(items) FROM pruned)"
    there = db.execute(counted).fetchone()[0]
    ever = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'items'").fetchone()
    if there != (ever[0] if ever else 0):
        yield f"what was pruned is counted wrongly: {there:g} items, {ever[0] if ever else 0} seen"


def _slipped_in(db: sqlite3.Connection) -> Iterator[str]:
    for kind, place in PLACES.items():
        row = db.execute(
            f"SELECT {place.name} AS name FROM {place.table} WHERE NOT EXISTS (SELECT 1 FROM chain"
            f" WHERE kind = ? AND chain.name = CAST({_inside(place)} AS TEXT)) LIMIT 1",
            [kind],
        ).fetchone()
        if row is not None:
            yield f"{kind} {row['name']} was slipped in: it is not in the chain"


def _inside(place: Place) -> str:
    # Both tables have a column of that name.
    return f"{place.table}.{place.name}" if place.name.isidentifier() else f"({place.name})"


def row_of(db: sqlite3.Connection, kind: Kind, name: str) -> dict[str, Any] | None:
    """The row that a record of the chain binds; None where it is gone."""
    place = PLACES[kind]
    if kind is Kind.RECEIPT:
        command_id, _, state = name.partition("/")
        sought = "SELECT * FROM receipts WHERE command_id = ? AND state = ?"
        found = db.execute(sought, [command_id, state]).fetchone()
    else:
        sought = f"SELECT * FROM {place.table} WHERE {place.name} = ?"
        found = db.execute(sought, [name]).fetchone()
    return dict(found) if found is not None else None


def _pruned(db: sqlite3.Connection) -> tuple[list[tuple[int, int]], int | None]:
    """Which items were pruned, and the first pruning that does not say so."""
    found: list[tuple[int, int]] = []
    for number, ranges in db.execute("SELECT id, item_ids FROM prunings ORDER BY id"):
        try:
            found += [(int(first), int(last)) for first, last in json.loads(ranges)]
        except (TypeError, ValueError):
            return found, number
    return found, None


def _within(item_id: int | None, ranges: Iterable[tuple[int, int]]) -> bool:
    return item_id is not None and any(first <= item_id <= last for first, last in ranges)


def _ranges(item_ids: Iterable[int]) -> list[tuple[int, int]]:
    """Runs of ids that follow each other: [1, 2, 3, 7] is [(1, 3), (7, 7)]."""
    runs = groupby(enumerate(item_ids), key=lambda pair: pair[1] - pair[0])
    groups = [[item_id for _, item_id in run] for _, run in runs]
    return [(group[0], group[-1]) for group in groups]
