"""The query that finds items: along the shortest index there is, newest or oldest first."""

import json
import sqlite3
from dataclasses import dataclass
from typing import Any

from edge.journal_file import searchable

AT_NO_TIME_S = 1e18
MANY = 50_000
"""An index this long is no shorter than any other."""


@dataclass(frozen=True, slots=True)
class Filters:
    """Which items; each that is given has to hold.

    Attributes:
        bin_number: Where it was sent.
        moved: False asks for those that nothing was sent for.
        reason: Code of the decision's reason.
        label_id: One of the labels that were recognised.
        from_s, to_s: Seconds since the epoch when it was seen, from the first to before the last.
        among: Ids, one of which it has.
    """

    bin_number: int | None = None
    moved: bool | None = None
    reason: str | None = None
    label_id: str | None = None
    from_s: float | None = None
    to_s: float | None = None
    among: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class _Key:
    """What an index finds items by, in the order of their ids.

    Attributes:
        table, id, column: Of the index.
        value: That is sought.
    """

    table: str
    id: str
    column: str
    value: Any

    def count(self, db: sqlite3.Connection) -> int:
        """How many there are, as far as it matters."""
        known = f"SELECT 1 FROM {self.table} WHERE {self.column} = ? LIMIT {MANY}"
        return int(db.execute(f"SELECT count(*) FROM ({known})", [self.value]).fetchone()[0])

    @property
    def holds(self) -> str:
        """That it holds of an item, as a condition."""
        column = f"{self.table}.{self.column}"
        return f"EXISTS (SELECT 1 FROM {self.table} WHERE {self.id} = {{id}} AND {column} = ?)"


class Sought:
    """The query for some ids: walked in their order along one index, so that a page is its end.

    Args:
        db: Of the journal.
        filters: What was asked for.
    """

    def __init__(self, db: sqlite3.Connection, filters: Filters) -> None:
        self._filters = filters
        self._conditions: list[str] = []
        self._values: list[Any] = []
        self._table, self._id = "items", "items.id"
        self._by_keys(db)
        if filters.moved is not None:
            exists = "EXISTS (SELECT 1 FROM intents AS i WHERE i.item_id = {id})"
            self.where(exists if filters.moved else f"NOT {exists}")
        if filters.among is not None:
            self.where("{id} IN (SELECT value FROM json_each(?))", json.dumps(filters.among))

    def ends(self) -> tuple[str, list[Any]]:
        """The query for the first and the last id in the time that was asked for."""
        ends = "SELECT min(id), max(id) FROM items WHERE seen_at_s >= ? AND seen_at_s < ?"
        return ends, [*self._times()]

    def between(self, first: int, last: int) -> None:
        """Only these ids, and of them only those in the time that was asked for."""
        self.where("{id} BETWEEN ? AND ?", first, last)
        seen = "EXISTS (SELECT 1 FROM items AS s WHERE s.id = {id}"
        self.where(f"{seen} AND +s.seen_at_s >= ? AND +s.seen_at_s < ?)", *self._times())

    def where(self, condition: str, *values: Any) -> None:
        """One more that has to hold; `{id}` is the item's."""
        self._conditions.append(condition)
        self._values += values

    def query(self, limit: int, newest_first: bool) -> tuple[str, list[Any]]:
        """SQL and its values."""
        holds = " AND ".join(self._conditions).replace("{id}", self._id) or "1"
        order = "DESC" if newest_first else "ASC"
        sql = f"SELECT {self._id} FROM {self._table} WHERE {holds} ORDER BY {self._id} {order}"
        return f"{sql} LIMIT ?", [*self._values, limit]

    def _by_keys(self, db: sqlite3.Connection) -> None:
        filters = self._filters
        keys = []
        if filters.label_id is not None and not searchable(db):
            named = "SELECT 1 FROM items AS l, json_each(l.label_ids) WHERE l.id = {id}"
            self.where(f"EXISTS ({named} AND value = ?)", filters.label_id)
        elif filters.label_id is not None:
            keys.append(_Key("recognised", "recognised.item_id", "label_id", filters.label_id))
        if filters.bin_number is not None:
            keys.append(_Key("intents", "intents.item_id", "bin_number", filters.bin_number))
        if filters.reason is not None:
            keys.append(_Key("items", "items.id", "reason", filters.reason))
        if not keys:
            return
        # Along the shortest, and each found there is asked for the others.
        first = keys[0] if len(keys) == 1 else min(keys, key=lambda key: key.count(db))
        self._table, self._id = first.table, first.id
        self.where(f"{first.table}.{first.column} = ?", first.value)
        for key in keys:
            if key is not first:
                self.where(key.holds.replace("{id}", first.id), key.value)

    def _times(self) -> tuple[float, float]:
        return self._filters.from_s or 0.0, self._filters.to_s or AT_NO_TIME_S
