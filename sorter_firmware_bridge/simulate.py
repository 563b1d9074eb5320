"""A simulated machine at a pseudo terminal: whatever opens that port talks to it."""

import time
from collections.abc import Callable

from sorter_firmware_bridge.drivers.simulated_machine import (
    Edge,
    SimulatedMachine,
    SimulatedOutput,
    SimulatedTable,
)
from sorter_firmware_bridge.firmware.table import Table
from sorter_firmware_bridge.pseudo_port import PseudoPort

STEP_S = 0.002


def machine_of(table: Table) -> SimulatedMachine:
    """The machine that a firmware built from this table would be."""
    rows = zip(table.output, table.groups, strict=True)
    return SimulatedMachine(
        SimulatedTable(
            tuple(SimulatedOutput(o.bin, g, o.on_ms * 1000, o.rest_ms * 1000) for o, g in rows),
            watchdog_us=table.watchdog_ms * 1000,
            max_on_us=table.max_on_ms * 1000,
            confirm_us=table.window_ms * 1000 if table.drop else 0,
            sensors=len(table.sensor),
        )
    )


class Simulation:
    """Lets a machine live in real time at a port.

    Args:
        machine: What lives there.
        port: Its end of the line.
        drop_after_s: So long after a movement began its drop sensor sees the part; None is never.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        machine: SimulatedMachine,
        port: PseudoPort,
        drop_after_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._machine = machine
        self._port = port
        self._drop_after_us = None if drop_after_s is None else round(drop_after_s * 1e6)
        self._drops: list[tuple[int, int]] = []
        self._clock = clock
        self._began_s = clock()

    def step(self) -> list[Edge]:
        """Wait for a moment for bytes, and live until now.

        Returns:
            What the outputs did meanwhile.
        """
        chunk = self._port.read(STEP_S)
        self._live(self._now_us())
        if chunk:
            self._machine.receive(chunk, self._now_us())
            self._live(self._now_us())
        answer = self._machine.send()
        if answer:
            self._port.write(answer)
        edges = self._machine.fresh_edges()
        if self._drop_after_us is not None:
            ons = [edge for edge in edges if edge.on]
            self._drops += [(e.at_us + self._drop_after_us, e.output) for e in ons]
        return edges

    def _live(self, now_us: int) -> None:
        while self._drops and self._drops[0][0] <= now_us:
            at_us, output = self._drops.pop(0)
            self._machine.advance(max(at_us, self._machine.now_us))
            self._machine.drop(self._machine.bin_of(output))
        self._machine.advance(max(now_us, self._machine.now_us))

    def _now_us(self) -> int:
        return round((self._clock() - self._began_s) * 1e6)
