"""A serial port that carries lines."""

from sorter_firmware_bridge.drivers.serial_port import open_port
from sorter_firmware_bridge.errors import MachineLost

MAX_LINE_BYTES = 256
READ_BYTES = 4096


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
        self._serial = open_port(port, baud, write_timeout_s)

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
