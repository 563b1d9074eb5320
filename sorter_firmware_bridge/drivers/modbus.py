"""Machines with a PLC or another Modbus server: machine timed, exactly once.

A command is its parameters, and then, in a second write, its sequence number. The machine acts when
the number changes, so that a repeated write changes nothing; every request may be repeated.
"""

import secrets
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self

from sorter_firmware_bridge.bins import (
    Bin,
    Cause,
    Command,
    Condition,
    Hello,
    MachineState,
    Receipt,
    ReceiptState,
    SensorEvent,
)
from sorter_firmware_bridge.drivers import modbus_map as wire
from sorter_firmware_bridge.drivers.known import Book, refused, unanswered
from sorter_firmware_bridge.drivers.modbus_meeting import advise, meet
from sorter_firmware_bridge.drivers.modbus_settings import ModbusSettings, read_settings
from sorter_firmware_bridge.errors import DriverClosed, MachineLost, MachineUnavailable

if TYPE_CHECKING:
    from sorter_firmware_bridge.drivers.modbus_line import ModbusLine

__all__ = ["ModbusDriver", "open_machine", "read_settings"]


def open_machine(bins: tuple[Bin, ...], settings: Mapping[str, object]) -> "ModbusDriver":
    """Connect, check that it is a sorting machine with these bins, and take it over, disarmed.

    Raises:
        DriverSettingsError: A setting is wrong.
        ImportError: pymodbus is not installed.
        MachineUnavailable: Nothing answers, it is another device, or it lacks a bin.
    """
    from sorter_firmware_bridge.drivers.modbus_line import ModbusLine

    read = read_settings(settings)
    line = ModbusLine(read)
    try:
        return ModbusDriver(meet(bins, line, read), line, read)
    except MachineLost as error:
        line.close()
        raise MachineUnavailable(advise(error, read)) from error
    except MachineUnavailable:
        line.close()
        raise


class ModbusDriver:
    """The host's side of the register map.

    Args:
        hello: What the machine declared.
        line: The connection; closed with the driver.
        settings: How patiently it is asked.

    Raises:
        MachineLost: It does not take a new host.
    """

    def __init__(self, hello: Hello, line: "ModbusLine", settings: ModbusSettings) -> None:
        self._hello = hello
        self._line = line
        self._settings = settings
        self._book = Book()
        self._session = 1 + secrets.randbelow(0xFFFF)
        self._beats = 0
        self._clock_ms = 0
        self._events_taken = 0
        self._reason = ""
        self._lost = ""
        self._closed = False
        self._unjudged = False
        self._is_anothers = False
        self._read_status()
        # What the last host wrote, not what was carried out: that may still be to come.
        numbers = line.read(wire.CONTROL_SEQ, wire.COMMAND_SEQ - wire.CONTROL_SEQ + 1)
        self._control_seq, self._command_seq = numbers[0], numbers[-1]
        self._open()

    @property
    def hello(self) -> Hello:
        """What the machine declared when it was opened."""
        return self._hello

    def state(self) -> MachineState:
        """See `Driver.state`."""
        return self._ask(self._beat)

    def heartbeat(self) -> MachineState:
        """See `Driver.heartbeat`."""
        return self._ask(self._beat)

    def arm(self) -> MachineState:
        """See `Driver.arm`."""
        return self._ask(lambda: self._control(wire.ARM))

    def stop(self, reason: str) -> MachineState:
        """See `Driver.stop`."""
        return self._ask(lambda: self._stop(reason))

    def move_to(self, command: Command) -> Receipt:
        """See `Driver.move_to`."""
        self._check_open()
        known = self._book.objection(command) or self._objection(command)
        if known is not None:
            return known
        status = self._try(lambda: self._send(command))
        receipt = self._book.enter(self._judge(command, status))
        if status is not None:
            self._try(lambda: self._learn(status))
        return receipt

    def receipts(self) -> tuple[Receipt, ...]:
        """See `Driver.receipts`."""
        if not self._closed:
            self._try(self._look)
        return self._book.collect()

    def sensor_events(self) -> tuple[SensorEvent, ...]:
        """None: the register map has no sensors."""
        self._check_open()
        return ()

    def close(self) -> None:
        """See `Driver.close`."""
        if self._closed:
            return
        self._try(lambda: self._stop("the driver was closed"))
        if self._lost and not self._is_anothers:
            # One lost answer must not leave it armed; its watchdog is for the worse.
            with suppress(MachineLost):
                self._tell(wire.STOP)
        reason = "the driver was closed before the machine told"
        self._book.end_open(ReceiptState.UNKNOWN, Cause.NO_ANSWER, reason)
        self._closed = True
        self._line.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _ask(self, act: Callable[[], wire.Status]) -> MachineState:
        self._check_open()
        status = self._try(act)
        if status is None:
            raise MachineLost(self._lost)
        if status.condition is not Condition.SAFE:
            self._reason = ""
        reason = self._reason or _reason(status, self._hello)
        return MachineState(status.condition, reason, self._clock_ms / 1000, status.queued)

    def _objection(self, command: Command) -> Receipt | None:
        if self._lost:
            return refused(command, Cause.NO_ANSWER, f"nothing was sent: {self._lost}")
        if command.bin not in self._hello.bins:
            return refused(command, Cause.UNKNOWN_BIN, f"there is no {command.bin}")
        if self._unjudged:
            # Its parameters must not be written over: the machine would act upon these under two
            # numbers, and tell of a command that was never answered.
            status = self._try(self._look)
            self._unjudged = status is None or status.command_seq != self._command_seq
        if self._unjudged:
            reason = self._lost or "the machine has not judged the last command yet; send it later"
            return refused(command, Cause.QUEUE_FULL, f"nothing was sent: {reason}")
        return None

    def _judge(self, command: Command, status: wire.Status | None) -> Receipt:
        if status is None or status.command_seq != self._command_seq:
            self._unjudged = True
            return unanswered(command.id)
        clock_s = self._clock_ms / 1000
        if status.result is Cause.NONE:
            return Receipt(command.id, ReceiptState.ACCEPTED, clock_s)
        return refused(command, status.result, _refusal(status, self._reason), clock_s)

    def _send(self, command: Command) -> wire.Status:
        self._line.write(wire.PARAMETERS, wire.write_parameters(self._session, command))
        self._command_seq = self._command_seq % 0xFFFF + 1
        self._line.write(wire.COMMAND_SEQ, [self._command_seq])
        return self._await(lambda status: status.command_seq == self._command_seq)

    def _open(self) -> None:
        """Take the machine over: what it had to tell is not for us."""
        self._tell(wire.OPEN)
        self._events_taken = self._read_status().events_told
        self._line.write(wire.EVENTS_TAKEN, [self._events_taken])

    def _stop(self, reason: str) -> wire.Status:
        safe = self._look().condition is Condition.SAFE
        self._reason = self._reason if safe else reason
        return self._control(wire.STOP)

    def _control(self, what: int) -> wire.Status:
        self._tell(what)
        return self._beat()

    def _tell(self, what: int) -> None:
        self._line.write(wire.CONTROL, [what, self._session])
        self._control_seq = self._control_seq % 0xFFFF + 1
        self._line.write(wire.CONTROL_SEQ, [self._control_seq])
        status = self._await(lambda status: status.control_seq == self._control_seq)
        if status.control_seq != self._control_seq or status.session != self._session:
            raise MachineLost(f"{self._settings.place} does not carry out what it is told")

    def _beat(self) -> wire.Status:
        self._beats = (self._beats + 1) & 0xFFFF
        self._line.write(wire.HEARTBEAT, [self._beats])
        return self._look()

    def _await(self, done: Callable[[wire.Status], bool]) -> wire.Status:
        """Look until it is so, or for `answer_s`; the events wait in the ring meanwhile."""
        end_s = time.monotonic() + self._settings.answer_s
        while True:
            status = self._read_status()
            if done(status) or time.monotonic() >= end_s:
                return status
            self._line.pause()

    def _look(self) -> wire.Status:
        status = self._read_status()
        if status.session != self._session:
            self._is_anothers = True
            raise MachineLost(f"another host took over {self._settings.place}; open it again")
        return self._learn(status)

    def _read_status(self) -> wire.Status:
        try:
            status = wire.read_status(self._line.read(wire.STATUS, wire.STATUS_SIZE))
        except ValueError as error:
            raise MachineLost(f"{self._settings.place} says {error}") from error
        if status.boot_id != self._hello.boot_id:
            reason = f"{self._settings.place} was reset; open it again"
            self._book.end_open(ReceiptState.UNKNOWN, Cause.RESTART, reason)
            self._is_anothers = True
            raise MachineLost(reason)
        ahead_ms = (status.clock_ms - self._clock_ms) & 0xFFFFFFFF
        self._clock_ms += ahead_ms
        return status

    def _learn(self, status: wire.Status) -> wire.Status:
        new = [event for event in status.events if self._ahead(event.number) < 0x8000]
        if new and self._ahead(new[0].number):
            raise MachineLost(f"{self._settings.place} wrote over events that nobody had read")
        for event in new:
            self._book.learn(self._receipt(event, status))
        if new:
            self._events_taken = (new[-1].number + 1) & 0xFFFF
            self._line.write(wire.EVENTS_TAKEN, [self._events_taken])
        return status

    def _ahead(self, number: int) -> int:
        return (number - self._events_taken) & 0xFFFF

    def _receipt(self, event: wire.Event, status: wire.Status) -> Receipt:
        age_ms = (status.clock_ms - event.clock_ms) & 0xFFFFFFFF
        reason = "" if event.cause is Cause.NONE else f"the machine dropped it: {event.cause}"
        clock_s = (self._clock_ms - age_ms) / 1000
        return Receipt(event.command_id, event.state, clock_s, event.cause, reason)

    def _try(self, act: Callable[[], wire.Status]) -> wire.Status | None:
        if self._lost:
            return None
        try:
            return act()
        except MachineLost as error:
            self._lost = str(error)
            self._book.end_open(ReceiptState.UNKNOWN, Cause.NO_ANSWER, self._lost)
            return None

    def _check_open(self) -> None:
        if self._closed:
            raise DriverClosed("the modbus machine was closed; open it again")


def _reason(status: wire.Status, hello: Hello) -> str:
    if status.cause is Cause.WATCHDOG:
        return f"watchdog: nothing heard for {hello.watchdog_s:g} s"
    return "" if status.condition is not Condition.SAFE else f"the machine says {status.cause}"


def _refusal(status: wire.Status, reason: str) -> str:
    if status.result is Cause.NOT_ARMED:
        return f"the machine is {status.condition} {reason}".rstrip()
    return f"the machine says {status.result}"
