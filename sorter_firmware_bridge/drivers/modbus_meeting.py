"""The first words with a Modbus server: is it a sorting machine, and has it our bins?"""

from typing import TYPE_CHECKING

from sorter_firmware_bridge.bins import Bin, Hello, Promise, Timing
from sorter_firmware_bridge.drivers import modbus_map as wire
from sorter_firmware_bridge.drivers.modbus_settings import ModbusSettings
from sorter_firmware_bridge.errors import MachineLost, MachineUnavailable

if TYPE_CHECKING:
    from sorter_firmware_bridge.drivers.modbus_line import ModbusLine


def meet(bins: tuple[Bin, ...], line: "ModbusLine", settings: ModbusSettings) -> Hello:
    """Read what is there, and check that it is a sorting machine with these bins.

    Raises:
        MachineUnavailable: It is another device, of another version, or lacks a bin.
        MachineLost: Nothing answers.
    """
    registers = line.read(wire.IDENTITY, wire.IDENTITY_SIZE)
    found = wire.read_identity(registers)
    if found is None:
        raise MachineUnavailable(
            f"{settings.place} is no sorting machine: registers {settings.base} and "
            f"{settings.base + 1} hold {registers[0]:#06x} {registers[1]:#06x}, expected "
            f"{wire.MAGIC[0]:#06x} {wire.MAGIC[1]:#06x}; check the address and the register base"
        )
    if registers[2] != wire.VERSION:
        raise MachineUnavailable(
            f"{settings.place} speaks version {registers[2]} of the register map, expected "
            f"{wire.VERSION}; update the machine or the bridge"
        )
    missing = [str(bin_) for bin_ in bins if bin_.number not in found.bins]
    if missing:
        numbers = ", ".join(map(str, sorted(found.bins)))
        raise MachineUnavailable(
            f"{settings.place} lacks {', '.join(missing)}; it has bins {numbers}"
        )
    return _describe(bins, found)


def _describe(bins: tuple[Bin, ...], found: wire.Identity) -> Hello:
    return Hello(
        kind="modbus",
        boot_id=found.boot_id,
        bins=bins,
        queue_depth=found.queue_depth,
        watchdog_s=found.watchdog_s,
        confirms=found.confirms,
        sensors=(),
        promise=Promise.EXACTLY_ONCE,
        timing=Timing.MACHINE,
    )


def advise(error: MachineLost, settings: ModbusSettings) -> str:
    """What to try when nothing answers at opening."""
    baud, parity = settings.baud, settings.parity
    return f"{error}; is it {baud} baud, parity {parity}?" if settings.port else str(error)
