"""Reads labelled photographs of one's own: a folder with a labels.csv.

    picture,labels
    IMG_0001.jpg,3001 3024 6141
    tray/IMG_0002.jpg,

`labels` are the ids of all brick types that can be seen, separated by spaces; other ids of the
same shape do too, and nothing says that none can be seen. Nothing is known of where they are.
"""

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trainer.dataset import Sample
from trainer.errors import DatasetError, PartError
from trainer.scenes.parts import find

LABELS = "labels.csv"
COLUMNS = ["picture", "labels"]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of labels.csv.

    Attributes:
        named: The picture as the row names it.
        picture: Its file, which is there.
        labels: What the row says, before anybody asks whether such ids exist.
        where: File and row, for messages.
    """

    named: str
    picture: Path
    labels: tuple[str, ...]
    where: str


def read_photographs(folder: Path) -> list[Sample]:
    """Read `labels.csv`.

    Args:
        folder: The photographs.

    Returns:
        The samples in the order of the file, without instance maps or instances.

    Raises:
        DatasetError: As `read_rows`, or an id is unknown; the message names the row.
    """
    return [_sample(row) for row in read_rows(folder)]


def read_rows(folder: Path) -> list[Row]:
    """Read the rows of `labels.csv`, whatever ids they name.

    Raises:
        DatasetError: The file or a picture is missing, a picture is named twice, or the columns are
            others; the message names the row.
    """
    path = folder / LABELS
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            _check_columns(path, reader.fieldnames)
            rows = [_row(folder, row, f"{path}, row {reader.line_num}") for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path}: cannot be read ({error}); save it as CSV in UTF-8") from error
    if not rows:
        raise DatasetError(f"{path}: names no picture; expected one a row")
    _check_once(path, rows)
    return rows


def seed_of(picture: str) -> int:
    """The seed, and so the split, of a photograph by its file's name, whatever folder it is in."""
    name = picture.replace("\\", "/").rsplit("/", 1)[-1]
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big")


def _row(folder: Path, row: Mapping[str, str | None], where: str) -> Row:
    named, labels = row["picture"], row["labels"]
    if None in row or not named or labels is None:
        raise DatasetError(
            f"{where}: found {len([v for v in row.values() if v])} filled columns; expected"
            f" {','.join(COLUMNS)}, ids separated by spaces"
        )
    picture = folder / named.strip()
    if not picture.is_file():
        raise DatasetError(f"{where}: {picture}: no such file; copy it there, or remove the row")
    return Row(named.strip(), picture, tuple(labels.split()), where)


def _sample(row: Row) -> Sample:
    try:
        found = sorted({find(part).id for part in row.labels})
    except PartError as error:
        raise DatasetError(f"{row.where}: {error}") from error
    return Sample(seed_of(row.named), row.picture, None, tuple(found), ())


def _check_columns(path: Path, found) -> None:
    if found != COLUMNS:
        raise DatasetError(
            f"{path}: the first row is {','.join(found or [])!r:.80}; expected"
            f" {','.join(COLUMNS)!r}"
        )


def _check_once(path: Path, rows: Sequence[Row]) -> None:
    seen: set[Path] = set()
    for row in rows:
        picture = row.picture.resolve()
        if picture in seen:
            raise DatasetError(f"{path}: {row.picture} is named twice; keep one of the rows")
        seen.add(picture)
