"""How far the making of a study's pictures is, as a file that its page reads."""

import contextlib
import fcntl
import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field, ValidationError

from edge.errors import StudyLost
from edge.study.files import write_atomically
from edge.study.plan import MAX_ITEMS, MIN_ITEMS, Asked, Part, Text

WISH, PROGRESS, LOCK = "wish.json", "making.json", "making.lock"
DIED = "the process that made it ended without a word; make the study again"


class Stage(StrEnum):
    """How far it is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Wish(Part):
    """What a study is to be made of.

    Attributes:
        title: Its name.
        asked: Which question.
        ask_confidence: Whether people may say how sure they are.
        objective: Whether the objective block follows.
        seed: Of order and sides, and of LIME.
        count: Pictures at most.
        journal: Path of a journal, whose newest pictures are taken; None for a folder.
        pictures: Path of a folder with pictures; None for a journal.
        bundle: Path of the model.
        samples: Perturbed pictures of LIME; None for its default.
    """

    title: Text
    asked: Asked = Asked.TRUST
    ask_confidence: bool = True
    objective: bool = False
    seed: Annotated[int, Field(ge=0, lt=2**63)]
    count: Annotated[int, Field(ge=MIN_ITEMS, le=MAX_ITEMS)] = 10
    journal: str | None = None
    pictures: str | None = None
    bundle: str
    samples: Annotated[int, Field(ge=1, le=100_000)] | None = None


class Making(Part):
    """How far the making of a study is.

    Attributes:
        stage: Running, done or failed.
        made: Pictures that are finished.
        of: How many there will be.
        problem: Why it failed; None where it did not.
    """

    stage: Stage
    made: int = 0
    of: int = 0
    problem: str | None = None


def write_wish(folder: Path, wish: Wish) -> None:
    """Leave what is wished for where it is made."""
    write_atomically(folder / WISH, wish.model_dump_json())


def read_wish(folder: Path) -> Wish:
    """What is wished for."""
    return Wish.model_validate_json((folder / WISH).read_text(encoding="utf-8"))


def note(folder: Path, making: Making) -> None:
    """Write down how far it is."""
    write_atomically(folder / PROGRESS, making.model_dump_json())


def making_of(folder: Path) -> Making:
    """How far the making of a study is; one that died is told from one that is slow."""
    try:
        found = Making.model_validate_json((folder / PROGRESS).read_text(encoding="utf-8"))
    except (OSError, ValidationError):
        return Making(stage=Stage.FAILED, problem=DIED)
    if found.stage is Stage.RUNNING and not _is_held(folder):
        # It may have ended between the two looks.
        with contextlib.suppress(OSError, ValidationError):
            found = Making.model_validate_json((folder / PROGRESS).read_text(encoding="utf-8"))
        if found.stage is Stage.RUNNING:
            return found.model_copy(update={"stage": Stage.FAILED, "problem": DIED})
    return found


def wished_title(folder: Path) -> str | None:
    """What a study that is not made yet will be called."""
    try:
        return read_wish(folder).title
    except (OSError, ValidationError):
        return None


class Held:
    """The right to make a study, from its first moment on; ends with the process that has it.

    A child inherits it with its open files, so that nobody sees a gap between both.

    Args:
        folder: Of the study.

    Raises:
        StudyLost: There can be no file, or another process makes it.
    """

    def __init__(self, folder: Path) -> None:
        try:
            self.file: int | None = os.open(
                folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StudyLost(f"{folder}: the study cannot be made there ({error})") from error

    def close(self) -> None:
        """Let go. Safe to call twice."""
        if self.file is not None:
            os.close(self.file)
            self.file = None


def _is_held(folder: Path) -> bool:
    try:
        file = os.open(folder / LOCK, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(file)
    return False
