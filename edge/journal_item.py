"""One item of the journal, whole: what was decided, sent, answered, and where that is recorded."""

import sqlite3
from dataclasses import dataclass

from edge.journal_chain import Kind, digest_of, head_of, row_of
from edge.journal_evidence import Model
from edge.journal_reader import Record
from edge.journal_records import Entry


@dataclass(frozen=True, slots=True)
class Told:
    """Something that the machine said of a command.

    Attributes:
        state: How far it got.
        at_s: Seconds since the epoch when it was written down.
        clock_s: The machine's own clock, if it has one.
        cause: Why it went no further, from a closed list; may be empty.
        reason: The same in the machine's words; may be empty.
    """

    state: str
    at_s: float
    clock_s: float | None
    cause: str
    reason: str


@dataclass(frozen=True, slots=True)
class Link:
    """A record of an item in the chain.

    Attributes:
        n: Its number in the chain.
        kind: What it records.
        hash: Of it and all before it, in hex.
        unchanged: Whether what it binds still is as it was written.
    """

    n: int
    kind: str
    hash: str
    unchanged: bool


@dataclass(frozen=True, slots=True, eq=False)
class Whole:
    """Everything that is recorded of an item.

    Attributes:
        record: The item with what its decision rested on.
        entry: The item with what became of it.
        model_sha256: Of the model that saw it.
        model: The same with its labels; None in rows of version 1.
        picture_sha256: Of the picture that was kept; None where none was.
        told: What the machine said, in order.
        links: Its records in the chain, in order.
        records: Number of the chain's last record.
    """

    record: Record
    entry: Entry
    model_sha256: str
    model: Model | None
    picture_sha256: str | None
    told: tuple[Told, ...]
    links: tuple[Link, ...]
    records: int


def told_of(db: sqlite3.Connection, command_id: int | None) -> tuple[Told, ...]:
    """What the machine said of a command, in order."""
    rows = db.execute(_TOLD, [command_id])
    return tuple(
        Told(row["state"], row["at_s"], row["clock_s"], row["cause"], row["reason"]) for row in rows
    )


def links_of(db: sqlite3.Connection, entry: Entry) -> tuple[Link, ...]:
    """The records of an item in the chain, in order, and whether they still say the same."""
    names = [(Kind.ITEM, entry.item_id), (Kind.EVIDENCE, entry.item_id)]
    names += [(Kind.FRAME, entry.item_id)]
    if entry.command_id is not None:
        names.append((Kind.INTENT, entry.command_id))
    found = [row for kind, name in names for row in db.execute(_LINK, [kind, str(name)])]
    for told in told_of(db, entry.command_id):
        found += db.execute(_LINK, [Kind.RECEIPT, f"{entry.command_id}/{told.state}"])
    return tuple(_link(db, row) for row in sorted(found, key=lambda row: int(row["n"])))


def chain_length(db: sqlite3.Connection) -> int:
    """Number of the chain's last record."""
    return head_of(db)[0]


def _link(db: sqlite3.Connection, row: sqlite3.Row) -> Link:
    there = row_of(db, Kind(row["kind"]), row["name"])
    unchanged = there is not None and digest_of(there) == row["digest"]
    return Link(row["n"], row["kind"], bytes(row["hash"]).hex(), unchanged)


_TOLD = "SELECT * FROM receipts WHERE command_id = ? ORDER BY rowid"
_LINK = "SELECT * FROM chain WHERE kind = ? AND name = ?"
