"""The process that makes a study's pictures, seen from outside; one at a time."""

import secrets
import subprocess
import sys
import threading
from pathlib import Path

from edge.errors import StudyConflict, StudyError, StudyLost
from edge.kept_frames import folder_of
from edge.pictures import SUFFIXES
from edge.study.plan import Asked
from edge.study.progress import Held, Making, Stage, Wish, note, write_wish
from edge.study.studies import Studies

MODULE = "edge.study.making"
END_S = 5.0
MAX_FOLDERS = 200


class Maker:
    """Makes studies of a device's own pictures. Safe for many threads.

    Args:
        studies: Where they go.
        bundle: Folder of the model.
        journal: The device's journal; None where there is none.
        sources: A folder whose subfolders have pictures for studies; None where there is none.
    """

    def __init__(
        self, studies: Studies, bundle: Path, journal: Path | None, sources: Path | None
    ) -> None:
        self._studies, self._bundle = studies, bundle
        self._journal, self._sources = journal, sources
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def kept(self) -> int:
        """How many pictures the journal has, about."""
        if self._journal is None:
            return 0
        return sum(1 for _ in folder_of(self._journal).glob(f"*/*{SUFFIXES[0]}"))

    @property
    def folders(self) -> tuple[str, ...]:
        """Names of the folders that may be taken."""
        try:
            found = [] if self._sources is None else list(self._sources.iterdir())
        except OSError:
            return ()
        named = (path.name for path in found if path.is_dir() and not path.is_symlink())
        return tuple(sorted(name for name in named if not name.startswith(".")))[:MAX_FOLDERS]

    def begin(
        self,
        title: str,
        count: int,
        folder: str | None = None,
        *,
        asked: Asked = Asked.TRUST,
        ask_confidence: bool = True,
        objective: bool = False,
    ) -> str:
        """Begin to make a study; returns its id at once.

        Args:
            title: Its name.
            count: Pictures at most.
            folder: One of `folders`; None for the newest of the journal.
            asked, ask_confidence, objective: See `edge.study.plan.Plan`.

        Raises:
            StudyConflict: One is being made already.
            StudyError: There is no such folder, or it cannot be begun.
        """
        wish = Wish(
            title=title,
            count=count,
            asked=asked,
            ask_confidence=ask_confidence,
            objective=objective,
            seed=secrets.randbelow(2**32),
            bundle=str(self._bundle.absolute()),
            journal=None if folder is not None else self._own_journal(),
            pictures=None if folder is None else self._allowed(folder),
        )
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                raise StudyConflict("a study is being made already; wait for its end")
            made = self._studies.new_folder()
            self._start(made, wish)
        return made.name

    def close(self) -> None:
        """End what is being made. Safe to call twice."""
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                self._process.kill()
                self._process.wait(END_S)
            self._process = None

    def _own_journal(self) -> str:
        if self._journal is None:
            raise StudyError("this device keeps no journal; choose a folder of pictures")
        return str(self._journal.absolute())

    def _allowed(self, folder: str) -> str:
        if self._sources is None or folder not in self.folders:
            allowed = ", ".join(self.folders) or "none"
            raise StudyError(f"folder: found {folder[:40]!r}, allowed {allowed}")
        return str((self._sources / folder).absolute())

    def _start(self, folder: Path, wish: Wish) -> None:
        write_wish(folder, wish)
        held = Held(folder)
        try:
            note(folder, Making(stage=Stage.RUNNING, of=wish.count))
            self._process = subprocess.Popen(
                [sys.executable, "-m", MODULE, str(folder.absolute())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[held.file] if held.file is not None else [],
                start_new_session=True,
            )
        except OSError as error:
            raise StudyLost(f"the study cannot be begun ({error})") from error
        finally:
            held.close()
