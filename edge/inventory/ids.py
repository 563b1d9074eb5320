"""Ids of brick types elsewhere: known, given by the user, or assumed to be the same."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from edge.errors import ConfigError
from edge.toml import ENCODING

COLUMNS = ("ldraw_id", "bricklink_id", "rebrickable_id")
BRICKLINK = {
    "2476a": "2476",
    "2654a": "2654",
    "3023b": "3023",
    "3040b": "3040",
    "32064a": "32064",
    "3660a": "3660",
    "3665a": "3665",
    "4032a": "4032",
    "6141": "4073",
}
"""BrickLink's id of LDraw parts that it calls something else; those of the shipped model."""


class Source(StrEnum):
    """Where an id comes from."""

    TABLE = "table"
    GIVEN = "given"
    ASSUMED = "assumed"


@dataclass(frozen=True, slots=True)
class PartId:
    """An id of a part elsewhere.

    Attributes:
        id: The id.
        source: Where it comes from; assumed is LDraw's own id, which is often the same.
    """

    id: str
    source: Source


@dataclass(frozen=True, slots=True)
class Ids:
    """Ids that a user gave, by LDraw id.

    Attributes:
        bricklink: Of BrickLink.
        rebrickable: Of Rebrickable.
    """

    bricklink: Mapping[str, str]
    rebrickable: Mapping[str, str]

    def at_bricklink(self, ldraw_id: str) -> PartId:
        """The id at BrickLink: given, or from our table, or assumed."""
        return _first(ldraw_id, self.bricklink, BRICKLINK)

    def at_rebrickable(self, ldraw_id: str) -> PartId:
        """The id at Rebrickable: given, or assumed."""
        return _first(ldraw_id, self.rebrickable, {})


NO_IDS = Ids({}, {})


def read_ids(path: Path) -> Ids:
    """Read ids that a user gives.

    Args:
        path: A CSV file with the columns ldraw_id, bricklink_id and, if wanted, rebrickable_id; a
            field that is empty gives nothing.

    Raises:
        ConfigError: The file cannot be read, or a line is wrong: line, found, allowed.
    """
    try:
        with path.open(encoding=ENCODING, newline="") as file:
            rows = [(number, row) for number, row in enumerate(csv.reader(file), start=1) if row]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{path}: cannot be read ({error}); give a CSV file") from error
    if not rows or tuple(rows[0][1]) not in (COLUMNS, COLUMNS[:2]):
        found = ",".join(rows[0][1])[:80] if rows else "nothing"
        raise ConfigError(
            f"{path}, line 1: found {found!r}; expected the header {','.join(COLUMNS)}, the last"
            " column may be missing"
        )
    return _ids(path, rows[1:], len(rows[0][1]))


def _ids(path: Path, rows: list[tuple[int, list[str]]], columns: int) -> Ids:
    given: tuple[dict[str, str], dict[str, str]] = ({}, {})
    problems: list[str] = []
    seen: dict[str, int] = {}
    for number, row in rows:
        fields = [field.strip() for field in row]
        where = f"{path}, line {number}"
        if len(fields) != columns or not fields[0]:
            found = ",".join(fields)[:80]
            problems.append(f"{where}: found {found!r}; expected {columns} fields, an id first")
        elif fields[0] in seen:
            problems.append(
                f"{where}: found {fields[0]!r} again, as in line {seen[fields[0]]}; keep one"
            )
        else:
            seen[fields[0]] = number
            for ids, field in zip(given, fields[1:], strict=False):
                ids |= {fields[0]: field} if field else {}
    if problems:
        raise ConfigError("\n".join(problems))
    return Ids(*given)


def _first(ldraw_id: str, given: Mapping[str, str], known: Mapping[str, str]) -> PartId:
    if ldraw_id in given:
        return PartId(given[ldraw_id], Source.GIVEN)
    if ldraw_id in known:
        return PartId(known[ldraw_id], Source.TABLE)
    return PartId(ldraw_id, Source.ASSUMED)
