"""Machines whose solenoids and servos hang on the device's own pins: host timed, at most once.

There is no link that could lose a message and nothing that could answer: "fired" says that the
output was switched on, by a thread of this process, on a computer that does other things too.
"""

import importlib
import os
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from sorter_firmware_bridge.bins import Bin, Hello, Promise, Timing
from sorter_firmware_bridge.drivers.gpio_settings import GpioSettings, read_settings
from sorter_firmware_bridge.drivers.host_timed import Clock, HostTimedDriver
from sorter_firmware_bridge.errors import DriverSettingsError, MachineUnavailable

__all__ = ["describe", "drive_pins", "open_machine", "read_settings"]

_FACTORIES = MappingProxyType(
    {
        "lgpio": "gpiozero.pins.lgpio:LGPIOFactory",
        "rpigpio": "gpiozero.pins.rpigpio:RPiGPIOFactory",
        "pigpio": "gpiozero.pins.pigpio:PiGPIOFactory",
        "native": "gpiozero.pins.native:NativeFactory",
        "mock": "gpiozero.pins.mock:MockFactory",
    }
)


def open_machine(bins: tuple[Bin, ...], settings: Mapping[str, object]) -> HostTimedDriver:
    """Take the pins and switch all of them off.

    Raises:
        DriverSettingsError: A setting is wrong, or a bin has no pin.
        ImportError: gpiozero or the library of the pin factory is not installed.
        MachineUnavailable: The pins cannot be had: another program holds one, or there are none.
    """
    read = read_settings(settings)
    _check_pins(bins, read)
    factory = _open_factory(read.pin_factory)
    try:
        return drive_pins(bins, read, factory)
    except MachineUnavailable:
        factory.close()
        raise


def drive_pins(
    bins: tuple[Bin, ...],
    settings: GpioSettings,
    factory: Any,
    clock: Clock = time.monotonic,
    ticking: bool = True,
) -> HostTimedDriver:
    """The same on a pin factory of one's own; see `HostTimedDriver` for `clock` and `ticking`."""
    from sorter_firmware_bridge.drivers.gpio_hand import GpioHand, Mover, mover_of, pin_errors

    _check_pins(bins, settings)
    movers: dict[int, Mover] = {}
    try:
        for bin_ in bins:
            movers[bin_.number] = mover_of(settings.pins[bin_.number], factory)
    except pin_errors() as error:
        for mover in movers.values():
            mover.close()
        raise MachineUnavailable(
            f"the pins cannot be used ({error}); check that no other program holds them and that "
            "this user may use them (sudo usermod -aG gpio $USER, then log in again)"
        ) from error
    hand = GpioHand(movers, settings, factory)
    return HostTimedDriver(describe(bins, settings), hand, clock, ticking)


def _open_factory(name: str) -> Any:
    module_name, _, class_name = _FACTORIES[name].partition(":")
    from sorter_firmware_bridge.drivers.gpio_hand import pin_errors

    module = importlib.import_module(module_name)
    options = {"pin_class": module.MockPWMPin} if name == "mock" else {}
    try:
        return getattr(module, class_name)(**options)
    except pin_errors() as error:
        raise MachineUnavailable(
            f"this computer's pins cannot be reached through {name} ({error}); "
            f"found {os.uname().machine}, expected a Raspberry Pi or another board with pins"
        ) from error


def _check_pins(bins: tuple[Bin, ...], settings: GpioSettings) -> None:
    without = [str(bin_) for bin_ in bins if bin_.number not in settings.pins]
    if without:
        raise DriverSettingsError(f"pins: {', '.join(without)} has no pin; add pins.<bin number>")


def describe(bins: tuple[Bin, ...], settings: GpioSettings) -> Hello:
    """What such a machine declares; pins cannot say so themselves."""
    return Hello(
        kind="gpio",
        boot_id=1,
        bins=bins,
        queue_depth=settings.queue_depth,
        watchdog_s=settings.watchdog_s,
        confirms=False,
        sensors=(),
        promise=Promise.AT_MOST_ONCE,
        timing=Timing.HOST,
    )
