"""Stands in for picamera2: the calls that `PiCamera` makes, with their documented traps.

- A configuration with `queue=True` hands out the frame that was finished before the call.
- "RGB888" is blue, green, red in memory; "BGR888" is red, green, blue.
- `wait` of 0, or False, does not wait but returns a job.
- A wait that ran out leaves its job in the queue, where it swallows a later frame.
- A request that is not released is missing to the sensor; without any, nothing comes.
"""

from typing import Any

import numpy as np
from camera_streams import numbered_picture

BUFFERS = 6


class Request:
    """A finished frame; its memory goes back to the camera by `release`."""

    def __init__(self, camera: "Picamera2", image: np.ndarray) -> None:
        self._camera = camera
        self._image = image
        self._held = True

    def make_array(self, name: str) -> np.ndarray:
        if name != "main":
            raise RuntimeError(f"Stream {name!r} is not defined")
        return self._image.copy()

    def release(self) -> None:
        if not self._held:
            raise RuntimeError("CompletedRequest: lock now has negative ref_count")
        self._held = False
        self._image[:] = 0
        self._camera.free_buffers += 1


class Picamera2:
    """One camera; `alive` says whether its sensor delivers."""

    def __init__(self) -> None:
        self.alive = True
        self.free_buffers = BUFFERS
        self.waits: list[float] = []
        self.calls: list[str] = []
        self.config: dict[str, Any] | None = None
        self._jobs = 0
        self._number = 0

    def create_video_configuration(
        self, main: dict[str, Any], controls: dict[str, Any] | None = None, queue: bool = True
    ) -> dict[str, Any]:
        return {"main": main, "controls": controls or {}, "queue": queue}

    def configure(self, config: dict[str, Any]) -> None:
        self.calls.append("configure")
        if any(length % 2 for length in config["main"]["size"]):
            raise RuntimeError("width and height should be even")
        self.config = config

    def start(self) -> None:
        self.calls.append("start")
        if self.config is None:
            raise RuntimeError("Camera has not been configured")

    def capture_request(self, wait: Any = None) -> Any:
        if not wait:
            return "a job"
        self.waits.append(wait)
        self._jobs += 1
        while self.alive and self.free_buffers > 0:
            self.free_buffers -= 1
            self._number += 1
            self._jobs -= 1
            if self._jobs == 0:
                return Request(self, self._picture())
        raise TimeoutError

    def cancel_all_and_flush(self) -> None:
        self.calls.append("cancel_all_and_flush")
        self._jobs = 0

    def close(self) -> None:
        self.calls.append("close")

    def _picture(self) -> np.ndarray:
        assert self.config is not None
        stale = 1 if self.config["queue"] else 0
        image = numbered_picture(self._number - 1 - stale)
        in_memory = {"BGR888": image, "RGB888": image[:, :, ::-1]}
        return in_memory[self.config["main"]["format"]].copy()
