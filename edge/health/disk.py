"""Free space where the journal is, and what ours takes of it."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from edge.kept_frames import folder_of


@dataclass(frozen=True, slots=True)
class Disk:
    """The disk of the journal, in bytes.

    Attributes:
        total, free: Of the disk.
        journal: The journal with its write-ahead log.
        pictures: Kept pictures of items, with what explains them.
    """

    total: int
    free: int
    journal: int
    pictures: int


def read_disk(journal: Path) -> Disk | None:
    """The disk of a journal; None where it cannot be asked.

    Walks over the kept pictures: some thousands take some milliseconds.
    """
    try:
        usage = shutil.disk_usage(journal.parent)
    except OSError:
        return None
    own = sum(_size(journal.with_name(journal.name + end)) for end in ("", "-wal", "-shm"))
    pictures = sum(_size(path) for path in folder_of(journal).rglob("*") if path.is_file())
    return Disk(usage.total, usage.free, own, pictures)


def _size(path: Path) -> int:
    # It may be removed between being found and being asked.
    try:
        return path.stat().st_size
    except OSError:
        return 0
