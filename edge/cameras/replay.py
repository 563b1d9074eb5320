"""Pictures shown as if a camera took them: for a demo, a test, or a recorded pile."""

import time
from collections.abc import Callable, Iterator
from itertools import count, cycle
from pathlib import Path
from threading import Event

from edge.cameras.camera import Camera, CameraSettings
from edge.cameras.pacing import Pacer, take_turn
from edge.domain import Frame
from edge.errors import CameraEnded, CameraLost, CameraUnavailable, PictureError
from edge.pictures import find_pictures, read_picture

DEFAULT_FPS = 10.0


class ReplayCamera(Camera):
    """Shows a folder, a glob or one picture, at a steady pace.

    Args:
        settings: `source`, `fps` and `loop` are used.
        clock: Seconds, monotonic.
        wait: Stands in for waiting, in tests; the default ends early when closed.

    Raises:
        CameraUnavailable: There are no such pictures.
    """

    def __init__(
        self,
        settings: CameraSettings,
        clock: Callable[[], float] = time.monotonic,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        self._source = settings.source
        self._pictures = _found(settings.source)
        self._order = _order(self._pictures, settings.loop)
        self._sequence = count()
        self._skipped = 0
        self._clock = clock
        self._closed = Event()
        self._pacer = Pacer(settings.fps or DEFAULT_FPS, clock, wait or self._closed.wait)

    @property
    def description(self) -> str:
        """The folder and how many pictures it holds."""
        return f"{len(self._pictures)} picture(s) of {self._source}"

    @property
    def skipped(self) -> int:
        """How often a picture could not be read and the next one was shown."""
        return self._skipped

    def next_frame(self, timeout_s: float) -> Frame:
        """See `Camera.next_frame`."""
        take_turn(self._pacer, self._closed, timeout_s, self.description, "picture")
        return self._show_next()

    def close(self) -> None:
        """See `Camera.close`."""
        self._closed.set()

    def _show_next(self) -> Frame:
        reason = ""
        for _ in self._pictures:
            path = next(self._order, None)
            if path is None:
                raise CameraEnded(f"{self.description}: no picture left to show.{reason}")
            try:
                image = read_picture(path)
            except PictureError as error:
                self._skipped += 1
                reason = f" {error}"
                continue
            return Frame(next(self._sequence), self._clock(), image)
        raise CameraLost(f"{self.description}: no picture left to show.{reason}")


def _found(source: str) -> list[Path]:
    try:
        pictures = find_pictures([source])
    except PictureError as error:
        raise CameraUnavailable(str(error)) from error
    if len(pictures) == 1 and not pictures[0].exists():
        raise CameraUnavailable(f"{source} is not there. Name a picture, a folder or a video.")
    return pictures


def _order(pictures: list[Path], loop: bool) -> Iterator[Path]:
    return cycle(pictures) if loop else iter(pictures)
