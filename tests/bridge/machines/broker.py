"""A real mosquitto on a free port, with what a test wants it to insist on."""

import os
import shutil
import socket
import subprocess
from pathlib import Path

from waiting import wait_for

START_S = 20.0


class Broker:
    """One mosquitto process; `lines` go into its configuration."""

    def __init__(self, folder: Path, *lines: str) -> None:
        self.port = free_port()
        config = folder / "mosquitto.conf"
        # Started as root it would become another user, who may not read a test's folder.
        user = ["user root"] * (os.getuid() == 0)
        wanted = [
            *user,
            "set_tcp_nodelay true",
            f"listener {self.port} 127.0.0.1",
            *(lines or ("allow_anonymous true",)),
        ]
        config.write_text("\n".join(wanted) + "\n")
        self._process = subprocess.Popen(
            [need("mosquitto", "/usr/sbin/mosquitto"), "-c", str(config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(self._is_up, "mosquitto to listen", START_S)

    def end(self) -> None:
        self._process.terminate()
        self._process.wait(START_S)

    def _is_up(self) -> bool:
        assert self._process.poll() is None, f"mosquitto ended with {self._process.returncode}"
        with socket.socket() as probe:
            probe.settimeout(1.0)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


def need(name: str, usual: str = "") -> str:
    """Where a program is; its absence fails the test with what to install."""
    found = shutil.which(name) or (usual if Path(usual).is_file() else None)
    assert found, f"{name} is not installed: sudo apt-get install mosquitto socat openssl"
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
