"""The wire to the simulated machine: it takes no time, and what a script says goes wrong on it."""

import heapq
from collections.abc import Callable

from sorter_firmware_bridge.drivers.simulated_machine import Edge, SimulatedMachine
from sorter_firmware_bridge.drivers.simulated_settings import FaultKind, SimulatedSettings
from sorter_firmware_bridge.frames import FrameReader
from sorter_firmware_bridge.protocol import ANSWER_BIT, Kind


class SimulatedWire:
    """A `link.Transport` that ends in a simulated machine, and the world around that.

    Whatever is asked of it, the machine first lives until the present.

    Args:
        machine: What is at the other end.
        settings: What goes wrong, and how long a part falls.
        clock: Seconds, never going back.
    """

    def __init__(
        self, machine: SimulatedMachine, settings: SimulatedSettings, clock: Callable[[], float]
    ) -> None:
        self._machine = machine
        self._settings = settings
        self._clock = clock
        self._booted_at_s = clock()
        self._asked = FrameReader()
        self._sent = 0
        self._newest_seq = -1
        self._fault: FaultKind | None = None
        self._unplugged = self._closed = False
        self._landings: list[tuple[int, int]] = []

    def write(self, chunk: bytes) -> None:
        """See `link.Transport`.

        Raises:
            OSError: It was unplugged.
        """
        now_us = self._live()
        for frame in self._asked.feed(chunk):
            if frame.type == Kind.MOVE and frame.seq != self._newest_seq:
                self._begin(frame.seq)
            if self._unplugged:
                raise OSError("the simulated cable is unplugged")
            if frame.type == Kind.MOVE and self._fault is FaultKind.SILENCE:
                return
        self._machine.receive(chunk, now_us)
        self._advance(now_us)

    def read(self, timeout_s: float) -> bytes:
        """See `link.Transport`; it never waits, because nothing is ever on its way."""
        if self._unplugged:
            raise OSError("the simulated cable is unplugged")
        self._live()
        answer = self._machine.send()
        return b"" if self._fault is FaultKind.LOST_REPLY and _is_of_move(answer) else answer

    def close(self) -> None:
        """See `link.Transport`; the machine stands still from now on."""
        self._live()
        self._closed = True

    def trip(self, sensor: int) -> None:
        """Let something pass a sensor now."""
        self._live()
        if not self._unplugged:
            self._machine.sensed(sensor)

    def edges(self) -> tuple[Edge, ...]:
        """What the outputs really did."""
        self._live()
        return tuple(self._machine.edges)

    def _begin(self, seq: int) -> None:
        self._newest_seq = seq
        self._sent += 1
        self._fault = self._settings.fault_at(self._sent)
        if self._fault is FaultKind.UNPLUG:
            self._unplugged = True
        if self._fault is FaultKind.REFUSAL:
            self._machine.declines.add(seq)
        if self._fault is FaultKind.JAM:
            self._machine.jams.add(seq)

    def _live(self) -> int:
        now_us = round((self._clock() - self._booted_at_s) * 1e6)
        if self._closed:
            return self._machine.now_us
        self._advance(now_us)
        return now_us

    def _advance(self, now_us: int) -> None:
        """Machine and falling parts, each thing at its own time."""
        while True:
            landing_us = self._landings[0][0] if self._landings else float("inf")
            step_us = min(landing_us, self._machine.next_us())
            if step_us > now_us:
                break
            self._machine.advance(int(step_us))
            self._watch_falls()
            if landing_us <= step_us:
                self._machine.drop(heapq.heappop(self._landings)[1])
        self._machine.advance(now_us)

    def _watch_falls(self) -> None:
        for edge in self._machine.fresh_edges():
            if edge.on and self._settings.confirms:
                landing_us = edge.at_us + round(self._settings.confirm_after_s * 1e6)
                heapq.heappush(self._landings, (landing_us, self._machine.bin_of(edge.output)))


def _is_of_move(answer: bytes) -> bool:
    return any(frame.type == Kind.MOVE | ANSWER_BIT for frame in FrameReader().feed(answer))
