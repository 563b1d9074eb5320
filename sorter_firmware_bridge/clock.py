"""The machine's clock, as the host sees it through a link that takes time."""

import math
from collections import deque
from dataclasses import dataclass

from sorter_firmware_bridge.protocol import CLOCK_MODULUS, after

MAX_SAMPLES = 64
MIN_SPAN_S = 5.0
MAX_RATE_ERROR = 0.01
"""A ceramic resonator is off by half a percent at most."""
UNKNOWN_DRIFT = 0.005
KNOWN_DRIFT = 0.0002


@dataclass(frozen=True, slots=True)
class _Sample:
    host_s: float
    machine_us: int
    round_trip_s: float


class ClockEstimate:
    """What the machine's clock says now, from answers that carried it.

    An answer was made somewhere between question and answer; halfway is off by half the round trip
    at most (Cristian, "Probabilistic clock synchronization", 1989). Of the newest samples the one
    with the least error counts, and the error grows with its age. From samples that lie far enough
    apart the rate is fitted by least squares.
    """

    def __init__(self) -> None:
        self._samples: deque[_Sample] = deque(maxlen=MAX_SAMPLES)
        self._newest_us: int | None = None
        self._rate = 1.0
        self._rate_known = False

    def unwrap(self, clock_us: int) -> int:
        """The whole time of a clock of 32 bits: the one nearest to the newest that was seen.

        Args:
            clock_us: 0..2**32 - 1, at most 35 minutes from the newest.

        Returns:
            Microseconds that do not wrap.
        """
        newest_us = clock_us if self._newest_us is None else self._newest_us
        return newest_us + after(clock_us, newest_us % CLOCK_MODULUS)

    def add(self, sent_s: float, received_s: float, clock_us: int) -> None:
        """Take an answer that was made between these two moments.

        Args:
            sent_s: The host's clock before the question went out.
            received_s: The same when the answer was there.
            clock_us: What the machine's clock said.
        """
        machine_us = self.unwrap(clock_us)
        self._newest_us = max(machine_us, self._newest_us or machine_us)
        half = (sent_s + received_s) / 2
        self._samples.append(_Sample(half, machine_us, max(received_s - sent_s, 0.0)))
        self._fit()

    def at(self, host_s: float) -> float:
        """Seconds of the machine's clock at a moment of the host's; NaN before any sample."""
        if not self._samples:
            return math.nan
        best = min(self._samples, key=lambda sample: self._error_s(sample, host_s))
        return best.machine_us / 1e6 + (host_s - best.host_s) * self._rate

    def error_s(self, host_s: float) -> float:
        """How far off `at` may be."""
        return min((self._error_s(sample, host_s) for sample in self._samples), default=math.inf)

    def _error_s(self, sample: _Sample, host_s: float) -> float:
        drift = KNOWN_DRIFT if self._rate_known else UNKNOWN_DRIFT
        return sample.round_trip_s / 2 + drift * abs(host_s - sample.host_s)

    def _fit(self) -> None:
        span_s = self._samples[-1].host_s - self._samples[0].host_s
        if span_s < MIN_SPAN_S:
            return
        count = len(self._samples)
        mean_host = sum(s.host_s for s in self._samples) / count
        mean_machine = sum(s.machine_us for s in self._samples) / count
        # Samples with a long round trip say less.
        floor_s = min(s.round_trip_s for s in self._samples) + 1e-4
        over = under = 0.0
        for sample in self._samples:
            weight = (floor_s / (sample.round_trip_s + 1e-4)) ** 2
            over += weight * (sample.host_s - mean_host) * (sample.machine_us - mean_machine)
            under += weight * (sample.host_s - mean_host) ** 2
        rate = over / under / 1e6 if under > 0 else 1.0
        if abs(rate - 1) <= MAX_RATE_ERROR:
            self._rate, self._rate_known = rate, True
