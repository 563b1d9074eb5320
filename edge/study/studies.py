"""The folder of all studies: STUDIES/<id>/ with study.json, answers.sqlite and pictures/."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from edge.errors import StudyConflict, StudyError, StudyLost, StudyUnknown
from edge.study.codes import is_id, is_personal, new_id
from edge.study.file import StudyFile
from edge.study.files import write_atomically
from edge.study.progress import Making, Stage, making_of, wished_title
from edge.study.said import Participant, Standing, State
from edge.study.study import ANSWERS, PICTURES, PLAN, Study


@dataclass(frozen=True, slots=True)
class Listed:
    """A study as a list shows it.

    Attributes:
        id: Of the study.
        title: Its name; its id where that is not known.
        made: How far its pictures are.
        standing: None where it is not made yet, or damaged.
        problem: What is wrong; None where nothing is.
    """

    id: str
    title: str
    made: Making
    standing: Standing | None = None
    problem: str | None = None


class Studies:
    """All studies of a device. Safe for many threads.

    Args:
        folder: Where they are; made when the first one is.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def ids(self) -> tuple[str, ...]:
        """Of all that are there, also those not made yet; the newest first."""
        try:
            found = [path for path in self.folder.iterdir() if is_id(path.name) and path.is_dir()]
            found.sort(key=lambda path: (-_made_at_s(path), path.name))
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise StudyLost(
                f"{self.folder}: the studies cannot be listed ({error.strerror})"
            ) from error
        return tuple(path.name for path in found)

    def study(self, study_id: str) -> Study:
        """One that was made.

        Raises:
            StudyUnknown: There is none, or it is not made yet.
        """
        folder = self._folder_of(study_id)
        if not (folder / PLAN).is_file():
            raise StudyUnknown(f"study {study_id} is not made yet, or failed")
        return Study(folder)

    def listed(self, study_id: str) -> Listed:
        """One, whatever became of it.

        Raises:
            StudyUnknown: There is none.
        """
        folder = self._folder_of(study_id)
        if not (folder / PLAN).is_file():
            made = making_of(folder)
            return Listed(study_id, wished_title(folder) or study_id, made, problem=made.problem)
        done = Making(stage=Stage.DONE)
        try:
            study = Study(folder)
            return Listed(study_id, study.plan.title, done, study.book.standing())
        except StudyError as error:
            return Listed(study_id, study_id, done, problem=str(error))

    def all(self) -> tuple[Listed, ...]:
        """All studies, the newest first."""
        return tuple(self.listed(study_id) for study_id in self.ids())

    @property
    def some_open(self) -> bool:
        """Whether people can take part in any."""
        return any(study.book.standing().state is State.OPEN for study in self._made())

    def invited(self, code: str) -> Study | None:
        """The open study of an invitation; None where there is none."""
        for study in self._made():
            standing = study.book.standing()
            if standing.state is State.OPEN and standing.invitation == code:
                return study
        return None

    def returning(self, code: str) -> tuple[Study, Participant] | None:
        """Whose personal code it is, and of which study; None where it is nobody's."""
        if not is_personal(code):
            return None
        for study in self._made():
            found = study.book.by_code(code)
            if found is not None:
                return study, found
        return None

    def new_folder(self) -> Path:
        """The folder of a new study, with room for its pictures.

        Raises:
            StudyLost: It cannot be made.
        """
        folder = self.folder / new_id()
        try:
            (folder / PICTURES).mkdir(parents=True)
        except OSError as error:
            raise StudyLost(
                f"{folder} cannot be made ({error.strerror}); make room, or let this user write"
            ) from error
        return folder

    def bring_in(self, file: StudyFile) -> Study:
        """Take over a study that was conducted elsewhere, to look at its results.

        Raises:
            StudyConflict: It is here already.
            StudyLost: It cannot be written.
        """
        folder = self.folder / file.plan.id
        try:
            (folder / PICTURES).mkdir(parents=True)
        except FileExistsError as error:
            raise StudyConflict(f"study {file.plan.id} is here already") from error
        except OSError as error:
            raise StudyLost(f"{folder} cannot be made ({error.strerror})") from error
        try:
            study = Study(folder)
            study.book.begin()
            study.book.fill(file.said, file.standing)
            write_atomically(folder / PLAN, file.plan.model_dump_json(indent=1))
        except BaseException:
            # Else it could never be brought in again.
            self.discard(folder)
            raise
        return study

    def remove(self, study_id: str) -> None:
        """Delete a study that nobody answered: a draft, or one that failed.

        Raises:
            StudyUnknown: There is none.
            StudyConflict: It is being made, or was opened.
        """
        listed = self.listed(study_id)
        if listed.made.stage is Stage.RUNNING:
            raise StudyConflict("this study is being made; wait for its end")
        if listed.standing is not None and listed.standing.state is not State.DRAFT:
            raise StudyConflict(
                f"this study is {listed.standing.state}; what people answered is not deleted here"
            )
        if listed.standing is None and listed.made.stage is Stage.DONE:
            raise StudyConflict("this study is damaged; look at its files before deleting them")
        self.discard(self._folder_of(study_id))

    def discard(self, folder: Path) -> None:
        """Delete the folder of a study that came to nothing."""
        shutil.rmtree(folder, ignore_errors=True)

    def _made(self) -> Iterator[Study]:
        for study_id in self.ids():
            if (self.folder / study_id / ANSWERS).is_file():
                study = Study(self.folder / study_id)
                # One that is damaged must not keep the others' people out.
                try:
                    study.book.standing()
                except StudyError:
                    continue
                yield study

    def _folder_of(self, study_id: str) -> Path:
        folder = self.folder / study_id
        if not is_id(study_id) or not folder.is_dir():
            raise StudyUnknown(f"there is no study {study_id[:40]!r}")
        return folder


def studies_beside(journal: Path) -> Path:
    """Where the studies of the device with this journal are."""
    return journal.with_name(f"{journal.name}.studies")


def _made_at_s(folder: Path) -> float:
    """When its plan was written, which never changes; of one without, when its folder was."""
    plan = folder / PLAN
    return (plan if plan.exists() else folder).stat().st_mtime
