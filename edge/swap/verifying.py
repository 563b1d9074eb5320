"""The process that tries a model, seen from outside; one at a time."""

import json
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.errors import SwapError
from edge.self_test import Replayed

MODULE = "edge.swap.trying"
"""Named, not imported: the page must not reach what runs models."""
TIMEOUT_S = 180.0


@dataclass(frozen=True, slots=True)
class Verified:
    """What a model that may be made live gave.

    Attributes:
        name, seal: Of its manifest.
        labels: How many it knows.
        runtime: What it ran on.
        tolerance: What the measure of each picture may be.
        pictures: Of its self-test.
        gradcam_ms: One Grad-CAM of the last picture.
        seconds: All of it, with every checksum.
    """

    name: str
    seal: str
    labels: int
    runtime: str
    tolerance: float
    pictures: tuple[Replayed, ...]
    gradcam_ms: float
    seconds: float


class Verifier:
    """Tries models, one at a time. Safe for many threads.

    Args:
        config: The edge.toml that a model has to fit.
    """

    def __init__(self, config: Path) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        self._closed = False

    def verify(self, folder: Path) -> Verified:
        """Try a model: checksums, shapes, self-test, a Grad-CAM, and the bins of the settings.

        Raises:
            SwapError: It is refused, or another one is being tried; the message says why.
        """
        if not self._lock.acquire(blocking=False):
            raise SwapError("another model is being tried; wait for its end")
        try:
            return self._verify(folder)
        finally:
            self._process = None
            self._lock.release()

    def close(self) -> None:
        """End what is being tried. Safe to call twice."""
        self._closed = True
        process = self._process
        if process is not None and process.poll() is None:
            process.kill()

    def _verify(self, folder: Path) -> Verified:
        try:
            self._process = process = subprocess.Popen(
                [sys.executable, "-m", MODULE, str(self._config.absolute()), str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                start_new_session=True,
            )
        except OSError as error:
            raise SwapError(f"the model cannot be tried ({error})") from error
        with process:
            if self._closed:
                process.kill()
            try:
                said, _ = process.communicate(timeout=TIMEOUT_S)
            except subprocess.TimeoutExpired as error:
                process.kill()
                raise SwapError(
                    f"the model gave no answer within {TIMEOUT_S:.0f} s; it is not made live"
                ) from error
        return _told(said, process.returncode)


def _told(said: str, status: int) -> Verified:
    try:
        values: dict[str, Any] = json.loads(said.splitlines()[-1])
    except (ValueError, IndexError) as error:
        how = f"signal {-status}" if status < 0 else f"status {status}"
        raise SwapError(f"the process that tried the model ended with {how}") from error
    if "problem" in values:
        raise SwapError(values["problem"])
    pictures = tuple(Replayed(**one) for one in values.pop("pictures"))
    return Verified(**values, pictures=pictures)
