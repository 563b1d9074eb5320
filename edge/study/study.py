"""One study that was made: STUDIES/<id>/ with study.json, answers.sqlite and pictures/."""

import hashlib
from functools import cached_property
from pathlib import Path

from edge.errors import StudyConflict, StudyError, StudyLost, StudyUnknown
from edge.study.answers import AnswerBook
from edge.study.file import StudyFile
from edge.study.files import read_plan
from edge.study.plan import Plan
from edge.study.said import State

PLAN, ANSWERS, PICTURES = "study.json", "answers.sqlite", "pictures"
SUFFIX = ".jpg"


class Study:
    """One study that was made.

    Args:
        folder: Its own; named by its id.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.id = folder.name
        self.book = AnswerBook(folder / ANSWERS, self.id)

    @cached_property
    def plan(self) -> Plan:
        """What it asks.

        Raises:
            StudyError: Its file is damaged, of another release, or of another study.
        """
        found = read_plan(self.folder / PLAN)
        if found.id != self.id:
            raise StudyError(f"{self.folder / PLAN}: found study {found.id}, expected {self.id}")
        return found

    def picture(self, sha256: str) -> bytes:
        """One of its pictures, as JPEG.

        Raises:
            StudyUnknown: It shows no such picture.
            StudyLost: The file is gone or was changed.
        """
        if sha256 not in self.plan.files:
            raise StudyUnknown("this study shows no such picture")
        path = picture_path(self.folder, sha256)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise StudyLost(f"a picture of this study is gone ({error.strerror})") from error
        if hashlib.sha256(data).hexdigest() != sha256:
            raise StudyLost("a picture of this study was changed, and is not shown")
        return data

    @property
    def has_pictures(self) -> bool:
        """Whether its pictures are here; of one that was brought in they are not."""
        return picture_path(self.folder, self.plan.catch.picture).exists()

    @property
    def file(self) -> StudyFile:
        """All of it as one file.

        Raises:
            StudyConflict: It is not closed; nobody sees answers before.
        """
        standing = self.book.standing()
        if standing.state is not State.CLOSED:
            raise StudyConflict(
                f"this study is {standing.state}; its answers are hidden until it is closed"
            )
        return StudyFile.of(self.plan, standing, self.book.everything())


def picture_path(folder: Path, sha256: str) -> Path:
    """Where a picture of a study is."""
    return folder / PICTURES / f"{sha256}{SUFFIX}"
