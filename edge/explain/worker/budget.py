"""How much work LIME may do while the machine is hot or busy: it gives way first."""

import os
from dataclasses import dataclass
from pathlib import Path

ZONES = Path("/sys/class/thermal")
SAMPLES_MIN = 128
"""Twice the superpixels of most pictures; with fewer, no standard error is known."""


@dataclass(frozen=True, slots=True)
class Strain:
    """How the machine is doing.

    Attributes:
        load: Processes that run or want to, for each core, averaged over a minute.
        celsius: Of the hottest sensor; None where there is none.
    """

    load: float
    celsius: float | None


@dataclass(frozen=True, slots=True)
class Limits:
    """Between the first value and the second of each, the budget falls to its least.

    Attributes:
        load: Per core. LIME itself keeps one core busy.
        celsius: A Raspberry Pi slows itself down at 80.
        least: Share of the budget that is left at the worst, above 0.
    """

    load: tuple[float, float] = (1.5, 3.0)
    celsius: tuple[float, float] = (70.0, 80.0)
    least: float = 0.125


def read_strain(zones: Path = ZONES) -> Strain:
    """Look at the machine; what it does not tell counts as well."""
    return Strain(os.getloadavg()[0] / (os.cpu_count() or 1), _hottest(zones))


def _hottest(zones: Path) -> float | None:
    found = []
    for sensor in sorted(zones.glob("thermal_zone*/temp")):
        try:
            found.append(int(sensor.read_text()) / 1000)
        except (OSError, ValueError):
            # A sensor that is asleep answers with an error; others may know.
            continue
    return max(found, default=None)


def budget(samples: int, strain: Strain, limits: Limits) -> int:
    """How many samples LIME may take.

    Args:
        samples: What it may take on a cool and idle machine.
        strain: How the machine is doing.
        limits: When it gives way.

    Returns:
        `samples`, or less; never below `SAMPLES_MIN` or `samples` itself. In steps of an eighth,
        so that a budget stays the same while little changes.
    """
    shares = [_share(strain.load, limits.load)]
    if strain.celsius is not None:
        shares.append(_share(strain.celsius, limits.celsius))
    share = limits.least + (1 - limits.least) * min(shares)
    eighths = max(1, round(8 * share))
    return max(min(samples, SAMPLES_MIN), samples * eighths // 8)


def _share(value: float, bounds: tuple[float, float]) -> float:
    first, last = bounds
    return min(1.0, max(0.0, (last - value) / (last - first)))
