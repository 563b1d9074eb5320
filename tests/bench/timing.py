"""Two things timed against each other in one process, so that both meet the same machine."""

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

WARM_UP_ROUNDS = 5

Timed = Callable[[], float]
"""Does its work once and says how many seconds that took."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Seconds of the first and of the second, round by round."""

    first_s: tuple[float, ...]
    second_s: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """How many times as long the first takes: the median of the rounds' ratios."""
        return median(a / b for a, b in zip(self.first_s, self.second_s, strict=True))

    @property
    def milliseconds(self) -> tuple[float, float]:
        """Medians of both."""
        return median(self.first_s) * 1e3, median(self.second_s) * 1e3

    @property
    def note(self) -> str:
        """The medians, for a row."""
        first, second = self.milliseconds
        return f"{first:.2f} against {second:.2f} ms"


def timed(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> Timed:
    """Make something that times one call of `work`."""

    def once() -> float:
        started = clock()
        work()
        return clock() - started

    return once


def compare(first: Timed, second: Timed, rounds: int) -> Comparison:
    """Take turns, first and second, after a warm-up and without garbage collection.

    Args:
        first, second: What is compared, see `timed`.
        rounds: How often each is timed.
    """
    for _ in range(WARM_UP_ROUNDS):
        first()
        second()
    with without_collection():
        pairs = [(first(), second()) for _ in range(rounds)]
    return Comparison(*(tuple(side) for side in zip(*pairs, strict=True)))


def compare_calls(
    first: Callable[[], object],
    second: Callable[[], object],
    rounds: int,
    clock: Callable[[], float] = time.perf_counter,
) -> Comparison:
    """`compare` for plain calls."""
    return compare(timed(first, clock), timed(second, clock), rounds)


def in_turn(works: Sequence[Callable[[], object]]) -> Callable[[], object]:
    """One call that does the next of `works` every time, round and round."""
    position = -1

    def next_one() -> object:
        nonlocal position
        position = (position + 1) % len(works)
        return works[position]()

    return next_one


@contextmanager
def without_collection() -> Iterator[None]:
    """No garbage collection inside."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
