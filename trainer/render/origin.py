"""What a rendered data set was made of, and that one command at a time adds to it.

dataset.json holds the recipe and its hash, the engine, what scenes were drawn from, versions, and
how many pictures and shards there are.
"""

import fcntl
import json
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

from trainer.errors import DatasetError
from trainer.render.recipe import RenderRecipe
from trainer.render.shard_files import (
    DESCRIPTION,
    INDEX,
    SHARDS,
    merge_index,
    remove_staged,
    shard_folders,
)

LOCK = ".rendering"


@contextmanager
def claimed(folder: Path, recipe: RenderRecipe, stock: str) -> Iterator[None]:
    """Hold a data set for one command, and see that it is of this recipe.

    Raises:
        DatasetError: It is of another recipe or other shapes, or another command holds it.
    """
    (folder / SHARDS).mkdir(parents=True, exist_ok=True)
    with (folder / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DatasetError(
                f"{folder}: another command renders into it; wait for it, or choose another --out"
            ) from None
        _check_origin(folder, recipe, stock)
        remove_staged(folder)
        _describe(folder, recipe, stock, pictures=None)
        yield


def _check_origin(folder: Path, recipe: RenderRecipe, stock: str) -> None:
    path = folder / DESCRIPTION
    if not path.is_file():
        if shard_folders(folder) or (folder / INDEX).exists():
            raise DatasetError(f"{folder}: a data set without {DESCRIPTION}; choose another --out")
        return
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
        name, found = described["recipe"]["name"], described["recipe_sha256"]
        found_stock = described["stock"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(f"{path}: cannot be read ({error}); choose another --out") from error
    expected = recipe.sha256()
    if found != expected:
        raise DatasetError(
            f"{folder}: rendered by recipe {name!r} ({found[:12]}), this one is {recipe.name!r}"
            f" ({expected[:12]}); engine, size and shard size count too; choose another --out"
        )
    if found_stock != stock:
        raise DatasetError(
            f"{folder}: drawn from {found_stock}, here are {stock}; the same seeds would give"
            " other scenes: set LDRAWDIR as before and use the same version, or another --out"
        )


def _describe(folder: Path, recipe: RenderRecipe, stock: str, pictures: int | None) -> None:
    path = folder / DESCRIPTION
    if pictures is None and path.is_file():
        return
    packages = ("bricksight", "numpy", "opencv-python")
    described = {
        "recipe": recipe.model_dump(mode="json"),
        "recipe_sha256": recipe.sha256(),
        "engine": recipe.engine,
        "stock": stock,
        "versions": {"python": platform.python_version()} | {p: version(p) for p in packages},
        "pictures": pictures or 0,
        "shards": len(shard_folders(folder)),
    }
    staged = path.with_name(path.name + ".staged")
    staged.write_text(json.dumps(described, indent=1), encoding="utf-8")
    staged.replace(path)


def merge(folder: Path, recipe: RenderRecipe, stock: str) -> int:
    """Write the index and dataset.json anew; gives the pictures of the data set."""
    pictures = merge_index(folder)
    _describe(folder, recipe, stock, pictures)
    return pictures
