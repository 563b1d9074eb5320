"""What a Raspberry Pi says of its power and its speed."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

FIRMWARE = Path("sys/devices/platform/soc/soc:firmware/get_throttled")
COMMAND = "vcgencmd"
WAIT_S = 2.0
BITS = {
    0: "under-voltage",
    1: "arm frequency capped",
    2: "throttled",
    3: "soft temperature limit",
}
"""Of the firmware's `get_throttled`; 16 bits higher stands that it has occurred since the start."""
PAST = 16


@dataclass(frozen=True, slots=True)
class Throttle:
    """What is so now, and what was so since the board was started.

    Attributes:
        now: Names of `BITS`.
        occurred: Names of `BITS`.
    """

    now: tuple[str, ...]
    occurred: tuple[str, ...]


def parsed(text: str) -> Throttle:
    """The bits of what firmware or `vcgencmd` says: "50005", "0x50005" or "throttled=0x50005".

    Raises:
        ValueError: It is no hexadecimal number.
    """
    bits = int(text.strip().rpartition("=")[2], 16)
    return Throttle(
        now=tuple(name for bit, name in BITS.items() if bits >> bit & 1),
        occurred=tuple(name for bit, name in BITS.items() if bits >> bit + PAST & 1),
    )


def read_throttle(root: Path = Path("/")) -> Throttle | None:
    """The bits of this board; None where it has none.

    Args:
        root: Of the file system; a test has one of its own, on which no command is run.
    """
    try:
        return parsed((root / FIRMWARE).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return _asked() if root == Path("/") else None


def _asked() -> Throttle | None:
    command = shutil.which(COMMAND)
    if command is None:
        return None
    try:
        said = subprocess.run(
            [command, "get_throttled"], capture_output=True, text=True, timeout=WAIT_S, check=True
        )
        return parsed(said.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
