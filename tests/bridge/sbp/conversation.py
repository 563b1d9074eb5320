"""A host that says exactly what it is told to: for tests of the machine's side."""

from sbp_machines import Machine

from sorter_firmware_bridge.frames import Frame, FrameReader, encode
from sorter_firmware_bridge.protocol import (
    ANSWER_BIT,
    Greeting,
    Kind,
    Status,
    arm_payload,
    hello_payload,
    move_payload,
    poll_payload,
    read_greeting,
    read_status,
)

ANSWER_US = 15_000


class Host:
    """One conversation with a machine; everything goes through at the first try.

    Attributes:
        session: The one that is open.
        seq: Of the newest question.
    """

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.session = 0
        self.seq = 0
        self._reader = FrameReader()

    def say(self, chunk: bytes) -> list[Frame]:
        """Send bytes; what the machine answers."""
        self.machine.put(chunk)
        self.machine.run(self.machine.now_us + ANSWER_US)
        return self._reader.feed(self.machine.get())

    def ask(self, frame: Frame) -> Frame:
        """Send a frame and give the one answer to it."""
        (answer,) = self.say(encode(frame))
        assert answer.type == frame.type | ANSWER_BIT
        return answer

    def hello(self) -> Greeting:
        return read_greeting(self.ask(Frame(Kind.HELLO, 0, 0, hello_payload(7))).payload)

    def open(self) -> Status:
        self.session = self.hello().session + 1
        self.seq = 0
        return read_status(self.ask(Frame(Kind.OPEN, self.session, 0)).payload)

    def arm(self) -> Status:
        return self.next(Kind.ARM, arm_payload(0))

    def poll(self, acknowledged: int = 0, alive: bool = True) -> Status:
        return self.next(Kind.POLL, poll_payload(acknowledged, alive))

    def move(
        self, bin_number: int, due_us: int | None = None, deadline_us: int | None = None
    ) -> Status:
        return self.next(Kind.MOVE, move_payload(0, bin_number, due_us, deadline_us))

    def stop(self) -> Status:
        return read_status(self.ask(Frame(Kind.STOP, 0, 99)).payload)

    def next(self, kind: Kind, payload: bytes) -> Status:
        """The next question in order."""
        self.seq += 1
        return read_status(self.ask(Frame(kind, self.session, self.seq, payload)).payload)

    def wait(self, duration_us: float) -> None:
        self.machine.run(self.machine.now_us + duration_us)


def armed(machine: Machine) -> Host:
    """A host that has opened a session and armed."""
    host = Host(machine)
    host.open()
    host.arm()
    return host
