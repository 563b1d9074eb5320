"""Machines that speak lines over a serial port: host timed, at most once.

A line is written once. Such links have no numbers and no checksums, so that a second one could
move a second item: what got no answer is unknown, and the machine is safe until armed.
"""

import time
from collections.abc import Mapping

from sorter_firmware_bridge.bins import Bin, Hello, Promise, Timing
from sorter_firmware_bridge.drivers.host_timed import Clock, HostTimedDriver
from sorter_firmware_bridge.drivers.linetext_settings import LineTextSettings, read_settings
from sorter_firmware_bridge.errors import MachineLost, MachineUnavailable

__all__ = ["describe", "drive_lines", "open_machine", "read_settings"]


def open_machine(bins: tuple[Bin, ...], settings: Mapping[str, object]) -> HostTimedDriver:
    """Open the port and wait for the machine's greeting.

    Raises:
        DriverSettingsError: A setting or the profile is wrong.
        ImportError: pyserial is not installed.
        MachineUnavailable: The port cannot be opened, or the machine does not say what it should.
    """
    return drive_lines(bins, read_settings(settings))


def drive_lines(
    bins: tuple[Bin, ...],
    settings: LineTextSettings,
    clock: Clock = time.monotonic,
    ticking: bool = True,
) -> HostTimedDriver:
    """The same with settings that are read; see `HostTimedDriver` for `clock` and `ticking`."""
    from sorter_firmware_bridge.drivers.linetext_hand import LineHand
    from sorter_firmware_bridge.drivers.linetext_link import SerialLink

    settings.check_bins(bins)
    link = SerialLink(settings.port, settings.bits_per_second, settings.write_timeout_s)
    hand = LineHand(settings, link)
    try:
        hand.greet()
    except MachineLost as error:
        hand.close()
        raise MachineUnavailable(str(error)) from error
    except MachineUnavailable:
        hand.close()
        raise
    return HostTimedDriver(describe(bins, settings), hand, clock, ticking)


def describe(bins: tuple[Bin, ...], settings: LineTextSettings) -> Hello:
    """What such a machine declares; it cannot say so itself."""
    return Hello(
        kind="linetext",
        boot_id=1,
        bins=bins,
        queue_depth=settings.queue_depth,
        watchdog_s=settings.watchdog_s,
        confirms=settings.profile.answers.confirmed is not None,
        sensors=(),
        promise=Promise.AT_MOST_ONCE,
        timing=Timing.HOST,
    )
