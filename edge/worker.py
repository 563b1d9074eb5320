"""Threads: the only place where they are made, and the only broad except."""

import threading
from collections.abc import Callable


class Worker:
    """Calls a step again and again on a thread of its own, until it is stopped or fails.

    Args:
        name: Of the thread.
        step: One round; must return within a second or so.
        finish: Called on the thread when it ends, for whatever reason.
        failed: Called on the thread with its name and the error that ended it, or that its
            finish ran into.
    """

    def __init__(
        self,
        name: str,
        step: Callable[[], None],
        failed: Callable[[str, Exception], None],
        finish: Callable[[], None] = lambda: None,
    ) -> None:
        self._step, self._finish, self._failed = step, finish, failed
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end after this round. Safe to call twice."""
        self._stop.set()

    def join(self, timeout_s: float) -> bool:
        """Wait for its end; False if it did not end in time."""
        if self._thread.ident is None:
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        self._report(self._work)
        self._report(self._finish)

    def _work(self) -> None:
        while not self._stop.is_set():
            self._step()

    def _report(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:  # noqa: BLE001 - whatever it is, the app has to hear of it
            self._failed(self._thread.name, error)
