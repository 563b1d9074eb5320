"""What a framed machine's driver wants to know."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sorter_firmware_bridge.drivers.settings import (
    check_keys,
    check_number,
    check_whole,
    read_names,
)
from sorter_firmware_bridge.errors import DriverSettingsError
from sorter_firmware_bridge.frames import MAX_CODED_BYTES
from sorter_firmware_bridge.link import LinkSettings

LONGEST_BYTES = 26 + MAX_CODED_BYTES + 2
"""The longest question and the longest answer, with their delimiters."""
BITS_A_BYTE = 10
KEYS = ("port", "baud", "sensors", "answer_timeout_s", "attempts", "open_timeout_s")


@dataclass(frozen=True, slots=True)
class FramedSettings:
    """What a framed machine's driver wants to know.

    Attributes:
        port: A serial port, best by its name in /dev/serial/by-id, or a URL of pyserial such as
            "socket://192.168.1.20:4000".
        baud: As the firmware was built with, 1200..2000000.
        sensors: What its sensors are called, in the order of the firmware's table.
        link: How patient the host is.

    Raises:
        DriverSettingsError: A value is out of range.
    """

    port: str
    baud: int = 115200
    sensors: tuple[str, ...] = ("gate",)
    link: LinkSettings = field(default_factory=LinkSettings)

    def __post_init__(self) -> None:
        if not isinstance(self.port, str) or not self.port:
            raise DriverSettingsError(
                f'port: found {self.port!r}, expected a serial port such as "/dev/ttyACM0"; '
                "`bricksight-bridge doctor` lists them"
            )
        check_whole("baud", self.baud, 1200, 2_000_000)
        check_number("answer_timeout_s", self.link.answer_timeout_s, 0.005, 5)
        check_whole("attempts", self.link.attempts, 1, 100)
        check_number("open_timeout_s", self.link.open_timeout_s, 0.2, 60)


def shortest_patience_s(baud: int) -> float:
    """How long to wait for an answer, where nobody says: what the slowest one takes on the line,
    both ways, and 50 ms. Asked again before, a machine cuts off the answer it is sending."""
    return max(LinkSettings().answer_timeout_s, 0.05 + LONGEST_BYTES * BITS_A_BYTE / baud)


def read_settings(found: Mapping[str, object]) -> FramedSettings:
    """Settings as a configuration file gives them.

    Args:
        found: `port`, and any of `baud`, `sensors` and the attributes of `LinkSettings`.

    Raises:
        DriverSettingsError: An unknown key, a missing port, a wrong type or a value out of range.

    Example:
        read_settings({"port": "/dev/ttyACM0", "baud": 115200})
    """
    check_keys(found, KEYS, "framed machine")
    values: dict[str, Any] = dict(found)
    values.setdefault("port", None)
    link = {key: values.pop(key) for key in KEYS[3:] if key in values}
    baud = values.get("baud")
    if isinstance(baud, int) and baud > 0:
        link.setdefault("answer_timeout_s", shortest_patience_s(baud))
    if "sensors" in values:
        values["sensors"] = read_names("sensors", values["sensors"])
    return FramedSettings(**values, link=LinkSettings(**link))
