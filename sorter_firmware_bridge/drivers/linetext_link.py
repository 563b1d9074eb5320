"""A serial port that carries lines; the only place that knows pyserial."""

import errno
from types import MappingProxyType

import serial

from sorter_firmware_bridge.errors import MachineLost, MachineUnavailable

MAX_LINE_BYTES = 256
READ_BYTES = 4096

_FIXES = MappingProxyType(
    {
        errno.EACCES: "this user may not: sudo usermod -aG dialout $USER, then log in again",
        errno.EPERM: "this user may not: sudo usermod -aG dialout $USER, then log in again",
        errno.ENOENT: "there is no such port: check the cable, then ls /dev/serial/by-id",
        errno.EAGAIN: "another program holds it: close that one first",
        errno.EBUSY: "another program holds it: close that one first",
    }
)


class SerialLink:
    """An open port. Lines longer than 256 bytes are cut there; the rest counts as another line.

    Args:
        port: A device, or an address pyserial understands, such as socket://host:port.
        baud: Bits per second.
        write_timeout_s: How long one write may take.

    Raises:
        MachineUnavailable: It cannot be opened; says why and what to do.
    """

    def __init__(self, port: str, baud: int, write_timeout_s: float) -> None:
        self.port = port
        self._buffer = b""
        try:
            self._serial = serial.serial_for_url(
                port, baudrate=baud, timeout=0, write_timeout=write_timeout_s, exclusive=True
            )
        except (OSError, ValueError) as error:
            raise MachineUnavailable(_explain(port, error)) from error

    def write(self, data: bytes) -> None:
        """Write once; what was not written is not written again.

        Raises:
            MachineLost: The port is gone, or did not take it in time.
        """
        try:
            self._serial.write(data)
        except OSError as error:
            raise self._gone(error) from error

    def lines(self) -> list[str]:
        """What came since the last call, without waiting; each line without its end.

        Raises:
            MachineLost: The port is gone.
        """
        try:
            self._buffer += self._serial.read(READ_BYTES)
        except OSError as error:
            raise self._gone(error) from error
        *whole, self._buffer = self._buffer.replace(b"\r", b"\n").split(b"\n")
        if len(self._buffer) > MAX_LINE_BYTES:
            whole.append(self._buffer)
            self._buffer = b""
        return [line[:MAX_LINE_BYTES].decode("latin-1") for line in whole if line.strip()]

    @property
    def begun(self) -> str:
        """A line that has begun and not ended."""
        return self._buffer.decode("latin-1")

    def close(self) -> None:
        """Let go of the port. Safe to call twice."""
        self._serial.close()

    def _gone(self, error: OSError) -> MachineLost:
        return MachineLost(f"{self.port} is gone ({error}); check the cable and open it again")


def _explain(port: str, error: OSError | ValueError) -> str:
    code = getattr(error, "errno", None)
    advice = _FIXES.get(code or 0)
    if advice is None and "exclusively lock" in str(error):
        advice = _FIXES[errno.EBUSY]
    return f"{port} cannot be opened: {advice or 'check the port and the cable'} ({error})"
