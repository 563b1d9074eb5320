"""Hand-offs between threads: the only locks of the device."""

import threading
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
