"""What happens after an hour, after 65536 questions and after 256 events: every number wraps."""

from dataclasses import dataclass

import pytest
from fault_proxy import Wire
from sbp_machines import TABLE, Avr, Machine, Native, Twin, bins_on

from sorter_firmware_bridge.bins import Bin, Command, ReceiptState
from sorter_firmware_bridge.drivers.framed_driver import FramedDriver
from sorter_firmware_bridge.drivers.framed_settings import read_settings
from sorter_firmware_bridge.firmware.table import Table
from sorter_firmware_bridge.link import Link, LinkSettings
from sorter_firmware_bridge.protocol import EventKind

BINS = tuple(Bin(output.bin, f"bin {output.bin}") for output in TABLE.output)
QUESTIONS = 66_000
COMMANDS = 300
SECOND_US = 1_000_000


def _driver(machine: Machine, settings: LinkSettings | None = None) -> tuple[Wire, FramedDriver]:
    wire = Wire(machine)
    driver = FramedDriver(Link(wire, settings, wire.now_s), BINS, clock=wire.now_s)
    driver.arm()
    return wire, driver


@pytest.mark.parametrize("kind", [Native, Twin])
def test_commands_across_the_wrap_of_the_clock_fire_on_time(
    kind: type[Native] | type[Twin],
) -> None:
    machine = kind(TABLE, now_us=2**32 - SECOND_US)
    wire, driver = _driver(machine)
    dues, told = {}, []
    for id_ in range(1, 41):
        due_s = dues[id_] = driver.state().clock_s + 0.13
        driver.move_to(Command(id_, BINS[id_ % 4], due_s, due_s + 0.1))
        wire.wait(0.05)
        told += driver.receipts()
    wire.wait(0.3)
    told += driver.receipts()
    assert [receipt.state for receipt in told] == [ReceiptState.FIRED] * 40
    late = [(receipt.clock_s or 0.0) - dues[receipt.command_id] for receipt in told]
    # Nothing was early, but for what a number of 64 bits cannot hold.
    assert min(late) > -1e-6
    assert max(late) < 0.0002
    assert driver.state().clock_s > 2**32 / 1e6


@dataclass(slots=True)
class Direct:
    """A `link.Transport` that takes no time of its own."""

    machine: Machine

    def write(self, chunk: bytes) -> None:
        self.machine.run(self.machine.now_us + 200)
        self.machine.put(chunk)

    def read(self, timeout_s: float) -> bytes:
        return self.machine.get()

    def close(self) -> None:
        """Nothing is held."""


def test_the_numbers_of_questions_and_events_wrap_and_nothing_is_lost_or_done_twice() -> None:
    machine = Native(TABLE)
    link = Link(Direct(machine), clock=lambda: machine.now_us / 1e6)
    link.open()
    link.arm()
    for place in range(QUESTIONS):
        if place % (QUESTIONS // COMMANDS) == 0:
            link.move(1 + place % 4, None, None)
        else:
            link.poll()
    events = link.events()
    assert [event.kind for event in events] == [EventKind.FIRED] * COMMANDS
    assert [event.detail for event in events] == bins_on(machine.edges())
    assert len({event.seq for event in events}) == COMMANDS
    assert link.counters.questions == QUESTIONS + 2
    assert link.next_seq == (QUESTIONS + 2) % 65536


def test_a_slow_line_is_not_asked_again_while_its_answer_is_on_the_way() -> None:
    baud = 9600
    settings = read_settings({"port": "a", "baud": baud}).link
    machine = Avr(Table(TABLE.output, baud=baud, watchdog_ms=2000))
    wire, driver = _driver(machine, settings)
    due_s = driver.state().clock_s + 1.5
    for id_ in range(1, 9):
        driver.move_to(Command(id_, BINS[id_ % 4], due_s, due_s + 1))
    wire.wait(1.0)
    told = []
    for _ in range(4):
        # Answers with four events are the longest there are.
        driver.heartbeat()
        told += driver.receipts()
    assert [receipt.state for receipt in told] == [ReceiptState.FIRED] * 8
    assert driver.link.counters.repeats == 0
    assert driver.link.counters.damaged == 0


@pytest.mark.parametrize(
    ("settings", "patience_s"),
    [
        ({}, 0.06),
        ({"baud": 500_000}, 0.06),
        ({"baud": 9600}, 0.05 + 850 / 9600),
        ({"baud": 9600, "answer_timeout_s": 0.5}, 0.5),
    ],
)
def test_the_patience_fits_the_line(settings: dict[str, object], patience_s: float) -> None:
    found = read_settings({"port": "a", **settings}).link.answer_timeout_s
    assert found == pytest.approx(patience_s, abs=0.003)
