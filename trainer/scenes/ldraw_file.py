"""One file of the LDraw library: its lines, and the faces they draw.

A line of type 1 refers to another file under a transform, 3 and 4 are a triangle and a
quadrilateral, 0 is a remark or a statement of the back-face-culling extension (BFC), which says
on which side of its faces a file has its outside. Lines of type 2 and 5 draw edges and are left
out. See https://www.ldraw.org/article/218.html and https://www.ldraw.org/article/415.html.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

FACES_MAX = 500_000
FARTHEST_LDU = 1e6
FACE_CORNERS = {"3": 3, "4": 4}


@dataclass(frozen=True, slots=True, eq=False)
class Surface:
    """Faces of a file in its own coordinates.

    Attributes:
        faces: (t, 3, 3) LDU, counter-clockwise seen from outside.
        two_sided: (u, 3, 3) LDU, whose outside is not known.
    """

    faces: np.ndarray
    two_sided: np.ndarray


class LineError(ValueError):
    """What is wrong with a line; the reader of the file adds where."""


class Reading:
    """What was read of one file so far, and the state its statements left.

    Args:
        surface_of: Gives the faces of another file by its name.
    """

    def __init__(self, surface_of: Callable[[str], Surface]) -> None:
        self._surface_of = surface_of
        self._certified = False
        self._clockwise = False
        self._clipped = True
        self._invert_next = False
        self._faces: list[np.ndarray] = []
        self._two_sided: list[np.ndarray] = []
        self._count = 0

    def follow(self, line: str) -> None:
        """Do what a line says.

        Raises:
            LineError: It is damaged.
        """
        words = line.split()
        kind = words[0] if words else "0"
        if kind == "0":
            self._state(words[1:])
            return
        if kind == "1":
            self._refer(*_reference(words))
        elif kind in FACE_CORNERS:
            self._draw(_corners(words))
        elif kind not in ("2", "5"):
            raise LineError(f"expected a line type of 0 to 5, found {kind!r:.40}")
        self._invert_next = False

    def surface(self) -> Surface:
        """All that was drawn; what the file did not certify is two-sided."""
        faces, two_sided = _joined(self._faces), _joined(self._two_sided)
        if self._certified:
            return Surface(faces, two_sided)
        return Surface(_joined([]), np.concatenate([faces, two_sided]))

    def _state(self, words: Sequence[str]) -> None:
        """Remarks and other extensions change nothing."""
        for word in words[1:] if words[:1] == ["BFC"] else ():
            match word:
                case "CERTIFY" | "NOCERTIFY":
                    self._certified = word == "CERTIFY"
                case "CW" | "CCW":
                    self._clockwise = word == "CW"
                case "CLIP" | "NOCLIP":
                    self._clipped = word == "CLIP"
                case "INVERTNEXT":
                    self._invert_next = True

    def _draw(self, corners: np.ndarray) -> None:
        faces = np.stack([corners[[0, i, i + 1]] for i in range(1, len(corners) - 1)])
        self._add(faces[:, ::-1] if self._clockwise else faces, self._clipped)

    def _refer(self, transform: np.ndarray, name: str) -> None:
        surface = self._surface_of(name)
        matrix, shift = transform[:, :3], transform[:, 3]
        faces = surface.faces @ matrix.T + shift
        # A mirror turns a face's winding around, and so does being asked to.
        mirrored = np.linalg.det(matrix) < 0
        turned = mirrored != self._invert_next
        self._add(faces[:, ::-1] if turned else faces, self._clipped)
        self._add(surface.two_sided @ matrix.T + shift, clipped=False)

    def _add(self, faces: np.ndarray, clipped: bool) -> None:
        self._count += len(faces)
        if self._count > FACES_MAX:
            raise LineError(f"more than {FACES_MAX} triangles so far, which no brick needs")
        (self._faces if clipped else self._two_sided).append(faces)


def _joined(faces: Sequence[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.zeros((0, 3, 3)), *faces])


def _reference(words: Sequence[str]) -> tuple[np.ndarray, str]:
    """The transform (3, 4) and the name of the file of a line of type 1."""
    if len(words) < 15:
        raise LineError(
            f"a reference is a colour, 12 numbers and a file; found {len(words) - 1} words"
        )
    x, y, z, *matrix = _numbers(words[2:14])
    transform = np.column_stack([np.reshape(matrix, (3, 3)), (x, y, z)])
    return transform, " ".join(words[14:])


def _corners(words: Sequence[str]) -> np.ndarray:
    """The corners (n, 3) of a line of type 3 or 4."""
    count = FACE_CORNERS[words[0]]
    if len(words) != 2 + 3 * count:
        raise LineError(
            f"a face of {count} corners is a colour and {3 * count} numbers;"
            f" found {len(words) - 2} numbers"
        )
    return np.reshape(_numbers(words[2:]), (count, 3))


def _numbers(words: Sequence[str]) -> list[float]:
    values = []
    for word in words:
        try:
            value = float(word)
        except ValueError:
            value = math.nan
        if not abs(value) <= FARTHEST_LDU:
            raise LineError(
                f"expected a number of at most {FARTHEST_LDU:g} either way, found {word!r:.40}"
            )
        values.append(value)
    return values
