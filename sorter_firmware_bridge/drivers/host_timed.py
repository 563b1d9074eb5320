"""The driver of machines that cannot schedule: the host waits for the due time, and then acts.

One daemon thread per driver, named after its kind, calls `tick` whenever something is due, an
answer is awaited or the watchdog may have run out. The owner's calls and this thread share one
lock. The watchdog lives in that thread: when the owner hangs, it makes the outputs safe. When the
whole process dies, nothing is sent any more, and what the machine does then is its own matter.
"""

import math
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self

from sorter_firmware_bridge.bins import (
    Cause,
    Command,
    Condition,
    Hello,
    MachineState,
    Receipt,
    ReceiptState,
    SensorEvent,
)
from sorter_firmware_bridge.drivers.hand import Hand, Told
from sorter_firmware_bridge.drivers.known import Book, refused
from sorter_firmware_bridge.drivers.schedule import Schedule
from sorter_firmware_bridge.errors import DriverClosed, MachineLost

MAX_SLEEP_S = 0.25
MIN_SLEEP_S = 0.0005
JOIN_TIMEOUT_S = 5.0

Clock = Callable[[], float]


class HostTimedDriver:
    """A driver over a `Hand`. Its clock is the host's, from zero when it was opened.

    Args:
        hello: What it declares.
        hand: What it moves with; closed with the driver.
        clock: Seconds, never going back; a test passes its own.
        ticking: Whether a thread keeps the time; a test that passes its own clock calls `tick`.
    """

    def __init__(
        self, hello: Hello, hand: Hand, clock: Clock = time.monotonic, ticking: bool = True
    ) -> None:
        self._hello = hello
        self._hand = hand
        self._clock = clock
        self._opened_at_s = clock()
        self._schedule = Schedule(hello.bins, hello.queue_depth, hello.watchdog_s)
        self._book = Book()
        self._lost = ""
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._keep_time, name=hello.kind, daemon=True)
        if ticking:
            self._thread.start()

    @property
    def hello(self) -> Hello:
        """What the machine declared when it was opened."""
        return self._hello

    def state(self) -> MachineState:
        """See `Driver.state`."""
        return self._ask(_do_nothing)

    def heartbeat(self) -> MachineState:
        """See `Driver.heartbeat`."""
        return self._ask(_do_nothing)

    def arm(self) -> MachineState:
        """See `Driver.arm`."""
        return self._ask(self._arm)

    def stop(self, reason: str) -> MachineState:
        """See `Driver.stop`."""
        return self._ask(lambda: self._make_safe(reason, Cause.STOPPED))

    def move_to(self, command: Command) -> Receipt:
        """See `Driver.move_to`."""
        with self._changed:
            self._check_open()
            self._advance()
            receipt = self._book.objection(command) or self._offer(command)
            self._advance()
            self._changed.notify()
            return receipt

    def receipts(self) -> tuple[Receipt, ...]:
        """See `Driver.receipts`."""
        with self._changed:
            self._advance()
            return self._book.collect()

    def sensor_events(self) -> tuple[SensorEvent, ...]:
        """None: such a machine has no sensors that report by themselves."""
        self._check_open()
        return ()

    def tick(self) -> None:
        """Do what is due; the driver's own thread calls it."""
        with self._changed:
            self._advance()

    def close(self) -> None:
        """Stop, let go of the machine and end the thread. Never raises; safe to call twice."""
        with self._changed:
            if self._closed:
                return
            self._end()
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(JOIN_TIMEOUT_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _ask(self, act: Callable[[], None]) -> MachineState:
        with self._changed:
            self._check_open()
            self._advance()
            self._try(act)
            if self._lost:
                raise MachineLost(self._lost)
            self._schedule.hear(self._now_s())
            self._changed.notify()
            return self._state()

    def _state(self) -> MachineState:
        schedule = self._schedule
        queued = len(self._book.open_ids)
        return MachineState(schedule.condition, schedule.reason, self._now_s(), queued)

    def _offer(self, command: Command) -> Receipt:
        now_s = self._now_s()
        if self._lost:
            return refused(command, Cause.NO_ANSWER, f"nothing was sent: {self._lost}", now_s)
        self._schedule.hear(now_s)
        return self._book.enter(self._schedule.offer(command, now_s))

    def _arm(self) -> None:
        if self._schedule.condition is Condition.ARMED:
            return
        self._take(self._hand.poll(self._now_s()))
        objection = self._hand.ready()
        if objection:
            self._make_safe(objection, Cause.DECLINED)
        else:
            self._schedule.hear(self._now_s())
            self._schedule.arm()

    def _advance(self) -> None:
        if not self._closed:
            self._try(self._do_what_is_due)

    def _do_what_is_due(self) -> None:
        now_s = self._now_s()
        self._take(self._hand.poll(now_s))
        if self._schedule.starved(now_s):
            quiet_s = self._hello.watchdog_s
            self._make_safe(f"watchdog: nothing heard for {quiet_s:g} s", Cause.WATCHDOG)
        self._begin_next()

    def _begin_next(self) -> None:
        while True:
            now_s = self._now_s()
            self._miss_late(now_s)
            command = None if self._hand.busy(now_s) else self._schedule.take_due(now_s)
            if command is None:
                return
            self._take(self._hand.begin(command, now_s))

    def _miss_late(self, now_s: float) -> None:
        for late in self._schedule.take_late(now_s):
            reason = f"its deadline, {late.deadline_s} s, passed before it could be sent"
            self._drop(late, Cause.TOO_LATE, reason)

    def _take(self, told: Told) -> None:
        for receipt in told.receipts:
            self._book.learn(receipt)
        if told.trouble:
            self._make_safe(told.trouble, told.cause)

    def _make_safe(self, reason: str, cause: Cause) -> None:
        for command in self._schedule.stop(reason):
            self._drop(command, cause, f"dropped from the queue: {reason}")
        self._hand.rest()

    def _drop(self, command: Command, cause: Cause, reason: str) -> None:
        missed = ReceiptState.MISSED
        self._book.learn(Receipt(command.id, missed, self._now_s(), cause, reason))

    def _try(self, act: Callable[[], None]) -> None:
        if self._lost:
            return
        try:
            act()
        except MachineLost as error:
            self._lose(str(error))

    def _lose(self, reason: str) -> None:
        self._lost = reason
        for command in self._schedule.stop(reason):
            self._drop(command, Cause.NO_ANSWER, f"it was never sent: {reason}")
        self._book.end_open(ReceiptState.UNKNOWN, Cause.NO_ANSWER, reason)

    def _end(self) -> None:
        self._try(lambda: self._make_safe("the driver was closed", Cause.STOPPED))
        if self._lost:
            with suppress(MachineLost):
                self._hand.rest()
        reason = "the driver was closed before the machine answered"
        self._book.end_open(ReceiptState.UNKNOWN, Cause.NO_ANSWER, reason)
        self._closed = True
        self._hand.close()

    def _keep_time(self) -> None:
        try:
            with self._changed:
                while not self._closed:
                    self._advance()
                    self._changed.wait(self._sleep_s())
        finally:
            self._leave_safe()

    def _leave_safe(self) -> None:
        """Whatever ended the thread: without it nothing keeps the time, so nothing may move."""
        with self._changed:
            if not self._closed:
                self._try(lambda: self._make_safe("its thread ended", Cause.STOPPED))
                self._lose("the driver's own thread ended; open it again")

    def _sleep_s(self) -> float:
        next_s = math.inf if self._lost else min(self._schedule.next_s, self._hand.wakes_s)
        return min(MAX_SLEEP_S, max(MIN_SLEEP_S, next_s - self._now_s()))

    def _now_s(self) -> float:
        return self._clock() - self._opened_at_s

    def _check_open(self) -> None:
        if self._closed:
            raise DriverClosed(f"the {self._hello.kind} machine was closed; open it again")


def _do_nothing() -> None:
    """A question that changes nothing."""
