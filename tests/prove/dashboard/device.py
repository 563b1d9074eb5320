"""The app in a process of its own, on the demo's recording, and what its board says meanwhile."""

import multiprocessing
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path

from edge.access.roles import Role
from edge.access.store import AccessStore, access_path
from edge.access.tokens import Tokens
from edge.access.users import Users
from tests.bench.needs import CannotMeasure
from tests.bench.subject import ROOT

DEMO = ROOT / "edge" / "demo" / "edge.toml"
SAMPLE_S = 0.004
START_S = 120.0
NAME, PASSWORD = "ada", "seven red plates"


@dataclass(frozen=True, slots=True)
class Seen:
    """What the board said between two marks.

    Attributes:
        label_ms: How long each frame took to be labelled.
        captured_at_s: When each frame was captured, in seconds since the epoch, by its sequence.
    """

    label_ms: tuple[float, ...]
    captured_at_s: dict[int, float]


@dataclass(frozen=True, slots=True)
class Device:
    """A running app.

    Attributes:
        address: Of its page.
        token: A viewer's.
        pid: Of its process.
    """

    address: str
    token: str
    pid: int
    _pipe: Connection

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.address.rstrip("/").rpartition(":")[2])

    def begin(self) -> None:
        """Forget what was seen so far."""
        self._pipe.send("begin")
        self._pipe.recv()

    def seen(self) -> Seen:
        """What was seen since."""
        self._pipe.send("seen")
        found: Seen = self._pipe.recv()
        return found


@contextmanager
def running(folder: Path) -> Iterator[Device]:
    """The demo, on a free port, with its journal in a folder.

    Raises:
        CannotMeasure: It did not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    journal = folder / f"{os.getpid()}-{time.monotonic_ns()}.sqlite"
    ours, theirs = multiprocessing.Pipe()
    spawn = multiprocessing.get_context("spawn")
    process = spawn.Process(target=_run, args=(journal, theirs))
    process.start()
    try:
        if not ours.poll(START_S):
            raise CannotMeasure("the app did not start")
        address = ours.recv()
        with AccessStore(access_path(journal)) as store:
            Users(store).add(NAME, Role.ADMIN, PASSWORD)
            token = Tokens(store).add("viewer", Role.VIEWER)
        yield Device(address, token, process.pid or 0, ours)
    finally:
        ours.close()
        process.join(30)
        process.kill()
        for path in folder.glob(f"{journal.name}*"):
            if path.is_file():
                path.unlink()


def _run(journal: Path, pipe: Connection) -> None:
    from edge.app import App
    from edge.config import read_config

    config = read_config(DEMO)
    config = replace(
        config,
        dashboard=config.dashboard.model_copy(update={"port": 0}),
        journal=replace(config.journal, path=journal),
    )
    app = App(config)
    app.start()
    sampler = _Sampler(app)
    try:
        while app.board.current().prediction is None and not app.wait(0.05):
            pass
        pipe.send(app.address)
        while True:
            if pipe.recv() == "begin":
                sampler.begin()
                pipe.send(None)
            else:
                pipe.send(sampler.seen())
    except EOFError:
        return  # Whoever measures has seen enough.
    finally:
        sampler.end()
        app.stop()


class _Sampler:
    """Looks at the board again and again; each frame counts once."""

    def __init__(self, app: object) -> None:
        self._board = app.board  # type: ignore[attr-defined]
        self._ended = threading.Event()
        self.begin()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def begin(self) -> None:
        self._label_ms: dict[int, float] = {}
        self._captured: dict[int, float] = {}

    def seen(self) -> Seen:
        return Seen(tuple(self._label_ms.copy().values()), self._captured.copy())

    def end(self) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(SAMPLE_S):
            snapshot = self._board.current()
            if snapshot.prediction is not None and "label" in snapshot.stage_ms:
                frame = snapshot.prediction.frame
                if frame.sequence not in self._captured:
                    self._label_ms[frame.sequence] = snapshot.stage_ms["label"]
                    age_s = time.monotonic() - frame.captured_at_s
                    self._captured[frame.sequence] = time.time() - age_s
