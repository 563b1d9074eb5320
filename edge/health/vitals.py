"""Everything of the machine at one moment; a sensor that is not there is None, never a guess."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from edge.health.clock import boot_age_s, page_bytes, synchronised
from edge.health.disk import Disk, read_disk
from edge.health.throttle import Throttle, read_throttle

ZONES = Path("sys/class/thermal")
COOLEST, HOTTEST = -50.0, 200.0
"""Beyond them a sensor is broken, not cold or hot."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory in bytes.

    Attributes:
        total, available: Of the machine.
        own: What the app's main process holds of it.
    """

    total: int
    available: int
    own: int


@dataclass(frozen=True, slots=True)
class Vitals:
    """How the machine does.

    Attributes:
        celsius: Of each sensor by its name; empty where there is none.
        throttle: What the board says of its power and speed; None where it says nothing.
        load: Processes that run or want to, over the last minute.
        cores: Of the machine.
        memory, disk: None where they cannot be asked.
        clock_synchronised: None where nobody knows.
        uptime_s: Since the machine was started.
    """

    celsius: Mapping[str, float]
    throttle: Throttle | None
    load: float
    cores: int
    memory: Memory | None
    disk: Disk | None
    clock_synchronised: bool | None
    uptime_s: float | None


def read_vitals(journal: Path, root: Path = Path("/")) -> Vitals:
    """Look at the machine.

    Args:
        journal: The device's journal; its disk is looked at.
        root: Of the file system with /proc and /sys.
    """
    return Vitals(
        celsius=_celsius(root / ZONES),
        throttle=read_throttle(root),
        load=os.getloadavg()[0],
        cores=os.cpu_count() or 1,
        memory=_memory(root),
        disk=read_disk(journal),
        clock_synchronised=synchronised(root),
        uptime_s=boot_age_s(root),
    )


def _celsius(zones: Path) -> dict[str, float]:
    found: dict[str, float] = {}
    for zone in sorted(zones.glob("thermal_zone*")):
        try:
            celsius = int((zone / "temp").read_text(encoding="ascii")) / 1000
            name = (zone / "type").read_text(encoding="utf-8", errors="replace").strip()
        except (OSError, ValueError):
            continue  # A sensor that is asleep answers with an error; others may know.
        if COOLEST < celsius < HOTTEST:
            found[name if name not in found else f"{name} {zone.name[12:]}"] = celsius
    return found


def _memory(root: Path) -> Memory | None:
    try:
        lines = (root / "proc/meminfo").read_text(encoding="ascii").splitlines()
        kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in lines if ":" in line}
        pages = (root / "proc/self/statm").read_text(encoding="ascii").split()
        return Memory(
            kilobytes["MemTotal"] * 1024,
            kilobytes["MemAvailable"] * 1024,
            int(pages[1]) * page_bytes(),
        )
    except (OSError, ValueError, KeyError, IndexError):
        return None
