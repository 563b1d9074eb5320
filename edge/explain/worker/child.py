"""What runs in the explainer's process."""

import ctypes
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.bundle import Bundle, read_bundle
from edge.classifier import Classifier
from edge.errors import EdgeError, ExplainError
from edge.explain.lime import refine
from edge.explain.lime_result import LimeResult, LimeSettings

LEAST_URGENT = 19
INTERIM_S = 0.1
"""Between two interim results: sending one costs as much as a few samples."""
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """What the child is told to do.

    Attributes:
        number: Of the request.
        picture: (s, s, 3) uint8, what the model was shown.
        wanted: Indices of the labels that matter.
        settings: How.
        seconds: For all of it.
    """

    number: int
    picture: NDArray[np.uint8]
    wanted: tuple[int, ...]
    settings: LimeSettings
    seconds: float


@dataclass(frozen=True, slots=True, eq=False)
class Begun:
    """The child cuts the picture into superpixels."""

    number: int


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The child knows something; `result.ended` says whether it is the last of it."""

    number: int
    result: LimeResult


@dataclass(frozen=True, slots=True)
class Failed:
    """The child cannot do it."""

    number: int
    problem: str


def main(jobs: Connection, cancelled: Any, folder: Path, model_sha256: str) -> None:
    """Explain what comes through the pipe until its other end is gone.

    Args:
        jobs: `Job` in, `Begun`, `Found` and `Failed` out.
        cancelled: Shared number of the request that is cancelled.
        folder: The bundle.
        model_sha256: Of the classifier that the parent runs; another one would explain answers
            that nobody gave.
    """
    _give_way()
    classifier: Classifier | None = None
    while (job := _next(jobs)) is not None:
        try:
            classifier = classifier or Classifier(_same_bundle(folder, model_sha256))
            _explain(job, classifier, jobs.send, cancelled)
        except (EdgeError, ValueError) as error:
            jobs.send(Failed(job.number, str(error)))
        except BrokenPipeError:
            return


def _next(jobs: Connection) -> Job | None:
    try:
        job: Job = jobs.recv()
    except (EOFError, OSError):
        return None
    return job


def _same_bundle(folder: Path, model_sha256: str) -> Bundle:
    bundle = read_bundle(folder)
    if bundle.sha256 != model_sha256:
        raise ExplainError(
            f"{folder}: found classifier {bundle.sha256[:12]}, the app runs {model_sha256[:12]};"
            " the bundle was replaced, start the app again"
        )
    return bundle


def _explain(
    job: Job, classifier: Classifier, send: Callable[[object], None], cancelled: Any
) -> None:
    send(Begun(job.number))
    silent_until_s = 0.0
    for result in refine(
        job.picture,
        classifier.logits,
        job.settings,
        wanted=job.wanted,
        deadline_s=time.monotonic() + job.seconds,
        cancelled=lambda: bool(cancelled.value == job.number),
        probabilities=classifier.bundle.probabilities,
    ):
        if result.ended != "interim" or time.monotonic() >= silent_until_s:
            send(Found(job.number, result))
            silent_until_s = time.monotonic() + INTERIM_S


def _give_way() -> None:
    # Ctrl-C reaches the whole group; the parent ends this process by closing the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Held back since the start, see `LimeProcess`.
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    os.nice(LEAST_URGENT)
    if hasattr(os, "SCHED_BATCH"):
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        # Also where the parent is killed without a chance to say so.
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
