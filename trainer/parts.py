"""The 85 brick types: LDraw id, what a person calls it, family."""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Part:
    """One brick type."""

    id: str
    name: str
    family: str


@cache
def parts() -> dict[str, Part]:
    """All known types by id."""
    with Path(__file__).with_name("parts.csv").open(encoding="utf-8", newline="") as rows:
        return {
            row["id"]: Part(row["id"], row["name"], row["family"]) for row in csv.DictReader(rows)
        }


def name_of(part: str) -> str:
    """What a person calls a part; its id where it is not one of the known types."""
    known = parts().get(part)
    return known.name if known else f"Part {part}"
