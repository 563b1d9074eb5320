"""The Raspberry Pi's own camera, through picamera2.

The driver is asked for one fixed configuration. `queue=False` keeps it from handing out a
frame that was finished before the call, every wait is bounded, and every request is given
back. Opening it again inside one process costs memory each time, so that is done once: a
camera that then still gives nothing is lost.
"""

import time
from collections.abc import Callable
from importlib import import_module
from itertools import count
from threading import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.cameras.camera import Camera, CameraSettings, CameraSilent
from edge.domain import Frame
from edge.errors import CameraLost, CameraUnavailable

# libcamera names formats by the order in a register: this one is R, G, B in memory.
_RGB_IN_MEMORY = "BGR888"
_SHORTEST_WAIT_S = 0.001
_DRIVER_ERRORS = (RuntimeError, OSError, IndexError, ValueError)


class PiCamera(Camera):
    """Asks the first camera of the Raspberry Pi for one fresh frame at a time.

    A silence of `read_timeout_s` is answered in steps: ask again, open again, give up.

    Args:
        settings: `size_px`, `fps` and `read_timeout_s` are used.
        clock: Seconds, monotonic.
        open_driver: Gives a new, unconfigured `Picamera2`.

    Raises:
        CameraUnavailable: picamera2 is not installed, or no camera is connected.
    """

    def __init__(
        self,
        settings: CameraSettings,
        clock: Callable[[], float] = time.monotonic,
        open_driver: Callable[[], Any] | None = None,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._open_driver = open_driver or _new_picamera2
        self._sequence = count()
        self._closed = Event()
        self._driver = self._started()
        self._silences = 0
        self._heard_at_s = clock()

    @property
    def description(self) -> str:
        """The camera and the size asked for."""
        return f"Raspberry Pi camera, {self._settings.size_px[0]} x {self._settings.size_px[1]}"

    def next_frame(self, timeout_s: float) -> Frame:
        """See `Camera.next_frame`."""
        if self._closed.is_set():
            raise CameraLost(f"{self.description}: closed.")
        try:
            image = self._capture(timeout_s)
        except TimeoutError as error:
            raise self._answer_to_silence() from error
        except _DRIVER_ERRORS as error:
            raise CameraLost(f"{self.description}: {_cause(error)}.") from error
        self._silences, self._heard_at_s = 0, self._clock()
        return Frame(next(self._sequence), self._heard_at_s, image)

    def close(self) -> None:
        """See `Camera.close`."""
        if not self._closed.is_set():
            self._closed.set()
            _stop(self._driver)

    def _capture(self, timeout_s: float) -> NDArray[np.uint8]:
        # A wait of 0 would mean "do not wait at all, here is a job".
        wait_s = max(min(timeout_s, self._settings.read_timeout_s), _SHORTEST_WAIT_S)
        request = self._driver.capture_request(wait=float(wait_s))
        try:
            return np.ascontiguousarray(request.make_array("main"), dtype=np.uint8)
        finally:
            request.release()

    def _answer_to_silence(self) -> CameraLost:
        # What timed out still waits in the driver's queue and would swallow the next frame.
        self._driver.cancel_all_and_flush()
        if self._clock() - self._heard_at_s < self._settings.read_timeout_s:
            return CameraSilent(f"{self.description}: no frame yet.")
        self._silences += 1
        self._heard_at_s = self._clock()
        if self._silences == 1:
            return CameraSilent(f"{self.description}: no frame; asking again.")
        if self._silences == 2:
            return self._reopened()
        return CameraLost(
            f"{self.description}: no frame, and none after it was opened again. Check the "
            "ribbon cable; restart the service."
        )

    def _reopened(self) -> CameraLost:
        _stop(self._driver)
        try:
            self._driver = self._started()
        except CameraUnavailable as error:
            return CameraLost(str(error))
        return CameraSilent(f"{self.description}: no frame; opened again.")

    def _started(self) -> Any:
        driver = None
        try:
            driver = self._open_driver()
            driver.configure(driver.create_video_configuration(**self._configuration()))
            driver.start()
        except CameraUnavailable:
            # Says by itself what is missing: no cable, if the package is.
            raise
        except _DRIVER_ERRORS as error:
            _stop(driver)
            raise CameraUnavailable(
                f"{self.description}: {_cause(error)}. Check the ribbon cable, 'rpicam-hello "
                "--list-cameras', and that no other program uses the camera."
            ) from error
        return driver

    def _configuration(self) -> dict[str, Any]:
        main = {"size": self._settings.size_px, "format": _RGB_IN_MEMORY}
        if self._settings.fps is None:
            return {"main": main, "queue": False}
        frame_us = round(1e6 / self._settings.fps)
        controls = {"FrameDurationLimits": (frame_us, frame_us)}
        return {"main": main, "queue": False, "controls": controls}


def _cause(error: Exception) -> str:
    """What a driver says, as the part of a sentence that it is put into."""
    return str(error).rstrip(".")


def _new_picamera2() -> Any:
    try:
        return import_module("picamera2").Picamera2()
    except ImportError as error:
        raise CameraUnavailable(
            f"The Raspberry Pi camera needs picamera2 ({error}). Run 'sudo apt install "
            "python3-picamera2' and make the environment with "
            "'python3 -m venv --system-site-packages'; it is not on other machines."
        ) from error


def _stop(driver: Any) -> None:
    """Close a driver that may be half open; one that fails at that is beyond repair."""
    if driver is None:
        return
    try:
        driver.close()
    except _DRIVER_ERRORS:
        return
