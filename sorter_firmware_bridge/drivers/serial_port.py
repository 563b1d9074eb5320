"""Opening a serial port, and what keeps one from being opened."""

import errno
from types import MappingProxyType

import serial

from sorter_firmware_bridge.errors import MachineUnavailable

_PERMISSION = "this user may not: sudo usermod -aG dialout $USER, then log in again"
_MISSING = "there is no such port: check the cable, then run `bricksight-bridge doctor`"
_BUSY = "another program holds it: close that one first"
_NO_PORT = "it is no serial port: `bricksight-bridge doctor` lists them"
_ADDRESS = "check it and the network; expected an address such as socket://192.168.1.20:4000"
_FIXES = MappingProxyType(
    {
        errno.EACCES: _PERMISSION,
        errno.EPERM: _PERMISSION,
        errno.ENOENT: _MISSING,
        errno.ENODEV: _MISSING,
        errno.EAGAIN: _BUSY,
        errno.EBUSY: _BUSY,
        errno.EISDIR: _NO_PORT,
    }
)


def open_port(port: str, baud: int, write_timeout_s: float) -> serial.SerialBase:
    """Open a port for this program alone.

    Args:
        port: A device, or an address pyserial understands, such as socket://host:port.
        baud: Bits per second.
        write_timeout_s: How long one write may take.

    Returns:
        The open port, whose reads do not wait.

    Raises:
        MachineUnavailable: It cannot be opened; says why and what to do.
    """
    try:
        return serial.serial_for_url(
            port, baudrate=baud, timeout=0, write_timeout=write_timeout_s, exclusive=True
        )
    except (OSError, ValueError) as error:
        raise MachineUnavailable(_explain(port, error)) from error


def _explain(port: str, error: OSError | ValueError) -> str:
    code = getattr(error, "errno", None)
    advice = _FIXES.get(code or 0)
    if advice is None and "exclusively lock" in str(error):
        advice = _BUSY
    if advice is None and "Inappropriate ioctl" in str(error):
        advice = _NO_PORT
    if advice is None and "://" in port:
        advice = _ADDRESS
    return f"{port} cannot be opened: {advice or 'check the port and the cable'} ({error})"
