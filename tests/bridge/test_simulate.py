"""A simulated machine at a pseudo terminal, and a tap between it and its app."""

import os
import termios
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from waiting import wait_for

from sorter_firmware_bridge.bins import Bin, Command, Condition, ReceiptState
from sorter_firmware_bridge.drivers import open_driver
from sorter_firmware_bridge.drivers.framed import SerialTransport
from sorter_firmware_bridge.drivers.simulated_machine import Edge
from sorter_firmware_bridge.errors import MachineUnavailable
from sorter_firmware_bridge.firmware.table import Drop, Output, Sensor, Table
from sorter_firmware_bridge.frames import Frame, encode
from sorter_firmware_bridge.protocol import Kind, hello_payload
from sorter_firmware_bridge.pseudo_port import PseudoPort
from sorter_firmware_bridge.simulate import Simulation, machine_of
from sorter_firmware_bridge.tap import Seen, Tap

BINS = (Bin(1, "plates"), Bin(2, "tiles"))
MACHINE = Table(
    (Output(1, "pulse", 4, on_ms=10), Output(2, "pulse", 5, on_ms=10)),
    # A test on a busy computer may be slow.
    watchdog_ms=20_000,
    sensor=(Sensor(2),),
    drop=(Drop(3),),
    window_ms=10_000,
)
WORDS = (
    (True, "HELLO s0 #0  speaks sbp/1..1"),
    (False, "OK, boot 1, bins 1, 2, watchdog 20000 ms, firmware 1.0, DISARMED"),
    (True, "OPEN"),
    (True, "ARM"),
    (True, "MOVE  s2 #2  to bin 1 as soon as possible, knows events before 0"),
    (False, "event 0 #2 fired bin 1 at"),
    (True, "STOP"),
    (False, "SAFE (stopped)"),
)
HELLO = encode(Frame(Kind.HELLO, 0, 0, hello_payload(7)))


@contextmanager
def _living(step: Callable[[], object]) -> Iterator[None]:
    ended = threading.Event()

    def live() -> None:
        while not ended.is_set():
            step()

    thread = threading.Thread(target=live)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(20)


def test_a_simulation_fires_and_its_drop_sensor_confirms() -> None:
    edges: list[Edge] = []
    told: list[ReceiptState] = []
    with PseudoPort() as port:
        simulation = Simulation(machine_of(MACHINE), port, drop_after_s=0.02)
        with (
            _living(lambda: edges.extend(simulation.step())),
            open_driver("framed", BINS, {"port": port.path}) as driver,
        ):
            assert driver.hello.confirms
            driver.arm()
            driver.move_to(Command(1, BINS[1]))

            def confirmed() -> bool:
                told.extend(receipt.state for receipt in driver.receipts())
                return ReceiptState.CONFIRMED in told

            wait_for(confirmed, "the drop")
    assert told == [ReceiptState.FIRED, ReceiptState.CONFIRMED]
    assert [(edge.output, edge.on) for edge in edges] == [(1, True), (1, False)]


def test_everything_that_goes_through_a_tap_is_described() -> None:
    seen: list[Seen] = []
    with PseudoPort() as app, PseudoPort() as far:
        simulation = Simulation(machine_of(MACHINE), far)
        tap = Tap(app, SerialTransport(far.path, 115200))
        with (
            _living(simulation.step),
            _living(lambda: seen.extend(tap.step())),
            open_driver("framed", BINS, {"port": app.path}) as driver,
        ):
            assert driver.arm().condition is Condition.ARMED
            driver.move_to(Command(1, BINS[0]))
            wait_for(lambda: driver.receipts(), "the end of it")
            driver.stop("seen enough")
    texts = [(one.down, one.text) for one in seen]
    for down, words in WORDS:
        assert any(one == down and words in text for one, text in texts), words
    assert not any("damaged" in text or "not of sbp" in text for _, text in texts)
    assert [one.at_s for one in seen] == sorted(one.at_s for one in seen)


def test_a_tap_counts_what_is_no_frame() -> None:
    with PseudoPort() as app, PseudoPort() as far:
        tap = Tap(app, far)
        found: list[Seen] = []
        with SerialEnd(app.path) as end:
            end.write(b"\0noise\0" + HELLO)
            wait_for(lambda: found.extend(tap.step()) or len(found) >= 2, "both")
    assert [one.text for one in found] == ["HELLO s0 #0  speaks sbp/1..1", "1 damaged pieces"]


def test_a_terminal_that_nobody_reads_does_not_block_the_simulation() -> None:
    with PseudoPort() as port:
        simulation = Simulation(machine_of(MACHINE), port)
        with SerialEnd(port.path) as end:
            # Each answer has forty bytes; a terminal holds some thousands.
            for _ in range(1000):
                end.write(HELLO)
                simulation.step()
            end.forget()
            end.write(HELLO)
            wait_for(lambda: simulation.step() or end.waiting() > 0, "an answer")


def test_what_a_host_says_is_kept_when_its_full_terminal_is_emptied() -> None:
    with PseudoPort() as port, SerialEnd(port.path) as end:
        end.write(b"STOP")
        for _ in range(300):
            port.write(b"x" * 1000)
        assert port.read(5.0) == b"STOP"


class SerialEnd:
    """The host's end of a terminal."""

    def __init__(self, path: str) -> None:
        self._end = os.open(path, os.O_RDWR | os.O_NOCTTY)

    def write(self, chunk: bytes) -> None:
        assert os.write(self._end, chunk) == len(chunk)

    def forget(self) -> None:
        termios.tcflush(self._end, termios.TCIFLUSH)

    def waiting(self) -> int:
        os.set_blocking(self._end, False)
        try:
            return len(os.read(self._end, 4096))
        except BlockingIOError:
            return 0

    def __enter__(self) -> "SerialEnd":
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._end)


def test_a_name_that_another_port_has_taken_over_is_left_to_it(tmp_path: Path) -> None:
    name = tmp_path / "machine"
    first = PseudoPort(name)
    second = PseudoPort(name)
    first.close()
    assert str(name.readlink()) == second.path
    second.close()
    second.close()
    assert not name.is_symlink()


def test_a_name_that_is_a_file_is_left_alone(tmp_path: Path) -> None:
    name = tmp_path / "machine"
    name.write_text("mine")
    with pytest.raises(MachineUnavailable, match="no link can be made there"):
        PseudoPort(name)
    assert name.read_text() == "mine"


def test_a_name_that_is_a_link_to_something_else_is_left_alone(tmp_path: Path) -> None:
    name = tmp_path / "machine"
    name.symlink_to(tmp_path / "mine")
    with pytest.raises(MachineUnavailable, match="no link can be made there"):
        PseudoPort(name)
    assert name.readlink() == tmp_path / "mine"
