"""The register map over a real server: lost answers, other devices, resets and second hosts."""

import random
from collections.abc import Callable, Iterator

import pytest
from machines.broker import free_port
from machines.core import Core, Happened
from machines.modbus_machine import ModbusMachine
from machines.serial_pair import serial_pair
from pymodbus.constants import ExcCodes
from rigs import BINS, Clock

from sorter_firmware_bridge.bins import Bin, Cause, Command, Condition, ReceiptState
from sorter_firmware_bridge.drivers import modbus_map, open_driver
from sorter_firmware_bridge.drivers.modbus import ModbusDriver, open_machine, read_settings
from sorter_firmware_bridge.errors import DriverSettingsError, MachineLost, MachineUnavailable

SHORT = {"timeout_s": 0.3, "retries": 1, "answer_s": 0.3}


@pytest.fixture
def machine() -> Iterator[ModbusMachine]:
    made = ModbusMachine(Core(Clock(5.0)))
    yield made
    made.end()


@pytest.fixture
def connect(machine: ModbusMachine) -> Iterator[Callable[..., ModbusDriver]]:
    port = machine.serve_tcp()
    opened: list[ModbusDriver] = []

    def make(**settings: object) -> ModbusDriver:
        patient = {"timeout_s": 2.0, "answer_s": 10.0}
        where = {"host": "127.0.0.1", "tcp_port": port}
        opened.append(open_machine(BINS, {**where, **patient, **settings}))
        return opened[-1]

    yield make
    machine.lose = lambda: False
    for driver in opened:
        driver.close()


def _go_on(machine: ModbusMachine, duration_s: float) -> None:
    clock = machine.core.clock
    assert isinstance(clock, Clock)
    for _ in clock.steps(duration_s):
        with machine.core.lock:
            machine.core.tick()


def test_parameters_are_written_before_the_number_that_starts_them(
    machine: ModbusMachine, connect: Callable[..., ModbusDriver]
) -> None:
    driver = connect()
    driver.arm()
    machine.writes.clear()
    driver.move_to(Command(65537, BINS[1], due_s=6.0005, deadline_s=6.0995))
    (at, parameters), (number_at, _) = machine.writes[:2]
    assert (at, number_at) == (140, 150)
    assert parameters[1:] == [2, 3, 0, 6001, 0, 6099, 1, 1]


def test_every_command_fires_once_although_a_third_of_the_answers_is_lost(
    machine: ModbusMachine, connect: Callable[..., ModbusDriver]
) -> None:
    """A lost answer repeats the request; the machine must not take it for another one."""
    driver = connect(timeout_s=0.05, retries=5)
    chance = random.Random(4)
    driver.arm()
    machine.lose = lambda: chance.random() < 0.33
    states: list[ReceiptState] = []
    for command_id in range(1, 21):
        states.append(driver.move_to(Command(command_id, BINS[command_id % 3])).state)
        _go_on(machine, 0.3)
    machine.lose = lambda: False
    assert states == [ReceiptState.ACCEPTED] * 20
    assert machine.core.fired == list(range(1, 21))
    told = [(r.command_id, r.state) for r in driver.receipts()]
    assert told == [
        (command_id, state)
        for command_id in range(1, 21)
        for state in (ReceiptState.FIRED, ReceiptState.CONFIRMED)
    ]


def test_without_any_answer_the_command_is_unknown_and_the_machine_lost(
    machine: ModbusMachine, connect: Callable[..., ModbusDriver]
) -> None:
    driver = connect(**SHORT)
    driver.arm()
    due_s = driver.state().clock_s + 1.0
    driver.move_to(Command(1, BINS[0], due_s, due_s + 1.0))
    machine.lose = lambda: True
    assert driver.move_to(Command(2, BINS[0])).cause is Cause.NO_ANSWER
    assert [(r.command_id, r.state) for r in driver.receipts()] == [(1, ReceiptState.UNKNOWN)]
    with pytest.raises(MachineLost, match="check cable, power, unit and register base"):
        driver.heartbeat()
    refused = driver.move_to(Command(3, BINS[0]))
    assert (refused.state, "nothing was sent" in refused.reason) == (ReceiptState.REFUSED, True)


def test_a_command_is_not_written_over_one_that_was_not_judged_yet(
    machine: ModbusMachine, connect: Callable[..., ModbusDriver]
) -> None:
    """Else a slow machine would act upon the second one under the first one's number, and then
    refuse it as repeated: fired, and told as never taken."""
    driver = connect(answer_s=0.3)
    driver.arm()
    machine.judging = False
    assert driver.move_to(Command(1, BINS[0])).state is ReceiptState.UNKNOWN
    second = driver.move_to(Command(2, BINS[1]))
    assert (second.state, second.cause) == (ReceiptState.REFUSED, Cause.QUEUE_FULL)
    assert "nothing was sent: the machine has not judged" in second.reason
    machine.judging = True
    driver.heartbeat()
    assert driver.move_to(Command(2, BINS[1])).state is ReceiptState.ACCEPTED
    _go_on(machine, 0.5)
    assert machine.core.fired == [1, 2]
    told = [(r.command_id, r.state) for r in driver.receipts()]
    assert told == [(2, ReceiptState.FIRED), (2, ReceiptState.CONFIRMED)]


def test_a_new_host_does_not_take_the_judgement_of_the_last_ones_command_for_its_own(
    machine: ModbusMachine, connect: Callable[..., ModbusDriver]
) -> None:
    first = connect(answer_s=0.3)
    first.arm()
    machine.judging = False
    first.move_to(Command(1, BINS[0]))
    second = connect()
    machine.judging = True
    second.arm()
    assert second.move_to(Command(1, BINS[1])).state is ReceiptState.ACCEPTED
    _go_on(machine, 0.5)
    told = [(r.command_id, r.state) for r in second.receipts()]
    assert told == [(1, ReceiptState.FIRED), (1, ReceiptState.CONFIRMED)]


def test_a_machine_that_refuses_one_request_is_stopped_when_it_is_closed(
    machine: ModbusMachine, connect: Callable[..., ModbusDriver], monkeypatch: pytest.MonkeyPatch
) -> None:
    driver = connect()
    driver.arm()
    with monkeypatch.context() as busy:
        busy.setattr(machine, "_written", lambda *_: ExcCodes.DEVICE_BUSY)
        with pytest.raises(MachineLost, match="exception_code=6"):
            driver.heartbeat()
    driver.close()
    assert machine.core.condition is Condition.SAFE


def test_a_lost_host_leaves_a_machine_that_stops_itself(
    machine: ModbusMachine, connect: Callable[..., ModbusDriver]
) -> None:
    driver = connect(**SHORT)
    driver.arm()
    due_s = driver.state().clock_s + 5.0
    driver.move_to(Command(1, BINS[0], due_s, due_s + 1.0))
    machine.lose = lambda: True
    _go_on(machine, 10.0)
    assert machine.core.condition is Condition.SAFE
    assert machine.core.fired == []


def test_a_server_that_ends_in_between_is_lost(
    machine: ModbusMachine, connect: Callable[..., ModbusDriver]
) -> None:
    driver = connect(**SHORT)
    driver.arm()
    machine.end()
    assert driver.move_to(Command(1, BINS[0])).state is ReceiptState.UNKNOWN
    with pytest.raises(MachineLost, match="open it again"):
        driver.state()


def test_a_reset_machine_leaves_what_was_in_flight_unknown(
    machine: ModbusMachine, connect: Callable[..., ModbusDriver]
) -> None:
    driver = connect()
    driver.arm()
    due_s = driver.state().clock_s + 1.0
    driver.move_to(Command(1, BINS[0], due_s, due_s + 1.0))
    machine.reset()
    with pytest.raises(MachineLost, match="was reset; open it again"):
        driver.heartbeat()
    found = [(r.command_id, r.state, r.cause) for r in driver.receipts()]
    assert found == [(1, ReceiptState.UNKNOWN, Cause.RESTART)]
    _go_on(machine, 3.0)
    assert machine.core.fired == []


def test_a_second_host_takes_over_a_disarmed_machine_and_the_first_is_told(
    machine: ModbusMachine, connect: Callable[..., ModbusDriver]
) -> None:
    first = connect()
    first.arm()
    second = connect()
    assert second.state().condition is Condition.DISARMED
    with pytest.raises(MachineLost, match="another host took over"):
        first.heartbeat()
    second.arm()
    first.close()
    assert second.state().condition is Condition.ARMED


def test_a_new_host_begins_with_any_id_again(
    machine: ModbusMachine, connect: Callable[..., ModbusDriver]
) -> None:
    with connect() as first:
        first.arm()
        first.move_to(Command(500, BINS[0]))
        _go_on(machine, 0.5)
    second = connect()
    second.arm()
    assert second.move_to(Command(1, BINS[0])).state is ReceiptState.ACCEPTED
    _go_on(machine, 0.5)
    told = [(r.command_id, r.state) for r in second.receipts()]
    assert told == [(1, ReceiptState.FIRED), (1, ReceiptState.CONFIRMED)]


def test_the_clock_goes_on_when_its_32_bits_are_full(
    machine: ModbusMachine, connect: Callable[..., ModbusDriver]
) -> None:
    clock = machine.core.clock
    assert isinstance(clock, Clock)
    clock.now_s = 2**32 / 1000 - 0.5
    driver = connect()
    before_s = driver.state().clock_s
    clock.now_s = 2**32 / 1000 + 0.5
    assert driver.state().clock_s - before_s == pytest.approx(1.0, abs=0.002)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"magic": [1, 2]}, "is no sorting machine: registers 0 and 1 hold 0x0001 0x0002"),
        ({"version": 2}, "speaks version 2 of the register map, expected 1"),
    ],
)
def test_another_device_is_named(
    machine: ModbusMachine,
    connect: Callable[..., ModbusDriver],
    changes: dict[str, object],
    message: str,
) -> None:
    for name, value in changes.items():
        setattr(machine, name, value)
    with pytest.raises(MachineUnavailable, match=message):
        connect()


def test_a_bin_that_the_machine_lacks_is_named_at_opening(machine: ModbusMachine) -> None:
    settings = {"host": "127.0.0.1", "tcp_port": machine.serve_tcp()}
    with pytest.raises(MachineUnavailable, match=r"lacks bin 9 'wheels'; it has bins 1, 2, 7"):
        open_machine((Bin(1, "plates"), Bin(9, "wheels")), settings)


def test_nobody_there_and_the_wrong_unit_are_errors_that_say_so(
    machine: ModbusMachine, connect: Callable[..., ModbusDriver]
) -> None:
    nobody = {"host": "127.0.0.1", "tcp_port": free_port(), "timeout_s": 0.5}
    with pytest.raises(MachineUnavailable, match="check address, port, cable and power"):
        open_driver("modbus", BINS, nobody)
    with pytest.raises(MachineUnavailable, match=r"unit 9 .* check cable, power, unit"):
        connect(unit=9, **SHORT)
    with pytest.raises(MachineUnavailable, match="register base"):
        connect(base=1000, **SHORT)


def test_a_wrong_baud_rate_is_asked_about() -> None:
    """A pseudo terminal has no baud rate: the far end says nothing that is Modbus."""
    with serial_pair() as (near, _):
        settings = {"port": near, "baud": 19200, **SHORT}
        with pytest.raises(MachineUnavailable, match="is it 19200 baud, parity N"):
            open_driver("modbus", BINS, settings)


def test_a_port_that_is_held_or_missing_is_an_error() -> None:
    with pytest.raises(MachineUnavailable, match="no other program holds it"):
        open_driver("modbus", BINS, {"port": "/dev/not-there"})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "expected a host for Modbus TCP, or a serial port"),
        ({"host": "a", "port": "b"}, "expected a host for Modbus TCP, or a serial port"),
        ({"host": 1}, "host: found 1, expected a text"),
        ({"host": "a", "unit": 248}, r"unit: found 248, expected a whole number 0\.\.247"),
        ({"port": "a", "parity": "X"}, "allowed are N, E, O"),
        ({"host": "a", "base": 65400}, "base: found 65400"),
        ({"host": "a", "units": 2}, "did you mean 'unit'"),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, object], message: str) -> None:
    with pytest.raises(DriverSettingsError, match=message):
        read_settings(settings)


def test_a_status_of_noise_is_an_error_and_not_a_condition() -> None:
    noise = [0xFFFF] * modbus_map.STATUS_SIZE
    with pytest.raises(ValueError, match="condition 65535"):
        modbus_map.read_status(noise)


def test_a_machine_that_nobody_reads_holds_its_news_and_takes_no_more(
    machine: ModbusMachine, connect: Callable[..., ModbusDriver]
) -> None:
    driver = connect()
    driver.arm()
    for command_id in range(1, 5):
        driver.move_to(Command(command_id, BINS[0]))
    _go_on(machine, 1.0)
    for number in range(9, 25):
        machine.untold.append(Happened(number, ReceiptState.FIRED, Cause.NONE, 6.0))
    machine.taken = machine.events - 16
    full = driver.move_to(Command(30, BINS[0]))
    assert (full.state, full.cause) == (ReceiptState.REFUSED, Cause.QUEUE_FULL)
    assert len(driver.receipts()) == 8
