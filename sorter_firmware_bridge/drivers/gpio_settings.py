"""What the pins of a sorting machine are: one output for each bin."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

from sorter_firmware_bridge.bins import MAX_BIN_NUMBER, repeated
from sorter_firmware_bridge.drivers.settings import (
    check_keys,
    check_number,
    check_truth,
    check_whole,
    read_by_bin,
)
from sorter_firmware_bridge.errors import DriverSettingsError

MAX_PIN = 53
MAX_PULSE_S = 2.0
FACTORIES = ("lgpio", "rpigpio", "pigpio", "native", "mock")


class OutputKind(StrEnum):
    """What hangs on a pin."""

    PULSE = "pulse"
    """A solenoid, valve or relay: on for `pulse_s`, then off."""
    SERVO = "servo"
    """A hobby servo: to `angle` for `pulse_s`, back to `rest_angle`, then no signal."""


@dataclass(frozen=True, slots=True)
class Output:
    """One pin and what it does for its bin.

    Attributes:
        pin: BCM number, 0..53.
        kind: What hangs on it.
        active_high: Whether high means on; for a pulse.
        pulse_s: How long it is on, 0.005..2: no output is ever on for longer.
        angle: Where the servo goes for its bin, -180..180 degrees.
        rest_angle: Where it goes afterwards, -180..180 degrees.
        min_angle: What the shortest signal, 1 ms, means, -180..180 degrees.
        max_angle: What the longest signal, 2 ms, means, -180..180 degrees; not `min_angle`.

    Raises:
        DriverSettingsError: A value is out of range, or an angle outside min..max.
    """

    pin: int
    kind: OutputKind = OutputKind.PULSE
    active_high: bool = True
    pulse_s: float = 0.1
    angle: float = 45.0
    rest_angle: float = 0.0
    min_angle: float = -90.0
    max_angle: float = 90.0

    def __post_init__(self) -> None:
        check_whole("pins: pin", self.pin, 0, MAX_PIN)
        check_truth("pins: active_high", self.active_high)
        check_number("pins: pulse_s", self.pulse_s, 0.005, MAX_PULSE_S)
        check_number("pins: min_angle", self.min_angle, -180, 180)
        check_number("pins: max_angle", self.max_angle, -180, 180)
        if self.min_angle >= self.max_angle:
            raise DriverSettingsError(
                f"pins: min_angle {self.min_angle} with max_angle {self.max_angle}, "
                "expected a lower one"
            )
        check_number("pins: angle", self.angle, self.min_angle, self.max_angle)
        check_number("pins: rest_angle", self.rest_angle, self.min_angle, self.max_angle)


@dataclass(frozen=True, slots=True)
class GpioSettings:
    """What a machine on the device's own pins is like.

    Attributes:
        pins: Bin number -> its output.
        pin_factory: How gpiozero reaches the pins.
        gap_s: From the end of one movement to the next, 0..10.
        queue_depth: Commands the host holds, 1..64.
        watchdog_s: Silence of the driver's owner after which all is off, 0.05..60.

    Raises:
        DriverSettingsError: A value is out of range, or two bins share a pin.
    """

    pins: Mapping[int, Output] = field(default_factory=dict)
    pin_factory: str = "lgpio"
    gap_s: float = 0.05
    queue_depth: int = 8
    watchdog_s: float = 2.0

    def __post_init__(self) -> None:
        for number in self.pins:
            check_whole("pins: bin number", number, 0, MAX_BIN_NUMBER)
        for pin in repeated([output.pin for output in self.pins.values()]):
            sharing = [str(number) for number, output in self.pins.items() if output.pin == pin]
            raise DriverSettingsError(
                f"pins: bins {' and '.join(sharing)} share pin {pin}; give each its own"
            )
        if self.pin_factory not in FACTORIES:
            raise DriverSettingsError(
                f"pin_factory: found {self.pin_factory!r}, allowed are {', '.join(FACTORIES)}"
            )
        check_number("gap_s", self.gap_s, 0, 10)
        check_whole("queue_depth", self.queue_depth, 1, 64)
        check_number("watchdog_s", self.watchdog_s, 0.05, 60)


def read_settings(found: Mapping[str, object]) -> GpioSettings:
    """Settings as a configuration file gives them.

    Args:
        found: Any of the attributes of `GpioSettings`; `pins` as a table from the bin's number to
            a table with the attributes of `Output`.

    Raises:
        DriverSettingsError: An unknown key, a wrong type or a value out of range.

    Example:
        read_settings({"pins": {"1": {"pin": 17}, "2": {"pin": 27, "kind": "servo"}}})
    """
    check_keys(found, [key.name for key in fields(GpioSettings)], "gpio machine")
    values: dict[str, Any] = dict(found)
    pins = values.get("pins")
    if not isinstance(pins, Mapping) or not pins:
        raise DriverSettingsError(
            f"pins: found {pins!r}, expected a table such as pins.1 = {{ pin = 17 }}"
        )
    values["pins"] = {n: _read_output(n, table) for n, table in read_by_bin("pins", pins).items()}
    return GpioSettings(**values)


def _read_output(key: int, found: object) -> Output:
    if isinstance(found, Output):
        return found
    if not isinstance(found, Mapping) or "pin" not in found:
        raise DriverSettingsError(f"pins.{key}: found {found!r}, expected a table with a pin")
    check_keys(found, [name.name for name in fields(Output)], f"pins.{key}")
    kind = found.get("kind", OutputKind.PULSE)
    if kind not in list(OutputKind):
        raise DriverSettingsError(
            f"pins.{key}.kind: found {kind!r}, allowed are {', '.join(OutputKind)}"
        )
    return Output(**{**found, "kind": OutputKind(kind)})
