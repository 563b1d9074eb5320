"""Machines behind an MQTT broker: machine timed, exactly once.

QoS 1 may deliver a message twice. Requests carry a rising number within a session, and the machine
drops one it has seen; receipts carry a rising event number, and the driver drops those.
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
    Promise,
    Receipt,
    ReceiptState,
    SensorEvent,
    Timing,
)
from sorter_firmware_bridge.drivers import mqtt_messages as wire
from sorter_firmware_bridge.drivers.known import Book, refused, unanswered
from sorter_firmware_bridge.drivers.mqtt_settings import MqttSettings, read_settings
from sorter_firmware_bridge.errors import (
    DriverClosed,
    DriverSettingsError,
    MachineLost,
    MachineUnavailable,
)

if TYPE_CHECKING:
    from sorter_firmware_bridge.drivers.mqtt_line import Message, MqttLine

__all__ = ["MqttDriver", "open_machine", "read_settings"]

MAX_READS = 64
_ANSWERS = (ReceiptState.ACCEPTED, ReceiptState.REFUSED)


def open_machine(bins: tuple[Bin, ...], settings: Mapping[str, object]) -> "MqttDriver":
    """Connect to the broker and take the machine over, disarmed.

    Raises:
        DriverSettingsError: A setting is wrong.
        ImportError: paho-mqtt is not installed.
        MachineUnavailable: The broker does not let us in, no machine answers, or it lacks a bin.
    """
    from sorter_firmware_bridge.drivers.mqtt_line import MqttLine

    read = read_settings(settings)
    session = secrets.token_hex(8)
    line = MqttLine(read, wire.presence_payload(session, online=False))
    try:
        return MqttDriver(bins, line, read, session)
    except MachineLost as error:
        line.close()
        raise MachineUnavailable(str(error)) from error
    except (MachineUnavailable, DriverSettingsError):
        line.close()
        raise


class MqttDriver:
    """The host's side of the topics.

    Args:
        bins: The bins it is expected to have.
        line: The connection; closed with the driver.
        settings: How patiently it is asked.
        session: Another one for every connection, as in the last will.

    Raises:
        MachineLost: No machine answers.
        MachineUnavailable: It lacks a bin.
    """

    def __init__(
        self, bins: tuple[Bin, ...], line: "MqttLine", settings: MqttSettings, session: str
    ) -> None:
        self._line = line
        self._settings = settings
        self._session = session
        self._book = Book()
        self._seq = 0
        self._last_event = 0
        self._state: wire.State | None = None
        self._answers: dict[int, Receipt] = {}
        self._later: list[Receipt] = []
        self._lost = ""
        self._is_anothers = False
        self._closed = False
        self._boot_id: int | None = None
        line.publish("host", wire.presence_payload(session, online=True), retain=True)
        state = self._request("control", "open")
        self._boot_id = state.boot_id
        self._hello = _describe(bins, state, settings)

    @property
    def hello(self) -> Hello:
        """What the machine declared when it was opened."""
        return self._hello

    def state(self) -> MachineState:
        """See `Driver.state`."""
        return self._ask("heartbeat", "ask")

    def heartbeat(self) -> MachineState:
        """See `Driver.heartbeat`."""
        return self._ask("heartbeat", "ask")

    def arm(self) -> MachineState:
        """See `Driver.arm`."""
        return self._ask("control", "arm")

    def stop(self, reason: str) -> MachineState:
        """See `Driver.stop`."""
        return self._ask("control", "stop", reason)

    def move_to(self, command: Command) -> Receipt:
        """See `Driver.move_to`."""
        self._check_open()
        receipt = self._book.objection(command) or self._book.enter(self._offer(command))
        self._learn_later()
        return receipt

    def receipts(self) -> tuple[Receipt, ...]:
        """See `Driver.receipts`."""
        if not self._closed:
            self._try(self._listen)
            self._learn_later()
        return self._book.collect()

    def sensor_events(self) -> tuple[SensorEvent, ...]:
        """None: the topics carry no sensors."""
        self._check_open()
        return ()

    def close(self) -> None:
        """See `Driver.close`."""
        if self._closed:
            return
        self._try(self._leave)
        if self._lost and not self._is_anothers:
            with suppress(MachineLost):
                self._leave_at_once()
        self._learn_later()
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

    def _ask(self, topic: str, verb: str, reason: str = "") -> MachineState:
        self._check_open()
        self._try(lambda: self._request(topic, verb, reason))
        self._learn_later()
        if self._lost or self._state is None:
            raise MachineLost(self._lost)
        told = self._state
        reason = told.reason if told.condition is Condition.SAFE else ""
        return MachineState(told.condition, reason, told.clock_s, told.queued)

    def _offer(self, command: Command) -> Receipt:
        if self._lost:
            return refused(command, Cause.NO_ANSWER, f"nothing was sent: {self._lost}")
        if command.bin not in self._hello.bins:
            return refused(command, Cause.UNKNOWN_BIN, f"there is no {command.bin}")
        self._try(lambda: self._send(command))
        answer = self._answers.pop(self._seq, None)
        return unanswered(command.id) if self._lost or answer is None else answer

    def _send(self, command: Command) -> None:
        self._seq += 1
        self._answers.clear()
        self._line.publish("command", wire.command_payload(self._session, self._seq, command))
        self._await(lambda: self._seq in self._answers)
        answer = self._answers.get(self._seq)
        if answer is not None and (answer.command_id != command.id or answer.state not in _ANSWERS):
            raise MachineLost(
                f"the machine on {self._settings.prefix} answers command {command.id} with "
                f"{answer.state!s} of command {answer.command_id}, expected accepted or refused of "
                "the same; mend its program"
            )

    def _request(self, topic: str, verb: str, reason: str = "") -> wire.State:
        self._seq += 1
        payload = wire.control_payload(self._session, self._seq, verb, reason)
        self._line.publish(topic, payload)
        if not self._await(self._is_answered) or self._state is None:
            raise MachineLost(
                f"no machine answers on {self._settings.prefix} at {self._settings.broker} within "
                f"{self._settings.answer_s:g} s; check its power, network and prefix"
            )
        return self._state

    def _leave(self) -> None:
        self._request("control", "stop", "the driver was closed")
        self._say_that_we_go()

    def _leave_at_once(self) -> None:
        """Without an answer. What one message spoiled must not leave the machine armed, and who
        takes leave of the broker has no last will."""
        self._seq += 1
        stop = wire.control_payload(self._session, self._seq, "stop", "the driver was closed")
        self._line.publish("control", stop)
        self._say_that_we_go()

    def _say_that_we_go(self) -> None:
        self._line.publish("host", wire.presence_payload(self._session, online=False), retain=True)
        self._line.settle(self._settings.answer_s)

    def _is_answered(self) -> bool:
        return self._state is not None and self._state.seq == self._seq

    def _await(self, done: Callable[[], bool]) -> bool:
        end_s = time.monotonic() + self._settings.answer_s
        while not done():
            left_s = end_s - time.monotonic()
            if left_s <= 0:
                return False
            self._take(self._line.wait(left_s))
        return True

    def _listen(self) -> None:
        # A machine that never stops talking does not keep the host for ever.
        for _ in range(MAX_READS):
            messages = self._line.read()
            if not messages:
                return
            self._take(messages)

    def _take(self, messages: "list[Message]") -> None:
        for message in messages:
            try:
                self._hear(message)
            except wire.BadMessage as error:
                prefix = self._settings.prefix
                raise MachineLost(f"{prefix}/{message.name} says {error}") from error

    def _hear(self, message: "Message") -> None:
        if message.name == "machine":
            if not wire.read_presence(message.payload):
                raise MachineLost(
                    f"the machine on {self._settings.prefix} is offline, says the broker"
                )
        elif message.retained:
            return
        elif message.name == "state":
            self._note(wire.read_state(message.payload))
        elif message.name == "receipt":
            self._file(wire.read_news(message.payload))

    def _note(self, state: wire.State) -> None:
        if self._boot_id is not None and state.boot_id != self._boot_id:
            reason = f"the machine on {self._settings.prefix} was reset; open it again"
            self._book.end_open(ReceiptState.UNKNOWN, Cause.RESTART, reason)
            raise MachineLost(reason)
        if state.session == self._session:
            self._state = state
        elif self._boot_id is not None:
            self._is_anothers = True
            raise MachineLost(
                f"another host took over the machine on {self._settings.prefix}; open it again"
            )

    def _file(self, news: wire.News) -> None:
        if news.session != self._session or news.event <= self._last_event:
            return
        self._last_event = news.event
        if news.seq:
            self._answers[news.seq] = news.receipt
        else:
            self._later.append(news.receipt)

    def _learn_later(self) -> None:
        """After the answer to a command was entered, what happened to it since."""
        later, self._later = self._later, []
        for receipt in later:
            self._book.learn(receipt)

    def _try(self, act: Callable[[], object]) -> None:
        if self._lost:
            return
        try:
            act()
        except MachineLost as error:
            self._lost = str(error)
            self._learn_later()
            self._book.end_open(ReceiptState.UNKNOWN, Cause.NO_ANSWER, self._lost)

    def _check_open(self) -> None:
        if self._closed:
            raise DriverClosed("the mqtt machine was closed; open it again")


def _describe(bins: tuple[Bin, ...], state: wire.State, settings: MqttSettings) -> Hello:
    missing = [str(bin_) for bin_ in bins if bin_.number not in state.bins]
    if missing:
        numbers = ", ".join(map(str, sorted(state.bins)))
        raise MachineUnavailable(
            f"the machine on {settings.prefix} lacks {', '.join(missing)}; it has bins {numbers}"
        )
    return Hello(
        kind="mqtt",
        boot_id=state.boot_id,
        bins=bins,
        queue_depth=state.queue_depth,
        watchdog_s=state.watchdog_s,
        confirms=state.confirms,
        sensors=(),
        promise=Promise.EXACTLY_ONCE,
        timing=Timing.MACHINE,
    )
