"""Sources that run by themselves, opened by OpenCV: streams, V4L2 and GStreamer."""

import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.cameras.camera import CameraSettings, redact
from edge.cameras.grabbing import Capture, GrabbingCamera
from edge.errors import CameraUnavailable, PictureError
from edge.pictures import decode_picture

DEVICE_FOLDER = Path("/dev/v4l/by-id")
_HAS_GSTREAMER = re.compile(r"GStreamer:\s+YES")
_MJPG = cv2.VideoWriter.fourcc(*"MJPG")
_TO_RGB = {1: cv2.COLOR_GRAY2RGB, 3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGB}


OpenCapture = Callable[[str, int, Sequence[int]], Capture]


def open_stream(
    settings: CameraSettings,
    clock: Callable[[], float] = time.monotonic,
    open_capture: OpenCapture = cv2.VideoCapture,
) -> GrabbingCamera:
    """Open an RTSP, HTTP or TCP stream.

    MJPEG is decoded picture by picture, so each has the size that it was sent with. Another
    coding that changes its size in the middle is scaled by OpenCV to the size it began with,
    and garbled by OpenCV before 4.13.

    Raises:
        CameraUnavailable: Nothing that can be shown came within `open_timeout_s`.
    """
    # One decoding thread: each further one holds a frame back.
    options = [*_time_outs(settings), cv2.CAP_PROP_N_THREADS, 1]
    capture = _opened(open_capture, settings.source, cv2.CAP_FFMPEG, options)
    shown = redact(settings.source)
    if capture is None:
        raise CameraUnavailable(
            f"{shown} cannot be opened (waited up to {settings.open_timeout_s:g} s). Check that "
            "the camera is on, its address, user and password, and the network."
        )
    decode = _decode_jpeg if _gives_jpegs(capture) else to_rgb
    return GrabbingCamera(capture, shown, settings.read_timeout_s, clock, decode)


def open_v4l2(
    settings: CameraSettings,
    clock: Callable[[], float] = time.monotonic,
    open_capture: OpenCapture = cv2.VideoCapture,
) -> GrabbingCamera:
    """Open a USB camera by its name below /dev/v4l/by-id or by-path.

    Raises:
        CameraUnavailable: It is not plugged in, is used by another program or shows nothing.
    """
    if not Path(settings.source).exists():
        raise CameraUnavailable(f"{settings.source} is not plugged in. {list_devices()}")
    capture = _opened(open_capture, settings.source, cv2.CAP_V4L2, [])
    if capture is None:
        raise CameraUnavailable(
            f"{settings.source} is there but cannot be opened. Check that no other program uses "
            f"it and that this user is in the group 'video'. {list_devices()}"
        )
    _ask_for(capture, settings)
    return GrabbingCamera(capture, settings.source, settings.read_timeout_s, clock, to_rgb)


def open_gstreamer(
    settings: CameraSettings,
    clock: Callable[[], float] = time.monotonic,
    open_capture: OpenCapture = cv2.VideoCapture,
    build_information: Callable[[], str] = cv2.getBuildInformation,
) -> GrabbingCamera:
    """Open a GStreamer pipeline, as the camera of a Jetson needs (`nvarguscamerasrc`).

    Raises:
        CameraUnavailable: This OpenCV has no GStreamer, or the pipeline does not run.
    """
    pipeline = settings.source.removeprefix("gstreamer:").strip()
    shown = f"gstreamer:{redact(pipeline)}"
    if not _HAS_GSTREAMER.search(build_information()):
        raise CameraUnavailable(
            f"{shown} needs an OpenCV built with GStreamer; this one, {cv2.__version__}, is not, "
            "as all from PyPI. On a Jetson: remove opencv-python from the environment, run "
            "'sudo apt install libopencv-python', and make the environment with "
            "'python3 -m venv --system-site-packages'."
        )
    capture = _opened(open_capture, pipeline, cv2.CAP_GSTREAMER, _time_outs(settings))
    if capture is None:
        raise CameraUnavailable(
            f"{shown} cannot be opened. Try it with gst-launch-1.0, and end it with "
            "'videoconvert ! video/x-raw,format=BGR ! appsink drop=true max-buffers=1'."
        )
    return GrabbingCamera(capture, shown, settings.read_timeout_s, clock, to_rgb)


def list_devices(folder: Path = DEVICE_FOLDER) -> str:
    """A sentence that says which cameras are plugged in, by the names that stay the same."""
    names = sorted(str(path) for path in folder.glob("*"))
    if not names:
        return f"There is none below {folder}: plug in a camera."
    return f"There are: {', '.join(names)}."


def to_rgb(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What OpenCV reads - grey, BGR or BGRA - as (h, w, 3) uint8 RGB."""
    channels = 1 if image.ndim == 2 else image.shape[2]
    rgb: NDArray[np.uint8] = cv2.cvtColor(image, _TO_RGB[channels])
    return rgb


def _opened(
    open_capture: OpenCapture, target: str, backend: int, options: Sequence[int]
) -> Capture | None:
    try:
        capture = open_capture(target, backend, options)
    except cv2.error:
        return None
    return capture if capture.isOpened() else None


def _gives_jpegs(capture: Capture) -> bool:
    """Ask for the pictures of an MJPEG stream as they were sent."""
    is_mjpeg = int(capture.get(cv2.CAP_PROP_FOURCC)) == _MJPG
    return is_mjpeg and capture.set(cv2.CAP_PROP_FORMAT, -1)


def _decode_jpeg(packet: NDArray[np.uint8]) -> NDArray[np.uint8] | None:
    try:
        return decode_picture(packet.tobytes(), "a picture of the stream")
    except PictureError:
        return None


def _time_outs(settings: CameraSettings) -> list[int]:
    return [
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
        int(settings.open_timeout_s * 1000),
        cv2.CAP_PROP_READ_TIMEOUT_MSEC,
        int(settings.read_timeout_s * 1000),
    ]


def _ask_for(capture: Capture, settings: CameraSettings) -> None:
    """Ask a USB camera for size and pace; one that cannot keeps its own."""
    # Uncompressed, 1280 x 960 passes USB 2 only at a few frames a second.
    capture.set(cv2.CAP_PROP_FOURCC, _MJPG)
    capture.set(cv2.CAP_PROP_FRAME_WIDTH, settings.size_px[0])
    capture.set(cv2.CAP_PROP_FRAME_HEIGHT, settings.size_px[1])
    if settings.fps is not None:
        capture.set(cv2.CAP_PROP_FPS, settings.fps)
