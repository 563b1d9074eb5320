"""A host, a machine and everything that comes between them, in any order hypothesis thinks of."""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

from fault_proxy import Wire
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sbp_machines import TABLE, Native, Twin, with_drop_sensor

from sorter_firmware_bridge.bins import Bin, Command, Condition, ReceiptState
from sorter_firmware_bridge.drivers.framed_driver import FramedDriver
from sorter_firmware_bridge.errors import MachineError
from sorter_firmware_bridge.firmware.table import Table
from sorter_firmware_bridge.frames import Frame, encode
from sorter_firmware_bridge.link import Link, LinkSettings
from sorter_firmware_bridge.protocol import Kind

TABLES = (TABLE, with_drop_sensor())
BINS = tuple(Bin(output.bin, f"bin {output.bin}") for output in TABLE.output)
LINK = LinkSettings(answer_timeout_s=0.01, attempts=3, open_timeout_s=0.6)
COPIES = 12
WRAPS_US = 2**32 - 400_000


@dataclass(slots=True)
class CutWire(Wire):
    """Loses as many frames as it is told to, each way, and remembers what went down."""

    losing: Counter[str] = field(default_factory=Counter)
    copies: deque[bytes] = field(default_factory=lambda: deque(maxlen=COPIES))

    def _send(self, way: str, frame: bytes) -> None:
        if way == "down":
            self.copies.append(frame)
        if self.losing[way] > 0:
            self.losing[way] -= 1
        else:
            self._later(0.0, way == "down", frame)


class Conversation(RuleBasedStateMachine):
    """What is told of a command, against what the outputs did."""

    @initialize(
        kind=st.sampled_from([Native, Twin]),
        table=st.sampled_from(TABLES),
        now_us=st.sampled_from([0, WRAPS_US]),
    )
    def power(self, kind: type[Native] | type[Twin], table: Table, now_us: int) -> None:
        self.machine = kind(table, now_us=now_us)
        self.sent: dict[int, int] = {}
        self.states: dict[int, ReceiptState] = {}
        self.next_id = 1
        self.nonces = iter(range(1, 2**31))
        self.may_move = False
        self.still = 0
        self.driver = self._opened()

    def _opened(self) -> FramedDriver:
        self.wire = CutWire(self.machine)
        link = Link(self.wire, LINK, self.wire.now_s, self.nonces.__next__)
        return FramedDriver(link, BINS, clock=self.wire.now_s)

    def _asked(self, question: Callable[[], object]) -> bool:
        try:
            question()
        except MachineError:
            return False
        return True

    def _pulses(self) -> Counter[int]:
        return Counter(edge.bin for edge in self.machine.edges() if edge.on)

    def _stands_still(self) -> None:
        self.may_move = False
        self.still = self._pulses().total()

    @rule()
    def arm(self) -> None:
        self.may_move = True
        self._asked(self.driver.arm)

    @rule()
    def stop(self) -> None:
        if self._asked(lambda: self.driver.stop("test")):
            self._stands_still()

    @rule()
    def beat(self) -> None:
        self._asked(self.driver.heartbeat)

    @rule(bin_=st.sampled_from(BINS), ahead_ms=st.none() | st.integers(-20, 300))
    def move(self, bin_: Bin, ahead_ms: int | None) -> None:
        clock_s = self.driver.link.clock.at(self.wire.now_s())
        due_s = None if ahead_ms is None else clock_s + ahead_ms / 1000
        command = Command(self.next_id, bin_, due_s, None if due_s is None else due_s + 0.05)
        receipt = self.driver.move_to(command)
        if receipt.state is not ReceiptState.REFUSED:
            self.sent[command.id], self.states[command.id] = bin_.number, receipt.state
            assert self.driver.move_to(command).command_id == command.id
            self.next_id += 1

    @rule(ms=st.integers(1, 700))
    def wait(self, ms: int) -> None:
        self.wire.wait(ms / 1000)

    @rule(way=st.sampled_from(["down", "up"]), count=st.integers(1, 9))
    def lose(self, way: str, count: int) -> None:
        self.wire.losing[way] += count

    @rule(which=st.integers(0, COPIES - 1))
    def hear_an_old_copy(self, which: int) -> None:
        self.machine.put(self.wire.copies[which % len(self.wire.copies)])

    @rule()
    def see_something(self) -> None:
        self.machine.sensed()
        self.machine.drop()

    @rule()
    def lose_power(self) -> None:
        self.machine.reset()
        self._stands_still()

    @rule()
    def be_stopped_by_another(self) -> None:
        self.machine.put(encode(Frame(Kind.STOP, 0, 7)))
        self._stands_still()

    @rule()
    def collect(self) -> None:
        for receipt in self.driver.receipts():
            before = self.states[receipt.command_id]
            assert before.may_become(receipt.state)
            self.states[receipt.command_id] = receipt.state

    @rule()
    def open_again(self) -> None:
        self.wire.losing.clear()
        self.driver.close()
        self.collect()
        assert ReceiptState.ACCEPTED not in self.states.values()
        # A driver knows its own commands alone.
        self.next_id = 1 + max(self.sent, default=0)
        self.driver = self._opened()
        self._stands_still()
        assert self.driver.state().condition is not Condition.ARMED

    @invariant()
    def nothing_moves_that_was_not_armed(self) -> None:
        if not self.may_move:
            assert self._pulses().total() == self.still

    @invariant()
    def what_happened_is_what_is_told(self) -> None:
        told, open_ = Counter[int](), Counter[int]()
        for command_id, bin_ in self.sent.items():
            state = self.states[command_id]
            told[bin_] += state in (ReceiptState.FIRED, ReceiptState.CONFIRMED)
            open_[bin_] += state in (ReceiptState.ACCEPTED, ReceiptState.UNKNOWN)
        pulses = self._pulses()
        for bin_ in (bin_.number for bin_ in BINS):
            assert told[bin_] <= pulses[bin_] <= told[bin_] + open_[bin_]

    def teardown(self) -> None:
        if hasattr(self, "driver"):
            self.open_again()
            self.driver.close()


Conversation.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestConversation = Conversation.TestCase
