"""The host's side of sbp/1 over any byte transport: sessions, sequence, retry, clock, events.

One question is on its way at a time. A question that gets no answer is asked again under the same
sequence number, so that the machine knows it for the same. When that fails too, the link is in
doubt: the next question first closes the gap with a POLL under the doubtful number. Whatever the
machine answers, a late copy of the lost question can never be executed after that.

    CLOSED --open--> OPEN
    OPEN --unanswered--> DOUBTFUL
    DOUBTFUL --answered--> OPEN
    DOUBTFUL --unanswered--> LOST
    OPEN --refused--> LOST
    DOUBTFUL --refused--> LOST
    OPEN --port_gone--> LOST
    DOUBTFUL --port_gone--> LOST
    OPEN --close--> CLOSED
    DOUBTFUL --close--> CLOSED
    LOST --close--> CLOSED
"""

import math
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from sorter_firmware_bridge.clock import ClockEstimate
from sorter_firmware_bridge.errors import MachineLost, MachineUnavailable
from sorter_firmware_bridge.frames import VERSION, Frame, FrameReader, encode
from sorter_firmware_bridge.protocol import (
    ANSWER_BIT,
    NEWEST_VERSION,
    OLDEST_VERSION,
    Event,
    Greeting,
    Kind,
    ProtocolError,
    Result,
    Status,
    arm_payload,
    hello_payload,
    move_payload,
    poll_payload,
    read_greeting,
    read_status,
)

MAX_EVENTS_KEPT = 4096
HELLO_TIMEOUT_S = 0.2


class Transport(Protocol):
    """Something bytes go through."""

    def write(self, chunk: bytes) -> None:
        """Send bytes.

        Raises:
            OSError: It is gone.
        """

    def read(self, timeout_s: float) -> bytes:
        """What has arrived; waits for the first byte for so long at most.

        Raises:
            OSError: It is gone.
        """

    def close(self) -> None:
        """Let go of it; never raises."""


class LinkState(StrEnum):
    """Whether the machine hears us."""

    CLOSED = "closed"
    OPEN = "open"
    DOUBTFUL = "doubtful"
    LOST = "lost"


class LinkEvent(StrEnum):
    """What leads from one state to another."""

    OPEN = "open"
    ANSWERED = "answered"
    UNANSWERED = "unanswered"
    REFUSED = "refused"
    PORT_GONE = "port_gone"
    CLOSE = "close"


TRANSITIONS: dict[tuple[LinkState, LinkEvent], LinkState] = {
    (LinkState.CLOSED, LinkEvent.OPEN): LinkState.OPEN,
    (LinkState.OPEN, LinkEvent.UNANSWERED): LinkState.DOUBTFUL,
    (LinkState.DOUBTFUL, LinkEvent.ANSWERED): LinkState.OPEN,
    (LinkState.DOUBTFUL, LinkEvent.UNANSWERED): LinkState.LOST,
    (LinkState.OPEN, LinkEvent.REFUSED): LinkState.LOST,
    (LinkState.DOUBTFUL, LinkEvent.REFUSED): LinkState.LOST,
    (LinkState.OPEN, LinkEvent.PORT_GONE): LinkState.LOST,
    (LinkState.DOUBTFUL, LinkEvent.PORT_GONE): LinkState.LOST,
    (LinkState.OPEN, LinkEvent.CLOSE): LinkState.CLOSED,
    (LinkState.DOUBTFUL, LinkEvent.CLOSE): LinkState.CLOSED,
    (LinkState.LOST, LinkEvent.CLOSE): LinkState.CLOSED,
}


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """How patient the host is.

    Attributes:
        answer_timeout_s: How long one answer may take.
        attempts: How often a question is asked before the link is in doubt.
        open_timeout_s: How long a machine may take to say hello; a board that is reset by opening
            its port needs about two seconds.
    """

    answer_timeout_s: float = 0.06
    attempts: int = 16
    open_timeout_s: float = 5.0


@dataclass(slots=True)
class LinkCounters:
    """What happened on the wire since the link was opened.

    Attributes:
        questions: Asked.
        repeats: Asked again, because no answer came in time.
        stale: Answers to something else, thrown away.
        damaged: Pieces that were no frame.
        doubts: Questions that nobody answered.
    """

    questions: int = 0
    repeats: int = 0
    stale: int = 0
    damaged: int = 0
    doubts: int = 0


class Unanswered(MachineLost):
    """A question got no answer however often it was asked.

    Attributes:
        seq: The number it was asked under.
    """

    def __init__(self, seq: int, message: str) -> None:
        super().__init__(message)
        self.seq = seq


class Reset(MachineLost):
    """The machine lost its session: it was reset, or another program opened it."""


class Link:
    """One session with one machine; used by one thread.

    Args:
        transport: An open one; the link closes it.
        settings: How patient it is.
        clock: Seconds, monotonic.
        nonce: Numbers 0..2**32 - 1 to know greetings by.

    Attributes:
        counters: What happened on the wire.
        clock: What the machine's clock says.
        round_trips_s: The newest 256 first answers.
    """

    def __init__(
        self,
        transport: Transport,
        settings: LinkSettings | None = None,
        clock: Callable[[], float] = time.monotonic,
        nonce: Callable[[], int] = lambda: secrets.randbits(32),
    ) -> None:
        self._transport = transport
        self._settings = settings or LinkSettings()
        self._now = clock
        self._nonce = nonce
        self._reader = FrameReader()
        self._state = LinkState.CLOSED
        self._greeting: Greeting | None = None
        self._session = 0
        self._seq = 0
        self._next_event = 0
        self._problem = ""
        self._events: deque[Event] = deque(maxlen=MAX_EVENTS_KEPT)
        self.counters = LinkCounters()
        self.clock = ClockEstimate()
        self.round_trips_s: deque[float] = deque(maxlen=256)

    @property
    def state(self) -> LinkState:
        """Whether the machine hears us."""
        return self._state

    @property
    def greeting(self) -> Greeting:
        """What the machine said of itself when it was opened.

        Raises:
            RuntimeError: It was not opened.
        """
        if self._greeting is None:
            raise RuntimeError("the link was not opened")
        return self._greeting

    @property
    def next_seq(self) -> int:
        """The number of the next question; after doubt, the one after the gap."""
        return (self._seq + 1 + (self._state is LinkState.DOUBTFUL)) % 65536

    def hello(self, timeout_s: float | None = None) -> Greeting:
        """Ask who is there; changes nothing at the machine, and needs no session.

        Raises:
            MachineUnavailable: Nobody answers, or somebody who does not speak sbp.
            MachineLost: The port is gone.
        """
        timeout_s = self._settings.open_timeout_s if timeout_s is None else timeout_s
        nonce = self._nonce()
        question = encode(Frame(Kind.HELLO, 0, 0, hello_payload(nonce)))
        heard = 0
        for _ in range(max(1, math.ceil(timeout_s / HELLO_TIMEOUT_S))):
            self._write(question)
            for frame in self._frames(HELLO_TIMEOUT_S):
                heard += 1
                greeting = _greeting(frame, nonce)
                if greeting is not None:
                    return greeting
        raise MachineUnavailable(self._why_no_greeting(heard))

    def open(self) -> Greeting:
        """Begin a session. A machine that was armed makes itself safe.

        Raises:
            MachineUnavailable: As `hello`; or it speaks no version that we do.
            MachineLost: The port is gone.
        """
        greeting = self.hello()
        if greeting.result is not Result.OK:
            low, high = greeting.versions
            raise MachineUnavailable(
                f"the machine speaks sbp/{low} to sbp/{high}, this program sbp/{OLDEST_VERSION} to "
                f"sbp/{NEWEST_VERSION}; flash the firmware of this release: "
                "bricksight-bridge firmware build, then flash"
            )
        session = 1 if greeting.session == 65535 else greeting.session + 1
        answer = self._exchange(Frame(Kind.OPEN, session, 0))
        if answer is None or answer.result is not Result.OK:
            found = "did not answer" if answer is None else f"answered {answer.result.name}"
            raise MachineUnavailable(
                f"the machine said hello and {found} when a session was opened; is another program "
                "using it? Close that one, and open it again"
            )
        self._greeting, self._session, self._seq = greeting, session, 0
        self._next_event = 0
        self._follow(LinkEvent.OPEN)
        return greeting

    def poll(self, alive: bool = True) -> Status:
        """Ask for the state and what happened.

        Args:
            alive: Whether it is a sign of life to the watchdog.

        Raises:
            MachineLost: No answer, or the session is over.
        """
        return self._ask(Kind.POLL, poll_payload(self._next_event, alive))

    def arm(self) -> Status:
        """Allow movement.

        Raises:
            MachineLost: No answer, or the session is over.
        """
        self._close_gap()
        return self._ask(Kind.ARM, arm_payload(self._next_event))

    def move(self, bin_number: int, due_us: int | None, deadline_us: int | None) -> Status:
        """Send one item to one bin; see `protocol.move_payload`.

        Raises:
            Unanswered: Whether it was taken is not known.
            MachineLost: The session is over; it was not taken.
        """
        self._close_gap()
        payload = move_payload(self._next_event, bin_number, due_us, deadline_us)
        return self._ask(Kind.MOVE, payload)

    def stop(self) -> Status:
        """Stop the machine, whatever it and the link are doing.

        Raises:
            MachineLost: No answer.
        """
        tag = self._nonce() % 65536
        answer = self._exchange(Frame(Kind.STOP, self._session, tag))
        if answer is None:
            raise Unanswered(tag, self._silence())
        return answer

    def drain(self) -> Status:
        """Poll until the machine has nothing more to tell; no sign of life.

        Raises:
            MachineLost: No answer, or the session is over.
        """
        status = self.poll(alive=False)
        # Each answer carries four events, and a machine holds fewer than 256.
        for _ in range(64):
            if not status.events:
                break
            status = self.poll(alive=False)
        return status

    def events(self) -> list[Event]:
        """What happened since the last call, each thing once, oldest first."""
        events = list(self._events)
        self._events.clear()
        return events

    def close(self) -> None:
        """Let go of the transport, without a word to the machine. Safe to call twice."""
        if self._state is not LinkState.CLOSED:
            self._follow(LinkEvent.CLOSE)
        self._transport.close()

    # ---- one question ------------------------------------------------------------------------

    def _ask(self, kind: Kind, payload: bytes) -> Status:
        if self._state in (LinkState.CLOSED, LinkState.LOST):
            raise MachineLost(self._problem or "the link is closed; open the machine again")
        seq = (self._seq + 1) % 65536
        status = self._exchange(Frame(kind, self._session, seq, payload))
        if status is None:
            self.counters.doubts += 1
            self._problem = self._silence()
            self._follow(LinkEvent.UNANSWERED)
            raise Unanswered(seq, self._problem)
        if status.result in (Result.BAD_SESSION, Result.BAD_SEQ):
            # First: asking for the reason may find that the port is gone as well.
            self._follow(LinkEvent.REFUSED)
            self._problem = self._why_refused(status.result)
            raise Reset(self._problem)
        self._seq = seq
        if self._state is LinkState.DOUBTFUL:
            self._follow(LinkEvent.ANSWERED)
        self._take(status)
        return status

    def _close_gap(self) -> None:
        # A POLL under the doubtful number: executed, or answered with what the lost question got.
        if self._state is LinkState.DOUBTFUL:
            self.poll()

    def _exchange(self, frame: Frame) -> Status | None:
        """Ask until there is an answer; None where none came."""
        message = encode(frame)
        self.counters.questions += 1
        first_s = self._now()
        for attempt in range(self._settings.attempts):
            self.counters.repeats += attempt > 0
            sent_s = self._now()
            self._write(message)
            status = self._answer_to(frame)
            if status is not None:
                # A repeated answer carries the clock of the first time it was asked for; one to a
                # question that was in doubt is older still.
                if self._state is not LinkState.DOUBTFUL:
                    self.clock.add(first_s, self._now(), status.clock_us)
                if attempt == 0:
                    self.round_trips_s.append(self._now() - sent_s)
                return status
        return None

    def _answer_to(self, frame: Frame) -> Status | None:
        for found in self._frames(self._settings.answer_timeout_s):
            ours = found.type & ANSWER_BIT and found.version == VERSION
            kinds = {frame.type | ANSWER_BIT}
            if frame.type == Kind.POLL and self._state is LinkState.DOUBTFUL:
                # The doubtful number may have been used up by what was asked first.
                kinds |= {Kind.ARM | ANSWER_BIT, Kind.MOVE | ANSWER_BIT}
            same = (found.session, found.seq) == (frame.session, frame.seq)
            if not (ours and same and found.type in kinds):
                self.counters.stale += 1
                continue
            try:
                return read_status(found.payload)
            except ProtocolError:
                self.counters.damaged += 1
        return None

    def _frames(self, timeout_s: float) -> Iterator[Frame]:
        """Frames as they arrive, until nothing more comes in time."""
        until_s = self._now() + timeout_s
        while True:
            chunk = self._read(max(until_s - self._now(), 0.0))
            before = self._reader.damaged
            frames = self._reader.feed(chunk)
            self.counters.damaged += self._reader.damaged - before
            yield from frames
            if not chunk or self._now() >= until_s:
                return

    def _take(self, status: Status) -> None:
        for place, event in enumerate(status.events):
            if (status.first + place) % 256 == self._next_event:
                self._events.append(event)
                self._next_event = (self._next_event + 1) % 256

    def _follow(self, event: LinkEvent) -> None:
        self._state = TRANSITIONS[self._state, event]

    def _write(self, chunk: bytes) -> None:
        try:
            self._transport.write(chunk)
        except OSError as error:
            raise self._gone(error) from error

    def _read(self, timeout_s: float) -> bytes:
        try:
            return self._transport.read(timeout_s)
        except OSError as error:
            raise self._gone(error) from error

    def _gone(self, error: OSError) -> MachineLost:
        problem = f"the machine does not answer: its port is gone ({error}); {self._meanwhile()}"
        if self._state in (LinkState.OPEN, LinkState.DOUBTFUL):
            self._problem = problem
            self._follow(LinkEvent.PORT_GONE)
        return MachineLost(problem)

    # ---- what went wrong ---------------------------------------------------------------------

    def _why_no_greeting(self, frames: int) -> str:
        if frames:
            return (
                "something speaks frames and gives no greeting of sbp/1; is it another device, or "
                "the firmware of another release? Flash it: bricksight-bridge firmware build"
            )
        if self._reader.damaged or self._reader.pending:
            return (
                "something answers, but not in frames; check that the baud rate is the one the "
                "firmware was built with, and that this port is the sorting machine: "
                "bricksight-bridge doctor"
            )
        return (
            "nothing answers; check cable and power, and that this port is the sorting machine: "
            "bricksight-bridge doctor"
        )

    def _why_refused(self, result: Result) -> str:
        if result is Result.BAD_SEQ:
            return "the machine counts its commands otherwise than we do; open it again"
        try:
            now = self.hello(HELLO_TIMEOUT_S)
        except (MachineUnavailable, MachineLost):
            return "the machine ended the session; open it again"
        if now.boot_id != self.greeting.boot_id:
            return "the machine was reset; what it was told before is not known to it any more"
        return "another program opened a session with the machine; close one of the two"

    def _silence(self) -> str:
        tries = self._settings.attempts
        return f"the machine does not answer ({tries} tries); {self._meanwhile()}"

    def _meanwhile(self) -> str:
        if self._greeting is None:
            return "check the cable and open it again"
        watchdog_s = self._greeting.watchdog_ms / 1000
        return f"its watchdog stops it within {watchdog_s:g} s. Check the cable and open it again"


def _greeting(frame: Frame, nonce: int) -> Greeting | None:
    if frame.type != Kind.HELLO | ANSWER_BIT:
        return None
    try:
        greeting = read_greeting(frame.payload)
    except ProtocolError:
        return None
    return greeting if greeting.nonce == nonce else None
