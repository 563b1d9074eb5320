"""Looks at the machine no more often than it changes, however many people ask."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

from edge.health.vitals import Vitals, read_vitals

EVERY_S = 2.0


class Looking:
    """The vitals of this machine, at most two seconds old. Safe from many threads.

    Args:
        journal: The device's journal.
        root: Of the file system with /proc and /sys.
        clock: As `time.monotonic`.
    """

    def __init__(
        self,
        journal: Path,
        root: Path = Path("/"),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._journal, self._root, self._clock = journal, root, clock
        self._lock = threading.Lock()
        self._seen: Vitals | None = None
        self._next_s = float("-inf")

    def now(self) -> Vitals:
        """How the machine does."""
        with self._lock:
            if self._seen is None or self._clock() >= self._next_s:
                self._seen = read_vitals(self._journal, self._root)
                self._next_s = self._clock() + EVERY_S
            return self._seen
