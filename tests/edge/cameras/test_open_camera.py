"""How a source is written, and what is said where it is written wrong."""

from pathlib import Path

import cv2
import pytest

from edge.cameras import CameraSettings, SourceKind, kind_of_source, open_camera, redact
from edge.cameras.opencv import list_devices, open_gstreamer, open_v4l2
from edge.errors import CameraUnavailable, ConfigError


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("picamera2", SourceKind.PICAMERA2),
        ("gstreamer:nvarguscamerasrc ! appsink", SourceKind.GSTREAMER),
        ("gstreamer:rtspsrc location=rtsp://10.0.0.5 ! appsink", SourceKind.GSTREAMER),
        ("rtsp://10.0.0.5/live", SourceKind.STREAM),
        ("HTTP://10.0.0.5/video.mjpg", SourceKind.STREAM),
        ("tcp://10.0.0.5:5000", SourceKind.STREAM),
        ("/dev/v4l/by-id/usb-Maker_Cam-video-index0", SourceKind.V4L2),
        ("/dev/v4l/by-path/platform-usb-0:1:1.0-video-index0", SourceKind.V4L2),
        ("piles/*.jpg", SourceKind.PICTURES),
        ("pile.JPG", SourceKind.PICTURES),
        ("pile.mp4", SourceKind.VIDEO),
    ],
)
def test_kind_of_source(source: str, kind: SourceKind) -> None:
    assert kind_of_source(source) is kind


def test_folder_is_pictures(tmp_path: Path) -> None:
    assert kind_of_source(str(tmp_path)) is SourceKind.PICTURES


@pytest.mark.parametrize("source", ["file:///etc/passwd", "ftp://me:s3cret@host/", "concat://a"])
def test_only_listed_schemes_are_opened(source: str) -> None:
    with pytest.raises(ConfigError, match=r"scheme '\w+' is not allowed; use one of http") as found:
        open_camera(CameraSettings(source))
    assert "s3cret" not in str(found.value)


@pytest.mark.parametrize("source", ["0", "/dev/video0", "/dev/v4l-subdev0"])
def test_index_is_refused(source: str) -> None:
    with pytest.raises(ConfigError, match=r"may be another camera.*/dev/v4l/by-id/.*There"):
        open_camera(CameraSettings(source))


@pytest.mark.parametrize("source", ["", "  "])
def test_empty_source_is_refused(source: str) -> None:
    with pytest.raises(ConfigError, match="is empty; name a folder"):
        open_camera(CameraSettings(source))


def test_devices_that_are_there_are_listed(tmp_path: Path) -> None:
    (tmp_path / "usb-Maker_B").touch()
    (tmp_path / "usb-Maker_A").touch()
    assert list_devices(tmp_path) == f"There are: {tmp_path}/usb-Maker_A, {tmp_path}/usb-Maker_B."
    assert "plug in a camera" in list_devices(tmp_path / "nothing")


def test_device_that_does_not_open_says_what_to_check(tmp_path: Path) -> None:
    device = tmp_path / "usb-Maker_A"
    device.touch()
    with pytest.raises(CameraUnavailable, match=r"cannot be opened.*group 'video'"):
        open_v4l2(CameraSettings(str(device)))


class AskedCapture:
    """Remembers what it was asked for."""

    def __init__(self) -> None:
        self.asked: dict[int, float] = {}

    def isOpened(self) -> bool:  # noqa: N802
        return True

    def set(self, prop_id: int, value: float) -> bool:
        self.asked[prop_id] = value
        return False

    def read(self) -> tuple[bool, None]:
        return False, None

    def release(self) -> None:
        pass


def test_usb_camera_is_asked_for_size_and_pace(tmp_path: Path) -> None:
    capture = AskedCapture()
    settings = CameraSettings(str(tmp_path), size_px=(640, 480), fps=15.0)
    open_v4l2(settings, open_capture=lambda *_: capture).close()
    assert capture.asked == {
        cv2.CAP_PROP_FOURCC: cv2.VideoWriter.fourcc(*"MJPG"),
        cv2.CAP_PROP_FRAME_WIDTH: 640,
        cv2.CAP_PROP_FRAME_HEIGHT: 480,
        cv2.CAP_PROP_FPS: 15.0,
    }


def test_opencv_without_gstreamer_says_what_to_install() -> None:
    settings = CameraSettings("gstreamer:nvarguscamerasrc ! appsink")
    with pytest.raises(CameraUnavailable, match=r"built with GStreamer.*libopencv-python"):
        open_gstreamer(settings, build_information=lambda: "    GStreamer:     NO")


def test_pipeline_that_does_not_run_says_how_to_end_it() -> None:
    class Closed(AskedCapture):
        def isOpened(self) -> bool:  # noqa: N802
            return False

    source = "gstreamer:rtspsrc location=rtsp://me:s3cret@h/ user-pw=t0ken ! appsink"
    with pytest.raises(CameraUnavailable, match=r"cannot be opened.*appsink drop=true") as found:
        open_gstreamer(
            CameraSettings(source),
            open_capture=lambda *_: Closed(),
            build_information=lambda: "GStreamer:     YES (1.20.3)",
        )
    assert "s3cret" not in str(found.value)
    assert "t0ken" not in str(found.value)


@pytest.mark.parametrize(
    ("text", "covered"),
    [
        ("rtsp://me:pw@10.0.0.5:554/live", "rtsp://***@10.0.0.5:554/live"),
        ("rtsp://me:p@w/d@10.0.0.5/live", "rtsp://***@10.0.0.5/live"),
        ("http://10.0.0.5/v?user=me&pwd=pw", "http://10.0.0.5/v?user=***&pwd=***"),
        ("rtspsrc user-id=me user-pw='my pw' ! x", "rtspsrc user-id=*** user-pw=*** ! x"),
        ("http://10.0.0.5/video", "http://10.0.0.5/video"),
        ("piles/*.jpg", "piles/*.jpg"),
    ],
)
def test_redact(text: str, covered: str) -> None:
    assert redact(text) == covered


def test_settings_do_not_show_their_source() -> None:
    assert "s3cret" not in repr(CameraSettings("rtsp://me:s3cret@10.0.0.5/live"))
