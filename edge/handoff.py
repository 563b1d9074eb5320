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
