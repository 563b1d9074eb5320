"""One thing that somebody said of an item."""

import json
import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Subject:
    """What is corrected.

    Attributes:
        item_id: Its id in the journal.
        picture_sha256: Of its picture; a new journal counts from 1 again, and its items are others.
        model_sha256: Of the model that saw it.
        recognised: Ids of the labels that were recognised.
    """

    item_id: int
    picture_sha256: str
    model_sha256: str
    recognised: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Correction:
    """What somebody said of an item.

    Attributes:
        version: Counts up over all items; who corrects names the one they saw.
        subject: The item.
        labels: Ids of all labels that can be seen; None where a correction was taken back.
        note: In their words; may be empty.
        who: Their name.
        at_s: Seconds since the epoch.
    """

    version: int
    subject: Subject
    labels: tuple[str, ...] | None
    note: str
    who: str
    at_s: float

    @property
    def confirms(self) -> bool:
        """Whether what was recognised is right."""
        return self.labels is not None and set(self.labels) == set(self.subject.recognised)


def correction_of_row(row: sqlite3.Row) -> Correction:
    """What a row of the file says."""
    labels = json.loads(row["labels"]) if row["labels"] is not None else None
    return Correction(
        version=row["id"],
        subject=Subject(
            row["item_id"],
            row["picture_sha256"],
            row["model_sha256"],
            tuple(json.loads(row["recognised"])),
        ),
        labels=tuple(labels) if labels is not None else None,
        note=row["note"],
        who=row["who"],
        at_s=row["at_s"],
    )
