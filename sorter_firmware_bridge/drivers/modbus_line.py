"""Reading and writing registers; the only place that knows pymodbus."""

import threading
from collections.abc import Sequence

from pymodbus.client import ModbusSerialClient, ModbusTcpClient
from pymodbus.exceptions import ModbusException

from sorter_firmware_bridge.drivers.modbus_settings import ModbusSettings
from sorter_firmware_bridge.errors import MachineLost, MachineUnavailable

PAUSE_S = 0.02


class ModbusLine:
    """A connection to one unit. Every request may be repeated: none means more the second time.

    Args:
        settings: Where it is.

    Raises:
        MachineUnavailable: Nothing can be reached there.
    """

    def __init__(self, settings: ModbusSettings) -> None:
        self._settings = settings
        self._client = _client(settings)
        self._ended = threading.Event()
        if not self._client.connect():
            self._client.close()  # type: ignore[no-untyped-call]
            raise MachineUnavailable(f"{settings.place}: {_advice(settings)}")

    def read(self, offset: int, count: int) -> list[int]:
        """Holding registers, from `offset` above the base.

        Raises:
            MachineLost: No answer, or an exception for an answer.
        """
        address, unit = self._settings.base + offset, self._settings.unit
        try:
            answer = self._client.read_holding_registers(address, count=count, device_id=unit)
        except (ModbusException, OSError) as error:
            raise self._gone(error) from error
        if answer.isError() or len(answer.registers) != count:
            raise self._gone(answer)
        return list(answer.registers)

    def write(self, offset: int, values: Sequence[int]) -> None:
        """Holding registers, from `offset` above the base, in one request.

        Raises:
            MachineLost: No answer, or an exception for an answer.
        """
        address, unit = self._settings.base + offset, self._settings.unit
        try:
            answer = self._client.write_registers(address, list(values), device_id=unit)
        except (ModbusException, OSError) as error:
            raise self._gone(error) from error
        if answer.isError():
            raise self._gone(answer)

    def pause(self) -> None:
        """Wait a moment before asking again."""
        self._ended.wait(PAUSE_S)

    def close(self) -> None:
        """Let go. Safe to call twice."""
        self._client.close()  # type: ignore[no-untyped-call]

    def _gone(self, problem: object) -> MachineLost:
        return MachineLost(
            f"{self._settings.place} does not answer ({problem}); check cable, power, unit and "
            "register base, then open it again"
        )


def _client(settings: ModbusSettings) -> ModbusTcpClient | ModbusSerialClient:
    timeout_s, retries = settings.timeout_s, settings.retries
    if settings.host:
        return ModbusTcpClient(
            settings.host, port=settings.tcp_port, timeout=timeout_s, retries=retries
        )
    return ModbusSerialClient(
        settings.port,
        baudrate=settings.baud,
        parity=settings.parity,
        stopbits=settings.stop_bits,
        timeout=timeout_s,
        retries=retries,
    )


def _advice(settings: ModbusSettings) -> str:
    if settings.host:
        return "no connection; check address, port, cable and power"
    return (
        "the port cannot be opened; check that it is there, that no other program holds it and "
        "that this user may use it (sudo usermod -aG dialout $USER, then log in again)"
    )
