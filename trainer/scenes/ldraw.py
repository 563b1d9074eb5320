"""Reads shapes from the LDraw parts library, a folder of text files that refer to each other.

One LDraw unit is 0.4 mm, and -Y points up.
"""

from pathlib import Path

import numpy as np

from trainer.errors import GeometryError
from trainer.scenes.gaps import with_gaps_closed
from trainer.scenes.ldraw_file import LineError, Reading, Surface
from trainer.scenes.mesh import Mesh, with_normals
from trainer.scenes.primitives import primitive

LDU_MM = 0.4
TO_Z_UP = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]) * LDU_MM
FOLDERS = ("parts", "parts/s", "p", "p/48", "p/8")
"""Where files are found; references leave out the leading `parts/` or `p/`."""
DEPTH_MAX = 32
FILE_MAX_BYTES = 20_000_000
GET_IT = "get complete.zip from https://library.ldraw.org/updates, unpack it, set LDRAWDIR to it"


class LDrawLibrary:
    """A folder of LDraw files; each file is read once.

    Files that do not certify their winding, and faces between NOCLIP and CLIP, are given both
    sides: each of their triangles comes twice, once in each winding.

    Args:
        folder: Holds `parts` and `p`; names are found whatever their case.
        curves: Whether round primitives are computed; else they are read, and have 16 sides.

    Raises:
        GeometryError: It is not an LDraw library.

    Example:
        >>> LDrawLibrary(Path("ldraw")).mesh("3001").size_mm
        array([32. , 16. , 11.2], dtype=float32)
    """

    def __init__(self, folder: Path, curves: bool = True) -> None:
        self._folder, self._curves = folder, curves
        try:
            self._paths = _paths(folder)
        except OSError as error:
            raise GeometryError(f"{folder}: cannot be read ({error}); {GET_IT}") from error
        self._surfaces: dict[str, Surface] = {}

    def __contains__(self, part: str) -> bool:
        """Whether there is a file for this part id."""
        return _key(f"{part}.dat") in self._paths

    def mesh(self, part: str) -> Mesh:
        """The shape of a part, studs up.

        Args:
            part: Its id; an id that was moved is followed to where it went.

        Raises:
            GeometryError: It, or a file it refers to, is missing, damaged or refers to itself.
        """
        surface = self._surface(f"{part}.dat", ())
        doubled = np.concatenate([surface.two_sided, surface.two_sided[:, ::-1]])
        faces = surface.faces @ TO_Z_UP.T
        faces = with_gaps_closed(faces) if self._curves else faces
        mesh = with_normals(np.concatenate([faces, doubled @ TO_Z_UP.T]))
        if len(mesh.triangles) == 0:
            raise GeometryError(
                f"{self._paths[_key(f'{part}.dat')]}: it draws no face; expected a solid part;"
                f" restore the file: {GET_IT}"
            )
        return mesh

    def _surface(self, name: str, referrers: tuple[Path, ...]) -> Surface:
        key = _key(name)
        if key not in self._surfaces:
            computed = primitive(key) if self._curves else None
            if computed is not None:
                self._surfaces[key] = Surface(computed, np.zeros((0, 3, 3)))
                return self._surfaces[key]
            path = self._path(key, referrers)
            self._surfaces[key] = self._read(path, (*referrers, path))
        return self._surfaces[key]

    def _path(self, key: str, referrers: tuple[Path, ...]) -> Path:
        path = self._paths.get(key)
        if path is None:
            asker = f", which {referrers[-1]} refers to" if referrers else ""
            raise GeometryError(
                f"{self._folder}: no file {key}{asker}; looked in {', '.join(FOLDERS)}; {GET_IT}"
            )
        if path in referrers:
            way = " -> ".join(step.name for step in (*referrers[referrers.index(path) :], path))
            raise GeometryError(f"{path}: it includes itself ({way}); restore it: {GET_IT}")
        if len(referrers) >= DEPTH_MAX:
            raise GeometryError(
                f"{path}: files are nested deeper than {DEPTH_MAX}; restore the library: {GET_IT}"
            )
        return path

    def _read(self, path: Path, referrers: tuple[Path, ...]) -> Surface:
        reading = Reading(lambda name: self._surface(name, referrers))
        for number, line in enumerate(_lines(path), start=1):
            try:
                reading.follow(line)
            except LineError as error:
                raise GeometryError(
                    f"{path}, line {number}: {error}; restore the file: {GET_IT}"
                ) from None
        return reading.surface()


def _key(name: str) -> str:
    """How a file is looked up: LDraw writes backslashes, and any case."""
    return name.replace("\\", "/").lower()


def _paths(folder: Path) -> dict[str, Path]:
    """Every file of the library by its key; `parts` hides a file of the same name in `p`."""
    if any(_subfolder(folder, name) is None for name in ("parts", "p")):
        state = "it has no folders parts and p" if folder.is_dir() else "no such folder"
        raise GeometryError(
            f"{folder}: {state}; expected an LDraw library, a folder with parts/ and p/; {GET_IT}"
        )
    found: dict[str, Path] = {}
    for name in reversed(FOLDERS):
        inside = name.partition("/")[2]
        for path in _files(_subfolder(folder, name)):
            found[_key(f"{inside}/{path.name}" if inside else path.name)] = path
    return found


def _subfolder(folder: Path, name: str) -> Path | None:
    """A folder below another, whatever its case; None where there is none."""
    for step in name.split("/"):
        if not folder.is_dir():
            return None
        matching = sorted(p for p in folder.iterdir() if p.name.lower() == step and p.is_dir())
        if not matching:
            return None
        folder = matching[0]
    return folder


def _files(folder: Path | None) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.suffix.lower() == ".dat") if folder else []


def _lines(path: Path) -> list[str]:
    try:
        if path.stat().st_size > FILE_MAX_BYTES:
            raise GeometryError(
                f"{path}: larger than {FILE_MAX_BYTES // 1_000_000} MB; restore it: {GET_IT}"
            )
        return path.read_text(encoding="utf-8-sig", errors="replace").splitlines()
    except OSError as error:
        raise GeometryError(f"{path}: cannot be read ({error}); restore it: {GET_IT}") from error
