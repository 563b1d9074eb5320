"""Framed machines on real pseudo terminals: the very program of an Arduino, cables that are pulled,
hosts that die, and strangers at the port."""

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import serial
from machines.framed_board import ROOT, Board
from machines.line_machine import LineMachine
from waiting import wait_for

from sorter_firmware_bridge.bins import Bin, Command, Condition, Promise, Receipt, ReceiptState
from sorter_firmware_bridge.drivers import Driver, open_driver
from sorter_firmware_bridge.drivers.framed import SerialTransport
from sorter_firmware_bridge.drivers.framed_settings import read_settings
from sorter_firmware_bridge.errors import DriverSettingsError, MachineLost, MachineUnavailable

BINS = (Bin(1, "plates"), Bin(2, "tiles"))
WATCHDOG_MS = 700
LONG_MS = 1500
MACHINE = f"""
watchdog_ms = {WATCHDOG_MS}

[[output]]
bin = 1
kind = "pulse"
pin = 4
on_ms = {LONG_MS}

[[output]]
bin = 2
kind = "pulse"
pin = 5
on_ms = 10

[[sensor]]
pin = 2
"""
SAFE_WITHIN_US = WATCHDOG_MS * 1000 + 5_000
QUEUED_S = 3.0
HOST = """
import sys
from sorter_firmware_bridge.bins import Bin, Command
from sorter_firmware_bridge.drivers import open_driver

bins = (Bin(1, "plates"), Bin(2, "tiles"))
with open_driver("framed", bins, {"port": sys.argv[1]}) as machine:
    machine.arm()
    now_s = machine.state().clock_s
    for place in range(4):
        due_s = now_s + 1.0 + 0.3 * place
        machine.move_to(Command(1 + place, bins[1], due_s, due_s + 5.0))
    machine.move_to(Command(9, bins[0]))
    while True:
        machine.heartbeat()
        machine.receipts()
"""


@pytest.fixture(params=["avr", "twin"])
def board(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Board]:
    made = Board(tmp_path, MACHINE, request.param)
    made.plug_in()
    yield made
    made.pull_out()


@pytest.fixture
def arduino(tmp_path: Path) -> Iterator[Board]:
    made = Board(tmp_path, MACHINE)
    made.plug_in()
    yield made
    made.pull_out()


def _open(port: Path | str, **settings: object) -> Driver:
    return open_driver("framed", BINS, {"port": str(port), **settings})


def _told(driver: Driver, count: int) -> list[Receipt]:
    found: list[Receipt] = []

    def enough() -> bool:
        driver.heartbeat()
        found.extend(driver.receipts())
        return len(found) >= count

    wait_for(enough, f"{count} receipts")
    return found


def test_what_is_told_is_what_the_pins_did(board: Board) -> None:
    with _open(board.port) as driver:
        assert (driver.hello.promise, driver.hello.kind) == (Promise.EXACTLY_ONCE, "framed")
        assert driver.hello.watchdog_s == WATCHDOG_MS / 1000
        assert driver.hello.sensors == ("gate",)
        assert driver.state().condition is Condition.DISARMED
        assert driver.arm().condition is Condition.ARMED
        due_s = driver.state().clock_s + 0.2
        driver.move_to(Command(1, BINS[1], due_s, due_s + 5))
        driver.move_to(Command(2, BINS[1]))
        told = _told(driver, 2)
        wait_for(lambda: len(board.edges()) == 4, "two pulses")
        for receipt, start in zip(told, board.edges()[::2], strict=True):
            assert receipt.state is ReceiptState.FIRED
            assert receipt.clock_s is not None
            # The machine's clock begins while it boots, before its port is there.
            assert abs(receipt.clock_s - start[2] / 1e6) < 0.02
        assert [receipt.command_id for receipt in told] == [2, 1]
        assert told[1].clock_s is not None
        assert told[1].clock_s >= due_s
    assert board.end() == 0
    assert not board.port.is_symlink()


def test_a_pulled_cable_loses_the_machine_and_a_new_one_begins_disarmed(arduino: Board) -> None:
    driver = _open(arduino.port)
    driver.arm()
    due_s = driver.state().clock_s + 3.0
    driver.move_to(Command(1, BINS[1], due_s, due_s + 1))
    arduino.pull_out()
    with pytest.raises(MachineLost, match="its port is gone"):
        driver.heartbeat()
    assert [(r.command_id, r.state) for r in driver.receipts()] == [(1, ReceiptState.UNKNOWN)]
    assert driver.move_to(Command(2, BINS[1])).state is ReceiptState.UNKNOWN
    driver.close()
    arduino.plug_in()
    with _open(arduino.port) as again:
        assert again.state().condition is Condition.DISARMED
        refused = again.move_to(Command(1, BINS[1]))
        assert (refused.state, arduino.edges()) == (ReceiptState.REFUSED, [])
        again.arm()
        again.move_to(Command(1, BINS[1]))
        assert [r.state for r in _told(again, 1)] == [ReceiptState.FIRED]
    assert arduino.bins_on() == [2]


def test_a_command_whose_answer_never_came_is_unknown(arduino: Board) -> None:
    driver = _open(arduino.port, attempts=2)
    driver.arm()
    arduino.pull_out()
    receipt = driver.move_to(Command(1, BINS[1]))
    assert receipt.state is ReceiptState.UNKNOWN
    assert driver.move_to(Command(1, BINS[1])) == receipt
    with pytest.raises(MachineLost):
        driver.stop("cable")
    driver.close()


def test_a_second_host_is_told_that_another_program_holds_the_port(board: Board) -> None:
    with _open(board.port) as first:
        first.arm()
        with pytest.raises(MachineUnavailable, match="another program holds it"):
            _open(board.port)
        assert first.heartbeat().condition is Condition.ARMED


def killed_host(arduino: Board) -> tuple[float, float]:
    """Kill a host with the long output on and four commands in the queue.

    Returns:
        When the output went on and off, on the clock of the chip in microseconds.
    """
    paths = {**os.environ, "PYTHONPATH": str(ROOT)}
    host = subprocess.Popen([sys.executable, "-c", HOST, str(arduino.port)], env=paths)
    wait_for(lambda: arduino.bins_on() == [1], "the long output")
    host.kill()
    host.wait(20)
    wait_for(lambda: len(arduino.edges()) >= 2, "the end of the long output")
    (_, _, on_us), (bin_, on, off_us) = arduino.edges()
    assert (bin_, on) == (1, False)
    return on_us, off_us


def test_a_host_that_is_killed_leaves_everything_safe_within_the_watchdog(
    arduino: Board,
) -> None:
    on_us, off_us = killed_host(arduino)
    # On the machine's own clock, in cycles.
    assert off_us - arduino.heard_us() <= SAFE_WITHIN_US
    assert off_us - on_us < LONG_MS * 1000
    with _open(arduino.port) as driver:
        assert driver.state().condition is Condition.SAFE
        past_s = on_us / 1e6 + QUEUED_S
        wait_for(lambda: driver.state().clock_s > past_s, "the due times of what was queued")
        assert arduino.bins_on() == [1]
        driver.arm()
        driver.move_to(Command(1, BINS[1]))
        assert [r.state for r in _told(driver, 1)] == [ReceiptState.FIRED]
    assert arduino.bins_on() == [1, 2]


def test_no_such_port_and_one_that_is_no_terminal(tmp_path: Path) -> None:
    with pytest.raises(MachineUnavailable, match="no such port: check the cable, then run"):
        _open(tmp_path / "none")
    (tmp_path / "file").write_text("")
    for wrong in (tmp_path / "file", tmp_path):
        with pytest.raises(MachineUnavailable, match="it is no serial port"):
            _open(wrong)
    with pytest.raises(MachineUnavailable, match="an address such as socket://"):
        _open("socket://127.0.0.1")


@pytest.mark.parametrize(
    ("number", "message"),
    [
        (errno.EACCES, "sudo usermod -aG dialout"),
        (errno.EBUSY, "another program holds it"),
        (errno.EIO, "check the port and the cable"),
    ],
)
def test_a_port_that_does_not_open_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, number: int, message: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise serial.SerialException(number, os.strerror(number))

    monkeypatch.setattr(serial, "serial_for_url", refuse)
    with pytest.raises(MachineUnavailable, match=message):
        SerialTransport("/dev/ttyACM0", 115200)


class Stranger(LineMachine):
    """Answers every piece of bytes, lines or not."""

    def __init__(self, answer: Callable[[bytes], bytes], greeting: bytes) -> None:
        self._bytes = answer
        super().__init__(lambda line: [], greeting)

    def _answer(self, buffer: bytes) -> bytes:
        self.say(self._bytes(buffer))
        return b""


STRANGERS = {
    "echo": (lambda found: found, b"", "gives no greeting of sbp/1; is it another device"),
    "printer": (lambda _: b"ok T:20.1\n", b"start\necho:Marlin 2.1\n", "not in frames; check that"),
    "wrong baud": (lambda found: bytes(b | 0x81 for b in found), b"\xfe\x80", "the baud rate"),
    "silence": (lambda _: b"", b"", "nothing answers; check cable and power"),
}


@pytest.mark.parametrize("name", STRANGERS)
def test_what_is_no_machine_of_ours_is_named(name: str) -> None:
    stranger = Stranger(*STRANGERS[name][:2])
    with pytest.raises(MachineUnavailable, match=STRANGERS[name][2]) as caught:
        _open(stranger.port, open_timeout_s=0.8)
    stranger.unplug()
    assert stranger.port in str(caught.value)


def test_a_port_that_goes_while_it_is_opened_is_unavailable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stranger = Stranger(lambda _: b"", b"")

    def gone(*_: object) -> bytes:
        raise serial.SerialException("device reports readiness to read but returned no data")

    monkeypatch.setattr(SerialTransport, "read", gone)
    with pytest.raises(MachineUnavailable, match="its port is gone"):
        _open(stranger.port)
    stranger.unplug()


class Silenced(SerialTransport):
    """A machine that stops answering when it is told to."""

    silent = False

    def read(self, timeout_s: float) -> bytes:
        found = super().read(timeout_s)
        return b"" if self.silent else found


def test_a_machine_that_stops_answering_is_lost_and_stays_so(
    arduino: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sorter_firmware_bridge.drivers.framed.SerialTransport", Silenced)
    driver = _open(arduino.port, attempts=3, answer_timeout_s=0.2)
    driver.arm()
    monkeypatch.setattr(Silenced, "silent", True)
    assert driver.move_to(Command(1, BINS[1])).state is ReceiptState.UNKNOWN
    with pytest.raises(MachineLost, match=r"does not answer \(3 tries\); its watchdog stops it"):
        driver.heartbeat()
    monkeypatch.setattr(Silenced, "silent", False)
    with pytest.raises(MachineLost):
        driver.heartbeat()
    driver.close()
    # It was told, and nobody knew: once, and never again.
    wait_for(lambda: arduino.bins_on() == [2], "the pulse")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "port: found None, expected a serial port such as"),
        ({"port": 7}, "port: found 7"),
        ({"port": "a", "bauds": 9600}, "unknown key 'bauds'; did you mean 'baud'"),
        ({"port": "a", "baud": 300}, r"baud: found 300, expected a whole number 1200\.\.2000000"),
        ({"port": "a", "sensors": "gate"}, "sensors: found 'gate', expected a list of names"),
        ({"port": "a", "answer_timeout_s": 0}, "answer_timeout_s: found 0"),
        ({"port": "a", "attempts": 0}, "attempts: found 0"),
        ({"port": "a", "open_timeout_s": 100}, "open_timeout_s: found 100"),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, object], message: str) -> None:
    with pytest.raises(DriverSettingsError, match=message):
        read_settings(settings)
