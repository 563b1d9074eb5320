"""What the camera tests look at: pictures that carry a number, and real streams of them."""

import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import TypeVar

import cv2
import numpy as np
import pytest

from edge.cameras import Camera
from edge.errors import CameraUnavailable

HEIGHT_PX, WIDTH_PX = 64, 96
BLOCK_PX = 16
BITS = 16
PATIENCE_S = 20.0

T = TypeVar("T")


def numbered_picture(number: int) -> np.ndarray:
    """(64, 96, 3) RGB: the number in 16 black or white blocks, then red, green, blue bars."""
    bits = (number >> np.arange(BITS)) & 1
    blocks = np.kron(bits.reshape(4, 4), np.ones((BLOCK_PX, BLOCK_PX))) * 255
    image = np.zeros((HEIGHT_PX, WIDTH_PX, 3), np.uint8)
    image[:, :64] = blocks[:, :, np.newaxis]
    for channel in range(3):
        image[20 * channel : 20 * channel + 20, 64:, channel] = 255
    return image


def number_in(image: np.ndarray) -> int:
    """The number that `numbered_picture` was given, after any lossy coding."""
    centres = image[BLOCK_PX // 2 : HEIGHT_PX : BLOCK_PX, BLOCK_PX // 2 : 64 : BLOCK_PX]
    bits = (centres.mean(axis=2) > 127).reshape(-1)
    return int((bits << np.arange(BITS)).sum())


def bar_colours(image: np.ndarray) -> list[str]:
    """The strongest channel of each bar, top to bottom, where it is the only strong one."""
    middles = image[10:60:20, 80].astype(int)
    return ["".join(n for n, v in zip("RGB", bar, strict=True) if v > 127) for bar in middles]


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Wait for a condition, and fail by its name where it does not come."""
    pause = Event()
    for _ in range(int(PATIENCE_S / 0.01)):
        if condition():
            return
        pause.wait(0.01)
    pytest.fail(f"waited {PATIENCE_S} s for: {what}")


def open_when_ready(open_source: Callable[[], Camera]) -> Camera:
    """Open a stream whose server is still starting."""
    opened: list[Camera] = []

    def try_once() -> bool:
        with suppress(CameraUnavailable):
            opened.append(open_source())
        return bool(opened)

    wait_until(try_once, "the stream to open")
    return opened[0]


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def ffmpeg_path() -> str:
    """A real ffmpeg; its absence is a failure."""
    try:
        from imageio_ffmpeg import get_ffmpeg_exe

        return str(get_ffmpeg_exe())
    except (ImportError, RuntimeError) as error:
        pytest.fail(f"these tests need ffmpeg ({error}): pip install imageio-ffmpeg")


class FfmpegStream:
    """An ffmpeg that sends the pictures it is handed; a test says when."""

    def __init__(self, output: list[str]) -> None:
        size = f"{WIDTH_PX}x{HEIGHT_PX}"
        source = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", size, "-r", "30", "-i", "pipe:0"]
        self._process = subprocess.Popen(
            [ffmpeg_path(), "-hide_banner", "-loglevel", "fatal", *source, *output],
            stdin=subprocess.PIPE,
        )
        self._stalled = Event()
        self._sender: Thread | None = None
        self.sent = 0

    def send(self, pictures: int) -> None:
        """Send so many further pictures, as fast as ffmpeg takes them."""
        for _ in range(pictures):
            self._process.stdin.write(numbered_picture(self.sent).tobytes())
            self._process.stdin.flush()
            self.sent += 1

    def keep_sending(self) -> "FfmpegStream":
        """Send from now on, 30 pictures a second, until `stall`."""
        self._sender = Thread(target=self._send_on)
        self._sender.start()
        return self

    def stall(self) -> None:
        """Send nothing more, and keep the connection."""
        self._stalled.set()
        if self._sender is not None:
            self._sender.join()

    def end(self) -> None:
        """Let ffmpeg send what it still holds and hang up."""
        self.stall()
        self._process.stdin.close()

    def kill(self) -> None:
        """Die in the middle of whatever is going on."""
        self._process.kill()
        self._process.wait()
        self.stall()
        with suppress(BrokenPipeError):
            self._process.stdin.close()

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def _send_on(self) -> None:
        with suppress(BrokenPipeError):
            while not self._stalled.wait(1 / 30):
                self.send(1)


@contextmanager
def http_stream(port: int | None = None) -> Iterator[tuple[str, FfmpegStream]]:
    """MJPEG over HTTP, as network cameras give it: its URL and its ffmpeg."""
    url = f"http://127.0.0.1:{port or free_port()}/"
    with _serving(url, ["-f", "mpjpeg", "-q:v", "2", "-listen", "1", url]) as stream:
        yield url, stream


@contextmanager
def tcp_stream() -> Iterator[tuple[str, FfmpegStream]]:
    """MPEG-TS over TCP."""
    url = f"tcp://127.0.0.1:{free_port()}"
    coding = ["-c:v", "mpeg2video", "-q:v", "2", "-bf", "0", "-g", "10", "-flush_packets", "1"]
    with _serving(url, [*coding, "-f", "mpegts", f"{url}?listen=1"]) as stream:
        yield url, stream


@contextmanager
def _serving(url: str, output: list[str]) -> Iterator[FfmpegStream]:
    stream = FfmpegStream(output)
    try:
        yield stream
    finally:
        stream.kill()


@contextmanager
def rtsp_stream() -> Iterator[str]:
    """RTSP: an ffmpeg tries to push until OpenCV, told to listen, takes it."""
    url = f"rtsp://127.0.0.1:{free_port()}/live"
    coding = ["-c:v", "mpeg4", "-q:v", "2", "-bf", "0", "-g", "10"]
    output = [*coding, "-f", "rtsp", "-rtsp_transport", "tcp", url]
    ended = Event()

    def push() -> None:
        while not ended.is_set():
            stream = FfmpegStream(output).keep_sending()
            while stream.running and not ended.wait(0.02):
                pass
            stream.kill()

    pusher = Thread(target=push)
    pusher.start()
    with pytest.MonkeyPatch.context() as environment:
        listen = "rtsp_flags;listen|listen_timeout;10"
        environment.setenv("OPENCV_FFMPEG_CAPTURE_OPTIONS", listen)
        try:
            yield url
        finally:
            ended.set()
            pusher.join()


MJPEG = ("-c:v", "mjpeg", "-q:v", "2")


def write_video(path: Path, pictures: int, coding: Sequence[str] = MJPEG) -> Path:
    """A video file of numbered pictures, at 30 a second."""
    stream = FfmpegStream([*coding, str(path)])
    stream.send(pictures)
    stream.end()
    wait_until(lambda: not stream.running, "ffmpeg to write the video")
    return path


def jpeg(image: np.ndarray) -> bytes:
    """An RGB picture as JPEG."""
    options = [cv2.IMWRITE_JPEG_QUALITY, 95]
    data = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), options)[1]
    return bytes(data.tobytes())


def mjpeg_part(body: bytes) -> bytes:
    """One part of a multipart HTTP answer."""
    head = f"--cut\r\nContent-Type: image/jpeg\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body + b"\r\n"


def mjpeg_parts(images: list[np.ndarray]) -> bytes:
    """Pictures as the parts of a multipart HTTP answer."""
    return b"".join(mjpeg_part(jpeg(image)) for image in images)


def transport_stream(path: Path, width_px: int) -> bytes:
    """Thirty pictures of MPEG-TS in some width; two of them can follow one another."""
    scale = ["-vf", f"scale={width_px}:64"]
    coding = ["-c:v", "mpeg2video", "-q:v", "2", "-bf", "0", "-g", "5"]
    return write_video(path, 30, [*scale, *coding, "-f", "mpegts"]).read_bytes()


class ScriptedServer:
    """An HTTP camera that says exactly what a test tells it to, byte by byte."""

    HEAD = (
        b"HTTP/1.0 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=cut\r\n"
        b"Connection: close\r\n\r\n"
    )

    def __init__(self, answers: list[list[bytes | Event]], asks_first: bool = True) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._answers = answers
        self._asks_first = asks_first
        self._ended = Event()
        self._thread = Thread(target=self._serve)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/"

    def __enter__(self) -> "ScriptedServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        """Give one connection after the other its answer; an Event in it is waited for."""
        for answer in self._answers:
            with suppress(OSError), self._listener.accept()[0] as connection:
                if self._asks_first:
                    connection.recv(4096)
                for piece in answer:
                    self._say(connection, piece)

    def _say(self, connection: socket.socket, piece: bytes | Event) -> None:
        if isinstance(piece, bytes):
            connection.sendall(piece)
            return
        while not piece.wait(0.01) and not self._ended.is_set():
            pass
