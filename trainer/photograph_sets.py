"""Sets of labelled photographs that a bundle is judged on.

Two kinds of folder are known. A labels.csv, as for training: see `trainer.photographs`. And a
labels.json of what is surely there and what may be:

    {"IMG_0001.jpg": {"present": ["3001", "3024"], "ignore": ["3003"]}}

Ids in `present` must be found; ids in `ignore` are neither right nor wrong. Other keys are left
alone. A picture without any id is one on which nothing is to be found.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trainer.dataset import Sample
from trainer.errors import DatasetError, PartError
from trainer.photographs import LABELS, read_rows, seed_of
from trainer.scenes.parts import find

JUDGED = "labels.json"
SHOWN_IDS = 8
NAME_CHARS = 40


@dataclass(frozen=True, slots=True)
class Photograph:
    """A labelled photograph.

    Attributes:
        picture: Its file.
        present: Ids of the types that are there.
        ignored: Ids that are neither right nor wrong.
    """

    picture: Path
    present: frozenset[str]
    ignored: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PhotographSet:
    """Photographs that are judged together.

    Attributes:
        name: What figures are given under.
        folder: Where they lie.
        photographs: Those that are judged.
        skipped: How many were left out, because they show a type that the bundle does not know.
    """

    name: str
    folder: Path
    photographs: tuple[Photograph, ...]
    skipped: int = 0

    @property
    def single(self) -> bool:
        """Whether no picture has more than one label, so that one can be the right one."""
        return all(len(photograph.present) <= 1 for photograph in self.photographs)

    @property
    def samples(self) -> list[Sample]:
        """The same as samples of a data set."""
        return [
            Sample(seed_of(p.picture.name), p.picture, None, tuple(sorted(p.present)), ())
            for p in self.photographs
        ]

    def matrices(self, ids: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        """What is there and what is ignored, both (pictures, n) bool, columns as in `ids`."""
        column = {part: i for i, part in enumerate(ids)}
        wanted = np.zeros((len(self.photographs), len(ids)), bool)
        ignored = wanted.copy()
        for row, photograph in enumerate(self.photographs):
            wanted[row, [column[part] for part in photograph.present]] = True
            known = (photograph.ignored - photograph.present) & column.keys()
            ignored[row, [column[part] for part in known]] = True
        return wanted, ignored


def named_folders(arguments: Iterable[str]) -> dict[str, Path]:
    """Folders by their names.

    Args:
        arguments: NAME=FOLDER, or a FOLDER that goes by its own name.

    Raises:
        DatasetError: A name is empty or too long, is no text, or is given twice.
    """
    found: dict[str, Path] = {}
    for argument in arguments:
        name, folder = _named(argument)
        if not name or len(name) > NAME_CHARS or not name.isprintable():
            raise DatasetError(
                f"--photographs {argument!r}: found the name {name!r:.60}; allowed is one of 1 to"
                f" {NAME_CHARS} printable characters: NAME=FOLDER"
            )
        if name in found:
            raise DatasetError(
                f"--photographs: the name {name!r} is given twice, for {found[name]} and {folder};"
                " give each folder a name of its own: NAME=FOLDER"
            )
        found[name] = folder
    return found


def _named(argument: str) -> tuple[str, Path]:
    name, sign, folder = argument.partition("=")
    if sign and folder and not Path(argument).is_dir():
        return name.strip(), Path(folder)
    return Path(argument).resolve().name, Path(argument)


def read_photograph_set(
    name: str, folder: Path, known: Collection[str], skip_unknown: bool = False
) -> PhotographSet:
    """Read a folder of photographs to judge on.

    Args:
        name: Of the set.
        folder: With a labels.csv or a labels.json.
        known: Ids that the bundle knows.
        skip_unknown: Whether pictures that show a type which the bundle does not know are left out
            and counted; otherwise they are refused.

    Raises:
        DatasetError: The folder or a picture is missing, the labels are not as described above or
            unknown, or no picture has any.
    """
    photographs = _read(folder)
    strange = [p for p in photographs if p.present - set(known)]
    if strange and not skip_unknown:
        raise DatasetError(_unknown(folder, strange, len(photographs), set(known)))
    kept = tuple(p for p in photographs if not p.present - set(known))
    if not any(p.present for p in kept):
        left = f" (all {len(strange)} that have one show an unknown type)" if strange else ""
        raise DatasetError(
            f"{folder}: none of its {len(photographs)} pictures has a label that can be judged"
            f"{left}; label what can be seen on them"
        )
    return PhotographSet(name, folder, kept, len(strange))


def read_calibration_set(
    folder: Path, known: Collection[str], skip_unknown: bool = False
) -> PhotographSet:
    """Read photographs that thresholds and calibration are fitted on.

    Raises:
        DatasetError: As `read_photograph_set`, or it has no labels.csv: one with a labels.json is
            for judging only.
    """
    if folder.is_dir() and not (folder / LABELS).is_file():
        raise DatasetError(
            f"{folder}: has no {LABELS}; photographs to calibrate on need one. A folder with a"
            f" {JUDGED} is for judging: give it with --photographs"
        )
    return read_photograph_set(folder.resolve().name, folder, known, skip_unknown)


def _read(folder: Path) -> list[Photograph]:
    if not folder.is_dir():
        raise DatasetError(f"{folder}: no such folder; name one with a {LABELS} or a {JUDGED}")
    found = [name for name in (LABELS, JUDGED) if (folder / name).is_file()]
    if len(found) != 1:
        raise DatasetError(
            f"{folder}: has {' and '.join(found) or f'neither {LABELS} nor {JUDGED}'}; expected"
            " photographs and one of the two"
        )
    return _from_csv(folder) if found == [LABELS] else _from_json(folder)


def _from_csv(folder: Path) -> list[Photograph]:
    return [
        Photograph(row.picture, frozenset(map(_id_of, row.labels))) for row in read_rows(folder)
    ]


def _id_of(part: str) -> str:
    """The id of a type by any id of its shape; the word itself where there is none."""
    try:
        return find(part).id
    except PartError:
        return part


def _from_json(folder: Path) -> list[Photograph]:
    path = folder / JUDGED
    try:
        truth = json.loads(path.read_text(encoding="utf-8"))
        rows = [
            (folder / name, _ids(row["present"]), _ids(row["ignore"]))
            for name, row in sorted(truth.items())
        ]
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise DatasetError(
            f"{path}: {type(error).__name__} {error}; expected file names with present and ignore"
        ) from error
    if not rows:
        raise DatasetError(f"{path}: names no picture; expected file names with present and ignore")
    for picture in (picture for picture, *_ in rows if not picture.is_file()):
        raise DatasetError(f"{path}: {picture}: no such file; copy it there, or remove its entry")
    return [Photograph(*row) for row in rows]


def _ids(values: Any) -> frozenset[str]:
    if not isinstance(values, list) or not all(isinstance(part, str) for part in values):
        raise TypeError(f"found {values!r:.60} in the place of a list of ids")
    return frozenset(map(_id_of, values))


def _unknown(folder: Path, strange: Sequence[Photograph], count: int, known: set[str]) -> str:
    ids = Counter(part for p in strange for part in p.present - known)
    shown = ", ".join(sorted(ids)[:SHOWN_IDS])
    more = f" and {len(ids) - SHOWN_IDS} more" if len(ids) > SHOWN_IDS else ""
    return (
        f"{folder}: {len(strange)} of {count} pictures have a label that the bundle does not know:"
        f" {shown}{more}; correct it, or leave such pictures out with --skip-unknown"
    )
