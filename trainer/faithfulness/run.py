"""Examines many pictures on several processes; what is done stays done."""

import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

from rich.console import Console
from rich.progress import track

from edge.explain.worker.process import interrupts_held_back
from trainer.dataset import Sample
from trainer.faithfulness.networks import Networks
from trainer.faithfulness.picture import Examiner, open_examiner
from trainer.faithfulness.rows import Row, RowFile, key_of
from trainer.faithfulness.settings import Settings

Job = tuple[str, int, Sample]
"""Key, number of the picture in its split, and the picture."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What a process needs to make an examiner of its own.

    Attributes:
        bundle: Its folder.
        networks: What the bundle itself does not hold.
        settings: Of the evaluation.
    """

    bundle: Path
    networks: Networks
    settings: Settings

    def open(self) -> Examiner:
        """A new examiner."""
        return open_examiner(self.bundle, self.networks, self.settings)


def examine_all(
    opening: Opening,
    samples: Sequence[Sample],
    file: RowFile,
    workers: int,
    console: Console,
) -> list[Row]:
    """Examine pictures that have no row yet.

    Args:
        opening: Makes an examiner, once in each process.
        samples: The pictures, in the order of their split.
        file: Where rows are and go.
        workers: Processes; with one, the work is done in this one.
        console: Where progress is shown.

    Returns:
        The rows of all `samples`, in their order.
    """
    keys = [key_of(sample.picture) for sample in samples]
    jobs = [
        (k, n, s) for n, (k, s) in enumerate(zip(keys, samples, strict=True)) if k not in file.rows
    ]
    done = _here(opening, jobs) if workers == 1 else _apart(opening, jobs, workers)
    if jobs:
        for key, row in track(done, "explaining", total=len(jobs), console=console):
            file.add(key, row)
    return [file.rows[key] for key in keys]


def _here(opening: Opening, jobs: Sequence[Job]) -> Iterator[tuple[str, Row]]:
    examiner = opening.open() if jobs else None
    for key, number, sample in jobs:
        yield key, examiner.examine(sample, number)


def _apart(opening: Opening, jobs: Sequence[Job], workers: int) -> Iterator[tuple[str, Row]]:
    with ProcessPoolExecutor(workers, get_context("spawn"), initializer=_ignore_interrupt) as pool:
        with interrupts_held_back():
            waiting = [pool.submit(_examine, opening, job) for job in jobs]
        try:
            for finished in as_completed(waiting):
                yield finished.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _ignore_interrupt() -> None:
    # Ctrl-C reaches every process; the first one ends the others when their picture is done.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@lru_cache(maxsize=1)
def _opened(opening: Opening) -> Examiner:
    return opening.open()


def _examine(opening: Opening, job: Job) -> tuple[str, Row]:
    key, number, sample = job
    return key, _opened(opening).examine(sample, number)
