"""One driver for each kind of machine, and the one way to open them."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from difflib import get_close_matches
from types import MappingProxyType, ModuleType
from typing import cast

from sorter_firmware_bridge.bins import Bin, check_bins
from sorter_firmware_bridge.drivers.driver import Driver
from sorter_firmware_bridge.errors import DriverMissing, DriverUnknown, MachineUnavailable

__all__ = ["ADAPTERS", "Driver", "check_settings", "open_driver"]

# Kind of machine -> module with `open_machine(bins, settings)` and `read_settings(settings)`, which
# needs no machine; imported only when it is asked for.
ADAPTERS: Mapping[str, str] = MappingProxyType(
    {
        "simulated": "sorter_firmware_bridge.drivers.simulated",
        "framed": "sorter_firmware_bridge.drivers.framed",
        "linetext": "sorter_firmware_bridge.drivers.linetext",
        "modbus": "sorter_firmware_bridge.drivers.modbus",
        "mqtt": "sorter_firmware_bridge.drivers.mqtt",
        "gpio": "sorter_firmware_bridge.drivers.gpio",
    }
)
_NO_SETTINGS: Mapping[str, object] = MappingProxyType({})


def open_driver(
    kind: str, bins: Sequence[Bin], settings: Mapping[str, object] = _NO_SETTINGS
) -> Driver:
    """Open a machine.

    Args:
        kind: One of `ADAPTERS`.
        bins: The bins it is expected to have.
        settings: What this kind of driver wants to know; its module says what.

    Returns:
        The open machine, disarmed.

    Raises:
        DriverUnknown: There is no such kind.
        DriverMissing: The library it needs is not installed.
        DriverSettingsError: A setting is wrong.
        BinError: The bins cannot be.
        MachineUnavailable: The machine does not answer.

    Example:
        with open_driver("simulated", [Bin(1, "plates"), Bin(2, "rest")]) as machine:
            machine.arm()
            machine.move_to(Command(1, Bin(2, "rest")))
    """
    check_bins(bins)
    opener = cast(_Opener, _adapter(kind).open_machine)
    try:
        driver = opener(tuple(bins), settings)
    except ImportError as error:
        raise _missing(kind, error) from error
    hello = driver.hello
    if hello.watchdog_s <= 0 or hello.queue_depth < 1:
        driver.close()
        raise MachineUnavailable(
            f"the {kind} machine declares a watchdog of {hello.watchdog_s:g} s and room for "
            f"{hello.queue_depth} commands, expected more than 0 of both; mend its program"
        )
    return driver


def check_settings(kind: str, settings: Mapping[str, object]) -> None:
    """Say whether a driver would take these settings; opens nothing.

    Raises:
        DriverUnknown: There is no such kind.
        DriverMissing: The library it needs is not installed.
        DriverSettingsError: A setting is wrong.
    """
    _adapter(kind).read_settings(settings)


_Opener = Callable[[tuple[Bin, ...], Mapping[str, object]], Driver]


def _adapter(kind: str) -> ModuleType:
    if kind not in ADAPTERS:
        close = get_close_matches(kind, ADAPTERS, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        raise DriverUnknown(f"machine kind {kind!r}: allowed are {', '.join(ADAPTERS)}{hint}")
    try:
        return importlib.import_module(ADAPTERS[kind])
    except ImportError as error:
        raise _missing(kind, error) from error


def _missing(kind: str, error: ImportError) -> DriverMissing:
    return DriverMissing(
        f"the {kind} driver cannot be loaded ({error}); "
        f"install what it needs: pip install 'bricksight[{kind}]'"
    )
