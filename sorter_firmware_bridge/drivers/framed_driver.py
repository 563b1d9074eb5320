"""The host's side of a machine that speaks sbp/1, whatever carries the bytes."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from types import TracebackType
from typing import Self

from sorter_firmware_bridge.bins import (
    Bin,
    Cause,
    Command,
    Condition,
    Hello,
    MachineState,
    Promise,
    Receipt,
    ReceiptState,
    SensorEvent,
    Timing,
)
from sorter_firmware_bridge.drivers.known import Book, refused, unanswered
from sorter_firmware_bridge.errors import DriverClosed, MachineError, MachineLost
from sorter_firmware_bridge.link import Link, LinkState, Reset, Unanswered
from sorter_firmware_bridge.protocol import (
    Capability,
    Event,
    EventKind,
    Greeting,
    Mode,
    Result,
    Status,
    Why,
)

MAX_AWAITED = 4096
MAX_SENSOR_EVENTS = 256
CONFIRM_PATIENCE_S = 60.0

_REFUSALS = {
    Result.NOT_ARMED: Cause.NOT_ARMED,
    Result.UNKNOWN_BIN: Cause.UNKNOWN_BIN,
    Result.QUEUE_FULL: Cause.QUEUE_FULL,
    Result.TOO_LATE: Cause.TOO_LATE,
    Result.DECLINED: Cause.DECLINED,
    Result.MALFORMED: Cause.DECLINED,
    Result.UNKNOWN_TYPE: Cause.DECLINED,
    Result.TOO_FAR: Cause.DECLINED,
}
_CAUSES = {
    Why.STOPPED: Cause.STOPPED,
    Why.WATCHDOG: Cause.WATCHDOG,
    Why.JAM: Cause.JAM,
    Why.SESSION: Cause.STOPPED,
    Why.HOMING: Cause.STOPPED,
    Why.TOO_LATE: Cause.TOO_LATE,
}
_CONDITIONS = {
    Mode.DISARMED: Condition.DISARMED,
    Mode.HOMING: Condition.DISARMED,
    Mode.ARMED: Condition.ARMED,
    Mode.SAFE: Condition.SAFE,
}


class FramedDriver:
    """A machine behind a link; see `Driver`.

    Args:
        link: One that was not opened yet; the driver closes it.
        bins: The bins it is expected to have; those it lacks it refuses, and `hello` leaves out.
        sensors: What its sensors are called, in the order of their numbers.
        kind: What `hello` calls it.
        clock: Seconds, monotonic; the link's.

    Raises:
        MachineUnavailable: It does not answer, or is no machine of ours.
        MachineLost: The port is gone.
    """

    def __init__(
        self,
        link: Link,
        bins: tuple[Bin, ...],
        sensors: tuple[str, ...] = (),
        kind: str = "framed",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._link = link
        self._clock = clock
        self._book = Book()
        self._ids: OrderedDict[int, int] = OrderedDict()
        self._confirms_until_s: OrderedDict[int, float] = OrderedDict()
        self._events: list[SensorEvent] = []
        self._asked_for_news = False
        self._stop_reason = ""
        self._safe_reason = ""
        self._went_silent = False
        self._bins = {bin_.number: bin_ for bin_ in bins}
        self._closed = False
        self._hello = _describe(link.open(), bins, sensors, kind)

    @property
    def hello(self) -> Hello:
        """What the machine declared when it was opened."""
        return self._hello

    @property
    def link(self) -> Link:
        """The link, for those who want to see its counters."""
        return self._link

    def state(self) -> MachineState:
        """See `Driver.state`."""
        return self._ask(self._link.poll)

    def heartbeat(self) -> MachineState:
        """See `Driver.heartbeat`."""
        return self._ask(self._link.poll)

    def arm(self) -> MachineState:
        """See `Driver.arm`."""
        return self._ask(self._link.arm)

    def stop(self, reason: str) -> MachineState:
        """See `Driver.stop`."""
        self._check_open()
        try:
            self._stop(reason)
            return self._seen(self._link.drain())
        except MachineError as error:
            self._lose(error)
            raise

    def move_to(self, command: Command) -> Receipt:
        """See `Driver.move_to`."""
        self._check_open()
        objection = self._book.objection(command)
        if objection is not None:
            return objection
        if self._link.state is LinkState.LOST:
            return self._book.enter(unanswered(command.id))
        return self._book.enter(self._send(command))

    def receipts(self) -> tuple[Receipt, ...]:
        """See `Driver.receipts`."""
        self._ask_for_news()
        self._asked_for_news = True
        return self._book.collect()

    def sensor_events(self) -> tuple[SensorEvent, ...]:
        """See `Driver.sensor_events`; one question brings both these and receipts."""
        self._check_open()
        if not self._asked_for_news:
            self._ask_for_news()
        self._asked_for_news = False
        events, self._events = tuple(self._events), []
        return events

    def close(self) -> None:
        """See `Driver.close`."""
        if self._closed:
            return
        self._closed = True
        try:
            if self._link.state in (LinkState.OPEN, LinkState.DOUBTFUL):
                self._stop("the driver was closed")
                self._seen(self._link.drain())
            elif self._went_silent:
                # It may hear us again; its watchdog is for the case that it does not.
                self._link.stop()
        except MachineError as error:
            self._lose(error)
        self._book.end_open(
            ReceiptState.UNKNOWN, Cause.NO_ANSWER, "the link was closed before its end was known"
        )
        self._link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _ask_for_news(self) -> None:
        if self._closed or not self._expects_news():
            return
        try:
            self._seen(self._link.poll(alive=False))
        except MachineError as error:
            # The next question of a person or of the watchdog reports it.
            self._lose(error)

    def _send(self, command: Command) -> Receipt:
        due_us = None if command.due_s is None else math.ceil(command.due_s * 1e6)
        deadline_us = None if command.deadline_s is None else math.floor(command.deadline_s * 1e6)
        if due_us is not None and deadline_us is not None:
            deadline_us = max(due_us, deadline_us)
        try:
            self._settle()
            seq = self._link.next_seq
            # Before it is sent: its end may come in the very answer.
            self._await(seq, command.id)
            status = self._link.move(command.bin.number, due_us, deadline_us)
        except MachineError as error:
            self._lose(error)
            return unanswered(command.id)
        clock_s = self._machine_s(status.clock_us)
        if status.result is not Result.OK:
            self._ids.pop(seq, None)
            self._seen(status)
            cause = _REFUSALS.get(status.result, Cause.DECLINED)
            return refused(command, cause, self._objection(command, status), clock_s)
        accepted = Receipt(command.id, ReceiptState.ACCEPTED, clock_s)
        self._book.enter(accepted)
        self._seen(status)
        return accepted

    def _settle(self) -> None:
        if self._link.state is LinkState.DOUBTFUL:
            self._seen(self._link.poll())

    def _stop(self, reason: str) -> None:
        status = self._link.stop()
        if status.result is Result.OK:
            self._stop_reason = reason

    def _ask(self, question: Callable[[], Status]) -> MachineState:
        self._check_open()
        try:
            return self._seen(question())
        except MachineError as error:
            self._lose(error)
            raise

    def _seen(self, status: Status) -> MachineState:
        self._safe_reason = self._reason(status)
        for event in self._link.events():
            self._learn(event)
        clock_s = self._link.clock.at(self._clock())
        return MachineState(_CONDITIONS[status.mode], self._safe_reason, clock_s, status.queued)

    def _reason(self, status: Status) -> str:
        if status.mode is not Mode.SAFE:
            self._stop_reason = ""
        if status.mode is Mode.HOMING:
            return "it is looking for its home position; it is armed once it is there"
        if status.mode is not Mode.SAFE:
            return ""
        if status.why is Why.STOPPED:
            return self._stop_reason or "it was stopped"
        if status.why is Why.JAM:
            return f"jam on the way to {self._named(status.detail)}"
        return {
            Why.WATCHDOG: f"watchdog: nothing heard for {self._hello.watchdog_s:g} s",
            Why.SESSION: "another program opened a session while it was armed",
            Why.HOMING: "it did not find its home position",
        }.get(status.why, f"cause {status.why}")

    def _learn(self, event: Event) -> None:
        clock_s = self._machine_s(event.clock_us)
        if event.kind is EventKind.SENSOR:
            self._note_sensor(event.detail, clock_s)
            return
        command_id = self._ids.get(event.seq)
        if command_id is None:
            return
        state = ReceiptState[event.kind.name]
        cause, reason = Cause.NONE, ""
        if state is ReceiptState.MISSED:
            why = Why(event.detail) if event.detail in list(Why) else Why.NONE
            cause, reason = _CAUSES.get(why, Cause.DECLINED), self._why_missed(why)
        self._book.learn(Receipt(command_id, state, clock_s, cause, reason))
        if state is ReceiptState.FIRED and self._hello.confirms:
            self._confirms_until_s[event.seq] = self._clock() + CONFIRM_PATIENCE_S
        else:
            self._ids.pop(event.seq, None)
            self._confirms_until_s.pop(event.seq, None)

    def _why_missed(self, why: Why) -> str:
        if why is Why.TOO_LATE:
            return "the machine was busy until after the deadline"
        return f"dropped from the queue: {self._safe_reason or why.name.lower()}"

    def _note_sensor(self, number: int, clock_s: float) -> None:
        # The number after the last is the drop sensor, where it saw what nobody can be named for.
        if number < len(self._hello.sensors):
            self._events.append(SensorEvent(self._hello.sensors[number], clock_s))
            del self._events[:-MAX_SENSOR_EVENTS]

    def _expects_news(self) -> bool:
        if self._link.state not in (LinkState.OPEN, LinkState.DOUBTFUL):
            return False
        now_s = self._clock()
        for seq in [s for s, until_s in self._confirms_until_s.items() if until_s < now_s]:
            del self._confirms_until_s[seq]
            self._ids.pop(seq, None)
        return bool(self._ids or self._hello.sensors)

    def _await(self, seq: int, command_id: int) -> None:
        self._ids[seq] = command_id
        self._ids.move_to_end(seq)
        while len(self._ids) > MAX_AWAITED:
            gone, _ = self._ids.popitem(last=False)
            self._confirms_until_s.pop(gone, None)

    def _lose(self, error: MachineError) -> None:
        if isinstance(error, Unanswered):
            if self._link.state is not LinkState.LOST:
                return
            self._went_silent = True
        cause = Cause.RESTART if isinstance(error, Reset) else Cause.NO_ANSWER
        self._book.end_open(ReceiptState.UNKNOWN, cause, f"whether it fired is not known: {error}")
        self._ids.clear()

    def _objection(self, command: Command, status: Status) -> str:
        if status.result is Result.NOT_ARMED:
            condition = _CONDITIONS[status.mode]
            return f"the machine is {condition} {self._safe_reason}".rstrip()
        if status.result is Result.UNKNOWN_BIN:
            return f"the machine has no {command.bin}; it has {_numbers(self._hello)}"
        if status.result is Result.QUEUE_FULL:
            return f"{status.queued} commands are waiting; send it again later"
        if status.result is Result.TOO_LATE and command.deadline_s is not None:
            late_s = self._machine_s(status.clock_us) - command.deadline_s
            return f"arrived {late_s:.3f} s after its deadline"
        return {
            Result.DECLINED: "the machine said no",
            Result.TOO_FAR: "due more than ten minutes from now",
        }.get(status.result, f"the machine answered {status.result.name.lower()}")

    def _machine_s(self, clock_us: int) -> float:
        return self._link.clock.unwrap(clock_us) / 1e6

    def _named(self, number: int) -> str:
        return str(self._bins.get(number, f"bin {number}"))

    def _check_open(self) -> None:
        if self._closed:
            raise DriverClosed(f"the {self._hello.kind} machine was closed; open it again")
        if self._link.state is LinkState.CLOSED:
            raise MachineLost("the link was closed; open the machine again")


def _describe(
    greeting: Greeting, bins: tuple[Bin, ...], sensors: tuple[str, ...], kind: str
) -> Hello:
    named = {bin_.number: bin_ for bin_ in bins}
    declared = [named.get(number, Bin(number, f"bin {number}")) for number in greeting.bins]
    order = list(named)
    declared.sort(key=lambda b: order.index(b.number) if b.number in named else len(order))
    names = [*sensors, *[f"sensor {n}" for n in range(len(sensors), greeting.sensors)]]
    return Hello(
        kind=kind,
        boot_id=greeting.boot_id,
        bins=tuple(declared),
        queue_depth=greeting.depth,
        watchdog_s=greeting.watchdog_ms / 1000,
        confirms=Capability.CONFIRMS in greeting.capabilities,
        sensors=tuple(names[: greeting.sensors]),
        promise=Promise.EXACTLY_ONCE,
        timing=Timing.MACHINE,
    )


def _numbers(hello: Hello) -> str:
    return ", ".join(str(bin_.number) for bin_ in hello.bins)
