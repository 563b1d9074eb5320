"""Copies of the shipped bundle, for tests that damage them."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edge.config import SHIPPED_BUNDLE
from edge.manifest import MANIFEST, seal_of

Values = dict[str, Any]


def copy_bundle(folder: Path) -> Path:
    """A bundle of links to the shipped files; `write` puts a file of its own in a link's place."""
    for source in sorted(path for path in SHIPPED_BUNDLE.rglob("*") if path.is_file()):
        target = folder / source.relative_to(SHIPPED_BUNDLE)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.symlink_to(source)
    return folder


def write(path: Path, content: bytes) -> None:
    """Put a file in the place of a link."""
    path.unlink(missing_ok=True)
    path.write_bytes(content)


def manifest_of(folder: Path) -> Values:
    values: Values = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    return values


def edit_manifest(folder: Path, edit: Callable[[Values], object]) -> None:
    """Change values of the manifest, and seal it again."""
    values = manifest_of(folder)
    edit(values)
    values["seal"] = seal_of(values)
    write(folder / MANIFEST, json.dumps(values).encode())


def report_every_label(values: Values) -> None:
    """For `edit_manifest`: let every label be reported, however unlikely."""
    for entry in values["labels"]:
        entry.update(threshold=1e-6, reported=True)


def replace_file(folder: Path, role: str, content: bytes) -> Path:
    """Give a role other content, with a manifest that fits it."""
    path = folder / manifest_of(folder)["files"][role]["path"]
    write(path, content)
    entry = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    edit_manifest(folder, lambda values: values["files"][role].update(entry))
    return path


def parts_of(folder: Path) -> tuple[Values, dict[str, tuple[str, bytes]]]:
    """What `write_bundle` takes: the manifest without its files, and the files."""
    values = manifest_of(folder)
    entries = values.pop("files")
    files = {
        role: (entry["path"], (folder / entry["path"]).read_bytes())
        for role, entry in entries.items()
    }
    return values, files
