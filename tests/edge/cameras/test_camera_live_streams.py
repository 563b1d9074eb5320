"""Streams that are read slowly, stall, die, talk nonsense or change their size."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event, Thread
from time import monotonic
from typing import Any

import cv2
import numpy as np
import pytest
from camera_streams import (
    ScriptedServer,
    bar_colours,
    free_port,
    http_stream,
    jpeg,
    mjpeg_part,
    mjpeg_parts,
    number_in,
    numbered_picture,
    open_when_ready,
    tcp_stream,
    transport_stream,
    wait_until,
)
from manual_time import ManualTime

from edge.cameras import (
    Backoff,
    Camera,
    CameraSettings,
    CameraSilent,
    ReconnectingCamera,
    open_camera,
)
from edge.cameras.grabbing import GrabbingCamera
from edge.cameras.opencv import to_rgb
from edge.domain import Frame
from edge.errors import CameraLost, CameraUnavailable

pytestmark = pytest.mark.timeout(60)

READ_TIMEOUT_S = 0.5


@pytest.fixture(autouse=True)
def no_reader_left_behind() -> Iterator[None]:
    """A closed camera leaves no thread, however its stream ended."""
    yield
    assert "camera-grabber" not in {thread.name for thread in threading.enumerate()}


def opening(url: str, **changes: Any) -> Callable[[], Camera]:
    patience: dict[str, Any] = {"open_timeout_s": 5.0, "read_timeout_s": READ_TIMEOUT_S}
    settings = CameraSettings(url, **(patience | changes))
    return lambda: open_camera(settings)


def next_frame(camera: Camera) -> Frame:
    while True:
        try:
            return camera.next_frame(timeout_s=0.2)
        except CameraSilent:
            continue


def frames_until_lost(camera: Camera) -> list[Frame]:
    frames = []
    while True:
        try:
            frames.append(next_frame(camera))
        except CameraLost:
            return frames


@pytest.mark.parametrize("stream_of", [http_stream, tcp_stream])
def test_slow_reader_gets_the_newest_picture(stream_of: Any) -> None:
    with stream_of() as (url, stream):
        stream.keep_sending()
        with open_when_ready(opening(url, read_timeout_s=5.0)) as camera:
            assert number_in(next_frame(camera).image) == 0 or camera.replaced > 0
            taken = 1
            stream.stall()
            stream.send(60)
            stream.end()
            wait_until(
                lambda: camera.replaced == stream.sent - taken - 1,
                "every picture but the last to be replaced",
            )
            newest = camera.next_frame(timeout_s=0.0)
        assert number_in(newest.image) == stream.sent - 1
        # The gap in the sequence counts what was replaced.
        assert newest.sequence == stream.sent - 1


@pytest.mark.parametrize("stream_of", [http_stream, tcp_stream])
def test_stalled_stream_is_lost(stream_of: Any) -> None:
    with stream_of() as (url, stream):
        stream.keep_sending()
        with open_when_ready(opening(url)) as camera:
            next_frame(camera)
            stream.stall()
            numbers = [number_in(frame.image) for frame in frames_until_lost(camera)]
            assert numbers == sorted(numbers)
            with pytest.raises(CameraLost, match=r"no frame for 0\.5 s|stopped delivering"):
                camera.next_frame(timeout_s=0.0)


def test_killed_stream_is_lost() -> None:
    with http_stream() as (url, stream):
        stream.keep_sending()
        with open_when_ready(opening(url)) as camera:
            next_frame(camera)
            stream.kill()
            frames_until_lost(camera)


def test_killed_stream_comes_back() -> None:
    port = free_port()
    waits_s: list[float] = []
    pause = Event()

    def wait(seconds: float) -> None:
        waits_s.append(seconds)
        pause.wait(seconds)

    url = f"http://127.0.0.1:{port}/"
    backoff = Backoff(first_s=0.02, longest_s=0.1)
    with ReconnectingCamera(opening(url), backoff=backoff, wait=wait) as camera:
        with pytest.raises(CameraLost, match="cannot be opened"):
            camera.next_frame(timeout_s=0.0)
        before, after = [_frames_of_one_server(camera, port) for _ in range(2)]
        assert camera.health.reconnects == 1
    assert min(waits_s) > 0
    assert max(waits_s) <= 0.1
    assert after[0].sequence > before[-1].sequence
    assert number_in(after[-1].image) < 1000


def _frames_of_one_server(camera: ReconnectingCamera, port: int) -> list[Frame]:
    frames: list[Frame] = []

    def delivered() -> bool:
        try:
            frames.append(camera.next_frame(timeout_s=1.0))
        except CameraLost:
            assert camera.health.state in ("live", "reconnecting")
        return len(frames) >= 3

    with http_stream(port) as (_, stream):
        stream.keep_sending()
        wait_until(delivered, "frames from the server")
        assert camera.health.state == "live"
    return frames


def parts(numbers: range) -> bytes:
    return mjpeg_parts([numbered_picture(number) for number in numbers])


def test_size_may_change_mid_stream() -> None:
    small = [np.ascontiguousarray(numbered_picture(n)[::2, ::2]) for n in range(10)]
    hold = Event()
    answer = [ScriptedServer.HEAD, parts(range(10)), hold, mjpeg_parts(small), Event()]
    with ScriptedServer([answer]) as server, opening(server.url)() as camera:
        first = next_frame(camera)
        hold.set()
        shapes = {frame.image.shape: frame for frame in frames_until_lost(camera)}
    assert first.image.shape == (64, 96, 3)
    last = shapes[(32, 48, 3)].image
    assert bar_colours(np.kron(last, np.ones((2, 2, 1), np.uint8))) == ["R", "G", "B"]


@pytest.mark.timeout(20)
def test_server_that_never_answers_is_unavailable() -> None:
    """FFmpeg by itself would wait for half a minute."""
    with (
        ScriptedServer([[Event()]]) as server,
        pytest.raises(CameraUnavailable, match=r"waited up to 0\.3 s"),
    ):
        opening(server.url, open_timeout_s=0.3)()


def garbage(size_bytes: int) -> bytes:
    return np.random.default_rng(7).bytes(size_bytes)


def test_garbage_instead_of_a_stream_is_unavailable() -> None:
    answer = [ScriptedServer.HEAD, garbage(200_000)]
    with (
        ScriptedServer([answer]) as server,
        pytest.raises(CameraUnavailable, match=r"cannot be opened.*Check"),
    ):
        opening(server.url)()


def test_garbage_mid_stream_is_survived() -> None:
    good, bad = parts(range(10)), garbage(200_000)
    answers = [
        [ScriptedServer.HEAD, good, bad],
        [ScriptedServer.HEAD, bad],
        [ScriptedServer.HEAD, good, Event()],
    ]
    backoff = Backoff(first_s=0.01, longest_s=0.05)
    with (
        ScriptedServer(answers) as server,
        ReconnectingCamera(opening(server.url), backoff=backoff) as camera,
    ):
        frame = _first_after_reconnect(camera)
    assert bar_colours(frame.image) == ["R", "G", "B"]


def _first_after_reconnect(camera: ReconnectingCamera) -> Frame:
    frames: list[Frame] = []

    def back() -> bool:
        try:
            frames.append(camera.next_frame(timeout_s=0.2))
        except CameraLost:
            return False
        return camera.health.reconnects == 1

    wait_until(back, "the camera to come back after garbage")
    return frames[-1]


def test_cut_picture_is_left_out_and_the_stream_goes_on() -> None:
    whole = jpeg(numbered_picture(99))
    cut = mjpeg_part(whole[: len(whole) // 2])
    hold = Event()
    answer = [ScriptedServer.HEAD, parts(range(10)), cut, parts(range(10, 20)), hold]
    with ScriptedServer([answer]) as server, opening(server.url)() as camera:
        numbers = [number_in(frame.image) for frame in frames_until_lost(camera)]
        assert camera.damaged == 1
    assert numbers[-1] == 19
    assert 99 not in numbers


def test_picture_that_claims_a_huge_size_is_left_out() -> None:
    huge = bytearray(jpeg(numbered_picture(99)))
    size_at = huge.index(b"\xff\xc0") + 5
    huge[size_at : size_at + 4] = (50_000).to_bytes(2, "big") * 2
    answer = [ScriptedServer.HEAD, parts(range(10)), mjpeg_part(bytes(huge)), parts(range(10))]
    with ScriptedServer([answer]) as server, opening(server.url)() as camera:
        shapes = {frame.image.shape for frame in frames_until_lost(camera)}
        assert camera.damaged == 1
    assert shapes == {(64, 96, 3)}


def test_other_coding_that_changes_its_size_keeps_delivering(tmp_path: Path) -> None:
    pieces = [transport_stream(tmp_path / f"{width}.ts", width) for width in (96, 192)]
    answer = [pieces[0], pieces[1], Event()]
    with ScriptedServer([answer], asks_first=False) as server:
        url = server.url.replace("http", "tcp").rstrip("/")
        with opening(url)() as camera:
            frames = frames_until_lost(camera)
    assert frames[-1].image.ndim == 3
    # Thirty came in the first size; the seam between the two may cost a few.
    assert frames[-1].sequence > 40


def test_password_shows_nowhere(capfd: pytest.CaptureFixture[str]) -> None:
    settings = CameraSettings(f"http://me:s3cret@127.0.0.1:{free_port()}/live?key=t0ken")
    with pytest.raises(CameraUnavailable) as refused:
        open_camera(settings)
    written = "".join(capfd.readouterr())
    for text in (str(refused.value), repr(settings), written):
        assert "s3cret" not in text
        assert "t0ken" not in text
    assert "http://***@127.0.0.1" in str(refused.value)


def test_password_is_not_in_the_description() -> None:
    with ScriptedServer([[ScriptedServer.HEAD, parts(range(10)), Event()]]) as server:
        url = server.url.replace("://", "://me:s3cret@")
        with opening(url)() as camera:
            assert camera.description.startswith("http://***@127.0.0.1")
            failure = frames_until_lost(camera)
            assert "s3cret" not in repr(failure)


# --- the reader's thread, on captures that do exactly what is told -----------------------


class ScriptedCapture:
    """Gives what it is told, in turn; the last thing again and again."""

    def __init__(self, *reads: Callable[[], tuple[bool, Any]]) -> None:
        self._reads = list(reads)
        self.released = Event()

    def read(self) -> tuple[bool, Any]:
        read = self._reads.pop(0) if len(self._reads) > 1 else self._reads[0]
        return read()

    def release(self) -> None:
        self.released.set()


def picture() -> tuple[bool, Any]:
    return True, numbered_picture(1)[:, :, ::-1]


def test_picture_that_comes_after_the_time_out_is_not_shown() -> None:
    """FFmpeg hands out what its decoder still held when a read times out."""
    time = ManualTime()

    def late() -> tuple[bool, Any]:
        time.wait(READ_TIMEOUT_S)
        return picture()

    capture = ScriptedCapture(late, lambda: (False, None))
    with GrabbingCamera(capture, "stream", READ_TIMEOUT_S, time.clock, to_rgb) as camera:
        wait_until(capture.released.is_set, "the reader to give up")
        with pytest.raises(CameraLost, match=r"no frame for 0\.5 s"):
            camera.next_frame(timeout_s=10.0)


def test_device_that_blocks_is_lost_though_its_read_never_ends() -> None:
    unplugged = Event()

    def block() -> tuple[bool, Any]:
        unplugged.wait(20.0)
        return False, None

    with GrabbingCamera(ScriptedCapture(block), "usb", 0.05, monotonic, to_rgb) as camera:
        with pytest.raises(CameraSilent):
            camera.next_frame(timeout_s=0.0)
        with pytest.raises(CameraLost, match=r"no frame for 0.05 s"):
            camera.next_frame(timeout_s=10.0)
        unplugged.set()


def test_error_of_opencv_is_handed_to_the_reader() -> None:
    def fail() -> tuple[bool, Any]:
        raise cv2.error("out of memory")

    capture = ScriptedCapture(fail)
    with (
        GrabbingCamera(capture, "usb", READ_TIMEOUT_S, monotonic, to_rgb) as camera,
        pytest.raises(CameraLost, match="usb: OpenCV cannot read it"),
    ):
        camera.next_frame(timeout_s=10.0)
    assert capture.released.is_set()


def test_close_ends_a_waiting_reader() -> None:
    hold, raised = Event(), []

    def block() -> tuple[bool, Any]:
        hold.wait()
        return False, None

    def wait_for_frame() -> None:
        try:
            camera.next_frame(timeout_s=1000.0)
        except CameraLost as error:
            raised.append(str(error))

    camera = GrabbingCamera(ScriptedCapture(block), "usb", 1000.0, monotonic, to_rgb)
    reader, closer = Thread(target=wait_for_frame), Thread(target=camera.close)
    reader.start()
    closer.start()
    reader.join()
    assert raised == ["usb: closed."]
    hold.set()
    closer.join()


@pytest.mark.parametrize("code", [None, cv2.COLOR_RGB2BGR, cv2.COLOR_RGB2BGRA])
def test_every_layout_of_opencv_becomes_rgb(code: int | None) -> None:
    image = numbered_picture(5)
    if code is None:
        grey = image[:, :, 0]
        np.testing.assert_array_equal(to_rgb(grey), np.dstack([grey] * 3))
    else:
        np.testing.assert_array_equal(to_rgb(cv2.cvtColor(image, code)), image)
