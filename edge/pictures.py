"""Picture files: found, read as RGB, written."""

import contextlib
import glob
import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from uuid import uuid4

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.errors import PictureError
from edge.picture_header import PictureHeader, read_header

SUFFIXES = (".jpg", ".jpeg", ".png")
SHEET_SUFFIXES = {
    "grad-cam": ".gradcam.png",
    "grad-cam-max": ".gradcam-max.png",
    "hirescam": ".hirescam.png",
    "lime": ".lime.png",
}
"""What sheets of explanations end in, by method."""
"""Ends the name of a sheet of Grad-CAMs, which no folder is searched for."""

MAX_PIXELS = 64_000_000
MAX_FILE_BYTES = 256 * 1024 * 1024

_ALLOWED = "JPEG and PNG files are allowed"
_PNG_HEADER_BYTES = 33
_DOUBLE_STAR = re.compile(r"(.*?/)?\*\*(?:/+\*\*)*(?:/+(.*))?", re.DOTALL)


def read_picture(path: Path | str) -> NDArray[np.uint8]:
    """Read a JPEG or PNG file as a person sees it.

    The EXIF orientation is applied, 16-bit values keep their upper eight, grey and palette
    become RGB, transparent parts are laid on white, and CMYK is taken as Adobe and every
    common decoder take it: stored inverted. Colour profiles are not applied.

    Returns:
        (h, w, 3) uint8 RGB, h * w at most `MAX_PIXELS`.

    Raises:
        PictureError: The file is missing, unreadable, empty, truncated, damaged, too large
            or no JPEG or PNG; the message names the file and what to do.
    """
    return decode_picture(_load(Path(path)), str(path))


def decode_picture(data: bytes, name: str) -> NDArray[np.uint8]:
    """Decode the bytes of a JPEG or PNG, as `read_picture` does those of a file.

    Args:
        data: The whole file.
        name: What a message calls it.

    Returns:
        (h, w, 3) uint8 RGB, h * w at most `MAX_PIXELS`.

    Raises:
        PictureError: It is truncated, damaged, too large or no JPEG or PNG.
    """
    header = _checked_header(data, name)
    image = _decode(data, cv2.IMREAD_UNCHANGED if header.transparent else cv2.IMREAD_COLOR)
    if image is None:
        raise PictureError(f"{name} is damaged: it cannot be decoded. Copy or save it again.")
    if header.transparent:
        image = _oriented(_on_white(image), header.exif_chunk)
    rgb: NDArray[np.uint8] = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
    return rgb


def write_picture(path: Path | str, image: NDArray[np.uint8]) -> None:
    """Write an RGB picture so that a reader sees the old file or the whole new one.

    Args:
        path: Where to; the suffix says which format, one of `SUFFIXES`.
        image: (h, w, 3) uint8 RGB.

    Raises:
        PictureError: The suffix is not allowed or the file cannot be written.
    """
    path = Path(path)
    _check_suffix(path)
    encoded = cv2.imencode(path.suffix.lower(), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1]
    partial = path.with_name(f".{uuid4().hex}.part")
    try:
        partial.write_bytes(encoded.tobytes())
        partial.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            partial.unlink()
        raise PictureError(
            f"{path} cannot be written ({error.strerror}). Choose a folder that is there, may "
            "be written and has room."
        ) from error


def find_pictures(arguments: Iterable[Path | str]) -> list[Path]:
    """List the pictures that files, folders and globs stand for, each file once.

    As `search_pictures`, and what cannot be examined is left out where others are found.

    Raises:
        PictureError: An argument stands for no picture.
    """
    found: dict[str, Path] = {}
    for argument in arguments:
        entries = search_pictures(argument)
        paths = [entry for entry in entries if isinstance(entry, Path)]
        failures = [entry for entry in entries if isinstance(entry, PictureError)]
        if failures and not paths:
            raise failures[0]
        for path in paths:
            found.setdefault(real_path(path), path)
    return list(found.values())


def search_pictures(argument: Path | str) -> list[Path | PictureError]:
    """Find the pictures that a file, folder or glob stands for.

    A folder is searched with all below it, sorted; hidden files and sheets of maps
    (such as `*.gradcam.png`) are left out, and links to folders are not followed, neither there
    nor by `**`. A path that is neither folder nor glob is passed on as it is, so that one missing
    file fails by itself.

    Returns:
        Paths, and an error for each folder that cannot be listed, a folder without pictures, a
        glob without a match, an empty name.
    """
    if not str(argument):
        return [PictureError("An empty name was given. Name a picture, a folder or a glob.")]
    path = Path(argument)
    if _is_folder(path):
        return _in_folder(path)
    if glob.has_magic(str(argument)) and not os.path.lexists(path):
        return _matching(str(argument))
    return [path]


def real_path(path: Path) -> str:
    """Where a path leads when its links are followed, by which two names of a file are known."""
    try:
        return os.path.realpath(path)
    except ValueError:
        return str(path)


def _is_folder(path: Path) -> bool:
    # Unlike Path.is_dir, this has an answer for a path that may not or cannot be examined.
    return os.path.isdir(path)  # noqa: PTH112


def _in_folder(folder: Path) -> list[Path | PictureError]:
    failures: list[PictureError] = []
    found = sorted(
        place / name
        for place, names in _folders_from(folder, failures)
        for name in names
        if _looks_like_picture(place / name) and not name.endswith(tuple(SHEET_SUFFIXES.values()))
    )
    if not found and not failures:
        failures.append(
            PictureError(
                f"The folder {folder} holds no pictures. Files ending in {', '.join(SUFFIXES)} "
                "are looked for, in the folders below it too."
            )
        )
    return [*found, *failures]


def _matching(pattern: str) -> list[Path | PictureError]:
    failures: list[PictureError] = []
    matches = map(Path, sorted(set(_glob(pattern, failures))))
    found = [path for path in matches if _looks_like_picture(path)]
    if not found and not failures:
        failures.append(
            PictureError(
                f"{pattern} matches no pictures. Files ending in {', '.join(SUFFIXES)} are "
                "looked for."
            )
        )
    return [*found, *failures]


def _glob(pattern: str, failures: list[PictureError]) -> Iterator[str]:
    """What a pattern matches; as glob.glob does, but links cannot lead `**` in circles."""
    split = _DOUBLE_STAR.fullmatch(pattern)
    if split is None:
        yield from glob.glob(pattern)  # noqa: PTH207
        return
    before, after = split[1] or "", split[2] or "*"
    for top in glob.glob(before) if before else [os.curdir]:  # noqa: PTH207
        for folder, _ in _folders_from(Path(top), failures):
            yield from _glob(f"{glob.escape(str(folder))}/{after}", failures)


def _folders_from(top: Path, failures: list[PictureError]) -> Iterator[tuple[Path, list[str]]]:
    """A folder and all below it that are not hidden; those that cannot be listed are failures."""

    def failed(error: OSError) -> None:
        failures.append(
            PictureError(
                f"The folder {error.filename} cannot be listed ({error.strerror}). Check its "
                "permissions and its disk."
            )
        )

    for folder, below, files in os.walk(top, onerror=failed):
        below[:] = sorted(name for name in below if not name.startswith("."))
        yield Path(folder), files


def _looks_like_picture(path: Path) -> bool:
    hidden = path.name.startswith(".")
    return path.suffix.lower() in SUFFIXES and not hidden and not _is_folder(path)


def _check_suffix(path: Path) -> None:
    if path.suffix.lower() not in SUFFIXES:
        raise PictureError(
            f"{path} ends in {path.suffix!r}; allowed are {', '.join(SUFFIXES)}. Choose one."
        )


def _load(path: Path) -> bytes:
    try:
        _check_file(path, path.stat())
        return path.read_bytes()
    except FileNotFoundError as error:
        what = "points to a file that is not there" if path.is_symlink() else "does not exist"
        raise PictureError(f"{path} {what}. Check the path.") from error
    except OSError as error:
        raise PictureError(
            f"{path} cannot be read ({error.strerror}). Check its permissions and its disk."
        ) from error


def _check_file(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "no regular file"
        raise PictureError(f"{path} is {kind}; {_ALLOWED}. Name a picture.")
    if status.st_size == 0:
        raise PictureError(f"{path} is empty; {_ALLOWED}. Copy or save it again.")
    if status.st_size > MAX_FILE_BYTES:
        raise PictureError(
            f"{path} has {status.st_size:,} bytes; at most {MAX_FILE_BYTES:,} are allowed. "
            "Save it smaller."
        )


def _checked_header(data: bytes, name: str) -> PictureHeader:
    try:
        header = read_header(data, MAX_PIXELS)
    except PictureError as error:
        raise PictureError(f"{name} {error}") from error
    if not 0 < header.width_px * header.height_px <= MAX_PIXELS:
        raise PictureError(
            f"{name} says it is {header.width_px:,} x {header.height_px:,} pixels; 1 to "
            f"{MAX_PIXELS:,} pixels in all are allowed. Scale it down."
        )
    return header


def _decode(data: bytes, flags: int) -> NDArray[np.uint8] | None:
    try:
        image: NDArray[np.uint8] | None = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error:
        return None
    return image


def _on_white(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(h, w, 4) BGRA of 8 or 16 bits as (h, w, 3) BGR of 8 bits, laid on white."""
    eight_bit = (image >> 8).astype(np.uint8) if image.dtype == np.uint16 else image
    colour, alpha = eight_bit[:, :, :3].astype(np.uint16), eight_bit[:, :, 3:].astype(np.uint16)
    return ((colour * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)


def _oriented(image: NDArray[np.uint8], exif_chunk: bytes) -> NDArray[np.uint8]:
    """Let the decoder turn a picture, as it does not where it is asked for transparency."""
    if not exif_chunk:
        return image
    png = cv2.imencode(".png", image)[1].tobytes()
    turned = _decode(
        png[:_PNG_HEADER_BYTES] + exif_chunk + png[_PNG_HEADER_BYTES:], cv2.IMREAD_COLOR
    )
    return image if turned is None else turned
