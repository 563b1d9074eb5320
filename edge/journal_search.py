"""Items of a journal by what is asked for, page by page; also while a device writes it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from edge.journal_file import understood
from edge.journal_item import Whole, chain_length, links_of, told_of
from edge.journal_query import Filters, Sought
from edge.journal_reader import JournalReader
from edge.journal_records import Entry, entry_of_row

__all__ = ["PAGE_MAX", "Filters", "Found", "JournalSearch", "Page"]

PAGE_MAX = 200


@dataclass(frozen=True, slots=True)
class Found:
    """One item of a page.

    Attributes:
        entry: The item and what became of it.
        needs_person: Whether it was for a person.
        model_sha256: Of the model that saw it.
        picture_sha256: Of the picture that was kept; None where none was.
    """

    entry: Entry
    needs_person: bool
    model_sha256: str
    picture_sha256: str | None


@dataclass(frozen=True, slots=True)
class Page:
    """Some items in a row.

    Attributes:
        items: Newest first.
        newer, older: Whether there are more on either side.
    """

    items: tuple[Found, ...]
    newer: bool
    older: bool


class JournalSearch(JournalReader):
    """Finds items; opened for one question and closed again.

    The file is not looked at for damage first: what is damaged shows when it is read.

    Args:
        path: The file.

    Raises:
        JournalError: There is none, it is damaged, or of another version.

    Example:
        with JournalSearch(Path("journal.sqlite")) as journal:
            newest = journal.page(Filters(reason="sorted"), limit=50)
            older = journal.page(Filters(reason="sorted"), before=newest.items[-1].entry.item_id)
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, check=False)

    def page(
        self,
        filters: Filters,
        *,
        limit: int = 50,
        before: int | None = None,
        after: int | None = None,
    ) -> Page:
        """The newest items that pass, or those next to a given one.

        Args:
            filters: Which.
            limit: At most so many, 1..200.
            before: Only items older than this id, the newest of them.
            after: Only items newer than this id, the oldest of them; still newest first.

        Raises:
            JournalError: It cannot be read.
        """
        with understood(self._path):
            ids = self._ids(filters, limit + 1, before, after)
            more, ids = len(ids) > limit, ids[:limit]
            if after is not None:
                ids = ids[::-1]
            items = tuple(self._found(ids))
            newer, older = (more, bool(ids)) if after is not None else (before is not None, more)
            if ids and after is not None:
                older = bool(self._ids(filters, 1, ids[-1], None))
            elif ids and before is not None:
                newer = bool(self._ids(filters, 1, None, ids[0]))
        return Page(items, newer, older)

    def neighbours(self, filters: Filters, item_id: int) -> tuple[int | None, int | None]:
        """The next newer and the next older item that pass; None where there is none.

        Raises:
            JournalError: It cannot be read.
        """
        with understood(self._path):
            newer = self._ids(filters, 1, None, item_id)
            older = self._ids(filters, 1, item_id, None)
        return next(iter(newer), None), next(iter(older), None)

    def around(self, item_id: int, limit: int) -> dict[int, str]:
        """SHA-256 of the kept pictures of the items nearest by id, that item itself left out.

        Args:
            item_id: In the middle.
            limit: At most so many on either side.

        Raises:
            JournalError: It cannot be read.
        """
        with understood(self._path):
            rows = self._db.execute(_AROUND, [item_id, limit, item_id, limit]).fetchall()
        return {row["item_id"]: row["sha256"] for row in rows}

    def item(self, item_id: int) -> Whole | None:
        """Everything that is recorded of an item; None where there is none of that id.

        Raises:
            JournalError: It cannot be read.
        """
        with understood(self._path):
            row = self._db.execute(_ENTRY, [item_id]).fetchone()
            record = self._record(item_id)
            if row is None or record is None:
                return None
            (found,) = self._found([item_id])
            return Whole(
                record=record,
                entry=found.entry,
                model_sha256=found.model_sha256,
                model=self.models.get(found.model_sha256),
                picture_sha256=found.picture_sha256,
                told=told_of(self._db, found.entry.command_id),
                links=links_of(self._db, found.entry),
                records=chain_length(self._db),
            )

    def _ids(
        self, filters: Filters, limit: int, before: int | None, after: int | None
    ) -> list[int]:
        sought = Sought(self._db, filters)
        if filters.from_s is not None or filters.to_s is not None:
            # Ids count up with time, but for a clock that was set: so a range of ids comes first.
            ends = self._db.execute(*sought.ends()).fetchone()
            if ends[0] is None:
                return []
            sought.between(*ends)
        if before is not None:
            sought.where("{id} < ?", before)
        if after is not None:
            sought.where("{id} > ?", after)
        query, values = sought.query(limit, newest_first=after is None)
        return [row[0] for row in self._db.execute(query, values)]

    def _found(self, ids: Iterable[int]) -> Iterable[Found]:
        for item_id in ids:
            row = self._db.execute(_ENTRY, [item_id]).fetchone()
            yield Found(
                entry_of_row(row), bool(row["needs_person"]), row["model_sha256"], row["sha256"]
            )


_ENTRY = """
SELECT entries.*, frames.sha256 FROM entries LEFT JOIN frames ON frames.item_id = entries.id
WHERE entries.id = ?
"""
_AROUND = """
SELECT * FROM (SELECT * FROM frames WHERE item_id < ? ORDER BY item_id DESC LIMIT ?)
UNION ALL
SELECT * FROM (SELECT * FROM frames WHERE item_id > ? ORDER BY item_id LIMIT ?)
"""
