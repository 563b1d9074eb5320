"""What every kind of machine keeps to; the machines are in rigs.RIGS."""

import pytest
from rigs import BINS, Rig

from sorter_firmware_bridge.bins import (
    Bin,
    Cause,
    Command,
    Condition,
    Promise,
    Receipt,
    ReceiptState,
    Timing,
)
from sorter_firmware_bridge.drivers import Driver
from sorter_firmware_bridge.errors import DriverClosed


def test_a_machine_is_opened_disarmed_and_says_what_it_is(rig: Rig) -> None:
    hello = rig.driver.hello
    assert hello.bins == BINS
    assert hello.queue_depth >= 1
    assert hello.watchdog_s > 0
    assert rig.driver.state().condition is Condition.DISARMED


def test_a_machine_that_waits_on_the_host_promises_no_more_than_at_most_once(rig: Rig) -> None:
    hello = rig.driver.hello
    expected = {Timing.HOST: Promise.AT_MOST_ONCE, Timing.MACHINE: Promise.EXACTLY_ONCE}
    assert hello.promise is expected[hello.timing]


def test_a_disarmed_machine_refuses_and_moves_nothing(rig: Rig) -> None:
    receipt = rig.driver.move_to(Command(1, BINS[0]))
    assert (receipt.state, receipt.cause) == (ReceiptState.REFUSED, Cause.NOT_ARMED)
    assert "disarmed" in receipt.reason
    _pass(rig, rig.over_s)
    assert rig.fired() == []


def test_accepted_then_fired_then_confirmed_only_where_a_sensor_sees(rig: Rig) -> None:
    rig.driver.arm()
    accepted = rig.driver.move_to(Command(1, BINS[0]))
    assert accepted.state is ReceiptState.ACCEPTED
    _pass(rig, rig.over_s)
    told = [ReceiptState.FIRED] + [ReceiptState.CONFIRMED] * rig.driver.hello.confirms
    assert [receipt.state for receipt in rig.news(len(told))] == told
    assert rig.fired() == [1]


def test_an_id_that_was_sent_is_not_sent_again(rig: Rig) -> None:
    rig.driver.arm()
    rig.driver.move_to(Command(1, BINS[0]))
    again = rig.driver.move_to(Command(1, BINS[1]))
    assert again.command_id == 1
    _pass(rig, rig.over_s)
    rig.news(1)
    assert rig.driver.move_to(Command(1, BINS[0])).state in (
        ReceiptState.FIRED,
        ReceiptState.CONFIRMED,
    )
    _pass(rig, rig.over_s)
    assert rig.fired() == [1]


def test_an_id_below_the_newest_never_moves_anything(rig: Rig) -> None:
    rig.driver.arm()
    rig.driver.move_to(Command(5, BINS[0]))
    receipt = rig.driver.move_to(Command(4, BINS[1]))
    assert (receipt.state, receipt.cause) == (ReceiptState.REFUSED, Cause.REPEATED)
    _pass(rig, rig.over_s)
    assert rig.fired() == [5]


def test_a_bin_the_machine_does_not_have_is_refused_by_name(rig: Rig) -> None:
    rig.driver.arm()
    receipt = rig.driver.move_to(Command(1, Bin(99, "nowhere")))
    assert (receipt.state, receipt.cause) == (ReceiptState.REFUSED, Cause.UNKNOWN_BIN)
    assert "99" in receipt.reason
    assert "nowhere" in receipt.reason


def test_nothing_fires_before_it_is_due(rig: Rig) -> None:
    rig.driver.arm()
    due_s = rig.driver.state().clock_s + 1.0
    rig.driver.move_to(Command(1, BINS[0], due_s, due_s + 0.1))
    _pass(rig, 0.9)
    assert rig.fired() == []
    _pass(rig, 0.2)
    assert rig.fired() == [1]
    fired = rig.news(1)[0]
    assert fired.clock_s is not None
    assert due_s <= fired.clock_s <= due_s + 0.1


def test_a_command_that_comes_after_its_deadline_is_refused(rig: Rig) -> None:
    rig.driver.arm()
    _pass(rig, 1.0)
    past_s = rig.driver.state().clock_s - 0.5
    receipt = rig.driver.move_to(Command(1, BINS[0], past_s, past_s))
    assert (receipt.state, receipt.cause) == (ReceiptState.REFUSED, Cause.TOO_LATE)


def test_a_full_queue_is_back_pressure_and_the_id_stays_free(rig: Rig) -> None:
    rig.driver.arm()
    due_s = rig.driver.state().clock_s + 1.0
    depth = rig.driver.hello.queue_depth
    for command_id in range(1, depth + 1):
        receipt = rig.driver.move_to(Command(command_id, BINS[0], due_s, due_s + 60.0))
        assert receipt.state is ReceiptState.ACCEPTED
    full = rig.driver.move_to(Command(depth + 1, BINS[0]))
    assert (full.state, full.cause) == (ReceiptState.REFUSED, Cause.QUEUE_FULL)
    assert rig.driver.state().queued == depth
    _pass(rig, 6 * rig.over_s)
    assert rig.driver.move_to(Command(depth + 1, BINS[0])).state is ReceiptState.ACCEPTED
    _pass(rig, rig.over_s)
    assert rig.fired() == list(range(1, depth + 2))


def test_stop_drops_the_queue_and_only_arm_leaves_safe(rig: Rig) -> None:
    rig.driver.arm()
    due_s = rig.driver.state().clock_s + 1.0
    rig.driver.move_to(Command(1, BINS[0], due_s, due_s + 1.0))
    state = rig.driver.stop("hand in the machine")
    assert state.condition is Condition.SAFE
    assert "hand in the machine" in state.reason
    assert state.queued == 0
    assert _ends(rig.news(1)) == [(1, ReceiptState.MISSED, Cause.STOPPED)]
    assert rig.driver.heartbeat().condition is Condition.SAFE
    assert rig.driver.move_to(Command(2, BINS[0])).cause is Cause.NOT_ARMED
    _pass(rig, rig.over_s)
    assert rig.fired() == []
    assert rig.driver.arm().condition is Condition.ARMED
    rig.driver.move_to(Command(2, BINS[0]))
    _pass(rig, rig.over_s)
    assert rig.fired() == [2]


@pytest.mark.parametrize("before", ["disarmed", "armed", "safe"])
def test_stop_works_in_any_condition_and_keeps_the_first_reason(rig: Rig, before: str) -> None:
    if before != "disarmed":
        rig.driver.arm()
    if before == "safe":
        rig.driver.stop("first")
    state = rig.driver.stop("second")
    assert state.condition is Condition.SAFE
    assert state.reason == ("first" if before == "safe" else "second")


def test_silence_makes_an_armed_machine_safe_and_drops_its_queue(rig: Rig) -> None:
    rig.driver.arm()
    watchdog_s = rig.driver.hello.watchdog_s
    due_s = rig.driver.state().clock_s + watchdog_s * 2
    rig.driver.move_to(Command(1, BINS[0], due_s, due_s + 1.0))
    rig.wait(watchdog_s * 3)
    assert _ends(rig.news(1)) == [(1, ReceiptState.MISSED, Cause.WATCHDOG)]
    state = rig.driver.state()
    assert state.condition is Condition.SAFE
    assert "watchdog" in state.reason
    assert rig.fired() == []


def test_a_heartbeat_keeps_the_watchdog_quiet(rig: Rig) -> None:
    rig.driver.arm()
    for _ in range(10):
        rig.wait(rig.driver.hello.watchdog_s * 0.6)
        assert rig.driver.heartbeat().condition is Condition.ARMED


def test_collecting_receipts_is_no_sign_of_life(rig: Rig) -> None:
    rig.driver.arm()
    for _ in range(10):
        rig.wait(rig.driver.hello.watchdog_s * 0.6)
        rig.driver.receipts()
    assert rig.driver.state().condition is Condition.SAFE


def test_closing_stops_is_safe_twice_and_leaves_the_last_receipts(rig: Rig) -> None:
    with rig.driver as driver:
        driver.arm()
        due_s = driver.state().clock_s + 1.0
        driver.move_to(Command(1, BINS[0], due_s, due_s + 1.0))
    driver.close()
    assert _ends(driver.receipts()) == [(1, ReceiptState.MISSED, Cause.STOPPED)]
    rig.wait(rig.over_s)
    assert rig.fired() == []


@pytest.mark.parametrize(
    "call",
    [
        lambda driver: driver.state(),
        lambda driver: driver.heartbeat(),
        lambda driver: driver.arm(),
        lambda driver: driver.stop("x"),
        lambda driver: driver.move_to(Command(1, BINS[0])),
        lambda driver: driver.sensor_events(),
    ],
)
def test_a_closed_machine_says_so(rig: Rig, call: object) -> None:
    rig.driver.close()
    with pytest.raises(DriverClosed, match="open it again"):
        call(rig.driver)  # type: ignore[operator]


def _pass(rig: Rig, duration_s: float) -> None:
    """Let time pass with a host that is alive."""
    step_s = rig.driver.hello.watchdog_s / 2
    while duration_s > 0:
        rig.wait(min(step_s, duration_s))
        duration_s -= step_s
        _beat(rig.driver)


def _beat(driver: Driver) -> None:
    driver.heartbeat()


def _ends(receipts: tuple[Receipt, ...]) -> list[tuple[int, ReceiptState, Cause]]:
    return [(receipt.command_id, receipt.state, receipt.cause) for receipt in receipts]
