"""Cameras: every source of frames behind one Protocol.

Call `open_camera` for one try, or wrap it to have it come back by itself:

    ReconnectingCamera(lambda: open_camera(settings), description=redact(settings.source))
"""

import glob
import time
from collections.abc import Callable
from enum import Enum
from pathlib import Path

from edge.cameras.camera import Camera, CameraSettings, CameraSilent, redact
from edge.cameras.opencv import (
    list_devices,
    open_gstreamer,
    open_stream,
    open_v4l2,
)
from edge.cameras.picamera import PiCamera
from edge.cameras.reconnecting import Backoff, CameraHealth, ReconnectingCamera
from edge.cameras.replay import ReplayCamera
from edge.cameras.video import VideoCamera
from edge.errors import ConfigError
from edge.pictures import SUFFIXES

__all__ = [
    "Backoff",
    "Camera",
    "CameraHealth",
    "CameraSettings",
    "CameraSilent",
    "ReconnectingCamera",
    "SourceKind",
    "kind_of_source",
    "open_camera",
    "redact",
]

URL_SCHEMES = ("http", "https", "rtsp", "rtsps", "tcp")
_DEVICE_FOLDERS = ("/dev/v4l/by-id/", "/dev/v4l/by-path/")


class SourceKind(Enum):
    """What a source is, by how it is written."""

    PICTURES = "pictures"
    VIDEO = "video file"
    STREAM = "stream"
    V4L2 = "USB camera"
    PICAMERA2 = "Raspberry Pi camera"
    GSTREAMER = "GStreamer pipeline"


_OPENERS: dict[SourceKind, Callable[[CameraSettings, Callable[[], float]], Camera]] = {
    SourceKind.PICTURES: ReplayCamera,
    SourceKind.VIDEO: VideoCamera,
    SourceKind.STREAM: open_stream,
    SourceKind.V4L2: open_v4l2,
    SourceKind.PICAMERA2: PiCamera,
    SourceKind.GSTREAMER: open_gstreamer,
}


def open_camera(settings: CameraSettings, clock: Callable[[], float] = time.monotonic) -> Camera:
    """Open the source that the settings name, once.

    Raises:
        ConfigError: No source is written like this; trying again cannot help.
        CameraUnavailable: It is not there, or does not open, now.
    """
    return _OPENERS[kind_of_source(settings.source)](settings, clock)


def kind_of_source(source: str) -> SourceKind:
    """Say what a source is; looks at the disk only to tell folders from files.

    Raises:
        ConfigError: No source is written like this; the message says what is allowed.
    """
    if source == "picamera2":
        return SourceKind.PICAMERA2
    if source.startswith("gstreamer:"):
        return SourceKind.GSTREAMER
    if "://" in source:
        return _checked_url(source)
    if source.startswith(("/dev/v4l", "/dev/video")) or source.isdecimal():
        return _checked_device(source)
    return _kind_of_path(source)


def _checked_url(source: str) -> SourceKind:
    scheme = source.partition("://")[0].lower()
    if scheme not in URL_SCHEMES:
        raise ConfigError(
            f"camera source {redact(source)!r}: the scheme {scheme!r} is not allowed; use one of "
            f"{', '.join(URL_SCHEMES)}, or a plain path for a file."
        )
    return SourceKind.STREAM


def _checked_device(source: str) -> SourceKind:
    if not source.startswith(_DEVICE_FOLDERS):
        raise ConfigError(
            f"camera source {source!r} may be another camera after the next start; name it by "
            f"its path below {' or '.join(_DEVICE_FOLDERS)}. {list_devices()}"
        )
    return SourceKind.V4L2


def _kind_of_path(source: str) -> SourceKind:
    if not source.strip():
        raise ConfigError(
            "camera source is empty; name a folder, picture, video, URL, /dev/v4l/by-id/..., "
            "'picamera2' or 'gstreamer:<pipeline>'."
        )
    path = Path(source)
    if path.is_dir() or path.suffix.lower() in SUFFIXES or glob.has_magic(source):
        return SourceKind.PICTURES
    return SourceKind.VIDEO
