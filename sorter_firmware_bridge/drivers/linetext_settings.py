"""What a machine that speaks lines is like: its port, its dialogue and a value for each bin."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from sorter_firmware_bridge.bins import MAX_BIN_NUMBER, MAX_COMMAND_ID, Bin
from sorter_firmware_bridge.drivers.linetext_profile import Profile, load_profile
from sorter_firmware_bridge.drivers.linetext_table import check_line
from sorter_firmware_bridge.drivers.settings import (
    check_keys,
    check_number,
    check_whole,
    read_by_bin,
)
from sorter_firmware_bridge.errors import DriverSettingsError

Value = str | int | float


@dataclass(frozen=True, slots=True)
class LineTextSettings:
    """What a machine that speaks lines is like.

    Attributes:
        port: A serial port such as /dev/ttyACM0, or socket://host:port.
        profile: The dialogue.
        baud: Bits per second, 50..4,000,000; None for the profile's.
        bins: Bin number -> what the profile's template needs, for example {"angle": 90}.
        queue_depth: Commands the host holds, 1..64.
        watchdog_s: Silence of the driver's owner after which the machine is stopped, 0.05..60.
        write_timeout_s: How long one line may take to be written, 0.05..10.

    Raises:
        DriverSettingsError: A value is out of range, or a bin has a value the profile has no
            place for, or lacks one.
    """

    port: str
    profile: Profile
    baud: int | None = None
    bins: Mapping[int, Mapping[str, Value]] = field(default_factory=dict)
    queue_depth: int = 8
    watchdog_s: float = 2.0
    write_timeout_s: float = 1.0

    def __post_init__(self) -> None:
        if not isinstance(self.port, str) or not self.port:
            raise DriverSettingsError(
                f"port: found {self.port!r}, expected one such as /dev/ttyACM0"
            )
        if self.baud is not None:
            check_whole("baud", self.baud, 50, 4_000_000)
        check_whole("queue_depth", self.queue_depth, 1, 64)
        check_number("watchdog_s", self.watchdog_s, 0.05, 60)
        check_number("write_timeout_s", self.write_timeout_s, 0.05, 10)
        for number, values in self.bins.items():
            self._check_bin(number, values)

    @property
    def bits_per_second(self) -> int:
        """The baud rate of the port."""
        return self.profile.baud if self.baud is None else self.baud

    def check_bins(self, bins: tuple[Bin, ...]) -> None:
        """Refuse bins the dialogue has no line for.

        Raises:
            DriverSettingsError: A bin lacks a value of the template.
        """
        for bin_ in bins:
            self._check_bin(bin_.number, self.bins.get(bin_.number, {}))

    def lines(self, command_id: int, bin_number: int) -> tuple[str, ...]:
        """The lines that move one item to a bin."""
        return self.profile.lines(command_id, bin_number, self.bins.get(bin_number, {}))

    def _check_bin(self, number: int, values: Mapping[str, Value]) -> None:
        where = f"bins.{number}"
        check_whole("bins: number", number, 0, MAX_BIN_NUMBER)
        check_keys(values, sorted(self.profile.needs), where)
        missing = sorted(self.profile.needs - set(values))
        if missing:
            raise DriverSettingsError(
                f"{where}: {', '.join(missing)} is missing; profile {self.profile.name} sends "
                f"{' '.join(self.profile.move)!r}"
            )
        try:
            lines = self.profile.lines(MAX_COMMAND_ID, number, values)
        except ValueError as error:
            raise DriverSettingsError(
                f"{where}: {dict(values)!r} does not fit {' '.join(self.profile.move)!r}: {error}"
            ) from error
        for line in lines:
            check_line(where, line)


def read_settings(found: Mapping[str, object]) -> LineTextSettings:
    """Settings as a configuration file gives them.

    Args:
        found: Any of the attributes of `LineTextSettings`; `profile` as the name of a shipped one
            or a path, `bins` as a table from the bin's number to a table of values.

    Raises:
        DriverSettingsError: An unknown key, a wrong type or a value out of range.

    Example:
        read_settings({"port": "/dev/ttyACM0", "profile": "servo-csv",
                       "bins": {"1": {"servo": "A", "angle": 90}}})
    """
    check_keys(found, [key.name for key in fields(LineTextSettings)], "linetext machine")
    values: dict[str, Any] = dict(found)
    for key, example in (("port", "/dev/ttyACM0"), ("profile", "gcode-servo")):
        if not isinstance(values.get(key), str):
            raise DriverSettingsError(
                f"{key}: found {values.get(key)!r}, expected one such as {example}"
            )
    values["profile"] = load_profile(values["profile"])
    values["bins"] = _read_bins(values.get("bins", {}))
    return LineTextSettings(**values)


def _read_bins(found: object) -> dict[int, dict[str, Value]]:
    if not isinstance(found, Mapping):
        raise DriverSettingsError(f"bins: found {found!r}, expected a table")
    return {n: _read_values(n, values) for n, values in read_by_bin("bins", found).items()}


def _read_values(key: int, found: object) -> dict[str, Value]:
    if not isinstance(found, Mapping):
        raise DriverSettingsError(f"bins.{key}: found {found!r}, expected a table of values")
    for name, value in found.items():
        if not isinstance(value, str | int | float) or isinstance(value, bool):
            raise DriverSettingsError(
                f"bins.{key}.{name}: found {value!r}, expected a text or a number"
            )
        if isinstance(value, float) and not math.isfinite(value):
            raise DriverSettingsError(f"bins.{key}.{name}: found {value!r}, expected a number")
    return dict(found)
