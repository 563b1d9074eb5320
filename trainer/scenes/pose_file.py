"""The file a library of poses is kept in.

The file is a numpy archive. Positions are stored in steps of 0.02 mm, quaternions in steps of
1/32767:

    version         ()   1
    ids             (p,) part ids; everything below refers to them by index
    rest_part       (r,) uint16       pile_sizes      (n,) uint8, bricks of each pile
    rest_rotation   (r, 4) int16      pile_part       (b,) uint16, brick after brick
    rest_height     (r,) int16        pile_position   (b, 3) int16
    rest_share      (r,) uint16       pile_rotation   (b, 4) int16
"""

import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from trainer.errors import PoseError

VERSION = 1
TURN_STEPS = 32767
MOST_BYTES = 50_000_000
COLUMNS = {
    "ids": ("U", 1),
    "rest_part": ("u", 1),
    "rest_rotation": ("i", 2),
    "rest_height": ("i", 1),
    "rest_share": ("u", 1),
    "pile_sizes": ("u", 1),
    "pile_part": ("u", 1),
    "pile_position": ("i", 2),
    "pile_rotation": ("i", 2),
}
"""Kind of number and dimensions of each array of the file."""
WIDTHS = {"rest_rotation": 4, "pile_position": 3, "pile_rotation": 4}
RENEW = "install the package again, or settle a new library"


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write the arrays of `COLUMNS`; the file appears whole or not at all.

    Raises:
        PoseError: The file cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            np.savez_compressed(file, version=VERSION, **arrays)
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise PoseError(f"{path}: cannot be written ({error}); choose another place") from error


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read the arrays of `COLUMNS`.

    Raises:
        PoseError: The file is missing, damaged, of another version, or its arrays do not fit
            together.
    """
    return _checked(path, _load(path))


def _load(path: Path) -> dict[str, np.ndarray]:
    """The file's arrays, whatever they are."""
    try:
        _check_sizes(path)
        with np.load(path, allow_pickle=False) as archive:
            return {name: np.asarray(archive[name]) for name in archive.files}
    except FileNotFoundError as error:
        raise PoseError(f"{path}: no such file; {RENEW}") from error
    except (OSError, ValueError, EOFError, KeyError, zipfile.BadZipFile) as error:
        raise PoseError(f"{path}: not a library of poses ({error}); {RENEW}") from error
    except (zlib.error, NotImplementedError, SyntaxError, MemoryError) as error:
        raise PoseError(f"{path}: damaged ({error}); {RENEW}") from error


def _check_sizes(path: Path) -> None:
    """Refuse an archive that would unpack to more than any library needs."""
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > MOST_BYTES or path.stat().st_size > MOST_BYTES:
        raise ValueError(f"it unpacks to {unpacked} bytes, expected at most {MOST_BYTES}")


def _checked(path: Path, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays, if they are a library's."""
    version = arrays.get("version")
    if version is None or version.shape != () or version != VERSION:
        found = "none" if version is None else f"{version!s:.40}"
        raise PoseError(f"{path}: version {found}, expected {VERSION}; {RENEW}")
    for name, (kind, dimensions) in COLUMNS.items():
        found = arrays.get(name)
        if found is None:
            raise PoseError(f"{path}: no array {name!r}; {RENEW}")
        wide = name not in WIDTHS or found.shape[1:] == (WIDTHS[name],)
        if found.dtype.kind != kind or found.ndim != dimensions or not wide:
            raise PoseError(f"{path}: {name}: found {found.dtype} {found.shape}; {RENEW}")
    problem = _mismatch(arrays)
    if problem:
        raise PoseError(f"{path}: {problem}; {RENEW}")
    return arrays


def _mismatch(arrays: Mapping[str, np.ndarray]) -> str | None:
    """What does not fit together."""
    for table in ("rest", "pile"):
        rows = {
            len(arrays[name]) for name in COLUMNS if name.startswith(table) and name != "pile_sizes"
        }
        if len(rows) > 1:
            return f"the {table} arrays have {sorted(rows)} rows, expected as many in each"
        if (arrays[f"{table}_part"] >= len(arrays["ids"])).any():
            return f"{table}_part: an index beyond the {len(arrays['ids'])} ids"
        if (np.abs(_lengths(arrays[f"{table}_rotation"]) - 1) > 0.01).any():
            return f"{table}_rotation: a quaternion whose length is not 1"
    if arrays["pile_sizes"].sum(dtype=np.int64) != len(arrays["pile_part"]):
        return "pile_sizes: they do not add up to the bricks of the piles"
    return None


def _lengths(turns: np.ndarray) -> np.ndarray:
    return np.linalg.norm(turns.astype(np.float64) / TURN_STEPS, axis=1)
