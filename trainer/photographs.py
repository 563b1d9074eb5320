"""Reads labelled photographs of one's own: a folder with a labels.csv.

    picture,labels
    IMG_0001.jpg,3001 3024 6141
    tray/IMG_0002.jpg,

`labels` are the ids of all brick types that can be seen, separated by spaces; other ids of the
same shape do too, and nothing says that none can be seen. Nothing is known of where they are.
"""

import csv
import hashlib
from collections.abc import Mapping
from pathlib import Path

from trainer.dataset import Sample
from trainer.errors import DatasetError, PartError
from trainer.scenes.parts import find

LABELS = "labels.csv"
COLUMNS = ["picture", "labels"]


def read_photographs(folder: Path) -> list[Sample]:
    """Read `labels.csv`.

    Args:
        folder: The photographs.

    Returns:
        The samples in the order of the file, without instance maps or instances.

    Raises:
        DatasetError: The file or a picture is missing, a picture is named twice, the columns are
            others, or an id is unknown; the message names the row.
    """
    path = folder / LABELS
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            _check_columns(path, reader.fieldnames)
            samples = [_sample(folder, row, f"{path}, row {reader.line_num}") for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path}: cannot be read ({error}); save it as CSV in UTF-8") from error
    if not samples:
        raise DatasetError(f"{path}: names no picture; expected one a row")
    _check_once(path, samples)
    return samples


def seed_of(picture: str) -> int:
    """The seed, and so the split, of a photograph by its file's name, whatever folder it is in."""
    name = picture.replace("\\", "/").rsplit("/", 1)[-1]
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big")


def _sample(folder: Path, row: Mapping[str, str | None], where: str) -> Sample:
    named, labels = row["picture"], row["labels"]
    if None in row or not named or labels is None:
        raise DatasetError(
            f"{where}: found {len([v for v in row.values() if v])} filled columns; expected"
            f" {','.join(COLUMNS)}, ids separated by spaces"
        )
    picture = folder / named.strip()
    if not picture.is_file():
        raise DatasetError(f"{where}: {picture}: no such file; copy it there, or remove the row")
    try:
        found = sorted({find(part).id for part in labels.split()})
    except PartError as error:
        raise DatasetError(f"{where}: {error}") from error
    return Sample(seed_of(named.strip()), picture, None, tuple(found), ())


def _check_columns(path: Path, found) -> None:
    if found != COLUMNS:
        raise DatasetError(
            f"{path}: the first row is {','.join(found or [])!r:.80}; expected"
            f" {','.join(COLUMNS)!r}"
        )


def _check_once(path: Path, samples: list[Sample]) -> None:
    seen: set[Path] = set()
    for sample in samples:
        picture = sample.picture.resolve()
        if picture in seen:
            raise DatasetError(f"{path}: {sample.picture} is named twice; keep one of the rows")
        seen.add(picture)
