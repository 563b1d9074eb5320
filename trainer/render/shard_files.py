"""A shard on disk: a folder of pictures that appears whole, sealed with checksums, or not at all.

shards/000012/             while it is written: shards/000012.XXXXXXXX.part/
    images/SEED.jpg
    ids/SEED.png           8-bit instance map: 0 is no brick, k is the k-th brick of the scene
    scenes.jsonl           the scenes, one a line
    index.jsonl            their rows of the data set's index
    shard.json             which pictures, of which recipe, and SHA-256 of every other file
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import uuid4

from trainer.errors import DatasetError

DESCRIPTION = "dataset.json"
SHARDS = "shards"
SEAL = "shard.json"
INDEX = "index.jsonl"
SCENES = "scenes.jsonl"
STAGED_SUFFIX = ".part"


@dataclass(frozen=True, slots=True)
class Seal:
    """What shard.json says.

    Attributes:
        number: Of the shard.
        first: Index of its first picture within the recipe.
        count: Pictures.
        recipe_sha256: Of the recipe they were drawn by.
        engine: That drew them.
        files: SHA-256 by path inside the shard.
    """

    number: int
    first: int
    count: int
    recipe_sha256: str
    engine: str
    files: Mapping[str, str]


def shard_folder(folder: Path, number: int) -> Path:
    """Where a data set keeps a shard."""
    return folder / SHARDS / f"{number:06d}"


def staged_folder(folder: Path, number: int) -> Path:
    """Make a place to write a shard; what was half-written there before is removed."""
    remove_staged(folder, number)
    final = shard_folder(folder, number)
    # A worker that was given up but still runs must not write into the same one.
    staged = final.with_name(f"{final.name}.{uuid4().hex[:8]}{STAGED_SUFFIX}")
    for name in ("images", "ids"):
        (staged / name).mkdir(parents=True)
    return staged


def remove_staged(folder: Path, number: int | None = None) -> None:
    """Remove half-written shards; those of all numbers if none is given."""
    name = "*" if number is None else f"{number:06d}.*"
    for staged in (folder / SHARDS).glob(name + STAGED_SUFFIX):
        shutil.rmtree(staged, ignore_errors=True)


def shard_folders(folder: Path) -> list[Path]:
    """All whole shards of a data set, by number."""
    return sorted(path for path in (folder / SHARDS).glob("*") if path.name.isdecimal())


def seal(
    staged: Path, number: int, first: int, count: int, recipe_sha256: str, engine: str
) -> None:
    """Write shard.json over all files, and bring everything to the disk."""
    files = {name: sha256_of(staged / name) for name in _files(staged)}
    described = asdict(Seal(number, first, count, recipe_sha256, engine, files))
    (staged / SEAL).write_text(json.dumps(described, indent=1), encoding="utf-8")
    for name in (*files, SEAL, "images", "ids", "."):
        _to_disk(staged / name)


def publish(staged: Path, final: Path) -> None:
    """Put a sealed shard in its place; one that is there gives way."""
    if final.exists():
        old = final.with_name(f"{staged.name}.old{STAGED_SUFFIX}")
        final.rename(old)
        staged.rename(final)
        shutil.rmtree(old, ignore_errors=True)
    else:
        staged.rename(final)
    _to_disk(final.parent)


def read_seal(shard: Path) -> Seal:
    """Read shard.json.

    Raises:
        DatasetError: It is missing or damaged.
    """
    path = shard / SEAL
    try:
        return Seal(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise DatasetError(f"{path}: no seal of a shard ({error}); {_REPAIR}") from error


def check_shard(shard: Path) -> Seal:
    """Compare a shard's files with its checksums.

    Raises:
        DatasetError: A file is missing, changed, or not of the shard; the message names it.
    """
    found = read_seal(shard)
    for name, expected in found.files.items():
        try:
            actual = sha256_of(shard / name)
        except OSError as error:
            raise DatasetError(f"{shard / name}: {error.strerror}; {_REPAIR}") from error
        if actual != expected:
            raise DatasetError(
                f"{shard / name}: SHA-256 is {actual[:12]}, expected {expected[:12]}; {_REPAIR}"
            )
    return found


_REPAIR = "the render command that made it draws this shard again"


def check_shards(folder: Path) -> Iterator[Path]:
    """Check a rendered data set shard by shard, then its index; gives each shard that is right.

    Raises:
        DatasetError: There is no shard, a file is wrong, or the index names other pictures.
    """
    shards = shard_folders(folder)
    if not shards:
        raise DatasetError(
            f"{folder / SHARDS}: no shards with checksums; only a data set of"
            " `bricksight-trainer render` can be verified"
        )
    for shard in shards:
        check_shard(shard)
        yield shard
    rows = b"".join((shard / INDEX).read_bytes() for shard in shards)
    index = folder / INDEX
    held = index.read_bytes() if index.is_file() else b""
    if held != rows:
        found, expected = (len(some.splitlines()) for some in (held, rows))
        raise DatasetError(
            f"{index}: its {found} rows are not the {expected} of the {len(shards)} shards;"
            " the render command that made it writes it again"
        )


def merge_index(folder: Path) -> int:
    """Write the data set's index from those of its shards; a reader sees the old or the new one.

    Returns:
        Its pictures.
    """
    index = folder / INDEX
    staged = index.with_name(INDEX + ".staged")
    pictures = 0
    try:
        with staged.open("wb") as out:
            for shard in shard_folders(folder):
                rows = (shard / INDEX).read_bytes()
                out.write(rows)
                pictures += rows.count(b"\n")
            out.flush()
            os.fsync(out.fileno())
    except OSError:
        staged.unlink(missing_ok=True)
        raise
    staged.replace(index)
    return pictures


def sha256_of(path: Path) -> str:
    """Of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _files(shard: Path) -> list[str]:
    return sorted(str(p.relative_to(shard)) for p in shard.rglob("*") if p.is_file())


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
