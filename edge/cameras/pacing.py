"""Keeps a source that could deliver at once to the speed of a camera."""

from collections.abc import Callable
from threading import Event

from edge.cameras.camera import CameraSilent
from edge.errors import CameraLost


class Pacer:
    """Says when the next frame is due.

    A reader that comes late gets its frame at once, and the frames it missed are not made up
    for in a burst.

    Args:
        fps: Frames per second, above 0.
        clock: Seconds, monotonic.
        wait: Waits so many seconds, or less where the source is closed.
    """

    def __init__(
        self, fps: float, clock: Callable[[], float], wait: Callable[[float], object]
    ) -> None:
        self._period_s = 1.0 / fps
        self._clock = clock
        self._wait = wait
        self._due_s = clock()

    def wait_for_turn(self, timeout_s: float) -> bool:
        """Wait until a frame is due, at most `timeout_s`; whether it is."""
        ahead_s = self._due_s - self._clock()
        if ahead_s > 0:
            self._wait(min(ahead_s, timeout_s))
        if ahead_s > timeout_s:
            return False
        self._due_s = max(self._due_s + self._period_s, self._clock())
        return True


def take_turn(pacer: Pacer, closed: Event, timeout_s: float, description: str, what: str) -> None:
    """Wait until a frame is due.

    Args:
        pacer: Says when.
        closed: Set when the source is closed.
        timeout_s: How long to wait at most.
        description: Of the source, for errors.
        what: What is due, "frame" or "picture".

    Raises:
        CameraLost: The source is closed.
        CameraSilent: Nothing is due in time.
    """
    due = not closed.is_set() and pacer.wait_for_turn(timeout_s)
    if closed.is_set():
        raise CameraLost(f"{description}: closed.")
    if not due:
        raise CameraSilent(f"{description}: the next {what} is not due yet.")
