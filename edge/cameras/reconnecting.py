"""A camera that comes back: opens its source again, ever more patiently."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Event
from typing import Literal

from edge.cameras.camera import Camera, CameraSilent
from edge.domain import Frame
from edge.errors import CameraEnded, CameraError, CameraLost


@dataclass(frozen=True, slots=True)
class Backoff:
    """How long to wait before the next try.

    Attributes:
        first_s: After the first failure in a row.
        factor: How much longer after each further one.
        longest_s: Never longer than this.
    """

    first_s: float = 0.5
    factor: float = 2.0
    longest_s: float = 30.0

    def delay_s(self, failures: int) -> float:
        """The wait after so many failures in a row; none after none.

        Example:
            >>> [Backoff().delay_s(failures) for failures in range(4)]
            [0.0, 0.5, 1.0, 2.0]
        """
        if failures == 0:
            return 0.0
        # Past 64 doublings any delay is the longest one; the power must not overflow.
        return float(min(self.first_s * self.factor ** min(failures - 1, 64), self.longest_s))


CameraState = Literal["live", "reconnecting", "closed"]


@dataclass(frozen=True, slots=True)
class CameraHealth:
    """How a camera does, for a person to see.

    Attributes:
        state: "live" while frames come; "closed" also when there are no more to come.
        reconnects: How often the source was opened again after it had been open.
        last_error: What went wrong last, without secrets; None while nothing has.
    """

    state: CameraState
    reconnects: int
    last_error: str | None


class ReconnectingCamera(Camera):
    """Gives the frames of a source that may be missing, go away and come back.

    The source is opened by the first `next_frame`, in the thread that reads it. Sequences
    go on counting from one opening to the next.

    Args:
        open_source: Opens the source or raises CameraUnavailable.
        description: What a person calls it while it has never been open; without secrets.
        backoff: The waits between tries.
        clock: Seconds, monotonic.
        wait: Stands in for waiting, in tests; the default ends early when closed.
    """

    def __init__(
        self,
        open_source: Callable[[], Camera],
        description: str = "camera",
        backoff: Backoff | None = None,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        self._open_source = open_source
        self._description = description
        self._backoff = backoff or Backoff()
        self._clock = clock
        self._closed = Event()
        self._wait = wait or self._closed.wait
        self._camera: Camera | None = None
        self._health = CameraHealth("reconnecting", 0, None)
        self._openings = 0
        self._failures = 0
        self._retry_at_s = clock()
        self._first_sequence = 0
        self._next_sequence = 0

    @property
    def description(self) -> str:
        """The source's own words, once it was open."""
        return self._description

    @property
    def health(self) -> CameraHealth:
        """How it does now; replaced whole, so any thread may read it."""
        return self._health

    def next_frame(self, timeout_s: float) -> Frame:
        """See `Camera.next_frame`; asking again always helps, until it is closed or has ended.

        A source that has ended is not opened again, and stays silent.

        A try to open takes the source's own time-out, on top of `timeout_s`. A ConfigError of
        `open_source` is passed on, for no waiting mends it.
        """
        deadline_s = self._clock() + timeout_s
        try:
            camera = self._open_in_time(deadline_s) if self._camera is None else self._camera
            frame = camera.next_frame(max(0.0, deadline_s - self._clock()))
        except CameraSilent:
            raise
        except CameraError as error:
            raise self._lost(error) from error
        return self._delivered(frame)

    def close(self) -> None:
        """See `Camera.close`."""
        self._closed.set()
        self._health = replace(self._health, state="closed")
        if self._camera is not None:
            self._camera.close()

    def _open_in_time(self, deadline_s: float) -> Camera:
        self._wait_for_retry(deadline_s)
        camera = self._open_source()
        self._camera = camera
        # Whoever closed this meanwhile did not see the camera yet.
        if self._closed.is_set():
            camera.close()
        self._description = camera.description
        self._first_sequence = self._next_sequence
        self._openings += 1
        return camera

    def _wait_for_retry(self, deadline_s: float) -> None:
        ahead_s = self._retry_at_s - self._clock()
        within_s = deadline_s - self._clock()
        if ahead_s > 0 and not self._closed.is_set():
            self._wait(max(0.0, min(ahead_s, within_s)))
        if self._closed.is_set():
            raise CameraLost(f"{self.description}: closed.")
        if ahead_s > within_s:
            left = f"the next try is in {ahead_s - within_s:.1f} s"
            when = left if math.isfinite(ahead_s) else "it has ended"
            raise CameraSilent(
                f"{self.description}: not there; {when}. {self._health.last_error or ''}".rstrip()
            )

    def _lost(self, error: CameraError) -> CameraLost:
        if self._closed.is_set():
            return CameraLost(f"{self.description}: closed.")
        camera, self._camera = self._camera, None
        if camera is not None:
            camera.close()
        self._failures += 1
        ended = isinstance(error, CameraEnded)
        wait_s = math.inf if ended else self._backoff.delay_s(self._failures)
        self._retry_at_s = self._clock() + wait_s
        state: CameraState = "closed" if ended else "reconnecting"
        self._health = CameraHealth(state, self._reconnects(), str(error))
        return CameraEnded(str(error)) if ended else CameraLost(str(error))

    def _delivered(self, frame: Frame) -> Frame:
        # Only now is it back: a source that opens and gives nothing is waited for ever longer.
        self._failures = 0
        sequence = self._first_sequence + frame.sequence
        self._next_sequence = sequence + 1
        if self._health.state == "reconnecting" and not self._closed.is_set():
            self._health = replace(self._health, state="live", reconnects=self._reconnects())
        return replace(frame, sequence=sequence)

    def _reconnects(self) -> int:
        return max(0, self._openings - 1)
