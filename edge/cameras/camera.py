"""A source of frames: what it is told, what it gives, how it fails."""

from dataclasses import dataclass, field
from types import TracebackType
from typing import Protocol, Self

from edge.domain import Frame
from edge.errors import CameraLost
from edge.redaction import redact as redact


class CameraSilent(CameraLost):
    """Nothing came within the time asked for; the source may still deliver."""


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """Which source, and how long to be patient with it.

    Attributes:
        source: A folder, picture, glob or video file; a URL (http, https, rtsp, rtsps, tcp);
            a path below /dev/v4l/by-id or by-path; "picamera2"; or "gstreamer:<pipeline>".
            Left out of the repr, for it may hold a password.
        fps: Frames per second: asked of a camera, kept to by pictures and videos. None for
            what the source does by itself.
        size_px: (width, height) asked of V4L2 and picamera2; other sources have their own.
        open_timeout_s: How long a stream may take to open.
        read_timeout_s: A source that gives nothing for so long is lost.
        loop: Whether pictures and videos start again after the last one.
    """

    source: str = field(repr=False)
    fps: float | None = None
    size_px: tuple[int, int] = (1280, 960)
    open_timeout_s: float = 10.0
    read_timeout_s: float = 2.0
    loop: bool = True


class Camera(Protocol):
    """A source that is open. One thread reads it; any thread may close it.

    Sequences start at 0 and rise; a gap is a frame that was replaced before it was read.
    """

    @property
    def description(self) -> str:
        """What a person calls the source; holds no password."""
        ...

    def next_frame(self, timeout_s: float) -> Frame:
        """Wait for a frame that was not given before; the newest, where a source runs by itself.

        Raises:
            CameraSilent: Nothing came within `timeout_s`; asking again may help.
            CameraEnded: It gave its last frame.
            CameraLost: The source failed or was closed; only opening again helps.
        """
        ...

    def close(self) -> None:
        """Let go of the source and end a waiting `next_frame`. Safe to call twice."""
        ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
