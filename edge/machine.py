"""The sorting machine as the pipeline holds it: lost and found again, never in the way."""

from collections import deque
from collections.abc import Callable
from typing import TypeVar

from sorter_firmware_bridge.bins import (
    Bin,
    Command,
    Hello,
    MachineState,
    Receipt,
    SensorEvent,
)
from sorter_firmware_bridge.drivers.driver import Driver
from sorter_firmware_bridge.errors import BridgeError

T = TypeVar("T")

BEATS_PER_WATCHDOG = 4
ROUND_TRIPS = 200
RETRY_S = 2.0


class Machine:
    """Keeps a driver open and its watchdog quiet; used by one thread only.

    A machine that is found again is disarmed: what was on its way is unknown, and a person arms.

    Args:
        open_driver: Opens the driver, or gives None while that takes; None where there is no
            machine.
        arm_at_start: Arm when it is first opened; for the simulated machine.
        clock: `time.monotonic`, for the moment of an answer; without one it is taken for the moment
            of the question, and no round trip is measured.
    """

    def __init__(
        self,
        open_driver: Callable[[], Driver | None] | None,
        arm_at_start: bool = False,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self._open_driver = open_driver
        self._arm_next = arm_at_start
        self._clock = clock
        self._driver: Driver | None = None
        self._state: MachineState | None = None
        self._problem: str | None = None if open_driver else "no machine is configured"
        self._next_s = float("-inf")
        self._asked_at_s = float("-inf")
        self._times_opened = 0
        self._left: list[Receipt] = []
        self._round_trips_ms: deque[float] = deque(maxlen=ROUND_TRIPS)

    @property
    def state(self) -> MachineState | None:
        """What it said last; None while it does not answer or there is none."""
        return self._state

    @property
    def problem(self) -> str | None:
        """Why there is no state."""
        return self._problem

    @property
    def bins(self) -> tuple[Bin, ...]:
        """What the machine declared."""
        return self._driver.hello.bins if self._driver else ()

    @property
    def hello(self) -> Hello | None:
        """What the machine declared when it was opened; None while it is not."""
        return self._driver.hello if self._driver else None

    @property
    def confirms(self) -> bool:
        """Whether it has a sensor that sees drops."""
        return self._driver is not None and self._driver.hello.confirms

    @property
    def times_opened(self) -> int:
        """How often it was found; its clock may begin again each time."""
        return self._times_opened

    @property
    def round_trips_ms(self) -> tuple[float, ...]:
        """How long its last answers took, oldest first."""
        return tuple(self._round_trips_ms)

    def host_s(self, clock_s: float, now_s: float) -> float:
        """When something happened, in our time, as near as its last answer tells.

        Args:
            clock_s: The machine's clock when it happened.
            now_s: `time.monotonic()`; nothing happened after it.
        """
        if self._state is None:
            return now_s
        return min(now_s, clock_s + self._asked_at_s - self._state.clock_s)

    def beat(self, now_s: float) -> None:
        """Give a sign of life when one is due, or try to open it again."""
        if self._open_driver is None or now_s < self._next_s:
            return
        if self._driver is None:
            self._open(now_s)
        if self._driver is not None:
            self._ask(now_s, self._driver.heartbeat)
            self._schedule(now_s)

    def arm(self, now_s: float) -> None:
        """Allow movement, because a person said so."""
        if self._driver is not None:
            self._ask(now_s, self._driver.arm)

    def stop(self, now_s: float, reason: str) -> None:
        """Drop the queue and latch safe."""
        self._arm_next = False
        if self._driver is not None:
            driver = self._driver
            self._ask(now_s, lambda: driver.stop(reason))

    def fresh_state(self, now_s: float) -> MachineState | None:
        """Its state as of now, for a decision."""
        if self._driver is not None:
            self._ask(now_s, self._driver.state)
        return self._state

    def move_to(self, command: Command) -> Receipt | None:
        """Send one command; None when the machine was lost meanwhile and nothing was sent."""
        driver = self._driver
        return self._timed(lambda: driver.move_to(command)) if driver else None

    def receipts(self) -> tuple[Receipt, ...]:
        """What became known since the last call, also of a machine that was lost."""
        found, self._left = tuple(self._left), []
        return found + (self._driver.receipts() if self._driver else ())

    def sensor_events(self) -> tuple[SensorEvent, ...]:
        """What passed the sensors since the last call."""
        return self._driver.sensor_events() if self._driver else ()

    def close(self) -> None:
        """Stop it and let go; `receipts` still gives what that dropped. Safe to call twice."""
        if self._driver is not None:
            self._driver.close()
            self._left.extend(self._driver.receipts())
            self._driver = None
        if self._open_driver is not None:
            self._state, self._problem = None, "closed"

    def _open(self, now_s: float) -> None:
        if self._open_driver is None:
            return
        try:
            self._driver = self._open_driver()
        except BridgeError as error:
            self._lost(now_s, error)
            return
        if self._driver is None:
            self._problem = self._problem or "it is being opened"
            return
        self._times_opened += 1
        if self._arm_next:
            self._arm_next = False
            self._ask(now_s, self._driver.arm)

    def _ask(self, now_s: float, question: Callable[[], MachineState]) -> None:
        try:
            self._state, self._problem = self._timed(question), None
            self._asked_at_s = self._clock() if self._clock else now_s
        except BridgeError as error:
            self._lost(now_s, error)

    def _timed(self, question: Callable[[], T]) -> T:
        if self._clock is None:
            return question()
        asked_s = self._clock()
        answer = question()
        self._round_trips_ms.append((self._clock() - asked_s) * 1e3)
        return answer

    def _lost(self, now_s: float, error: BridgeError) -> None:
        self.close()
        self._state, self._problem = None, str(error)
        self._next_s = now_s + RETRY_S

    def _schedule(self, now_s: float) -> None:
        if self._driver is not None:
            self._next_s = now_s + self._driver.hello.watchdog_s / BEATS_PER_WATCHDOG
