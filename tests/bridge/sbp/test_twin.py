"""The twin and the firmware's core, told the same at the same times, answer byte for byte."""

from hypothesis import example, given, settings
from hypothesis import strategies as st
from sbp_machines import TABLE, TICK_US, Native, Twin, with_drop_sensor

from sorter_firmware_bridge.firmware.table import Output, Table
from sorter_firmware_bridge.frames import Frame, encode
from sorter_firmware_bridge.protocol import (
    Kind,
    arm_payload,
    hello_payload,
    move_payload,
    poll_payload,
)

SHARED = Table(
    (
        Output(1, "servo", 9, on_ms=20, rest_ms=5),
        Output(2, "servo", 9, on_ms=20, rest_ms=5),
        Output(7, "pulse", 4, on_ms=3),
    ),
    watchdog_ms=100,
)
TABLES = (TABLE, SHARED, with_drop_sensor(window_ms=60))
WRAPS_US = 2**32 - 300_000
TIMES = st.integers(0, 4000).map(lambda ticks: ticks * TICK_US)
STEPS = st.one_of(
    st.tuples(st.just("wait"), TIMES),
    st.tuples(st.just("hello"), st.just(0)),
    st.tuples(st.just("open"), st.integers(-1, 2)),
    st.tuples(st.just("arm"), st.integers(-1, 1)),
    st.tuples(st.just("poll"), st.integers(0, 5)),
    st.tuples(st.just("quiet"), st.integers(0, 5)),
    st.tuples(st.just("stop"), st.just(0)),
    st.tuples(st.just("move"), st.sampled_from([1, 2, 3, 4, 7])),
    st.tuples(st.just("timed"), TIMES),
    st.tuples(st.just("narrow"), TIMES),
    st.tuples(st.just("again"), st.just(0)),
    st.tuples(st.just("sense"), st.just(0)),
    st.tuples(st.just("reset"), st.just(0)),
    st.tuples(st.just("noise"), st.integers(0, 255)),
)


class Pair:
    """Both machines, and one host that tells them the same."""

    def __init__(self, table: Table, now_us: int) -> None:
        self.twin = Twin(table, now_us)
        self.native = Native(table, now_us=now_us)
        self.session = 1
        self.seq = 0
        self.acknowledged = 0
        self.newest = b""

    def both(self, chunk: bytes) -> None:
        self.newest = chunk
        for machine in (self.twin, self.native):
            machine.put(chunk)

    def ask(self, kind: int, payload: bytes, skip: int = 0) -> None:
        self.seq = (self.seq + 1 + skip) % 65536
        self.both(encode(Frame(kind, self.session, self.seq, payload)))

    def now(self) -> int:
        return int(self.twin.now_us)

    def wait(self, duration_us: int) -> None:
        for machine in (self.twin, self.native):
            machine.run(machine.now_us + duration_us)

    def hello(self, _: int) -> None:
        self.both(encode(Frame(Kind.HELLO, 0, 0, hello_payload(5))))

    def open(self, off: int) -> None:
        self.session, self.seq = (self.session + off) % 65536, 0
        self.both(encode(Frame(Kind.OPEN, self.session, 0)))

    def arm(self, skip: int) -> None:
        self.ask(Kind.ARM, arm_payload(self.acknowledged), skip)

    def poll(self, known: int) -> None:
        self.acknowledged = (self.acknowledged + known) % 256
        self.ask(Kind.POLL, poll_payload(self.acknowledged, True))

    def quiet(self, known: int) -> None:
        self.ask(Kind.POLL, poll_payload((self.acknowledged + known) % 256, False))

    def stop(self, _: int) -> None:
        self.both(encode(Frame(Kind.STOP, 0, 3)))

    def move(self, bin_number: int) -> None:
        self.ask(Kind.MOVE, move_payload(self.acknowledged, bin_number, None, None))

    def timed(self, ahead_us: int) -> None:
        due = self.now() + ahead_us
        self.ask(Kind.MOVE, move_payload(self.acknowledged, 1, due, due + 50_000))

    def narrow(self, ahead_us: int) -> None:
        due = self.now() + ahead_us
        self.ask(Kind.MOVE, move_payload(self.acknowledged, 2, None, due))

    def again(self, _: int) -> None:
        self.both(self.newest)

    def sense(self, _: int) -> None:
        for machine in (self.twin, self.native):
            machine.sensed()
        self.twin.machine.drop()
        self.native.drop()

    def reset(self, _: int) -> None:
        for machine in (self.twin, self.native):
            machine.reset()

    def noise(self, byte: int) -> None:
        self.both(bytes([byte]))


@settings(deadline=None, max_examples=150)
@given(st.sampled_from(TABLES), st.sampled_from([0, WRAPS_US]), st.lists(STEPS, max_size=60))
@example(TABLE, WRAPS_US, [("timed", 200_000), ("wait", 350_000), ("poll", 0)])
def test_the_twin_is_the_firmware_byte_for_byte(
    table: Table, now_us: int, steps: list[tuple[str, int]]
) -> None:
    pair = Pair(table, now_us)
    for name, value in [("hello", 0), ("open", 1), ("arm", 0), *steps, ("wait", 500_000)]:
        getattr(pair, name)(value)
        assert pair.twin.get() == pair.native.get(), f"after {name} {value}"
    twin = [(e.bin, e.on, e.at_us % 2**32) for e in pair.twin.edges()]
    native = [(e.bin, e.on, e.at_us) for e in pair.native.edges()]
    assert twin == native
