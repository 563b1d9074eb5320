"""Reads a source that runs by itself and keeps only the newest picture.

A stream that is read slower than it runs queues up inside FFmpeg and falls seconds behind,
and no setting of OpenCV prevents it. So each source has a thread of its own that reads as
fast as pictures come.
"""

from collections.abc import Callable
from itertools import count
from threading import Event, Thread
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.cameras.camera import Camera, CameraSilent
from edge.domain import Frame
from edge.errors import CameraLost
from edge.handoff import LatestSlot

_JOIN_GRACE_S = 1.0


class Capture(Protocol):
    """What is used of `cv2.VideoCapture`."""

    def isOpened(self) -> bool: ...  # noqa: N802
    def read(self) -> tuple[bool, Any]: ...
    def get(self, prop_id: int) -> float: ...
    def set(self, prop_id: int, value: float) -> bool: ...
    def release(self) -> None: ...


class GrabbingCamera(Camera):
    """Gives the newest frame of a capture that a thread of its own keeps reading.

    Args:
        capture: Open; owned from here on, and read and released by the thread only.
        description: What a person calls it, without secrets.
        read_timeout_s: Nothing for so long means that the source is lost.
        clock: Seconds, monotonic.
        decode: What was read as (h, w, 3) uint8 RGB, or None where it is damaged.
    """

    def __init__(
        self,
        capture: Capture,
        description: str,
        read_timeout_s: float,
        clock: Callable[[], float],
        decode: Callable[[NDArray[np.uint8]], NDArray[np.uint8] | None],
    ) -> None:
        self._capture = capture
        self._description = description
        self._read_timeout_s = read_timeout_s
        self._clock = clock
        self._decode = decode
        self._sequence = count()
        self._damaged = 0
        self._newest: LatestSlot[Frame] = LatestSlot()
        self._closed = Event()
        self._failure = "its reader stopped"
        self._heard_at_s = clock()
        self._thread = Thread(target=self._grab, name="camera-grabber", daemon=True)
        self._thread.start()

    @property
    def description(self) -> str:
        """The source, without secrets."""
        return self._description

    @property
    def replaced(self) -> int:
        """How many frames came and were replaced before they were asked for."""
        return self._newest.replaced

    @property
    def damaged(self) -> int:
        """How many pictures came damaged and were left out."""
        return self._damaged

    def next_frame(self, timeout_s: float) -> Frame:
        """See `Camera.next_frame`."""
        frame = self._newest.take(min(timeout_s, self._patience_s()))
        if frame is not None and not self._closed.is_set():
            return frame
        if self._closed.is_set():
            raise CameraLost(f"{self.description}: closed.")
        if self._newest.closed:
            raise CameraLost(f"{self.description}: {self._failure}.")
        if self._patience_s() == 0:
            raise CameraLost(f"{self.description}: no frame for {self._read_timeout_s:g} s.")
        raise CameraSilent(f"{self.description}: no frame within {timeout_s:g} s.")

    def close(self) -> None:
        """See `Camera.close`; waits for the thread as long as one read may take."""
        self._closed.set()
        self._newest.close()
        self._thread.join(self._read_timeout_s + _JOIN_GRACE_S)

    def _patience_s(self) -> float:
        """For how much longer nothing may come."""
        return max(0.0, self._read_timeout_s - (self._clock() - self._heard_at_s))

    def _grab(self) -> None:
        try:
            while not self._closed.is_set() and self._read_one():
                pass
        except cv2.error as error:
            self._failure = f"OpenCV cannot read it ({error})"
        finally:
            self._newest.close()
            self._capture.release()

    def _read_one(self) -> bool:
        """Read and offer one picture; False when the source is lost."""
        started_s = self._clock()
        delivered, image = self._capture.read()
        arrived_s = self._clock()
        if not delivered:
            self._failure = "it ended or stopped delivering"
            return False
        # Past its time-out, FFmpeg hands out what the decoder still held: an old picture.
        if arrived_s - started_s >= self._read_timeout_s:
            self._failure = f"no frame for {self._read_timeout_s:g} s"
            return False
        self._offer(arrived_s, self._decode(image))
        return True

    def _offer(self, arrived_s: float, image: NDArray[np.uint8] | None) -> None:
        if image is None:
            self._damaged += 1
            return
        self._heard_at_s = arrived_s
        self._newest.put(Frame(next(self._sequence), arrived_s, image))
