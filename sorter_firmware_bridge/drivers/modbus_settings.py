"""Where a Modbus machine is, and how patiently it is asked."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from sorter_firmware_bridge.drivers.modbus_map import MAP_SIZE
from sorter_firmware_bridge.drivers.settings import check_keys, check_number, check_whole
from sorter_firmware_bridge.errors import DriverSettingsError

PARITIES = ("N", "E", "O")


@dataclass(frozen=True, slots=True)
class ModbusSettings:
    """Where a Modbus machine is; either a host (TCP) or a serial port (RTU).

    Attributes:
        host: Name or address of a Modbus TCP server; empty for RTU.
        tcp_port: 1..65535.
        port: Serial port for RTU, such as /dev/ttyUSB0; empty for TCP.
        baud: Bits per second for RTU, 1200..1,000,000.
        parity: For RTU: N, E or O.
        stop_bits: For RTU: 1 or 2.
        unit: Which device on the line, 0..247.
        base: The first register of the map, 0..65,375.
        timeout_s: How long one answer is awaited, 0.05..5.
        retries: How often a request without an answer is repeated, 0..5. All are idempotent.
        answer_s: How long the machine may take to judge a command, 0.05..10.

    Raises:
        DriverSettingsError: A value is out of range, or both or neither of `host` and `port` are
            given.
    """

    host: str = ""
    tcp_port: int = 502
    port: str = ""
    baud: int = 19200
    parity: str = "N"
    stop_bits: int = 1
    unit: int = 1
    base: int = 0
    timeout_s: float = 0.5
    retries: int = 2
    answer_s: float = 1.0

    def __post_init__(self) -> None:
        for key, text in (("host", self.host), ("port", self.port)):
            if not isinstance(text, str):
                raise DriverSettingsError(f"{key}: found {text!r}, expected a text")
        if bool(self.host) == bool(self.port):
            raise DriverSettingsError(
                f"found host {self.host!r} and port {self.port!r}; expected a host for Modbus TCP, "
                "or a serial port for Modbus RTU"
            )
        if self.parity not in PARITIES:
            raise DriverSettingsError(
                f"parity: found {self.parity!r}, allowed are {', '.join(PARITIES)}"
            )
        check_whole("tcp_port", self.tcp_port, 1, 65535)
        check_whole("baud", self.baud, 1200, 1_000_000)
        check_whole("stop_bits", self.stop_bits, 1, 2)
        check_whole("unit", self.unit, 0, 247)
        check_whole("base", self.base, 0, 65536 - MAP_SIZE)
        check_number("timeout_s", self.timeout_s, 0.05, 5)
        check_whole("retries", self.retries, 0, 5)
        check_number("answer_s", self.answer_s, 0.05, 10)

    @property
    def place(self) -> str:
        """For a person: where it is."""
        where = self.port or f"{self.host}:{self.tcp_port}"
        return f"unit {self.unit} at {where}"


def read_settings(found: Mapping[str, object]) -> ModbusSettings:
    """Settings as a configuration file gives them: any of the attributes of `ModbusSettings`.

    Raises:
        DriverSettingsError: An unknown key, a wrong type or a value out of range.

    Example:
        read_settings({"host": "192.168.1.20"})
    """
    check_keys(found, [key.name for key in fields(ModbusSettings)], "modbus machine")
    values: dict[str, Any] = dict(found)
    return ModbusSettings(**values)
