"""What people said is right: append-only, the newest word on an item counts."""

import json
import sqlite3
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from edge.corrections.correction import Correction, Subject, correction_of_row
from edge.corrections.database import opened
from edge.corrections.pictures import CorrectedPictures
from edge.errors import CorrectionConflict, CorrectionsError

__all__ = ["NOTE_MAX_CHARS", "Correction", "Corrections", "Subject"]

NOTE_MAX_CHARS = 400
HISTORY_MAX = 50


class Corrections:
    """The corrections of a journal. Safe from many threads, and beside another process.

    Args:
        journal: The journal's file; corrections are beside it, and need nothing of it later.

    Example:
        corrections = Corrections(Path("journal.sqlite"))
        corrections.correct(subject, picture, ["3001"], "", "ada", seen=0)
    """

    def __init__(self, journal: Path) -> None:
        self.path = journal.with_name(f"{journal.name}.corrections.sqlite")
        self.pictures = CorrectedPictures(journal.with_name(f"{journal.name}.corrections"))

    def newest(self, item_id: int, picture_sha256: str | None) -> Correction | None:
        """What counts of an item: the last that was said, which may be that nothing counts.

        Raises:
            CorrectionsError: It cannot be read.
        """
        return next(iter(self.history(item_id, picture_sha256, 1)), None)

    def history(
        self, item_id: int, picture_sha256: str | None, limit: int = HISTORY_MAX
    ) -> tuple[Correction, ...]:
        """What was said of an item, newest first.

        Raises:
            CorrectionsError: It cannot be read.
        """
        with opened(self.path) as db:
            if db is None:
                return ()
            return tuple(
                map(correction_of_row, db.execute(_OF_ITEM, [item_id, picture_sha256, limit]))
            )

    def of(self, items: Mapping[int, str | None]) -> dict[int, Correction]:
        """What counts of some items, by id; without those of which nothing does.

        Args:
            items: SHA-256 of the picture by item.

        Raises:
            CorrectionsError: It cannot be read.
        """
        with opened(self.path) as db:
            if db is None:
                return {}
            rows = db.execute(_OF_ITEMS, [json.dumps(list(items))])
            newest = [one for one in map(correction_of_row, rows) if one.labels is not None]
        return {
            one.subject.item_id: one
            for one in newest
            if items.get(one.subject.item_id) == one.subject.picture_sha256
        }

    def standing(self) -> tuple[Correction, ...]:
        """What counts of every item, in the order in which the items were first corrected.

        Raises:
            CorrectionsError: It cannot be read.
        """
        with opened(self.path) as db:
            return tuple(map(correction_of_row, db.execute(_STANDING))) if db is not None else ()

    def correct(
        self,
        subject: Subject,
        picture: bytes,
        labels: Iterable[str],
        note: str,
        who: str,
        seen: int,
        now_s: float | None = None,
    ) -> Correction:
        """Say what is right. It is on the disk, picture and all, when this returns.

        Args:
            subject: The item.
            picture: Its file, which `subject` names.
            labels: Ids of all labels that can be seen; none where none can.
            note: At most 400 characters.
            who: Says so.
            seen: Version of what they saw to count; 0 where nothing was said yet.
            now_s: Seconds since the epoch; now if not given.

        Raises:
            CorrectionConflict: Something else counts by now; nothing is written.
            CorrectionsFull: The disk has no room; nothing is written.
            CorrectionsError: It cannot be written.
        """
        is_new = self.pictures.keep(subject.picture_sha256, picture)
        try:
            with opened(self.path, to_write=True) as db:
                return _append(db, subject, tuple(labels), note, who, seen, now_s)
        except CorrectionsError:
            if is_new and not self._speaks_of(subject.picture_sha256):
                self.pictures.forget(subject.picture_sha256)
            raise

    def undo(
        self, item_id: int, picture_sha256: str, who: str, seen: int, now_s: float | None = None
    ) -> Correction:
        """Say again what counted before the last word; again, and the last word counts again.

        Args:
            item_id, picture_sha256: The item.
            who: Says so.
            seen: Version of what they saw to count.
            now_s: Seconds since the epoch; now if not given.

        Raises:
            CorrectionConflict: Something else counts by now, or nothing was ever said.
            CorrectionsError: It cannot be written.
        """
        said = self.history(item_id, picture_sha256, 2)
        if not said:
            raise CorrectionConflict(f"item {item_id}: nothing was corrected; there is no undoing")
        before = said[1] if len(said) > 1 else None
        with opened(self.path, to_write=True) as db:
            labels, note = (before.labels, before.note) if before else (None, "")
            return _append(db, said[0].subject, labels, note, who, seen, now_s)

    def _speaks_of(self, picture_sha256: str) -> bool:
        try:
            with opened(self.path) as db:
                sought = "SELECT 1 FROM corrections WHERE picture_sha256 = ?"
                return db is not None and bool(db.execute(sought, [picture_sha256]).fetchone())
        except CorrectionsError:
            return True


def _append(
    db: sqlite3.Connection | None,
    subject: Subject,
    labels: tuple[str, ...] | None,
    note: str,
    who: str,
    seen: int,
    now_s: float | None,
) -> Correction:
    if db is None:
        raise CorrectionsError("the corrections were not opened to be written")
    row = db.execute(_OF_ITEM, [subject.item_id, subject.picture_sha256, 1]).fetchone()
    newest = correction_of_row(row) if row is not None else None
    if (newest.version if newest else 0) != seen:
        raise CorrectionConflict(f"item {subject.item_id}: {_said(newest)}")
    at_s = time.time() if now_s is None else now_s
    said = json.dumps(labels) if labels is not None else None
    recognised = json.dumps(subject.recognised)
    note = note[:NOTE_MAX_CHARS]
    made = db.execute(
        _INSERT,
        [
            subject.item_id,
            subject.picture_sha256,
            subject.model_sha256,
            recognised,
            said,
            note,
            who,
            at_s,
        ],
    )
    return Correction(int(made.lastrowid or 0), subject, labels, note, who, at_s)


def _said(newest: Correction | None) -> str:
    if newest is None:
        return "nothing counts of it by now; look again"
    if newest.labels is None:
        return f"{newest.who} took the correction back meanwhile; look again"
    return f"{newest.who} said {', '.join(newest.labels) or 'no brick'} meanwhile; look again"


_OF_ITEM = """
SELECT * FROM corrections WHERE item_id = ? AND picture_sha256 = ? ORDER BY id DESC LIMIT ?
"""
_OF_ITEMS = """
SELECT * FROM corrections WHERE id IN (
    SELECT max(id) FROM corrections WHERE item_id IN (SELECT value FROM json_each(?))
    GROUP BY item_id, picture_sha256
)
"""
_STANDING = """
SELECT newest.* FROM corrections AS newest JOIN (
    SELECT min(id) AS first, max(id) AS last FROM corrections GROUP BY item_id, picture_sha256
) ON newest.id = last WHERE labels IS NOT NULL ORDER BY first
"""
_INSERT = """
INSERT INTO corrections
    (item_id, picture_sha256, model_sha256, recognised, labels, note, who, at_s)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
