"""Where the pictures of a study come from: the newest of a journal, or a folder."""

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.errors import PictureError, StudyError
from edge.journal_reader import JournalReader
from edge.kept_frames import folder_of, path_of
from edge.pictures import decode_picture, find_pictures, read_picture

ALIKE_SIDE_PX = 16
ALIKE_LEVELS = 4.0
"""Pictures whose small grey copies differ by less than this, on average, show the same."""
GONE, CHANGED, UNREADABLE, ALIKE = (
    "the picture is gone",
    "the picture was changed",
    "the picture cannot be read",
    "looks like another one",
)


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A picture for a study.

    Attributes:
        source: Where it came from, for staff.
        image: (h, w, 3) uint8 RGB.
    """

    source: str
    image: NDArray[np.uint8]


@dataclass(slots=True)
class Source:
    """Pictures one after another, none twice; counts what it leaves out, by why.

    Args:
        journal: A journal, whose newest pictures come first; None for a folder.
        pictures: A folder, in the order of its names.

    Raises:
        StudyError: None or both were given.
    """

    journal: Path | None = None
    pictures: Path | None = None
    left_out: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        if (self.journal is None) == (self.pictures is None):
            raise StudyError("give either a journal or a folder of pictures")

    def __iter__(self) -> Iterator[Found]:
        """Pictures that can be shown.

        Raises:
            JournalError: The journal cannot be read.
            PictureError: The folder has no pictures.
        """
        seen: list[NDArray[np.float32]] = []
        for found in self._all():
            small = _small(found.image)
            if any(float(np.abs(small - other).mean()) < ALIKE_LEVELS for other in seen):
                self.left_out[ALIKE] += 1
                continue
            seen.append(small)
            yield found

    def _all(self) -> Iterator[Found]:
        if self.journal is not None:
            yield from self._of_journal(self.journal)
        elif self.pictures is not None:
            yield from self._of_folder(self.pictures)

    def _of_journal(self, journal: Path) -> Iterator[Found]:
        with JournalReader(journal) as reader:
            kept = reader.kept_frames()
        for item_id in sorted(kept, reverse=True):
            path = path_of(folder_of(journal), item_id)
            try:
                data = path.read_bytes()
            except OSError:
                self.left_out[GONE] += 1
                continue
            if hashlib.sha256(data).hexdigest() != kept[item_id]:
                self.left_out[CHANGED] += 1
                continue
            try:
                yield Found(f"item {item_id}", decode_picture(data, str(path)))
            except PictureError:
                self.left_out[UNREADABLE] += 1

    def _of_folder(self, folder: Path) -> Iterator[Found]:
        for path in find_pictures([folder]):
            try:
                yield Found(path.name[:300], read_picture(path))
            except PictureError:
                self.left_out[UNREADABLE] += 1


def _small(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    size = ALIKE_SIDE_PX, ALIKE_SIDE_PX
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA), np.float32)
