"""Two serial ports and a cable between them."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from machines.broker import need
from waiting import wait_for


@contextmanager
def serial_pair() -> Iterator[tuple[str, str]]:
    """Both ends, as paths; pulled out at the end."""
    with tempfile.TemporaryDirectory() as folder:
        ends = [Path(folder) / "near", Path(folder) / "far"]
        process = subprocess.Popen(
            [need("socat"), *(f"pty,raw,echo=0,link={end}" for end in ends)],
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_for(lambda: all(end.exists() for end in ends), "socat's ports")
            yield str(ends[0]), str(ends[1])
        finally:
            process.terminate()
            process.wait(20)
