"""Hand-offs between threads: the only locks of the device."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class LatestSlot(Generic[T]):
    """Holds the newest value only: putting *replaces*, and the replaced are counted."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._value: T | None = None
        self._closed = False
        self._replaced = 0

    def put(self, value: T) -> None:
        """Offer a value; one that nobody took is replaced and counted."""
        with self._changed:
            if self._closed:
                return
            if self._value is not None:
                self._replaced += 1
            self._value = value
            self._changed.notify()

    def take(self, timeout_s: float | None = None) -> T | None:
        """Wait for a value and remove it; None after the time-out or once closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._value is not None or self._closed, timeout_s)
            value, self._value = self._value, None
            return value

    def close(self) -> None:
        """Wake every waiter; later values are dropped. Safe to call twice."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        """Whether the slot was closed."""
        with self._changed:
            return self._closed

    @property
    def replaced(self) -> int:
        """How many values were replaced before anybody took them."""
        with self._changed:
            return self._replaced


class RequestQueue(Generic[T]):
    """What people ask of the pipeline: first in, first out, bounded; urgent ones always fit.

    Args:
        limit: How many ordinary requests may wait.
    """

    def __init__(self, limit: int = 32) -> None:
        self._lock = threading.Lock()
        self._limit = limit
        self._urgent: list[T] = []
        self._waiting: list[T] = []

    def put(self, request: T, urgent: bool = False) -> bool:
        """Add a request.

        Args:
            request: What is asked.
            urgent: Goes before all others and is never refused; for STOP.

        Returns:
            False when too many ordinary requests wait already.
        """
        with self._lock:
            if urgent:
                # One urgent request says all that a hundred would.
                if request not in self._urgent:
                    self._urgent.append(request)
                return True
            if len(self._waiting) >= self._limit:
                return False
            self._waiting.append(request)
            return True

    def take_all(self) -> list[T]:
        """Remove and return all requests, urgent ones first."""
        with self._lock:
            taken = self._urgent + self._waiting
            self._urgent, self._waiting = [], []
            return taken


class WaitingRoom(Generic[T]):
    """One place for the newest, and a short row for those that may not be pushed aside.

    Args:
        limit: How many pinned ones may wait.
    """

    def __init__(self, limit: int = 8) -> None:
        self._changed = threading.Condition()
        self._limit = limit
        self._pinned: deque[T] = deque()
        self._newest: T | None = None
        self._closed = False

    def put(self, value: T) -> T | None:
        """Offer a value; the one that gave way to it, if one did (itself once closed)."""
        with self._changed:
            if self._closed:
                return value
            gone, self._newest = self._newest, value
            self._changed.notify()
            return gone

    def pin(self, value: T) -> bool:
        """Add a value that stays until it is taken; False where too many wait, or once closed."""
        with self._changed:
            if self._closed or len(self._pinned) >= self._limit:
                return False
            self._pinned.append(value)
            self._changed.notify()
            return True

    def take(self, timeout_s: float | None = None) -> T | None:
        """Wait for a value, pinned ones first, and remove it; None after the time-out."""
        with self._changed:
            self._changed.wait_for(self._something, timeout_s)
            if self._pinned:
                return self._pinned.popleft()
            value, self._newest = self._newest, None
            return value

    def waiting(self) -> tuple[T, ...]:
        """All that waits, in the order it will be taken."""
        with self._changed:
            return (*self._pinned, *(() if self._newest is None else (self._newest,)))

    def remove(self, unwanted: Callable[[T], bool]) -> list[T]:
        """Take out all values that are not wanted any more."""
        with self._changed:
            gone = [value for value in self._pinned if unwanted(value)]
            self._pinned = deque(value for value in self._pinned if not unwanted(value))
            if self._newest is not None and unwanted(self._newest):
                gone.append(self._newest)
                self._newest = None
            return gone

    def close(self) -> list[T]:
        """Wake every waiter, refuse what comes, give back what waited. Safe to call twice."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        return self.remove(lambda value: True)

    def _something(self) -> bool:
        return bool(self._pinned) or self._newest is not None or self._closed


class Published(Generic[T]):
    """One immutable value, replaced whole; readers never wait on the writer's work."""

    def __init__(self, value: T) -> None:
        self._value = value

    def replace(self, value: T) -> None:
        """Publish a new value."""
        self._value = value

    def current(self) -> T:
        """The newest value."""
        return self._value
