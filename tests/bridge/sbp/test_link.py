"""The host's side of the link: doubt, resets, strangers, and what it says of them."""

from collections.abc import Callable

import pytest
from conversation import Host
from fault_proxy import Wire
from sbp_machines import bins_on, boot

from sorter_firmware_bridge.bins import Bin, Cause, Command, Condition, ReceiptState
from sorter_firmware_bridge.clock import ClockEstimate
from sorter_firmware_bridge.drivers.framed_driver import FramedDriver
from sorter_firmware_bridge.errors import MachineLost, MachineUnavailable
from sorter_firmware_bridge.frames import Frame, FrameReader, encode
from sorter_firmware_bridge.link import Link, LinkSettings, LinkState, Reset, Unanswered
from sorter_firmware_bridge.protocol import (
    ANSWER_BIT,
    CLOCK_MODULUS,
    Kind,
    Mode,
    Result,
    greeting_payload,
    read_greeting,
)

BINS = (Bin(1, "plates"), Bin(2, "rest"))
QUICK = LinkSettings(answer_timeout_s=0.02, attempts=3, open_timeout_s=0.4)


class Bench:
    """A native machine on a wire that a test can cut in either direction."""

    def __init__(self) -> None:
        self.machine = boot("native")
        self.wire = Wire(self.machine)
        self.cut_down: Callable[[Frame], bool] = lambda frame: False
        self.cut_up: Callable[[Frame], bool] = lambda frame: False
        self.copies: list[bytes] = []
        self.link = Link(self, QUICK, self.wire.now_s)

    def write(self, chunk: bytes) -> None:
        (frame,) = FrameReader().feed(chunk)
        if not self.cut_down(frame):
            self.wire.write(chunk)

    def read(self, timeout_s: float) -> bytes:
        chunk = self.wire.read(timeout_s)
        frames = FrameReader().feed(chunk)
        self.copies += map(encode, frames)
        return b"".join(encode(frame) for frame in frames if not self.cut_up(frame))

    def close(self) -> None:
        self.wire.close()

    def driver(self) -> FramedDriver:
        driver = FramedDriver(self.link, BINS, ("gate",), clock=self.wire.now_s)
        driver.arm()
        return driver


@pytest.fixture
def bench() -> Bench:
    return Bench()


def _of(kind: Kind) -> Callable[[Frame], bool]:
    return lambda frame: frame.type & ~ANSWER_BIT == kind


def _nothing(_: Frame) -> bool:
    return False


def test_a_question_is_repeated_under_its_number_and_executed_once(bench: Bench) -> None:
    driver = bench.driver()
    answers = iter([True, True, False])
    bench.cut_up = lambda frame: frame.type == Kind.MOVE | ANSWER_BIT and next(answers)
    assert driver.move_to(Command(1, BINS[0])).state is ReceiptState.ACCEPTED
    assert bench.link.counters.repeats == 2
    bench.wire.wait(0.1)
    assert bins_on(bench.machine.edges()) == [1]


def test_a_lost_command_is_unknown_and_its_number_is_used_up_before_the_next(
    bench: Bench,
) -> None:
    driver = bench.driver()
    lost: list[Frame] = []
    bench.cut_down = lambda frame: frame.type == Kind.MOVE and (lost.append(frame) or True)
    assert driver.move_to(Command(1, BINS[0])).state is ReceiptState.UNKNOWN
    assert bench.link.state is LinkState.DOUBTFUL
    bench.cut_down = _nothing
    assert driver.move_to(Command(2, BINS[1])).state is ReceiptState.ACCEPTED
    assert bench.link.state is LinkState.OPEN
    # A copy of the lost command turns up after all.
    bench.wire.write(encode(lost[0]))
    bench.wire.wait(0.1)
    assert bins_on(bench.machine.edges()) == [2]


def test_a_command_whose_answers_were_lost_is_unknown_and_never_fires_again(bench: Bench) -> None:
    driver = bench.driver()
    bench.cut_up = _of(Kind.MOVE)
    assert driver.move_to(Command(1, BINS[0])).state is ReceiptState.UNKNOWN
    bench.cut_up = _nothing
    assert driver.heartbeat().condition is Condition.ARMED
    assert driver.move_to(Command(2, BINS[1])).state is ReceiptState.ACCEPTED
    bench.wire.wait(0.1)
    assert bins_on(bench.machine.edges()) == [1, 2]
    assert [r.command_id for r in driver.receipts()] == [2]


def test_two_silences_in_a_row_are_a_lost_link(bench: Bench) -> None:
    driver = bench.driver()
    bench.cut_up = lambda frame: True
    with pytest.raises(Unanswered, match=r"does not answer \(3 tries\); its watchdog stops it"):
        driver.heartbeat()
    with pytest.raises(MachineLost):
        driver.heartbeat()
    assert bench.link.state is LinkState.LOST
    assert driver.move_to(Command(1, BINS[0])).state is ReceiptState.UNKNOWN


@pytest.mark.parametrize("last_word", ["heartbeat", "command"])
def test_a_machine_that_was_lost_by_silence_and_hears_again_is_stopped_at_closing(
    bench: Bench, last_word: str
) -> None:
    driver = bench.driver()
    bench.cut_down = lambda frame: True
    with pytest.raises(Unanswered):
        driver.heartbeat()
    if last_word == "command":
        assert driver.move_to(Command(1, BINS[0])).state is ReceiptState.UNKNOWN
    else:
        with pytest.raises(Unanswered):
            driver.heartbeat()
    assert bench.link.state is LinkState.LOST
    bench.cut_down = _nothing
    driver.close()
    assert Host(bench.machine).hello().mode is Mode.SAFE


def test_a_machine_of_another_program_is_not_stopped_at_closing(bench: Bench) -> None:
    driver = bench.driver()
    other = Host(bench.machine)
    other.open()
    other.arm()
    with pytest.raises(Reset):
        driver.heartbeat()
    driver.close()
    assert other.hello().mode is Mode.ARMED


def test_a_stale_answer_is_never_taken(bench: Bench) -> None:
    driver = bench.driver()
    driver.heartbeat()
    stale = bench.copies[-1]
    bench.cut_up = lambda frame: True
    original = bench.read
    bench.read = lambda timeout_s: original(timeout_s) or stale  # type: ignore[method-assign]
    with pytest.raises(MachineLost):
        driver.state()
    assert bench.link.counters.stale >= 3


def test_a_reset_leaves_what_was_on_its_way_unknown(bench: Bench) -> None:
    driver = bench.driver()
    due_s = driver.state().clock_s + 0.3
    driver.move_to(Command(1, BINS[0], due_s, due_s + 1))
    bench.machine.reset()
    with pytest.raises(Reset, match="the machine was reset"):
        driver.heartbeat()
    (receipt,) = driver.receipts()
    assert (receipt.state, receipt.cause) == (ReceiptState.UNKNOWN, Cause.RESTART)
    bench.wire.wait(1.0)
    assert bench.machine.edges() == []


def test_another_program_that_opens_a_session_is_named(bench: Bench) -> None:
    driver = bench.driver()
    Host(bench.machine).open()
    with pytest.raises(Reset, match="another program opened a session"):
        driver.heartbeat()


def test_a_port_that_goes_while_the_reason_of_a_refusal_is_asked_for_is_a_lost_link(
    bench: Bench,
) -> None:
    driver = bench.driver()
    bench.machine.reset()

    def unplug_at_hello(frame: Frame) -> bool:
        bench.wire.plugged = frame.type != Kind.HELLO
        return False

    bench.cut_down = unplug_at_hello
    with pytest.raises(Reset, match="the machine ended the session"):
        driver.heartbeat()
    assert bench.link.state is LinkState.LOST


def test_a_stop_by_another_is_not_told_with_the_reason_of_an_older_one(bench: Bench) -> None:
    driver = bench.driver()
    assert driver.stop("hand in the machine").reason == "hand in the machine"
    driver.arm()
    Host(bench.machine).stop()
    assert driver.state().reason == "it was stopped"


def test_a_pulled_cable_is_lost_and_a_new_one_begins_disarmed(bench: Bench) -> None:
    driver = bench.driver()
    due_s = driver.state().clock_s + 0.2
    driver.move_to(Command(1, BINS[0], due_s, due_s + 1))
    bench.wire.plugged = False
    with pytest.raises(MachineLost, match="its port is gone"):
        driver.state()
    assert [r.state for r in driver.receipts()] == [ReceiptState.UNKNOWN]
    driver.close()
    wire = Wire(bench.machine)
    again = FramedDriver(Link(wire, QUICK, wire.now_s), BINS, clock=wire.now_s)
    # The machine was armed for somebody who went away.
    assert again.state().condition is Condition.SAFE
    assert "another program" in again.state().reason
    wire.wait(1.0)
    assert bench.machine.edges() == []


class Stranger:
    """Something else at the port."""

    def __init__(self, answer: Callable[[bytes], bytes]) -> None:
        self._answer, self._out = answer, b""

    def write(self, chunk: bytes) -> None:
        self._out += self._answer(chunk)

    def read(self, timeout_s: float) -> bytes:
        out, self._out = self._out, b""
        return out

    def close(self) -> None:
        """Nothing is held."""


def _other_version(question: bytes) -> bytes:
    machine = boot("twin")
    machine.put(question)
    (frame,) = FrameReader().feed(machine.get())
    greeting = read_greeting(frame.payload)
    values = {name: getattr(greeting, name) for name in greeting.__slots__}
    newer = type(greeting)(**{**values, "result": Result.NO_VERSION, "versions": (2, 3)})
    return encode(Frame(frame.type, 0, 0, greeting_payload(newer)))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda _: b"", "nothing answers; check cable and power"),
        (lambda _: b"\x8e\x11\x07" * 9, "not in frames; check that the baud rate"),
        (lambda _: b"ok T:20.1\r\n", "not in frames; check that the baud rate"),
        (lambda _: encode(Frame(0x81, 0, 0, b"hello")), "gives no greeting of sbp/1"),
        (lambda question: question, "gives no greeting of sbp/1"),
        (_other_version, r"speaks sbp/2 to sbp/3, this program sbp/1 to sbp/1; flash the firmware"),
    ],
    ids=["silence", "other baud", "printer", "other frames", "echo", "other version"],
)
def test_what_is_no_machine_of_ours_is_named(
    answer: Callable[[bytes], bytes], message: str
) -> None:
    link = Link(Stranger(answer), QUICK)
    with pytest.raises(MachineUnavailable, match=message):
        link.open()


def test_bins_that_the_machine_lacks_are_not_declared_and_refused(bench: Bench) -> None:
    bins = (*BINS, Bin(99, "attic"))
    driver = FramedDriver(bench.link, bins, clock=bench.wire.now_s)
    declared = [bin_.number for bin_ in driver.hello.bins]
    assert declared == [1, 2, 3, 4]
    driver.arm()
    receipt = driver.move_to(Command(1, bins[2]))
    assert receipt.cause is Cause.UNKNOWN_BIN
    assert "bin 99 'attic'; it has 1, 2, 3, 4" in receipt.reason


@pytest.mark.parametrize("rate", [0.995, 1.0, 1.005])
def test_the_clock_is_learned_with_its_rate(rate: float) -> None:
    estimate, origin_us = ClockEstimate(), CLOCK_MODULUS - 3_000_000
    for place in range(60):
        sent_s = 100 + place * 0.25
        # Slow down, quick up: halfway is wrong by less than half the round trip.
        machine_us = origin_us + (sent_s + 0.006 - 100) * rate * 1e6
        estimate.add(sent_s, sent_s + 0.008, round(machine_us) % CLOCK_MODULUS)
    ahead_s = 100 + 60 * 0.25 + 2.0
    right_s = (origin_us + (ahead_s - 100) * rate * 1e6) / 1e6
    assert abs(estimate.at(ahead_s) - right_s) <= 0.004
    assert estimate.error_s(ahead_s) < 0.01
