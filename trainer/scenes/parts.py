"""The brick types: ids, what a person calls them, family, the colours they are made in.

The table is `parts.csv` beside this file. Types that cannot be told apart in a picture are one.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path

from trainer.errors import PartError


@dataclass(frozen=True, slots=True)
class Part:
    """One brick type.

    Attributes:
        id: Its LDraw id.
        name: What a person calls it.
        family: Such as "brick" or "plate".
        colours: LDraw codes of colours it is commonly made in, see `trainer.scenes.colours`.
        aliases: Other ids of the same shape.
        bricklink: Its id at BrickLink.
    """

    id: str
    name: str
    family: str
    colours: tuple[int, ...] = ()
    aliases: tuple[str, ...] = ()
    bricklink: str = ""


@cache
def parts() -> dict[str, Part]:
    """All known types by id."""
    with Path(__file__).with_name("parts.csv").open(encoding="utf-8", newline="") as rows:
        return {row["id"]: _part(row) for row in csv.DictReader(rows)}


def name_of(part: str) -> str:
    """What a person calls a part; its id where it is not one of the known types."""
    known = parts().get(part)
    return known.name if known else f"Part {part}"


def find(id_or_alias: str) -> Part:
    """The type that goes by an id, an alias or a BrickLink id, in any case.

    Raises:
        PartError: There is none; the message names close matches.
    """
    by_id = _by_any_id()
    found = by_id.get(id_or_alias.strip().lower())
    if found is None:
        near = get_close_matches(id_or_alias.lower(), by_id, n=4, cutoff=0.5)
        meant = ", ".join(f"{name} ({by_id[name].name})" for name in near)
        hint = f"did you mean {meant}?" if near else "the ids are in trainer/scenes/parts.csv"
        raise PartError(f"{id_or_alias!r:.40}: none of the {len(parts())} known parts; {hint}")
    return found


@cache
def _by_any_id() -> dict[str, Part]:
    known = parts().values()
    others = {other.lower(): part for part in known for other in (*part.aliases, part.bricklink)}
    return others | {part.id.lower(): part for part in known}


def _part(row: Mapping[str, str]) -> Part:
    return Part(
        id=row["id"],
        name=row["name"],
        family=row["family"],
        colours=tuple(int(code) for code in row["colours"].split()),
        aliases=tuple(row["aliases"].split()),
        bricklink=row["bricklink"] or row["id"],
    )
