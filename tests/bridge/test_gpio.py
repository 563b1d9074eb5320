"""Pins: what is on, for how long, and what is refused before any is touched."""

from collections.abc import Iterator

import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin
from rigs import BINS, Clock
from waiting import wait_for

from sorter_firmware_bridge.bins import Command, Condition, ReceiptState
from sorter_firmware_bridge.drivers import open_driver
from sorter_firmware_bridge.drivers.gpio import drive_pins
from sorter_firmware_bridge.drivers.gpio_settings import (
    GpioSettings,
    Output,
    OutputKind,
    read_settings,
)
from sorter_firmware_bridge.drivers.host_timed import HostTimedDriver
from sorter_firmware_bridge.errors import (
    DriverMissing,
    DriverSettingsError,
    MachineLost,
    MachineUnavailable,
)

PINS = {
    1: Output(pin=17, pulse_s=0.1),
    2: Output(pin=27, pulse_s=0.1, active_high=False),
    7: Output(pin=22, kind=OutputKind.SERVO, pulse_s=0.2, angle=90.0, rest_angle=0.0),
}


@pytest.fixture
def factory() -> Iterator[MockFactory]:
    made = MockFactory(pin_class=MockPWMPin)
    yield made
    made.reset()


@pytest.fixture
def driver(factory: MockFactory, clock: Clock) -> Iterator[HostTimedDriver]:
    with drive_pins(BINS, GpioSettings(PINS), factory, clock, ticking=False) as made:
        made.arm()
        yield made


def test_a_solenoid_is_on_for_its_time_and_then_off(
    driver: HostTimedDriver, factory: MockFactory, clock: Clock
) -> None:
    driver.move_to(Command(1, BINS[0]))
    assert factory.pin(17).state == 1
    clock.now_s += 0.09
    driver.tick()
    assert factory.pin(17).state == 1
    clock.now_s += 0.02
    driver.tick()
    assert factory.pin(17).state == 0


def test_an_output_that_is_active_low_rests_high(
    driver: HostTimedDriver, factory: MockFactory
) -> None:
    assert factory.pin(27).state == 1
    driver.move_to(Command(1, BINS[1]))
    assert factory.pin(27).state == 0
    driver.stop("enough")
    assert factory.pin(27).state == 1


def test_a_servo_goes_there_and_back_and_gets_no_signal_at_rest(
    driver: HostTimedDriver, factory: MockFactory, clock: Clock
) -> None:
    """At 50 Hz, 2 ms are 0.1 of a period, and 1.5 ms are 0.075."""
    seen = []
    driver.move_to(Command(1, BINS[2]))
    for _ in range(3):
        seen.append(round(float(factory.pin(22).state), 3))
        clock.now_s += 0.21
        driver.tick()
    assert seen == [0.1, 0.075, 0.0]


def test_a_stop_switches_off_in_the_middle_of_a_movement(
    driver: HostTimedDriver, factory: MockFactory
) -> None:
    driver.move_to(Command(1, BINS[0]))
    assert factory.pin(17).state == 1
    assert driver.stop("hand in the machine").condition is Condition.SAFE
    assert factory.pin(17).state == 0


def test_a_second_movement_waits_for_the_first(
    driver: HostTimedDriver, factory: MockFactory, clock: Clock
) -> None:
    driver.move_to(Command(1, BINS[0]))
    driver.move_to(Command(2, BINS[1]))
    assert factory.pin(27).state == 1
    clock.now_s += 0.16
    driver.tick()
    assert (factory.pin(17).state, factory.pin(27).state) == (0, 0)


def test_a_busy_host_misses_the_deadline_instead_of_firing_late(
    driver: HostTimedDriver, factory: MockFactory, clock: Clock
) -> None:
    now_s = driver.state().clock_s
    driver.move_to(Command(1, BINS[0], now_s + 0.1, now_s + 0.2))
    clock.now_s += 0.3
    driver.tick()
    assert [receipt.state for receipt in driver.receipts()] == [ReceiptState.MISSED]
    assert not any(state.state for state in factory.pin(17).states)


def test_the_thread_ends_a_pulse_and_the_watchdog_although_nobody_calls(
    factory: MockFactory,
) -> None:
    settings = GpioSettings(PINS, watchdog_s=0.3)
    with drive_pins(BINS, settings, factory) as driver:
        driver.arm()
        assert driver.move_to(Command(1, BINS[0])).state is ReceiptState.ACCEPTED
        assert any(state.state for state in factory.pin(17).states)
        wait_for(lambda: factory.pin(17).state == 0, "the pin to go off")
        due_s = driver.state().clock_s + 5.0
        driver.move_to(Command(2, BINS[0], due_s, due_s + 1.0))
        found: list[str] = []
        wait_for(
            lambda: found.extend(r.cause for r in driver.receipts()) or "watchdog" in found,
            "the watchdog",
        )
        assert driver.state().condition is Condition.SAFE


def test_close_switches_off_ends_the_thread_and_gives_the_pins_back(
    factory: MockFactory,
) -> None:
    driver = drive_pins(BINS, GpioSettings(PINS), factory)
    pin = factory.pin(17)
    driver.arm()
    driver.move_to(Command(1, BINS[0]))
    driver.close()
    assert not any(state.state for state in pin.states[-1:])
    again = drive_pins(BINS, GpioSettings(PINS), factory)
    again.close()


def test_a_pin_that_something_else_holds_is_an_error_that_says_so(factory: MockFactory) -> None:
    settings = GpioSettings(PINS)
    with drive_pins(BINS, settings, factory) as first:
        with pytest.raises(MachineUnavailable, match="no other program holds them"):
            drive_pins(BINS, settings, factory)
        first.arm()
        first.move_to(Command(1, BINS[0]))
        assert [receipt.state for receipt in first.receipts()] == [ReceiptState.FIRED]


def test_a_pin_that_is_taken_away_is_a_lost_machine(
    driver: HostTimedDriver, factory: MockFactory
) -> None:
    factory.pin(17).function = "input"
    driver.move_to(Command(1, BINS[0]))
    assert [receipt.state for receipt in driver.receipts()] == [ReceiptState.UNKNOWN]
    with pytest.raises(MachineLost, match="switch the power of the actuators off"):
        driver.heartbeat()


def test_a_pin_that_cannot_be_driven_keeps_no_other_one_on(
    driver: HostTimedDriver, factory: MockFactory, clock: Clock
) -> None:
    """Whether the machine is lost in the middle of a movement, or while everything goes off."""
    driver.move_to(Command(1, BINS[1]))
    assert factory.pin(27).state == 0
    factory.pin(17).function = "input"
    with pytest.raises(MachineLost):
        driver.stop("enough")
    assert factory.pin(27).state == 1


def test_a_computer_without_lgpio_says_what_to_install() -> None:
    """On one that has it, the pins are missing instead: both say what to do."""
    with pytest.raises((DriverMissing, MachineUnavailable), match=r"pip install|expected a Rasp"):
        open_driver("gpio", BINS, {"pins": {str(n): {"pin": n} for n in (1, 2, 7)}})


def test_opens_from_a_configuration() -> None:
    pins = {"1": {"pin": 5}, "2": {"pin": 6, "pulse_s": 0.2}, "7": {"pin": 13, "kind": "servo"}}
    with open_driver("gpio", BINS, {"pins": pins, "pin_factory": "mock"}) as driver:
        assert driver.hello.timing == "host timed"
        assert driver.hello.promise == "at most once"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "pins: found None, expected a table"),
        ({"pins": {"1": {"pin": 17}, "2": {"pin": 17}}}, "bins 1 and 2 share pin 17"),
        ({"pins": {"1": {"pin": 54}}}, r"pin: found 54, expected a whole number 0\.\.53"),
        ({"pins": {"a": {"pin": 1}}}, "found 'a', expected the number of a bin"),
        ({"pins": {"1": {"pin": 4}, "01": {"pin": 5}}}, "pins: found bin 1 twice; keep one"),
        ({"pins": {"9" * 5000: {"pin": 4}}}, "expected the number of a bin"),
        ({"pins": {"1": {"pin": 1, "pulse_s": 3}}}, r"pulse_s: found 3, expected a number"),
        ({"pins": {"1": {"pin": 1, "kind": "motor"}}}, "allowed are pulse, servo"),
        ({"pins": {"1": {"pin": 1, "angle": 100}}}, "angle: found 100"),
        ({"pins": {"1": {"pin": 1, "min_angle": 90}}}, "expected a lower one"),
        ({"pins": {"1": {"pin": 1}}, "pin_factory": "x"}, "allowed are lgpio"),
        ({"pins": {"1": {"pin": 1}}, "pulse": 1}, "unknown key 'pulse'"),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, object], message: str) -> None:
    with pytest.raises(DriverSettingsError, match=message):
        read_settings(settings)


def test_a_bin_without_a_pin_is_named() -> None:
    with pytest.raises(DriverSettingsError, match="bin 7 'rest' has no pin"):
        open_driver("gpio", BINS, {"pins": {"1": {"pin": 1}, "2": {"pin": 2}}})
