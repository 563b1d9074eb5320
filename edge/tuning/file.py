"""edge.toml as the page changes it: tried first, compared and set, the one before kept."""

import hashlib
import os
import shutil
import threading
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.errors import TuningConflict, TuningError
from edge.tuning.settings import BY_PATH, THRESHOLDS, Change, Checked
from edge.tuning.writing import MARK, lines_of, rewritten


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands in the file.

    Attributes:
        sha256: Of the file; who changes it says what they have seen.
        numbers: Of `edge.tuning.settings.SETTINGS`, by path; None where it is not set.
        thresholds: By label id; what is set in the file.
        undo: Whether there is one before to go back to.
    """

    sha256: str
    numbers: Mapping[str, float | None]
    thresholds: Mapping[str, float]
    undo: bool


class SettingsFile:
    """Changes edge.toml. Safe from many threads, and beside an editor.

    Args:
        path: The file; a link is followed.
        check: Reads a text as the device would at its start.
        now: What holds since the start.
    """

    def __init__(self, path: Path, check: Callable[[str], Checked], now: Checked) -> None:
        self._path = path.resolve()
        self._before = self._path.with_name(f"{self._path.name}.before")
        self._check = check
        self._lock = threading.Lock()
        self.now = now
        self.loaded = self._digest()
        """SHA-256 of the file that holds since the start; empty where it was gone by then."""

    def standing(self) -> Standing:
        """What stands in it.

        Raises:
            TuningConflict: It cannot be read.
        """
        data, text = self._read()
        try:
            values = tomllib.loads(text.removeprefix(MARK))
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            raise TuningConflict(f"{self._path.name}: not valid TOML: {error}; mend it") from error
        return Standing(
            _sha256(data),
            {path: _number_at(values, *path.split(".")) for path in BY_PATH},
            {
                label_id: share
                for label_id in _table(values, THRESHOLDS)
                if (share := _number_at(values, THRESHOLDS, label_id)) is not None
            },
            self._before.is_file(),
        )

    def proposed(self, change: Change) -> Checked:
        """What would hold after a change; writes nothing.

        Raises:
            TuningConflict: The file cannot be read.
            TuningError, ConfigError: The change cannot be.
        """
        return self._check(rewritten(self._read()[1], change).removeprefix(MARK))

    def apply(self, change: Change, seen: str) -> None:
        """Write a change, if the file is still the one that was seen.

        Args:
            change: What is to change.
            seen: SHA-256 of the file that the person looked at.

        Raises:
            TuningConflict: The file is another by now, or cannot be written.
            TuningError, ConfigError: The change cannot be; nothing was written.
        """
        if change.empty:
            raise TuningError("nothing is to change; change a value first")
        with self._lock:
            data, text = self._seen(seen)
            changed = rewritten(text, change)
            self._check(changed.removeprefix(MARK))
            with self._writable(f"; put this into it by hand: {lines_of(change)}"):
                self._exchange(data, changed.encode())

    def undo(self, seen: str) -> None:
        """Go back to the file before the last change; doing it twice brings that back.

        Args:
            seen: SHA-256 of the file that the person looked at.

        Raises:
            TuningConflict: There is none before, the file is another by now, or cannot be written.
            ConfigError: The one before does not fit any more.
        """
        with self._lock:
            data, _ = self._seen(seen)
            try:
                before = self._before.read_bytes()
                self._check(before.decode().removeprefix(MARK))
            except FileNotFoundError as error:
                raise TuningConflict("there is no change to undo") from error
            except (OSError, UnicodeDecodeError) as error:
                raise TuningConflict(
                    f"{self._before.name} cannot be read ({_why(error)})"
                ) from error
            with self._writable(f"; copy {self._before.name} over it by hand"):
                self._exchange(data, before)

    def _digest(self) -> str:
        try:
            return _sha256(self._read()[0])
        except TuningConflict:
            return ""

    def _read(self) -> tuple[bytes, str]:
        try:
            data = self._path.read_bytes()
            return data, data.decode()
        except (OSError, UnicodeDecodeError) as error:
            raise TuningConflict(f"{self._path.name} cannot be read ({_why(error)})") from error

    def _seen(self, sha256: str) -> tuple[bytes, str]:
        data, text = self._read()
        if _sha256(data) != sha256:
            raise TuningConflict(
                f"{self._path.name} was changed since this page was loaded, by somebody else or in"
                " an editor; reload the page and look again"
            )
        return data, text

    @contextmanager
    def _writable(self, otherwise: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise TuningConflict(
                f"{self._path.name} cannot be written ({error.strerror}){otherwise}"
            ) from error

    def _exchange(self, before: bytes, after: bytes) -> None:
        # Either file is whole at any moment, whenever the power goes.
        prepared = self._prepare(self._path, after)
        try:
            self._prepare(self._before, before).replace(self._before)
            prepared.replace(self._path)
        except OSError:
            prepared.unlink(missing_ok=True)
            raise

    def _prepare(self, path: Path, data: bytes) -> Path:
        new = path.with_name(f".{path.name}.new")
        with new.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        shutil.copymode(self._path, new)
        return new


def _why(error: Exception) -> str:
    # Without the folders of this device, that an OSError names.
    return str(error.strerror) if isinstance(error, OSError) else str(error)


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _table(values: Mapping[str, Any], section: str) -> Mapping[str, Any]:
    found = values.get(section)
    return found if isinstance(found, dict) else {}


def _number_at(values: Mapping[str, Any], section: str, key: str) -> float | None:
    found = _table(values, section).get(key)
    try:
        return float(found) if isinstance(found, int | float) else None
    except OverflowError:  # TOML's whole numbers have no end.
        return None
