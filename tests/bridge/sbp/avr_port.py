"""An Arduino at a pseudo terminal, in real time: the very .hex on simavr, or the Python twin.

    python avr_port.py HEX|twin --machine machine.toml --link PATH --log FILE

The log has one JSON object a line, on the machine's clock, which begins when it is powered:

    {"ready_us": 0.0}                               the port is there
    {"heard_us": 131072.0}                          the last byte so far has come from the host
    {"bin": 1, "on": true, "at_us": 140000.0}       an output of kind "pulse" went on or off

SIGTERM ends it.
"""

import argparse
import json
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

from sbp_machines import Avr

from sorter_firmware_bridge.firmware.table import Table, read_table
from sorter_firmware_bridge.pseudo_port import PseudoPort
from sorter_firmware_bridge.simulate import Simulation, machine_of

STEP_S = 0.001
MAX_LAG_US = 20_000
Line = dict[str, float | bool]


class Arduino:
    """Lets a program live in real time at a port; on a busy computer, more slowly.

    Args:
        machine: What lives there.
        port: Its end of the line.
        bins: Those whose edges are told.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        machine: Avr,
        port: PseudoPort,
        bins: frozenset[int],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._machine, self._port, self._bins, self._clock = machine, port, bins, clock
        self._began_us = clock() * 1e6 - machine.now_us
        self._heard_us = machine.heard_us
        self._on: dict[int, bool] = {}
        self._place = machine.edges_from(0)[1]

    def step(self) -> list[Line]:
        """Wait for a moment for bytes, and live until now; what is to be logged."""
        chunk = self._port.read(STEP_S)
        self._machine.run(self._now_us())
        if chunk:
            self._machine.put(chunk)
        answer = self._machine.get()
        if answer:
            self._port.write(answer)
        return [*self._heard(), *self._edges()]

    def _now_us(self) -> float:
        now_us = self._clock() * 1e6 - self._began_us
        late_us = now_us - self._machine.now_us - MAX_LAG_US
        # Whoever cannot keep up makes the machine slow; its time never jumps.
        self._began_us += max(late_us, 0.0)
        return now_us - max(late_us, 0.0)

    def _heard(self) -> list[Line]:
        if self._machine.heard_us == self._heard_us:
            return []
        self._heard_us = self._machine.heard_us
        return [{"heard_us": self._heard_us}]

    def _edges(self) -> list[Line]:
        lines: list[Line] = []
        edges, self._place = self._machine.edges_from(self._place)
        for edge in edges:
            if edge.bin in self._bins and self._on.get(edge.bin, False) != edge.on:
                self._on[edge.bin] = edge.on
                lines.append({"bin": edge.bin, "on": edge.on, "at_us": edge.at_us})
        return lines


class TwinPort(PseudoPort):
    """Notes when bytes came."""

    def __init__(self, name: Path) -> None:
        super().__init__(name)
        self.heard_s = 0.0

    def read(self, timeout_s: float) -> bytes:
        chunk = super().read(timeout_s)
        self.heard_s = time.monotonic() if chunk else self.heard_s
        return chunk


def arduino(program: Path, table: Table, port: PseudoPort) -> Callable[[], list[Line]]:
    """The steps of a .hex on simavr."""
    bins = frozenset(output.bin for output in table.output if output.kind == "pulse")
    return Arduino(Avr(table, program=program), port, bins).step


def twin(table: Table, port: TwinPort) -> Callable[[], list[Line]]:
    """The steps of the Python twin."""
    machine = machine_of(table)
    began_s = time.monotonic()
    simulation = Simulation(machine, port)
    heard_s = 0.0

    def step() -> list[Line]:
        nonlocal heard_s
        edges = simulation.step()
        lines: list[Line] = []
        if port.heard_s != heard_s:
            heard_s = port.heard_s
            lines.append({"heard_us": (heard_s - began_s) * 1e6})
        bins = [(machine.bin_of(edge.output), edge) for edge in edges]
        return lines + [{"bin": bin_, "on": e.on, "at_us": e.at_us} for bin_, e in bins]

    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program", help="a .hex, or twin")
    parser.add_argument("--machine", type=Path, required=True)
    parser.add_argument("--link", type=Path, required=True)
    parser.add_argument("--log", type=Path, required=True)
    given = parser.parse_args()
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    table = read_table(given.machine)
    with TwinPort(given.link) as port, given.log.open("a", encoding="utf-8") as log:
        program = Path(given.program)
        step = twin(table, port) if given.program == "twin" else arduino(program, table, port)
        lines: list[Line] = [{"ready_us": 0.0}]
        while not ended.is_set():
            log.writelines(json.dumps(line) + "\n" for line in lines)
            log.flush()
            lines = step()


if __name__ == "__main__":
    main()
