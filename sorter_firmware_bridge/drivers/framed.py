"""Machines that speak sbp/1, our own firmware, over a serial port."""

from collections.abc import Mapping

from sorter_firmware_bridge.bins import Bin
from sorter_firmware_bridge.drivers.framed_driver import FramedDriver
from sorter_firmware_bridge.drivers.framed_settings import FramedSettings, read_settings
from sorter_firmware_bridge.drivers.serial_port import open_port
from sorter_firmware_bridge.errors import MachineError, MachineUnavailable
from sorter_firmware_bridge.link import Link

__all__ = ["FramedDriver", "FramedSettings", "SerialTransport", "open_machine", "read_settings"]

READ_BYTES = 4096
WRITE_TIMEOUT_S = 1.0


def open_machine(bins: tuple[Bin, ...], settings: Mapping[str, object]) -> FramedDriver:
    """Open a machine at a serial port, from settings as a configuration file gives them.

    Raises:
        DriverSettingsError: A setting is wrong.
        MachineUnavailable: The port cannot be opened, or no machine of ours answers there.
    """
    wanted = read_settings(settings)
    link = Link(SerialTransport(wanted.port, wanted.baud), wanted.link)
    try:
        return FramedDriver(link, bins, wanted.sensors)
    except MachineError as error:
        link.close()
        raise MachineUnavailable(f"{wanted.port} at {wanted.baud} baud: {error}") from error


class SerialTransport:
    """Bytes through a serial port, held by this program alone.

    Args:
        port: A device or a URL of pyserial.
        baud: Bits per second.

    Raises:
        MachineUnavailable: It cannot be opened; says why and what to do.
    """

    def __init__(self, port: str, baud: int) -> None:
        self._port = open_port(port, baud, WRITE_TIMEOUT_S)

    def write(self, chunk: bytes) -> None:
        """See `link.Transport`."""
        self._port.write(chunk)

    def read(self, timeout_s: float) -> bytes:
        """See `link.Transport`."""
        self._port.timeout = timeout_s
        first: bytes = self._port.read(1)
        if not first:
            return b""
        self._port.timeout = 0
        rest: bytes = self._port.read(READ_BYTES)
        return first + rest

    def close(self) -> None:
        """See `link.Transport`."""
        self._port.close()
