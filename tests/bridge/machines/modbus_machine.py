"""A Modbus machine on pymodbus' own server, over TCP or over a serial line."""

import asyncio
import math
import threading
from collections.abc import Callable
from typing import Any

from machines.core import Core, Happened, Waiting
from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from sorter_firmware_bridge.bins import Cause, Condition, ReceiptState

# The numbers of MACHINES.md, written down a second time.
CAUSES = {
    Cause.NONE: 0,
    Cause.NOT_ARMED: 1,
    Cause.UNKNOWN_BIN: 2,
    Cause.QUEUE_FULL: 3,
    Cause.REPEATED: 4,
    Cause.TOO_LATE: 5,
    Cause.DECLINED: 6,
    Cause.JAM: 7,
    Cause.STOPPED: 8,
    Cause.WATCHDOG: 9,
}
CONDITIONS = {Condition.DISARMED: 0, Condition.ARMED: 1, Condition.SAFE: 2}
STATES = {ReceiptState.FIRED: 1, ReceiptState.CONFIRMED: 2, ReceiptState.MISSED: 3}
SIZE = 160
START_S = 20.0


class ModbusMachine:
    """A machine behind registers; `lose` says which frames of the server are lost, and while it is
    not `judging` it lets commands lie."""

    def __init__(self, core: Core, base: int = 0, unit: int = 1) -> None:
        self.core = core
        self.base = base
        self.unit = unit
        self.magic = [0x4252, 0x5331]
        self.version = 1
        self.lose: Callable[[], bool] = lambda: False
        self.judging = True
        self.writes: list[tuple[int, list[int]]] = []
        self.ring = [0] * 80
        self.events = self.taken = 0
        self.untold: list[Happened] = []
        self.session = self.control_seq = self.command_seq = self.result = 0
        self.host = [0] * 30
        core.tell = self._note
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: Any = None
        self._up = threading.Event()
        self._thread: threading.Thread | None = None

    def serve_tcp(self) -> int:
        """Start; gives the port."""
        self._start(
            lambda device: ModbusTcpServer(
                device, address=("127.0.0.1", 0), trace_packet=self._trace
            )
        )
        return int(self._server.transport.sockets[0].getsockname()[1])

    def serve_rtu(self, port: str, baud: int = 115200) -> None:
        self._start(
            lambda device: ModbusSerialServer(
                device, port=port, baudrate=baud, trace_packet=self._trace
            )
        )

    def end(self) -> None:
        if self._loop is not None and self._thread is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(START_S)

    def reset(self) -> None:
        """Power off and on again: another boot id, and nothing is remembered."""
        with self.core.lock:
            self.core.boot_id += 1
            self.core.take_over()
            self.session = self.control_seq = self.command_seq = self.events = self.taken = 0
            self.untold.clear()
            self.ring, self.host = [0] * 80, [0] * 30

    def _start(self, make: Callable[[SimDevice], Any]) -> None:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(make)), daemon=True)
        self._thread.start()
        assert self._up.wait(START_S), "the Modbus server did not start"

    async def _serve(self, make: Callable[[SimDevice], Any]) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        registers = SimData(self.base, count=SIZE, values=0, datatype=DataType.REGISTERS)
        self._server = make(SimDevice(self.unit, simdata=[registers], action=self._access))
        await self._server.serve_forever(background=True)
        self._up.set()
        await self._stop.wait()
        await self._server.shutdown()

    def _trace(self, sending: bool, packet: bytes) -> bytes:
        return b"" if sending and self.lose() else packet

    async def _access(
        self,
        function: int,
        start: int,
        address: int,
        count: int,
        registers: list[int],
        values: list[int] | None,
    ) -> ExcCodes | None:
        with self.core.lock:
            self._look()
            if values:
                return self._written(address - self.base, list(values))
            registers[:] = self._registers()
        return None

    def _written(self, offset: int, values: list[int]) -> ExcCodes | None:
        at = offset - 130
        if at < 0:
            return ExcCodes.ILLEGAL_ADDRESS
        before, self.host[at : at + len(values)] = list(self.host), values
        self.writes.append((offset, values))
        if self.host[0] != before[0]:
            self.core.hear()
        self.taken = self.host[1]
        self._tell()
        if self.host[6] != self.control_seq:
            self._control()
        self._look()
        return None

    def _look(self) -> None:
        if self.judging and self.host[20] != self.command_seq:
            self._command()

    def _control(self) -> None:
        what, session = self.host[4:6]
        self.control_seq = self.host[6]
        self.core.hear()
        if what == 3:
            self.session = session
            self.core.take_over()
            self.untold.clear()
        elif session == self.session and what == 1:
            self.core.arm()
        elif session == self.session and what == 2:
            self.core.stop("told to")

    def _command(self) -> None:
        session, bin_number, flags, due_high, due_low, late_high, late_low, high, low = self.host[
            10:19
        ]
        self.command_seq = self.host[20]
        self.core.hear()
        due_s = ((due_high << 16) + due_low) / 1000 if flags & 2 else 0.0
        late_s = ((late_high << 16) + late_low) / 1000 if flags & 1 else math.inf
        cause = Cause.NOT_ARMED
        if session == self.session and self.untold:
            cause = Cause.QUEUE_FULL
        elif session == self.session:
            cause = self.core.judge(Waiting((high << 16) + low, bin_number, due_s, late_s))
        self.result = CAUSES[cause]

    def _registers(self) -> list[int]:
        core, found = self.core, [0] * SIZE
        found[0:8] = [
            *self.magic,
            self.version,
            *_halves(core.boot_id),
            core.depth,
            round(core.watchdog_s * 1000),
            int(core.confirms),
        ]
        for number in core.bins:
            found[8 + number // 16] |= 1 << number % 16
        found[32:44] = [
            *_halves(round(core.clock() * 1000)),
            *_halves(core.boot_id),
            self.session,
            CONDITIONS[core.condition],
            CAUSES[core.cause],
            len(core.waiting),
            self.control_seq,
            self.command_seq,
            self.result,
            self.events & 0xFFFF,
        ]
        found[48:128] = self.ring
        found[130:160] = self.host
        return found

    def _note(self, happened: Happened) -> None:
        self.untold.append(happened)
        self._tell()

    def _tell(self) -> None:
        """Into the ring, as far as the host has read it."""
        while self.untold and (self.events - self.taken) & 0xFFFF < 16:
            self._write(self.untold.pop(0))

    def _write(self, happened: Happened) -> None:
        start = self.events % 16 * 5
        what = STATES[happened.state] + (CAUSES[happened.cause] << 8)
        clock = _halves(round(happened.clock_s * 1000))
        self.ring[start : start + 5] = [*_halves(happened.id), what, *clock]
        self.events += 1


def _halves(value: int) -> list[int]:
    return [value >> 16 & 0xFFFF, value & 0xFFFF]
