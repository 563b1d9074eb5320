"""The machine as the pipeline holds it: kept awake, lost, found again, never armed by itself."""

from collections.abc import Callable

import pytest

from edge.machine import BEATS_PER_WATCHDOG, RETRY_S, ROUND_TRIPS, Machine
from sorter_firmware_bridge.bins import Bin, Cause, Command, Condition, MachineState, ReceiptState
from sorter_firmware_bridge.drivers.simulated import (
    Fault,
    FaultKind,
    SimulatedDriver,
    SimulatedSettings,
)
from sorter_firmware_bridge.errors import MachineUnavailable

BINS = (Bin(1, "bricks"), Bin(2, "rest"))


class Counted(SimulatedDriver):
    """A simulated machine that counts its heartbeats."""

    beats = 0

    def heartbeat(self) -> MachineState:
        self.beats += 1
        return super().heartbeat()


class Bench:
    """A place where machines are opened, and time passes only when it is told to."""

    def __init__(self, settings: SimulatedSettings | None = None) -> None:
        self.now_s = 1000.0
        self.settings = settings or SimulatedSettings()
        self.opened: list[Counted] = []
        self.tries = 0
        self.missing = False

    def open(self) -> Counted:
        self.tries += 1
        if self.missing:
            raise MachineUnavailable("the cable is out; plug it in")
        self.opened.append(Counted(BINS, self.settings, lambda: self.now_s))
        return self.opened[-1]

    @property
    def driver(self) -> Counted:
        return self.opened[-1]

    def beat(self, machine: Machine, for_s: float = 0.0, every_s: float = 0.05) -> None:
        """Beat as the pipeline does, for so long."""
        end_s = self.now_s + for_s
        machine.beat(self.now_s)
        while self.now_s < end_s:
            self.now_s += every_s
            machine.beat(self.now_s)


def ready(bench: Bench, arm: bool = True) -> Machine:
    machine = Machine(bench.open, arm_at_start=arm)
    machine.beat(bench.now_s)
    return machine


def condition(machine: Machine) -> Condition | None:
    return machine.state.condition if machine.state else None


def test_without_a_machine_nothing_happens() -> None:
    machine = Machine(None)
    machine.beat(0)
    machine.arm(0)
    machine.stop(0, "why")
    assert machine.fresh_state(0) is None
    assert machine.move_to(Command(1, BINS[0])) is None
    assert (machine.receipts(), machine.sensor_events(), machine.bins) == ((), (), ())
    assert machine.problem == "no machine is configured"
    machine.close()


def test_the_first_beat_opens_it_disarmed() -> None:
    bench = Bench()
    machine = Machine(bench.open)
    assert bench.tries == 0
    assert machine.state is None
    machine.beat(bench.now_s)
    assert condition(machine) is Condition.DISARMED
    assert machine.bins == BINS
    assert machine.problem is None


def test_it_arms_itself_only_where_that_is_asked_for() -> None:
    assert condition(ready(Bench(), arm=True)) is Condition.ARMED
    assert condition(ready(Bench(), arm=False)) is Condition.DISARMED


def test_beats_keep_the_watchdog_quiet() -> None:
    bench = Bench(SimulatedSettings(watchdog_s=1.0))
    machine = ready(bench)
    bench.beat(machine, for_s=100)
    assert condition(machine) is Condition.ARMED
    # No more of them than the watchdog asks for.
    assert bench.driver.beats == pytest.approx(100 * BEATS_PER_WATCHDOG, rel=0.3)


def test_without_beats_the_machine_makes_itself_safe() -> None:
    bench = Bench(SimulatedSettings(watchdog_s=1.0))
    machine = ready(bench)
    bench.now_s += 1.5
    machine.beat(bench.now_s)
    assert condition(machine) is Condition.SAFE
    assert "watchdog" in (machine.state.reason if machine.state else "")


def test_stop_is_latched_until_a_person_arms() -> None:
    bench = Bench()
    machine = ready(bench)
    machine.stop(bench.now_s, "a hand is in it")
    assert condition(machine) is Condition.SAFE
    bench.beat(machine, for_s=10)
    assert condition(machine) is Condition.SAFE
    assert machine.state is not None
    assert machine.state.reason == "a hand is in it"
    machine.arm(bench.now_s)
    assert condition(machine) is Condition.ARMED


def _unplugged() -> Bench:
    """A machine that is gone with its first command."""
    return Bench(SimulatedSettings(faults=(Fault(FaultKind.UNPLUG),)))


def lose(bench: Bench, machine: Machine) -> None:
    receipt = machine.move_to(Command(1, BINS[0]))
    assert receipt is not None
    assert receipt.state is ReceiptState.UNKNOWN
    bench.now_s += bench.driver.hello.watchdog_s
    machine.beat(bench.now_s)


@pytest.mark.parametrize(
    "ask",
    [
        lambda machine, now_s: machine.beat(now_s),
        lambda machine, now_s: machine.fresh_state(now_s),
        lambda machine, now_s: machine.arm(now_s),
        lambda machine, now_s: machine.stop(now_s, "why"),
    ],
    ids=["beat", "state", "arm", "stop"],
)
def test_a_machine_that_does_not_answer_is_lost(ask: Callable[[Machine, float], None]) -> None:
    bench = _unplugged()
    machine = ready(bench)
    machine.move_to(Command(1, BINS[0]))
    bench.now_s += 5
    ask(machine, bench.now_s)
    assert machine.state is None
    assert "does not answer" in (machine.problem or "")
    assert machine.bins == ()
    assert machine.move_to(Command(2, BINS[0])) is None


def test_a_lost_machine_is_found_again_disarmed() -> None:
    bench = _unplugged()
    machine = ready(bench, arm=True)
    lose(bench, machine)
    bench.beat(machine, for_s=RETRY_S - 0.5)
    assert bench.tries == 1
    bench.beat(machine, for_s=1)
    assert bench.tries == 2
    assert condition(machine) is Condition.DISARMED
    assert machine.problem is None


def test_what_a_lost_machine_left_behind_is_still_given() -> None:
    bench = _unplugged()
    bench.settings = SimulatedSettings(faults=(Fault(FaultKind.UNPLUG, at_command=2),))
    machine = ready(bench)
    later = Command(1, BINS[0], due_s=50, deadline_s=60)
    assert machine.move_to(later)
    assert machine.move_to(Command(2, BINS[1]))
    bench.now_s += 1
    machine.beat(bench.now_s)
    assert machine.state is None
    (left,) = machine.receipts()
    assert (left.command_id, left.state) == (1, ReceiptState.UNKNOWN)
    assert machine.receipts() == ()


def test_a_machine_that_is_not_there_is_tried_again_and_armed_when_first_opened() -> None:
    bench = Bench()
    bench.missing = True
    machine = ready(bench)
    assert machine.state is None
    assert machine.problem == "the cable is out; plug it in"
    bench.beat(machine, for_s=3 * RETRY_S + 0.1)
    assert bench.tries == 4
    bench.missing = False
    bench.beat(machine, for_s=RETRY_S)
    assert condition(machine) is Condition.ARMED


def test_stop_before_it_was_opened_keeps_it_disarmed() -> None:
    bench = Bench()
    bench.missing = True
    machine = ready(bench)
    machine.stop(bench.now_s, "not yet")
    bench.missing = False
    bench.beat(machine, for_s=2 * RETRY_S)
    assert condition(machine) is Condition.DISARMED


def test_closing_stops_it_and_tells_what_that_dropped() -> None:
    bench = Bench()
    machine = ready(bench)
    machine.move_to(Command(1, BINS[0], due_s=50, deadline_s=60))
    machine.close()
    machine.close()
    assert machine.state is None
    assert machine.problem == "closed"
    (dropped,) = machine.receipts()
    assert (dropped.command_id, dropped.state) == (1, ReceiptState.MISSED)
    assert dropped.cause is Cause.STOPPED
    assert bench.driver.pulses == ()


def test_sensor_events_are_passed_on() -> None:
    bench = Bench()
    machine = ready(bench)
    bench.driver.trip("gate")
    (event,) = machine.sensor_events()
    assert event.sensor == "gate"
    assert machine.sensor_events() == ()


# --- round trips ---


def test_round_trips_are_measured_by_the_clock_and_the_last_are_kept() -> None:
    bench = Bench()

    class Slow(Counted):
        def heartbeat(self) -> MachineState:
            bench.now_s += 0.003
            return super().heartbeat()

    driver = Slow(BINS, bench.settings, lambda: bench.now_s)
    machine = Machine(lambda: driver, clock=lambda: bench.now_s)
    bench.beat(machine)
    assert machine.round_trips_ms == pytest.approx((3.0,))
    bench.beat(machine, for_s=200, every_s=0.6)
    assert len(machine.round_trips_ms) == ROUND_TRIPS
    assert machine.round_trips_ms == pytest.approx((3.0,) * ROUND_TRIPS)


def test_without_a_clock_nothing_is_measured() -> None:
    bench = Bench()
    machine = Machine(bench.open)
    bench.beat(machine, for_s=5)
    assert machine.round_trips_ms == ()
