"""Keeps the rows that are done, so that a call that was stopped goes on where it was."""

import hashlib
import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.bench.needs import CannotMeasure
from tests.bench.subject import ROOT
from tests.bench.table import Reach, Row

MEASURED = ("trainer", "edge", "tests/prove", "tests/bench")
"""What a figure depends on. What was shipped is no code."""
SHIPPED = (":(exclude)edge/models", ":(exclude)trainer/shipped")
UNKNOWN = "unknown"


def code_mark() -> str:
    """The last commit that changed the measured code, and a mark of what is not committed yet."""
    paths = ("--", *MEASURED, *SHIPPED)
    commit = _git("log", "-1", "--format=%h", *paths)
    if not commit:
        return UNKNOWN
    changes = _git("diff", "HEAD", *paths)
    changed = hashlib.sha256(changes.encode()).hexdigest()[:8]
    return f"{commit}+{changed}" if changes else commit


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(ROOT), *arguments]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


class Ledger:
    """Rows of figures in one JSON file.

    Args:
        path: The file; made with the first row.

    Raises:
        CannotMeasure: The file is damaged.
    """

    def __init__(self, path: Path):
        self._path = path
        self._figures: dict[str, dict[str, Any]] = {}
        if path.exists():
            try:
                self._figures = dict(json.loads(path.read_text(encoding="utf-8")))
                for name in self._figures:
                    self.last(name)
            except (OSError, ValueError, KeyError, TypeError) as error:
                raise CannotMeasure(
                    f"{path}: damaged ({type(error).__name__} {error}); remove it"
                ) from error

    def rows(self, name: str, code: str, settings: Mapping[str, Any]) -> list[Row] | None:
        """The rows of a figure, if the same code measured it with the same settings."""
        kept = self._figures.get(name)
        same = kept is not None and (kept["code"], kept["settings"]) == (code, dict(settings))
        return self.last(name) if same and code != UNKNOWN else None

    def last(self, name: str) -> list[Row] | None:
        """The rows of a figure, whatever measured it."""
        kept = self._figures.get(name)
        return None if kept is None else [_row(values) for values in kept["rows"]]

    def keep(self, name: str, code: str, settings: Mapping[str, Any], rows: Sequence[Row]) -> None:
        """Write the rows of a figure down, instead of those before."""
        values = [asdict(row) for row in rows]
        self._figures[name] = {"code": code, "settings": dict(settings), "rows": values}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        staged = self._path.with_name(self._path.name + ".staged")
        staged.write_text(json.dumps(self._figures, indent=1), encoding="utf-8")
        staged.replace(self._path)


def _row(values: Mapping[str, Any]) -> Row:
    reach = values["reach"]
    return Row(**{**values, "reach": Reach(**reach) if reach else None})
