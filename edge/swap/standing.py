"""Which model is live, which was before, and how it does; the record on disk."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from edge.errors import SwapError, SwapLost
from edge.swap.places import CONFIGURED

FORMAT = 1
MAX_BYTES = 64 * 1024
STARTS_MAX = 3
"""So often a model may be begun without getting healthy."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Entry(_Part):
    """A model that was verified here.

    `seal` is of its manifest; "" where whatever lies in its folder is meant.
    """

    id: str = CONFIGURED
    name: str = ""
    seal: str = ""

    @property
    def called(self) -> str:
        """For a person."""
        if self.id == CONFIGURED:
            return f"{self.name or 'the model'} (of the settings)"
        return self.id if self.name in ("", self.id) else f"{self.name} ({self.id})"


class Standing(_Part):
    """Which model is live.

    Attributes:
        configured: What the settings named when it was swapped; where they name another model
            now, they are right and this is out of date.
        live: The model.
        previous: What was live before and is gone back to; None where there is nothing to go
            back to.
        starts: How often the device began with it and did not get healthy.
        by, at_s: Who made it live, and when by the wall clock.
        notice: What people have to know, until somebody has seen it.
    """

    format: int = Field(FORMAT, ge=FORMAT, le=FORMAT)
    configured: str = ""
    live: Entry = Entry()
    previous: Entry | None = None
    starts: int = Field(0, ge=0)
    by: str = ""
    at_s: float = Field(0.0, allow_inf_nan=False)
    notice: str = ""

    def swapped(self, to: Entry, by: str, at_s: float) -> "Standing":
        """After somebody made another model live."""
        return self.model_copy(
            update={
                "live": to,
                "previous": self.live,
                "starts": 0,
                "by": by,
                "at_s": at_s,
                "notice": "",
            }
        )

    def rolled_back(self, by: str, at_s: float, notice: str = "") -> "Standing":
        """After the model before was made live again; behind it is the configured one.

        Raises:
            SwapError: There is none before.
        """
        if self.previous is None:
            raise SwapError("there is no model to go back to; nothing was swapped")
        behind = None if self.previous.id == CONFIGURED else Entry()
        return self.model_copy(
            update={
                "live": self.previous,
                "previous": behind,
                "starts": 0,
                "by": by,
                "at_s": at_s,
                "notice": notice,
            }
        )

    def with_starts(self, starts: int) -> "Standing":
        """With another count of starts."""
        return self.model_copy(update={"starts": max(0, starts)})


class Record:
    """The record on disk, changed by one rename; safe for many processes.

    Args:
        path: Of the file; it need not exist.
        configured: What the settings name now, from `Places.names`.
    """

    def __init__(self, path: Path, configured: str) -> None:
        self.path = path
        self._configured = configured

    def read(self) -> Standing:
        """What is recorded; the configured model where nothing is, or for other settings.

        Raises:
            SwapLost: The file cannot be read, or is none of ours.
        """
        blank = Standing(configured=self._configured)
        try:
            with self.path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
            found = Standing.model_validate_json(content)
        except FileNotFoundError:
            return blank
        except (OSError, ValidationError) as error:
            said = error.strerror if isinstance(error, OSError) else "it is none of ours"
            raise SwapLost(
                f"{self.path}: says which model is live and cannot be read ({said});"
                " remove it to run the model of the settings"
            ) from error
        if found.configured != self._configured:
            return blank.model_copy(update={"notice": _outdated(found)})
        return found

    def change(self, edit: Callable[[Standing], Standing]) -> Standing:
        """Change the record, alone.

        Args:
            edit: What it is after what it was; where that is the same, nothing is written.

        Raises:
            SwapLost: It cannot be read or written; it stays as it was.
        """
        with self._alone():
            now = self.read()
            after = edit(now)
            if after != now:
                self.write(after)
        return after

    def write(self, standing: Standing) -> None:
        """Replace the record by one rename, once it is on the disk.

        Raises:
            SwapLost: It cannot be written; it stays as it was.
        """
        beside = self.path.with_name(f"{self.path.name}.new")
        try:
            with beside.open("wb") as file:
                file.write(standing.model_dump_json(indent=1).encode() + b"\n")
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self.path)
            folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise SwapLost(f"{self.path}: cannot be written ({error.strerror})") from error

    @contextmanager
    def _alone(self) -> Iterator[None]:
        lock = self.path.with_name(f"{self.path.name}.lock")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise SwapLost(f"{self.path}: cannot be written ({error.strerror})") from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        finally:
            os.close(file)


def _outdated(found: Standing) -> str:
    return (
        f"The settings name another model than when {found.live.called} was made live; theirs"
        " runs, and that swap is forgotten."
    )
