"""A small LDraw library, written by hand."""

import os
from pathlib import Path

BOX_MM3 = 8 * 8 * 9.6
"""Of the box the library's parts draw: 20 by 24 by 20 LDU of 0.4 mm."""

CERTIFIED = "0 BFC CERTIFY CCW"
# A box from y = 0, its top, to y = 24; each face counter-clockwise seen from outside.
TOP = "4 16 -10 0 -10 10 0 -10 10 0 10 -10 0 10"
BOTTOM = "4 16 -10 24 -10 -10 24 10 10 24 10 10 24 -10"
RIGHT = "4 16 10 0 -10 10 24 -10 10 24 10 10 0 10"
LEFT = "4 16 -10 0 -10 -10 0 10 -10 24 10 -10 24 -10"
FRONT = "4 16 -10 0 -10 -10 24 -10 10 24 -10 10 0 -10"
BACK = "4 16 -10 0 10 10 0 10 10 24 10 -10 24 10"
FACES = (TOP, BOTTOM, RIGHT, LEFT, FRONT, BACK)
# The half of it where x > 0, open towards the other half.
HALF = (
    "4 16 0 0 -10 10 0 -10 10 0 10 0 0 10",
    "4 16 0 24 -10 0 24 10 10 24 10 10 24 -10",
    RIGHT,
    "3 16 0 0 -10 0 24 -10 10 24 -10",
    "3 16 0 0 -10 10 24 -10 10 0 -10",
    "4 16 0 0 10 10 0 10 10 24 10 0 24 10",
)
SAME = "1 16 0 0 0 1 0 0 0 1 0 0 0 1"
MIRRORED = "1 16 0 0 0 -1 0 0 0 1 0 0 0 1"

BRICK_2X4 = "1 16 0 -4 0 4 0 0 0 1.16666667 0 0 0 2 s\\box.dat"
"""As large as the library's 3001: 80 by 28 by 40 LDU."""

REAL = os.environ.get("LDRAWDIR")
REAL_LIBRARIES = [Path(REAL)] if REAL else []
"""The user's LDraw library, if LDRAWDIR names one: what it holds is checked as well."""


def turned_around(face: str) -> str:
    """The same face seen from the other side."""
    kind, colour, *numbers = face.split()
    corners = [numbers[i : i + 3] for i in range(0, len(numbers), 3)]
    return " ".join([kind, colour, *(word for corner in reversed(corners) for word in corner)])


def write_library(folder: Path, files: dict[str, list[str]]) -> Path:
    """Write files, by their path in the library, and the folders every library has."""
    for needed in ("parts", "p"):
        (folder / needed).mkdir(parents=True)
    for name, lines in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\r\n".join(["0 A file", *lines]))
    return folder


def write_bricks(folder: Path) -> Path:
    """Write a library that knows one part, 3001, as a box of its size."""
    files = {"parts/3001.dat": [CERTIFIED, BRICK_2X4], "parts/s/box.dat": [CERTIFIED, *FACES]}
    return write_library(folder, files)
