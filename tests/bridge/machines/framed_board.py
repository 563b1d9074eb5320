"""A machine of sbp/1 at a real pseudo terminal, in a process of its own that can be killed."""

import json
import os
import subprocess
import sys
from pathlib import Path

import avr_port
from sbp_machines import built
from waiting import wait_for

from sorter_firmware_bridge.firmware.table import read_table

ROOT = Path(__file__).parents[3]


class Board:
    """An Arduino, or the Python twin, that can be plugged in and out.

    Args:
        folder: Where its port and its log lie.
        machine: The text of machine.toml.
        kind: "avr" or "twin".
    """

    def __init__(self, folder: Path, machine: str, kind: str = "avr") -> None:
        self.port = folder / "port"
        self._table = folder / "machine.toml"
        self._table.write_text(machine)
        self._kind = kind
        self._log = folder / "log"
        self._starts = 0
        self._process: subprocess.Popen[bytes] | None = None

    def plug_in(self) -> None:
        """Power it: a fresh log begins."""
        program = "twin" if self._kind == "twin" else str(built(read_table(self._table)).hex)
        self._starts += 1
        self._log = self._log.with_name(f"log-{self._starts}")
        command = [sys.executable, avr_port.__file__, program, "--machine", str(self._table)]
        command += ["--link", str(self.port), "--log", str(self._log)]
        paths = {"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]}
        self._process = subprocess.Popen(command, env=paths)
        wait_for(lambda: self._log.exists() and self.lines(), "the port")

    def pull_out(self) -> None:
        """The cable and the power are gone. Safe to call twice."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(20)
            self._process = None

    def end(self) -> int:
        """Ask it to end; its exit status."""
        assert self._process is not None
        self._process.terminate()
        status = self._process.wait(20)
        self._process = None
        return status

    def lines(self) -> list[dict[str, float]]:
        """Everything it has logged since it was plugged in."""
        *whole, _ = self._log.read_text().split("\n")
        return [json.loads(line) for line in whole]

    def edges(self) -> list[tuple[int, bool, float]]:
        """Bin, on, when."""
        return [(int(e["bin"]), bool(e["on"]), e["at_us"]) for e in self.lines() if "bin" in e]

    def bins_on(self) -> list[int]:
        """The bins of all pulses, in the order they began."""
        return [bin_ for bin_, on, _ in self.edges() if on]

    def heard_us(self) -> float:
        """When the last byte came from the host."""
        return max((line["heard_us"] for line in self.lines() if "heard_us" in line), default=0.0)
