"""Pictures of items on the disk with their maps beside them, the newest as far as a quota goes."""

import hashlib
import logging
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import cv2

from edge.domain import Frame
from edge.ranges import check_range

QUALITY = 85
PER_FOLDER = 1000
MB = 10**6
T = TypeVar("T")

PICTURE, GRADCAM, LIME = ".jpg", ".cam.npz", ".lime.npz"
"""What the files of an item end in; see `edge.kept_maps` for the last two."""
SUFFIXES = (PICTURE, GRADCAM, LIME)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FrameSettings:
    """How many pictures are kept.

    Attributes:
        mb: Megabytes, 0..1,000,000; the oldest are removed above it, and 0 keeps none.
        min_free_mb: Megabytes, 0..1,000,000, that stay free on the disk: with less, none is kept.

    Raises:
        ConfigError: A value is out of range.
    """

    mb: int = 200
    min_free_mb: int = 500

    def __post_init__(self) -> None:
        check_range("journal.frames_mb", self.mb, 0, 1_000_000)
        check_range("journal.frames_min_free_mb", self.min_free_mb, 0, 1_000_000)


@dataclass(frozen=True, slots=True)
class Kept:
    """A picture that was kept.

    Attributes:
        sha256: Of its file, in hex.
        size_bytes: Of its file.
    """

    sha256: str
    size_bytes: int


def folder_of(journal: Path) -> Path:
    """Where the pictures of a journal are."""
    return journal.with_name(f"{journal.name}.frames")


def path_of(folder: Path, item_id: int, suffix: str = PICTURE) -> Path:
    """Where a file of an item is: FOLDER/NNN/ID.jpg, where NNN counts thousands."""
    return folder / f"{item_id // PER_FOLDER:03d}" / f"{item_id}{suffix}"


class KeptFrames:
    """Keeps pictures by the id of their item; a disk that takes none stops nothing.

    Args:
        folder: Where they go.
        settings: How many.
    """

    def __init__(self, folder: Path, settings: FrameSettings) -> None:
        self._folder, self._settings = folder, settings
        # Bytes by item, the oldest first.
        self._files = _found(folder)
        self._bytes = sum(self._files.values())
        self._failed = 0
        self._works = True

    @property
    def failed(self) -> int:
        """How many could not be kept."""
        return self._failed

    def keep(self, item_id: int, frame: Frame) -> Kept | None:
        """Keep the picture of an item; None where none is kept or it could not be.

        Args:
            item_id: Its id in the journal; counts up.
            frame: What was seen.
        """
        if self._settings.mb == 0:
            return None
        return self._tried(item_id, lambda: self._written(item_id, frame))

    def keep_beside(self, item_id: int, suffix: str, content: bytes) -> bool:
        """Keep a file that goes with the picture of an item, and goes when that goes.

        Args:
            item_id: Its id in the journal.
            suffix: `GRADCAM` or `LIME`; what is there is replaced.
            content: Of the file.

        Returns:
            Whether it is kept: not without its picture, and not where there is no room.
        """
        if item_id not in self._files:
            return False
        return bool(self._tried(item_id, lambda: self._put_beside(item_id, suffix, content)))

    def _tried(self, item_id: int, write: Callable[[], T]) -> T | None:
        try:
            kept = write()
        except (OSError, cv2.error) as error:
            if self._works:
                log.warning("pictures are not kept, from item %d on: %s", item_id, error)
            self._failed += 1
            self._works = False
            return None
        if not self._works:
            log.warning("pictures are kept again; %d were not", self._failed)
        self._works = True
        return kept

    def _written(self, item_id: int, frame: Frame) -> Kept:
        path = path_of(self._folder, item_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._check_free(path.parent)
        content = _as_jpeg(frame)
        # A new journal counts from 1 again, beside the pictures of the one before.
        self._remove(item_id)
        self._make_room(len(content))
        _write(path, content)
        self._files[item_id] = len(content)
        self._bytes += len(content)
        return Kept(hashlib.sha256(content).hexdigest(), len(content))

    def _put_beside(self, item_id: int, suffix: str, content: bytes) -> bool:
        path = path_of(self._folder, item_id, suffix)
        self._check_free(path.parent)
        before = path.stat().st_size if path.exists() else 0
        self._make_room(len(content) - before)
        if item_id not in self._files:
            return False
        _write(path, content)
        self._files[item_id] += len(content) - before
        self._bytes += len(content) - before
        return True

    def _check_free(self, folder: Path) -> None:
        free = shutil.disk_usage(folder).free
        if free < self._settings.min_free_mb * MB:
            raise OSError(f"{free // MB} MB are free on its disk; frames_min_free_mb keeps those")

    def _make_room(self, size: int) -> None:
        while self._files and self._bytes + size > self._settings.mb * MB:
            self._remove(next(iter(self._files)))

    def _remove(self, item_id: int) -> None:
        if item_id in self._files:
            for suffix in SUFFIXES:
                path_of(self._folder, item_id, suffix).unlink(missing_ok=True)
            self._bytes -= self._files.pop(item_id)


def _write(path: Path, content: bytes) -> None:
    # A reader sees the old file or the whole new one; and what links to the old one keeps it.
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def _as_jpeg(frame: Frame) -> bytes:
    bgr = cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGR)
    done, content = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    if not done:
        raise OSError("it cannot be made a JPEG")
    return bytes(content)


def _found(folder: Path) -> dict[int, int]:
    """Bytes of each item that is there already, the oldest first."""
    found: Counter[int] = Counter()
    for path in folder.glob("*/*"):
        name, dot, suffix = path.name.partition(".")
        if name.isdecimal() and dot + suffix in SUFFIXES:
            found[int(name)] += path.stat().st_size
    return dict(sorted(found.items()))
