"""Rows on disk, so that a stopped evaluation goes on: a header line, then a line a picture."""

import hashlib
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainer.errors import DatasetError

Row = dict[str, Any]


class RowFile:
    """Rows by key, all with the same header.

    A last line that was cut off is dropped; what is damaged elsewhere is refused.

    Args:
        path: A .jsonl file; made with the header if it is not there.
        header: What every row depends on; plain JSON values.

    Raises:
        DatasetError: The file is of another header, or damaged.
    """

    def __init__(self, path: Path, header: Mapping[str, Any]) -> None:
        self.path = path
        self._header = json.loads(json.dumps(header))
        self.rows: dict[str, Row] = {}
        make_folder(path.parent)
        lines = _whole_lines(path)
        if not lines:
            path.write_text(_line({"header": self._header}), encoding="utf-8")
            return
        self._check(lines[0])
        for number, line in enumerate(lines[1:], start=2):
            row = _parsed(line, path, number)
            self.rows[row["key"]] = row

    def add(self, key: str, row: Row) -> None:
        """Keep a row; it is on disk when this returns."""
        kept = plain({"key": key, **row})
        with self.path.open("a", encoding="utf-8") as file:
            file.write(_line(kept))
            file.flush()
            os.fsync(file.fileno())
        self.rows[key] = kept

    def _check(self, line: str) -> None:
        found = _parsed(line, self.path, 1).get("header")
        if found == self._header:
            return
        found = found if isinstance(found, dict) else {}
        differ = sorted(k for k in {*found, *self._header} if found.get(k) != self._header.get(k))
        said = "; ".join(f"{k}: {found.get(k)!r}, now {self._header.get(k)!r}" for k in differ)
        raise DatasetError(
            f"{self.path}: rows of an evaluation with other settings ({said}); choose another"
            " --out, or remove the file"
        )


def make_folder(folder: Path) -> None:
    """Make a folder for results, or find it made.

    Raises:
        DatasetError: It cannot be.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatasetError(
            f"--out: no folder can be made at {folder} ({error.strerror}); name another"
        ) from error


def key_of(path: Path) -> str:
    """What a picture's row goes by: the SHA-256 of its file, shortened."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:24]


def plain(value: Any) -> Any:
    """The same in strict JSON: what is not finite becomes None."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value


def _line(row: Row) -> str:
    return json.dumps(row, allow_nan=False, separators=(",", ":")) + "\n"


def _whole_lines(path: Path) -> list[str]:
    if not path.is_file():
        return []
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        path.write_bytes(whole)
    return whole.decode("utf-8", errors="replace").splitlines()


def _parsed(line: str, path: Path, number: int) -> Row:
    try:
        row = json.loads(line)
        if not isinstance(row, dict) or ("header" if number == 1 else "key") not in row:
            raise ValueError("not a row")
    except ValueError as error:
        raise DatasetError(
            f"{path}, line {number}: damaged ({error}); remove the file to evaluate anew"
        ) from error
    return row
