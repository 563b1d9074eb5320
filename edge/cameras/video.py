"""A video file shown as if a camera took it."""

import time
from collections.abc import Callable
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any

import cv2

from edge.cameras.camera import Camera, CameraSettings
from edge.cameras.opencv import to_rgb
from edge.cameras.pacing import Pacer, take_turn
from edge.domain import Frame
from edge.errors import CameraEnded, CameraLost, CameraUnavailable

FALLBACK_FPS = 25.0
MAX_FPS = 1000.0


class VideoCamera(Camera):
    """Shows every frame of a video in order, no faster than it was taken.

    Args:
        settings: `source`, `fps` (None for the video's own) and `loop` are used.
        clock: Seconds, monotonic.
        wait: Stands in for waiting, in tests; the default ends early when closed.

    Raises:
        CameraUnavailable: The file is not there or holds no video.
    """

    def __init__(
        self,
        settings: CameraSettings,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        self._settings = settings
        self._capture = _opened(settings.source)
        self._sequence = count()
        self._clock = clock
        self._closed = Event()
        fps = settings.fps or _own_fps(self._capture)
        self._pacer = Pacer(fps, clock, wait or self._closed.wait)

    @property
    def description(self) -> str:
        """The file."""
        return f"video {self._settings.source}"

    def next_frame(self, timeout_s: float) -> Frame:
        """See `Camera.next_frame`."""
        take_turn(self._pacer, self._closed, timeout_s, self.description, "frame")
        return self._show_next()

    def close(self) -> None:
        """See `Camera.close`."""
        self._closed.set()
        # Not released: another thread may be reading it, and the last to let go frees it.
        self._capture = None

    def _show_next(self) -> Frame:
        image = _read(self._capture)
        if image is None and self._settings.loop:
            image = _read(self._start_again())
        if image is None:
            ended = CameraLost if self._settings.loop else CameraEnded
            raise ended(f"{self.description}: no frame left to show.")
        return Frame(next(self._sequence), self._clock(), to_rgb(image))

    def _start_again(self) -> Any:
        try:
            self._capture = _opened(self._settings.source)
        except CameraUnavailable as error:
            raise CameraLost(str(error)) from error
        return self._capture


def _read(capture: Any) -> Any:
    """The next picture; None at the end, or where the video was closed meanwhile."""
    return None if capture is None else capture.read()[1]


def _opened(source: str) -> Any:
    if not Path(source).is_file():
        raise CameraUnavailable(f"{source} is not there. Name a video, a picture or a folder.")
    capture = cv2.VideoCapture(source, cv2.CAP_FFMPEG)
    if not capture.isOpened():
        raise CameraUnavailable(
            f"{source} holds no video that can be read. Save it as MP4 (H.264) or MJPEG."
        )
    return capture


def _own_fps(capture: Any) -> float:
    fps = float(capture.get(cv2.CAP_PROP_FPS))
    return fps if 0 < fps <= MAX_FPS else FALLBACK_FPS
