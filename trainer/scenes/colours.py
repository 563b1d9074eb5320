"""The colours bricks are made in, by their LDraw codes."""

import csv
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Colour:
    """One colour of plastic.

    Attributes:
        code: Its LDraw code, see https://www.ldraw.org/article/547.html.
        name: What LDraw calls it.
        srgb: As "#rrggbb".
        opacity: 1 is opaque; a transparent colour lets half of the light pass.
        finish: "solid" or "transparent".
    """

    code: int
    name: str
    srgb: str
    opacity: float
    finish: str


@cache
def colours() -> dict[int, Colour]:
    """All colours of the table by code."""
    with Path(__file__).with_name("colours.csv").open(encoding="utf-8", newline="") as rows:
        found = [
            Colour(
                code=int(row["code"]),
                name=row["name"],
                srgb=row["srgb"],
                opacity=float(row["opacity"]),
                finish=row["finish"],
            )
            for row in csv.DictReader(rows)
        ]
    return {colour.code: colour for colour in found}
