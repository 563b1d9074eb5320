"""The explainer's process, seen from outside: started when first needed, and again if it dies."""

import multiprocessing
import os
import signal
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

from edge.explain.worker.child import Begun, Failed, Found, Job, main

JOIN_S = 2.0
PIPE_S = 20.0
"""So long a message may take through the pipe, the child's start included."""
NOBODY = -1

Message = Begun | Found | Failed


class ProcessDied(Exception):
    """The process is gone, with whatever it was doing.

    Attributes:
        exitcode: As of `multiprocessing.Process`; negative for a signal.
    """

    def __init__(self, exitcode: int | None) -> None:
        super().__init__(f"exit code {exitcode}")
        self.exitcode = exitcode


@contextmanager
def interrupts_held_back() -> Iterator[None]:
    """Processes started here are deaf to Ctrl-C, which reaches the whole group, from the start.

    They have to ignore it themselves before they let it through again.
    """
    # It lets interrupts through again once it has started its own process.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class LimeProcess:
    """One child that explains one picture at a time; used by one thread only.

    Args:
        folder: The bundle.
        model_sha256: Of the classifier in it.
        pipe_s: A child that neither takes nor finishes a message for so long counts as dead.
    """

    def __init__(self, folder: Path, model_sha256: str, pipe_s: float = PIPE_S) -> None:
        self._folder, self._model_sha256, self._pipe_s = folder, model_sha256, pipe_s
        self._context = multiprocessing.get_context("spawn")
        self._cancelled = self._context.Value("q", NOBODY, lock=False)
        self._process: SpawnProcess | None = None
        self._pipe: Connection | None = None
        self.starts = 0

    @property
    def pid(self) -> int | None:
        """Of the process; None while there is none."""
        return self._process.pid if self._process is not None else None

    def send(self, job: Job) -> None:
        """Give it something to do; one that died with nothing to do is started anew.

        Raises:
            ProcessDied: It went while it was told, and will be started anew by the next job.
        """
        if self._process is not None and not self._process.is_alive():
            self.close()
        if self._process is None:
            self._start()
        self._cancelled.value = NOBODY
        try:
            self._opened().send(job)
        except OSError as error:
            raise self._died() from error

    def cancel(self, number: int) -> None:
        """Ask it to end a request after this batch. Safe from any thread."""
        self._cancelled.value = number

    def receive(self, wait_s: float) -> Message | None:
        """What it says within that time.

        Raises:
            ProcessDied: It is gone, and will be started anew by the next job.
        """
        pipe = self._opened()
        try:
            if not pipe.poll(wait_s):
                return None
            message: Message = pipe.recv()
        except (EOFError, OSError) as error:
            raise self._died() from error
        return message

    def close(self) -> None:
        """End it. Safe to call twice."""
        process, pipe, self._process, self._pipe = self._process, self._pipe, None, None
        if pipe is not None:
            pipe.close()
        if process is not None:
            process.join(JOIN_S)
            if process.is_alive():
                process.kill()
                process.join(JOIN_S)
            # A process that not even a kill ends cannot be closed; the system keeps it.
            with suppress(ValueError):
                process.close()

    def _start(self) -> None:
        ours, theirs = self._context.Pipe()
        self._process = self._context.Process(
            target=main,
            args=(theirs, self._cancelled, self._folder, self._model_sha256),
            name="bricksight-lime",
            daemon=True,
        )
        with interrupts_held_back():
            self._process.start()
        theirs.close()
        _bound(ours, self._pipe_s)
        self._pipe = ours
        self.starts += 1

    def _opened(self) -> Connection:
        if self._pipe is None:
            raise ProcessDied(None)
        return self._pipe

    def _died(self) -> ProcessDied:
        if self._process is not None:
            self._process.join(JOIN_S)
        exitcode = self._process.exitcode if self._process is not None else None
        self.close()
        return ProcessDied(exitcode)


def _bound(pipe: Connection, seconds: float) -> None:
    """Have reads and writes end with an error when the other end stands still in the middle."""
    whole = int(seconds)
    limit = struct.pack("ll", whole, int((seconds - whole) * 1e6))
    with socket.socket(fileno=os.dup(pipe.fileno())) as end:
        for way in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            end.setsockopt(socket.SOL_SOCKET, way, limit)
