"""machine.toml: what a machine is, as the firmware is built from it."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import combinations
from pathlib import Path
from typing import Any, TypeVar

from sorter_firmware_bridge.drivers.settings import check_keys, check_truth, check_whole
from sorter_firmware_bridge.errors import DriverSettingsError, FirmwareError

SHIPPED = Path(__file__).parent / "machine.toml"
MAX_OUTPUTS = 16
MAX_SENSORS = 8
MAX_SERVOS = 8
BAUDS = (9600, 57600, 115200, 250000, 500000)
SERVO_US = (500, 2500)
ANY_BIN = 0xFF
MAX_PIN = 69


@dataclass(frozen=True, slots=True)
class Board:
    """A board of the Uno family.

    Attributes:
        mcu: For the compiler.
        variant: Folder of its pin table in Arduino's core.
        pins: How many digital pins it has.
        programmer: For avrdude.
        flash_baud: Speed of its boot loader.
        serial_pins: Taken by the link.
    """

    mcu: str
    variant: str
    pins: int
    programmer: str
    flash_baud: int
    serial_pins: tuple[int, int] = (0, 1)


BOARDS: Mapping[str, Board] = {
    "uno": Board("atmega328p", "standard", 20, "arduino", 115200),
    "nano": Board("atmega328p", "eightanaloginputs", 20, "arduino", 115200),
    "mega": Board("atmega2560", "mega", 70, "wiring", 115200),
}


@dataclass(frozen=True, slots=True)
class Output:
    """One bin's output; times in milliseconds, angles in degrees of a servo."""

    bin: int
    kind: str
    pin: int
    on_ms: int
    rest_ms: int = 0
    active: str = "high"
    rest_deg: int = 20
    active_deg: int = 110
    group: int | None = None

    def __post_init__(self) -> None:
        where = f"output of bin {self.bin}"
        check_whole("output.bin", self.bin, 0, 254)
        check_whole(f"{where}, pin", self.pin, 0, MAX_PIN)
        _check_word(f"{where}, kind", self.kind, ("pulse", "servo"))
        _check_word(f"{where}, active", self.active, ("high", "low"))
        check_whole(f"{where}, on_ms", self.on_ms, 1, 60_000)
        check_whole(f"{where}, rest_ms", self.rest_ms, 0, 60_000)
        check_whole(f"{where}, rest_deg", self.rest_deg, 0, 180)
        check_whole(f"{where}, active_deg", self.active_deg, 0, 180)
        if self.group is not None:
            check_whole(f"{where}, group", self.group, 0, 255)


@dataclass(frozen=True, slots=True)
class Sensor:
    """One sensor input."""

    pin: int
    active: str = "low"
    debounce_ms: int = 5

    def __post_init__(self) -> None:
        check_whole("sensor, pin", self.pin, 0, MAX_PIN)
        _check_word(f"sensor at pin {self.pin}, active", self.active, ("high", "low"))
        check_whole(f"sensor at pin {self.pin}, debounce_ms", self.debounce_ms, 0, 1000)


@dataclass(frozen=True, slots=True)
class Drop(Sensor):
    """A sensor that sees parts arrive: in one bin, or in any where `bin` is not given."""

    bin: int | None = None

    def __post_init__(self) -> None:
        Sensor.__post_init__(self)
        if self.bin is not None:
            check_whole(f"drop sensor at pin {self.pin}, bin", self.bin, 0, 254)


@dataclass(frozen=True, slots=True)
class Table:
    """All of machine.toml.

    Raises:
        DriverSettingsError: A value is out of range, or two things share a pin or a bin.
    """

    output: tuple[Output, ...]
    board: str = "uno"
    baud: int = 115200
    watchdog_ms: int = 1000
    max_on_ms: int = 2000
    sensor: tuple[Sensor, ...] = ()
    drop: tuple[Drop, ...] = ()
    window_ms: int = 1500
    homes: bool = False

    def __post_init__(self) -> None:
        _check_word("board", self.board, tuple(BOARDS))
        if not isinstance(self.baud, int) or self.baud not in BAUDS:
            allowed = ", ".join(map(str, BAUDS))
            raise DriverSettingsError(f"baud: found {self.baud!r}, allowed are {allowed}")
        check_whole("watchdog_ms", self.watchdog_ms, 50, 60_000)
        check_whole("max_on_ms", self.max_on_ms, 1, 60_000)
        check_whole("confirm.window_ms", self.window_ms, 1, 60_000)
        check_truth("homes", self.homes)
        check_whole("how many outputs", len(self.output), 1, MAX_OUTPUTS)
        sensors = len(self.sensor) + len(self.drop)
        check_whole("how many sensors and drop sensors", sensors, 0, MAX_SENSORS)
        servos = {output.pin for output in self.output if output.kind == "servo"}
        check_whole("how many servo pins", len(servos), 0, MAX_SERVOS)
        self._check_pins()
        self._check_bins()

    @property
    def groups(self) -> tuple[int, ...]:
        """For each output, which actuator moves it: 0.. in the order they first occur."""
        found = list(range(len(self.output)))
        for one, other in combinations(range(len(self.output)), 2):
            if _share(self.output[one], self.output[other]):
                joined = found[other]
                found = [found[one] if group == joined else group for group in found]
        order = list(dict.fromkeys(found))
        return tuple(order.index(group) for group in found)

    def _check_pins(self) -> None:
        board = BOARDS[self.board]
        inputs = [sensor.pin for sensor in (*self.sensor, *self.drop)]
        outputs = list(dict.fromkeys(output.pin for output in self.output))
        for pin in (*inputs, *outputs):
            check_whole(f"pin on the {self.board}", pin, 0, board.pins - 1)
            if pin in board.serial_pins:
                raise DriverSettingsError(f"pin {pin}: taken by the serial line; use another")
        used = inputs + outputs
        twice = sorted({pin for pin in used if used.count(pin) > 1})
        if twice:
            raise DriverSettingsError(f"pins {twice} are used twice; give each sensor its own")
        for pin in outputs:
            sharing = [output for output in self.output if output.pin == pin]
            if len({output.kind for output in sharing}) > 1:
                raise DriverSettingsError(f"pin {pin}: both a pulse and a servo; keep one")
            # Else nobody could say which is its safe position.
            if len({(output.active, output.rest_deg) for output in sharing}) > 1:
                raise DriverSettingsError(
                    f"pin {pin}: outputs that share it differ in active or rest_deg; give them "
                    "the same"
                )

    def _check_bins(self) -> None:
        bins = [output.bin for output in self.output]
        twice = sorted({bin_ for bin_ in bins if bins.count(bin_) > 1})
        if twice:
            raise DriverSettingsError(f"bins {twice} have two outputs; give each bin one")
        lost = [drop.bin for drop in self.drop if drop.bin is not None and drop.bin not in bins]
        if lost:
            raise DriverSettingsError(f"drop sensors of bins {lost}: there are bins {bins}")
        long = [output.bin for output in self.output if output.on_ms > self.max_on_ms]
        if long:
            raise DriverSettingsError(
                f"on_ms of bins {long} is above max_on_ms = {self.max_on_ms}, at which it is cut"
            )


def read_table(path: Path) -> Table:
    """Read machine.toml.

    Raises:
        FirmwareError: It cannot be read, or a value is wrong; names the file and the key.
    """
    try:
        with path.open("rb") as file:
            return _table(tomllib.load(file))
    except OSError as error:
        raise FirmwareError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise FirmwareError(f"{path}: {error}") from error


def _table(found: Mapping[str, Any]) -> Table:
    tables = {"output": Output, "sensor": Sensor, "drop": Drop}
    plain = ("board", "baud", "watchdog_ms", "max_on_ms", "homes")
    check_keys(found, (*plain, *tables, "confirm"), "machine")
    values = {key: found[key] for key in plain if key in found}
    for key, kind in tables.items():
        values[key] = tuple(_rows(key, kind, found.get(key, [])))
    confirm = found.get("confirm", {})
    if not isinstance(confirm, Mapping):
        raise DriverSettingsError(f"confirm: found {confirm!r}, expected a table")
    check_keys(confirm, ("window_ms",), "confirm")
    return Table(**values, **confirm)


_Row = TypeVar("_Row", Output, Sensor, Drop)


def _rows(key: str, kind: type[_Row], found: object) -> list[_Row]:
    if not isinstance(found, list) or not all(isinstance(row, Mapping) for row in found):
        raise DriverSettingsError(f"{key}: found {found!r}, expected [[{key}]] tables")
    names = [field.name for field in fields(kind)]
    needed = ["bin", "kind", "pin", "on_ms"] if kind is Output else ["pin"]
    for place, row in enumerate(found, start=1):
        check_keys(row, names, f"{key} {place}")
        missing = [name for name in needed if name not in row]
        if missing:
            raise DriverSettingsError(f"{key} {place}: {', '.join(missing)} is missing")
    return [kind(**row) for row in found]


def header(table: Table) -> str:
    """table.h: the same for the compiler."""
    confirm_ms = table.window_ms if table.drop else 0
    servos = any(output.kind == "servo" for output in table.output)
    sensors = [_sensor(sensor, place) for place, sensor in enumerate(table.sensor)]
    sensors += [_sensor(drop, ANY_BIN if drop.bin is None else drop.bin) for drop in table.drop]
    rows = zip(table.output, table.groups, strict=True)
    return _HEADER.format(
        baud=table.baud,
        servos=_truth(servos),
        outputs=_listed([f"{{{o.bin}, {g}, {o.on_ms}, {o.rest_ms}}}" for o, g in rows]),
        wires=_listed([_wire(output) for output in table.output]),
        sensors=_listed(sensors or ["{0, false, 0, false, 0}"]),
        sensor_count=len(sensors),
        config=f"{len(table.output)}, {table.watchdog_ms}, {table.max_on_ms}, {confirm_ms}, "
        f"{len(table.sensor)}, {_truth(table.homes)}",
    )


_HEADER = """// Generated from machine.toml.
#pragma once

#include "board.h"

constexpr uint32_t kBaud = {baud};
constexpr bool kUsesServos = {servos};
static const sbp::Output kOutputs[] = {{{outputs}}};
static const board::Wire kWires[] = {{{wires}}};
constexpr uint8_t kSensorCount = {sensor_count};
static const board::Sensor kSensors[] = {{{sensors}}};
static const sbp::Config kConfig = {{kOutputs, {config}}};
"""


def _wire(output: Output) -> str:
    drive = "board::kServo" if output.kind == "servo" else "board::kPulse"
    rest_us, active_us = map(_servo_us, (output.rest_deg, output.active_deg))
    return f"{{{drive}, {output.pin}, {_truth(output.active == 'high')}, {rest_us}, {active_us}}}"


def _sensor(sensor: Sensor, number: int) -> str:
    high, drop = _truth(sensor.active == "high"), _truth(isinstance(sensor, Drop))
    return f"{{{sensor.pin}, {high}, {sensor.debounce_ms}, {drop}, {number}}}"


def _servo_us(degrees: int) -> int:
    low, high = SERVO_US
    return low + round((high - low) * degrees / 180)


def _truth(value: bool) -> str:
    return "true" if value else "false"


def _listed(rows: Sequence[str]) -> str:
    return "".join(f"\n    {row}," for row in rows) + "\n"


def _share(one: Output, other: Output) -> bool:
    return one.pin == other.pin or (one.group is not None and one.group == other.group)


def _check_word(where: str, found: object, allowed: Sequence[str]) -> None:
    if found not in allowed:
        raise DriverSettingsError(f"{where}: found {found!r}, allowed are {', '.join(allowed)}")
