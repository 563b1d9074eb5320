"""What every source of frames must do, shown on each of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from threading import Event
from typing import Any

import cv2
import numpy as np
import pytest
from camera_streams import (
    HEIGHT_PX,
    WIDTH_PX,
    bar_colours,
    free_port,
    http_stream,
    number_in,
    numbered_picture,
    open_when_ready,
    rtsp_stream,
    tcp_stream,
    write_video,
)
from picamera2_standin import Picamera2

from edge.cameras import Camera, CameraSettings, CameraSilent, ReconnectingCamera, open_camera
from edge.cameras.opencv import open_gstreamer, open_v4l2
from edge.cameras.picamera import PiCamera
from edge.domain import Frame
from edge.errors import CameraLost, CameraUnavailable
from edge.pictures import write_picture

pytestmark = pytest.mark.timeout(60)

WITH_GSTREAMER = "    GStreamer:                   YES (1.20.3)"


def settings(source: str | Path, **changes: Any) -> CameraSettings:
    fast: dict[str, Any] = {"fps": 100.0, "open_timeout_s": 5.0, "read_timeout_s": 2.0}
    return CameraSettings(str(source), **(fast | changes))


class PacedVideo:
    """Stands in for a device: a real capture of a video, as slow as a camera."""

    def __init__(self, path: Path) -> None:
        self._capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
        self._frame_time = Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._capture, name)

    def read(self) -> tuple[bool, Any]:
        self._frame_time.wait(1 / 60)
        return self._capture.read()


@contextmanager
def pictures(folder: Path) -> Iterator[Camera]:
    for number in range(3):
        write_picture(folder / f"{number}.png", numbered_picture(number))
    with open_camera(settings(folder)) as camera:
        yield camera


@contextmanager
def video(folder: Path) -> Iterator[Camera]:
    with open_camera(settings(write_video(folder / "pile.avi", 5))) as camera:
        yield camera


@contextmanager
def http(folder: Path) -> Iterator[Camera]:
    with http_stream() as (url, stream):
        stream.keep_sending()
        with open_when_ready(lambda: open_camera(settings(url))) as camera:
            yield camera


@contextmanager
def tcp(folder: Path) -> Iterator[Camera]:
    with tcp_stream() as (url, stream):
        stream.keep_sending()
        with open_when_ready(lambda: open_camera(settings(url))) as camera:
            yield camera


@contextmanager
def rtsp(folder: Path) -> Iterator[Camera]:
    with rtsp_stream() as url, open_when_ready(lambda: open_camera(settings(url))) as camera:
        yield camera


@contextmanager
def usb(folder: Path) -> Iterator[Camera]:
    path = write_video(folder / "usb-Maker_Camera-video-index0.avi", 300)
    with open_v4l2(settings(path), open_capture=lambda *_: PacedVideo(path)) as camera:
        yield camera


@contextmanager
def gstreamer(folder: Path) -> Iterator[Camera]:
    path = write_video(folder / "pile.avi", 300)
    pipeline = settings("gstreamer:nvarguscamerasrc ! appsink")
    with open_gstreamer(
        pipeline,
        open_capture=lambda *_: PacedVideo(path),
        build_information=lambda: WITH_GSTREAMER,
    ) as camera:
        yield camera


@contextmanager
def raspberry_pi(folder: Path) -> Iterator[Camera]:
    size_px = (WIDTH_PX, HEIGHT_PX)
    with PiCamera(settings("picamera2", size_px=size_px), open_driver=Picamera2) as camera:
        yield camera


@contextmanager
def reconnecting(folder: Path) -> Iterator[Camera]:
    with pictures(folder) as source, ReconnectingCamera(lambda: source) as camera:
        yield camera


def no_driver() -> Any:
    raise IndexError("list index out of range")


OPENERS = [pictures, video, http, tcp, rtsp, usb, gstreamer, raspberry_pi, reconnecting]
NOT_THERE: dict[str, Callable[[], Camera]] = {
    "pictures": lambda: open_camera(settings("/nowhere/pile.jpg")),
    "folder": lambda: open_camera(settings("/nowhere/pile*")),
    "video": lambda: open_camera(settings("/nowhere/pile.mp4")),
    "http": lambda: open_camera(settings(f"http://127.0.0.1:{free_port()}/")),
    "tcp": lambda: open_camera(settings(f"tcp://127.0.0.1:{free_port()}")),
    "rtsp": lambda: open_camera(settings(f"rtsp://127.0.0.1:{free_port()}/live")),
    "usb": lambda: open_camera(settings("/dev/v4l/by-id/usb-None-video-index0")),
    "gstreamer": lambda: open_camera(settings("gstreamer:nvarguscamerasrc ! appsink")),
    "raspberry_pi": lambda: PiCamera(settings("picamera2"), open_driver=no_driver),
}


@pytest.fixture(scope="module", params=OPENERS, ids=lambda opener: opener.__name__)
def frames(request: pytest.FixtureRequest, tmp_path_factory: Any) -> list[Frame]:
    """The first five frames of a source."""
    with request.param(tmp_path_factory.mktemp("source")) as camera:
        return [next_frame(camera) for _ in range(5)]


def next_frame(camera: Camera) -> Frame:
    """A frame, however often the source says that there is none yet."""
    while True:
        try:
            return camera.next_frame(timeout_s=1.0)
        except CameraSilent:
            continue


def test_images_are_rgb_of_eight_bits(frames: list[Frame]) -> None:
    for frame in frames:
        assert frame.image.shape == (HEIGHT_PX, WIDTH_PX, 3)
        assert frame.image.dtype == np.uint8
        assert bar_colours(frame.image) == ["R", "G", "B"]


def test_images_are_read_only(frames: list[Frame]) -> None:
    with pytest.raises(ValueError, match="read-only"):
        frames[0].image[0, 0] = 0


def test_images_do_not_share_memory(frames: list[Frame]) -> None:
    assert not np.shares_memory(frames[0].image, frames[1].image)


def test_sequence_rises_with_the_pictures(frames: list[Frame]) -> None:
    sequences = [frame.sequence for frame in frames]
    assert sequences == sorted(set(sequences))
    # Pictures that loop show 0, 1, 2, 0, 1; all others a new one each time.
    numbers = [number_in(frame.image) for frame in frames]
    assert all(earlier != later for earlier, later in pairwise(numbers))


def test_time_of_capture_never_goes_back(frames: list[Frame]) -> None:
    times_s = [frame.captured_at_s for frame in frames]
    assert times_s == sorted(times_s)


@pytest.mark.parametrize("opener", OPENERS, ids=lambda opener: opener.__name__)
def test_closing(opener: Any, tmp_path: Path) -> None:
    """`with` closes; closing again is harmless; a closed camera gives nothing."""
    with opener(tmp_path) as camera:
        next_frame(camera)
        with camera as entered:
            assert entered is camera
        camera.close()
        with pytest.raises(CameraLost, match="closed"):
            camera.next_frame(timeout_s=0.0)


@pytest.mark.parametrize("name", NOT_THERE)
def test_source_that_is_not_there(name: str) -> None:
    with pytest.raises(CameraUnavailable, match=r"\w{4,}.*\. \w|needs an OpenCV"):
        NOT_THERE[name]()
