"""A wire on which frames are dropped, damaged, doubled, late, or stand among noise."""

import heapq
from collections import Counter
from dataclasses import dataclass, field
from random import Random

from sbp_machines import Machine

MAX_DELAY_US = 120_000
SLICE_US = 500.0
FAULTS = ("drop", "corrupt", "duplicate", "delay", "noise")


@dataclass(slots=True)
class Wire:
    """A `link.Transport` to a machine on a clock of ours.

    Attributes:
        machine: At the other end.
        random: Decides; the same seed gives the same faults.
        rate: The share of frames, 0..1, in each direction, to which something happens.
        plugged: False is a cable that was pulled.
        seen: Frames by direction, and what happened to them.
    """

    machine: Machine
    random: Random = field(default_factory=lambda: Random(0))
    rate: float = 0.0
    plugged: bool = True
    seen: Counter[str] = field(default_factory=Counter)
    _coming: list[tuple[float, int, bool, bytes]] = field(default_factory=list)
    _count: int = 0
    _heard: bytes = b""
    _arrived: bytes = b""

    def now_s(self) -> float:
        """The host's clock: of another origin than the machine's, and as fast."""
        return 1000.0 + self.machine.now_us / 1e6

    def write(self, chunk: bytes) -> None:
        """See `link.Transport`."""
        if not self.plugged:
            raise OSError("no such device")
        self._send("down", chunk)
        self._deliver()

    def read(self, timeout_s: float) -> bytes:
        """See `link.Transport`: the machine lives while the host waits."""
        if not self.plugged:
            raise OSError("no such device")
        until_us = self.machine.now_us + timeout_s * 1e6
        while not self._arrived and self.machine.now_us < until_us:
            self._step(until_us)
        arrived, self._arrived = self._arrived, b""
        return arrived

    def close(self) -> None:
        """See `link.Transport`."""
        self.plugged = False

    def wait(self, duration_s: float) -> None:
        """Let time pass without a host that reads; what arrives waits for it."""
        until_us = self.machine.now_us + duration_s * 1e6
        while self.machine.now_us < until_us:
            self._step(until_us)

    def _step(self, until_us: float) -> None:
        due_us = self._coming[0][0] if self._coming else until_us
        target_us = min(until_us, self.machine.now_us + SLICE_US)
        target_us = max(min(target_us, due_us), self.machine.now_us)
        self.machine.run(target_us)
        self._collect()
        self._deliver()

    def _collect(self) -> None:
        self._heard += self.machine.get()
        # A frame has a delimiter on either side.
        while self._heard.count(0) >= 2:
            end = self._heard.index(0, self._heard.index(0) + 1) + 1
            frame, self._heard = self._heard[:end], self._heard[end:]
            self._send("up", frame)

    def _send(self, way: str, frame: bytes) -> None:
        self.seen[way] += 1
        fault = self.random.choice(FAULTS) if self.random.random() < self.rate else None
        if fault is not None:
            self.seen[f"{way} faulty"] += 1
            self.seen[fault] += 1
        down, delay_us = way == "down", self.random.uniform(1, MAX_DELAY_US)
        if fault == "corrupt":
            frame = self._corrupted(frame)
        if fault == "noise":
            frame = self.random.randbytes(self.random.randint(1, 40)) + frame
        if fault != "drop":
            self._later(delay_us if fault == "delay" else 0.0, down, frame)
        if fault == "duplicate":
            self._later(delay_us, down, frame)

    def _corrupted(self, frame: bytes) -> bytes:
        place, flip = self.random.randrange(len(frame)), self.random.randint(1, 255)
        return frame[:place] + bytes([frame[place] ^ flip]) + frame[place + 1 :]

    def _later(self, delay_us: float, down: bool, chunk: bytes) -> None:
        self._count += 1
        entry = (self.machine.now_us + delay_us, self._count, down, chunk)
        heapq.heappush(self._coming, entry)

    def _deliver(self) -> None:
        while self._coming and self._coming[0][0] <= self.machine.now_us:
            _, _, down, chunk = heapq.heappop(self._coming)
            if not down:
                self._arrived += chunk
            elif self.plugged:
                self.machine.put(chunk)
                self._collect()
