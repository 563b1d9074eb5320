"""The simulated machine: scripted faults, and what holds under any script."""

from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rigs import BINS, Clock

from sorter_firmware_bridge.bins import Cause, Command, Condition, Receipt, ReceiptState
from sorter_firmware_bridge.drivers.simulated import (
    Fault,
    FaultKind,
    SimulatedDriver,
    SimulatedSettings,
)
from sorter_firmware_bridge.errors import MachineLost

Machine = Callable[..., SimulatedDriver]


@pytest.fixture
def armed(clock: Clock) -> Machine:
    def make(*faults: Fault, **settings: object) -> SimulatedDriver:
        driver = SimulatedDriver(BINS, SimulatedSettings(faults=faults, **settings), clock)  # type: ignore[arg-type]
        driver.arm()
        return driver

    return make


def test_without_an_answer_the_command_is_unknown_and_not_resent(
    armed: Machine, clock: Clock
) -> None:
    driver = armed(Fault(FaultKind.SILENCE))
    first = driver.move_to(Command(1, BINS[0]))
    assert (first.state, first.cause) == (ReceiptState.UNKNOWN, Cause.NO_ANSWER)
    assert driver.move_to(Command(1, BINS[0])) == first
    clock.now_s += 1.0
    assert driver.pulses == ()
    assert driver.receipts() == ()


def test_a_lost_reply_is_unknown_although_it_fired_and_fires_no_second_time(
    armed: Machine, clock: Clock
) -> None:
    driver = armed(Fault(FaultKind.LOST_REPLY))
    assert driver.move_to(Command(1, BINS[0])).state is ReceiptState.UNKNOWN
    clock.now_s += 1.0
    assert driver.move_to(Command(1, BINS[0])).state is ReceiptState.UNKNOWN
    clock.now_s += 0.5
    assert [pulse.command_id for pulse in driver.pulses] == [1]
    assert driver.receipts() == ()


def test_a_refusal_changes_nothing_and_the_same_id_can_be_used(
    armed: Machine, clock: Clock
) -> None:
    driver = armed(Fault(FaultKind.REFUSAL, at_command=1, times=2))
    for _ in range(2):
        refused = driver.move_to(Command(1, BINS[0]))
        assert (refused.state, refused.cause) == (ReceiptState.REFUSED, Cause.DECLINED)
    assert driver.move_to(Command(1, BINS[0])).state is ReceiptState.ACCEPTED
    clock.now_s += 1.0
    assert [pulse.command_id for pulse in driver.pulses] == [1]


def test_a_jam_misses_the_command_and_all_behind_it_and_latches_safe(
    armed: Machine, clock: Clock
) -> None:
    driver = armed(Fault(FaultKind.JAM, at_command=2))
    for command_id in (1, 2, 3):
        assert driver.move_to(Command(command_id, BINS[0])).state is ReceiptState.ACCEPTED
    clock.now_s += 1.0
    told = [(r.command_id, r.state, r.cause) for r in driver.receipts()]
    assert told == [
        (1, ReceiptState.FIRED, Cause.NONE),
        (1, ReceiptState.CONFIRMED, Cause.NONE),
        (2, ReceiptState.MISSED, Cause.JAM),
        (3, ReceiptState.MISSED, Cause.JAM),
    ]
    state = driver.heartbeat()
    assert state.condition is Condition.SAFE
    assert "jam on the way to bin 1 'plates'" in state.reason
    assert driver.arm().condition is Condition.ARMED
    assert driver.move_to(Command(4, BINS[0])).state is ReceiptState.ACCEPTED


def test_an_unplugged_machine_leaves_everything_in_flight_unknown(
    armed: Machine, clock: Clock
) -> None:
    driver = armed(Fault(FaultKind.UNPLUG, at_command=2))
    driver.move_to(Command(1, BINS[0], due_s=5.0, deadline_s=6.0))
    assert driver.move_to(Command(2, BINS[0])).state is ReceiptState.UNKNOWN
    assert [(r.command_id, r.state) for r in driver.receipts()] == [(1, ReceiptState.UNKNOWN)]
    assert driver.move_to(Command(3, BINS[0])).state is ReceiptState.UNKNOWN
    for ask in (driver.state, driver.heartbeat, driver.arm, lambda: driver.stop("now")):
        with pytest.raises(MachineLost, match="within 2 s"):
            ask()
    clock.now_s += 10.0
    assert driver.pulses == ()
    driver.close()


def test_an_unplugged_machine_confirms_nothing_any_more(armed: Machine, clock: Clock) -> None:
    driver = armed(Fault(FaultKind.UNPLUG, at_command=2), confirm_after_s=1.0)
    driver.move_to(Command(1, BINS[0]))
    assert [receipt.state for receipt in driver.receipts()] == [ReceiptState.FIRED]
    driver.move_to(Command(2, BINS[0]))
    clock.now_s += 1.5
    assert driver.receipts() == ()


def test_one_movement_at_a_time_and_each_takes_its_time(armed: Machine, clock: Clock) -> None:
    driver = armed(move_s=0.25)
    for command_id in (1, 2, 3):
        driver.move_to(Command(command_id, BINS[0]))
    clock.now_s += 1.0
    assert [pulse.clock_s for pulse in driver.pulses] == [0.0, 0.25, 0.5]


def test_a_busy_machine_misses_a_deadline_instead_of_firing_late(
    armed: Machine, clock: Clock
) -> None:
    driver = armed(move_s=1.0, confirms=False)
    driver.move_to(Command(1, BINS[0]))
    driver.move_to(Command(2, BINS[1], due_s=0.1, deadline_s=0.5))
    clock.now_s += 1.5
    told = [(r.command_id, r.state, r.cause, r.clock_s) for r in driver.receipts()]
    assert told == [
        (1, ReceiptState.FIRED, Cause.NONE, 0.0),
        (2, ReceiptState.MISSED, Cause.TOO_LATE, 0.5),
    ]


def test_the_earlier_due_time_goes_first(armed: Machine, clock: Clock) -> None:
    driver = armed(move_s=0.0)
    driver.move_to(Command(1, BINS[0], due_s=1.0, deadline_s=2.0))
    driver.move_to(Command(2, BINS[1], due_s=0.5, deadline_s=2.0))
    clock.now_s += 1.5
    assert [(p.command_id, p.clock_s) for p in driver.pulses] == [(2, 0.5), (1, 1.0)]


def test_unread_receipts_become_back_pressure(armed: Machine) -> None:
    driver = armed(move_s=0.0, confirms=False)
    refused = None
    for command_id in range(1, 2000):
        receipt = driver.move_to(Command(command_id, BINS[0]))
        if receipt.state is ReceiptState.REFUSED:
            refused = receipt
            break
    assert refused is not None
    assert refused.cause is Cause.QUEUE_FULL
    assert "unread" in refused.reason
    driver.receipts()
    assert driver.move_to(Command(refused.command_id, BINS[0])).state is ReceiptState.ACCEPTED


def test_a_tripped_sensor_is_told_once_with_the_machines_time(armed: Machine, clock: Clock) -> None:
    driver = armed()
    clock.now_s += 0.5
    driver.trip("gate")
    assert [(e.sensor, e.clock_s) for e in driver.sensor_events()] == [("gate", 0.5)]
    assert driver.sensor_events() == ()
    with pytest.raises(LookupError, match="there are gate"):
        driver.trip("lid")


# --- any script of faults, any order of calls ---

FAULTS = st.lists(
    st.builds(Fault, st.sampled_from(FaultKind), st.integers(1, 12), st.integers(1, 3)), max_size=5
).map(tuple)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["arm", "stop", "heartbeat"]), st.just(0.0)),
        st.tuples(st.just("wait"), st.floats(0.0, 3.0)),
        st.tuples(st.sampled_from(["move", "again", "timed"]), st.floats(0.0, 1.5)),
    ),
    max_size=40,
)


class Run:
    """Plays a script and keeps what was told and when the machine was not armed."""

    def __init__(self, faults: tuple[Fault, ...], depth: int) -> None:
        self.clock = Clock()
        settings = SimulatedSettings(faults=faults, queue_depth=depth)
        self.driver = SimulatedDriver(BINS, settings, self.clock)
        self.told: list[Receipt] = []
        self.next_id = 1
        self.moved_before_stop: int | None = None
        self.moved_while_stopped = False

    def play(self, steps: list[tuple[str, float]]) -> None:
        self.driver.arm()
        for name, value in steps:
            with suppress(MachineLost):
                getattr(self, name)(value)
            self.told.extend(self.driver.receipts())
            self._look_whether_it_moved()
        self.wait(20.0)
        self.told.extend(self.driver.receipts())

    def arm(self, _: float) -> None:
        self.driver.arm()
        self.moved_before_stop = None

    def heartbeat(self, _: float) -> None:
        self.driver.heartbeat()

    def stop(self, _: float) -> None:
        self.driver.stop("script")
        self.moved_before_stop = len(self.driver.pulses)

    def wait(self, duration_s: float) -> None:
        self.clock.now_s += duration_s

    def move(self, _: float) -> None:
        self._send(Command(self.next_id, BINS[0]))

    def timed(self, ahead_s: float) -> None:
        due_s = self.clock.now_s - 1000.0 + ahead_s
        self._send(Command(self.next_id, BINS[1], due_s, due_s + 0.2))

    def again(self, _: float) -> None:
        """Say the newest id once more, with another bin; only a refused one may go."""
        if self.next_id == 1:
            return
        receipt = self.driver.move_to(Command(self.next_id - 1, BINS[2]))
        if set(self.of(receipt.command_id)) == {ReceiptState.REFUSED}:
            self.told.append(receipt)

    def _look_whether_it_moved(self) -> None:
        if self.moved_before_stop is not None:
            self.moved_while_stopped |= len(self.driver.pulses) != self.moved_before_stop

    def _send(self, command: Command) -> None:
        self.told.append(self.driver.move_to(command))
        self.next_id += 1

    def of(self, command_id: int) -> list[ReceiptState]:
        return [r.state for r in self.told if r.command_id == command_id]


@settings(deadline=None)
@given(FAULTS, st.integers(1, 4), STEPS)
def test_under_any_script_of_faults(
    faults: tuple[Fault, ...], depth: int, steps: list[tuple[str, float]]
) -> None:
    run = Run(faults, depth)
    run.play(steps)
    fired = [pulse.command_id for pulse in run.driver.pulses]

    assert len(fired) == len(set(fired)), "a command fired twice"
    assert not run.moved_while_stopped, "something moved between STOP and ARM"
    told_fired = {r.command_id for r in run.told if r.state is ReceiptState.FIRED}
    unknown = {r.command_id for r in run.told if r.state is ReceiptState.UNKNOWN}
    assert told_fired <= set(fired), "told as fired, but nothing moved"
    assert set(fired) <= told_fired | unknown, "moved, but neither told nor unknown"
    for command_id in range(1, run.next_id):
        _check_story(run.of(command_id))


def _check_story(states: list[ReceiptState]) -> None:
    story = [state for state in states if state is not ReceiptState.REFUSED]
    for earlier, later in pairwise(story):
        assert earlier.may_become(later), f"{earlier} was followed by {later}"
    assert story[-1:] != [ReceiptState.ACCEPTED], "an accepted command never ended"


@settings(deadline=None)
@given(FAULTS, STEPS)
def test_the_same_script_always_gives_the_same_answers(
    faults: tuple[Fault, ...], steps: list[tuple[str, float]]
) -> None:
    first, second = Run(faults, 2), Run(faults, 2)
    first.play(steps)
    second.play(steps)
    assert first.told == second.told
    assert first.driver.pulses == second.driver.pulses
