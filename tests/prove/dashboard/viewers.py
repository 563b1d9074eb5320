"""Pages that poll as ours do, in a process of their own; one of them reads nothing."""

import http.client
import multiprocessing
import os
import socket
import threading
import time
from dataclasses import dataclass

FRAME_EVERY_S, STATE_EVERY_S, LIVE_EVERY_S = 0.125, 0.5, 0.1
TIMEOUT_S = 30.0
NICE = 15


@dataclass(frozen=True, slots=True)
class Looked:
    """What viewers saw.

    Attributes:
        ages_ms: Of the newest frame, each time one asked, when the answer was there.
        live_ms: How long /livez took, each time.
        frames: How many pictures came.
        failed: How many requests did not succeed.
    """

    ages_ms: tuple[float, ...]
    live_ms: tuple[float, ...]
    frames: int
    failed: int


def look(port: int, token: str, viewers: int, seconds: float) -> Looked:
    """Let so many pages look for so long, one of them stalled."""
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_look, args=(port, token, viewers, seconds, theirs))
    process.start()
    found: Looked = ours.recv()
    process.join()
    return found


def _look(port: int, token: str, viewers: int, seconds: float, answer: object) -> None:
    # They stand for other computers, which take nothing from the device.
    os.nice(NICE)
    stop_at_s = time.monotonic() + seconds
    pages = [_Page(port, token, stop_at_s, number) for number in range(viewers - 1)]
    watch = _Watch(port, stop_at_s)
    stalled = _stall(port, token)
    for thread in (*pages, watch):
        thread.start()
    for thread in (*pages, watch):
        thread.join()
    stalled.close()
    answer.send(  # type: ignore[attr-defined]
        Looked(
            ages_ms=tuple(age for page in pages for age in page.ages_ms),
            live_ms=tuple(watch.took_ms),
            frames=sum(page.frames for page in pages),
            failed=watch.failed + sum(page.failed for page in pages),
        )
    )


def _stall(port: int, token: str) -> socket.socket:
    """Asks for pictures without end, and reads none of them."""
    stalled = socket.create_connection(("127.0.0.1", port))
    stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    request = f"GET /frame.jpg HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
    request += f"Authorization: Bearer {token}\r\n\r\n"
    stalled.settimeout(5)
    stalled.sendall(request.encode() * 60)
    return stalled


class _Page(threading.Thread):
    """One page: frames and state, each in its own time."""

    def __init__(self, port: int, token: str, stop_at_s: float, number: int) -> None:
        super().__init__()
        self._port, self._stop_at_s = port, stop_at_s
        self._headers = {"Authorization": f"Bearer {token}"}
        self._begin_s = time.monotonic() + number * FRAME_EVERY_S / 20
        self.ages_ms: list[float] = []
        self.frames = self.failed = 0

    def run(self) -> None:
        line = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_S)
        sequence, etag = -1, ""
        frame_s = state_s = self._begin_s
        while (now_s := time.monotonic()) < self._stop_at_s:
            if frame_s <= now_s:
                sequence = self._frame(line, sequence)
                frame_s = max(frame_s + FRAME_EVERY_S, time.monotonic())
            if state_s <= now_s:
                line.request("GET", "/api/state", headers=self._headers | {"If-None-Match": etag})
                answer = line.getresponse()
                answer.read()
                self.failed += answer.status not in (200, 304)
                etag = answer.headers["ETag"] or ""
                state_s = max(state_s + STATE_EVERY_S, time.monotonic())
            threading.Event().wait(max(0.0, min(frame_s, state_s) - time.monotonic()))
        line.close()

    def _frame(self, line: http.client.HTTPConnection, sequence: int) -> int:
        began_s = time.monotonic()
        line.request("GET", f"/frame.jpg?after={sequence}", headers=self._headers)
        answer = line.getresponse()
        size = len(answer.read())
        if answer.status not in (200, 204):
            self.failed += 1
            return sequence
        # At most so old: the age was told some time after the question.
        took_ms = 1e3 * (time.monotonic() - began_s)
        self.ages_ms.append(float(answer.headers["X-Frame-Age-Ms"]) + took_ms)
        self.frames += size > 0
        return int(answer.headers["X-Frame-Sequence"])


class _Watch(threading.Thread):
    """Asks whether the device lives, as a monitor does, on a new connection each time."""

    def __init__(self, port: int, stop_at_s: float) -> None:
        super().__init__()
        self._port, self._stop_at_s = port, stop_at_s
        self.took_ms: list[float] = []
        self.failed = 0

    def run(self) -> None:
        while time.monotonic() < self._stop_at_s:
            began_s = time.monotonic()
            line = http.client.HTTPConnection("127.0.0.1", self._port, timeout=TIMEOUT_S)
            line.request("GET", "/livez")
            answer = line.getresponse()
            answer.read()
            line.close()
            self.failed += answer.status != 200
            self.took_ms.append(1e3 * (time.monotonic() - began_s))
            threading.Event().wait(LIVE_EVERY_S)
