"""The dialogue with a machine that speaks lines: one movement at a time, each written once."""

import math
import re
import time
from dataclasses import dataclass

from sorter_firmware_bridge.bins import Cause, Command, Receipt, ReceiptState
from sorter_firmware_bridge.drivers.hand import Told
from sorter_firmware_bridge.drivers.known import unanswered
from sorter_firmware_bridge.drivers.linetext_link import SerialLink
from sorter_firmware_bridge.drivers.linetext_settings import LineTextSettings
from sorter_firmware_bridge.drivers.linetext_table import Question
from sorter_firmware_bridge.errors import MachineUnavailable

POLL_S = 0.005
PASS_S = 0.25
SHOWN_CHARS = 60

# What may come next after each stage of a movement, the nearest first.
_NEXT = {
    "sent": ("accepted", "fired", "confirmed"),
    "accepted": ("fired", "confirmed"),
    "fired": ("confirmed",),
}


@dataclass(slots=True)
class _Movement:
    id: int
    sent_at_s: float
    stage: str
    since_s: float


class LineHand:
    """The machine at the other end of a port.

    A movement that was answered by nothing makes the machine safe: whatever it says later could
    otherwise be taken for the answer to the next one.

    Args:
        settings: The dialogue and the lines of the bins.
        link: The open port; closed with the hand.
    """

    def __init__(self, settings: LineTextSettings, link: SerialLink) -> None:
        self._settings = settings
        self._profile = settings.profile
        self._link = link
        self._movement: _Movement | None = None
        self._free_at_s = -math.inf
        self._listening_at_s = -math.inf
        self._unheard: list[str] = []

    @property
    def awaits(self) -> bool:
        """Whether a movement was sent and the machine has more to say of it."""
        return self._movement is not None

    def greet(self) -> None:
        """Wait until the machine has started and is the one we expect.

        Raises:
            MachineUnavailable: It says nothing, or not what the profile expects.
            MachineLost: The port is gone.
        """
        profile = self._profile
        time.sleep(profile.settle_s)
        if profile.greeting is not None:
            greeting = Question("", profile.greeting, profile.greeting_timeout_s)
            self._meet("greeting", greeting)
        else:
            self._link.lines()
        if profile.ping.send:
            self._meet("answer to its ping", profile.ping)
        self._unheard = []

    @property
    def wakes_s(self) -> float:
        """See `Hand.wakes_s`."""
        if self._movement is not None:
            return self._listening_at_s + POLL_S
        return self._free_at_s if self._free_at_s > self._listening_at_s else math.inf

    def ready(self) -> str:
        """See `Hand.ready`: nothing is in flight, and the machine answers."""
        if self._movement is not None:
            return f"command {self._movement.id} is still awaited; arm again when it has ended"
        self._lines()
        for what, question in (("ping", self._profile.ping), ("arm", self._profile.arm)):
            heard = self._ask(question)
            if heard is not None:
                return f"no answer to {what} line {question.send!r}: {_quote(heard)}"
            trouble = self._let_pass() if question.expect is not None else ""
            if trouble:
                return trouble
        return ""

    def busy(self, now_s: float) -> bool:
        """See `Hand.busy`."""
        return self._movement is not None or now_s < self._free_at_s

    def begin(self, command: Command, now_s: float) -> Told:
        """See `Hand.begin`: one line, written once."""
        self._movement = _Movement(command.id, now_s, "sent", now_s)
        self._listening_at_s = now_s
        self._say(*self._settings.lines(command.id, command.bin.number))
        if not self._profile.silent:
            return Told()
        self._finish(now_s)
        return Told((Receipt(command.id, ReceiptState.FIRED, now_s),))

    def poll(self, now_s: float) -> Told:
        """See `Hand.poll`."""
        self._listening_at_s = now_s
        receipts: list[Receipt] = []
        for line in self._lines():
            told = self._hear(line, now_s)
            receipts += told.receipts
            if told.trouble:
                return Told((*receipts, *self._give_up(told.cause)), told.trouble, told.cause)
        late = self._check_time(now_s)
        return Told((*receipts, *late.receipts), late.trouble, late.cause)

    def rest(self) -> None:
        """See `Hand.rest`: the stop line, whatever the machine answers to it."""
        if self._profile.stop.send:
            self._say(self._profile.stop.send)

    def close(self) -> None:
        """See `Hand.close`."""
        self._link.close()

    def _let_pass(self) -> str:
        """Listen for a moment. Where a late answer to something older was taken for the one that
        was awaited, that one is still to come, and would be taken for the next one's.

        Returns:
            Why it cannot be armed; empty when all is well.
        """
        end_s = time.monotonic() + PASS_S
        while time.monotonic() < end_s:
            for line in self._lines():
                trouble = self._hear(line, end_s).trouble
                if trouble:
                    return trouble
            time.sleep(POLL_S)
        return ""

    def _hear(self, line: str, now_s: float) -> Told:
        answers = self._profile.answers
        if self._profile.greeting is not None and self._profile.greeting.search(line):
            return Told((), f"the machine restarted: it said {_quote([line])}", Cause.RESTART)
        if self._is_ours(answers.error, line):
            return Told((), f"the machine said {_quote([line])}", Cause.JAM)
        if self._movement is None:
            return Told()
        if self._movement.stage != "fired" and self._is_ours(answers.refused, line):
            reason = f"the machine said {_quote([line])}"
            receipt = self._receipt(ReceiptState.MISSED, now_s, Cause.DECLINED, reason)
            self._finish(now_s)
            return Told((receipt,))
        return self._go_on(line, now_s)

    def _go_on(self, line: str, now_s: float) -> Told:
        movement = self._movement
        for stage in _NEXT[movement.stage] if movement is not None else ():
            if self._is_ours(getattr(self._profile.answers, stage), line):
                return self._reach(stage, now_s)
        return Told()

    def _reach(self, stage: str, now_s: float) -> Told:
        movement = self._movement
        if movement is None:
            return Told()
        receipts = []
        if stage != "accepted" and movement.stage != "fired":
            receipts.append(self._receipt(ReceiptState.FIRED, movement.sent_at_s))
        if stage == "confirmed":
            receipts.append(self._receipt(ReceiptState.CONFIRMED, now_s))
        movement.stage, movement.since_s = stage, now_s
        if stage == "confirmed" or (stage == "fired" and not self._profile.answers.confirmed):
            self._finish(now_s)
        return Told(tuple(receipts))

    def _check_time(self, now_s: float) -> Told:
        movement = self._movement
        if movement is None or now_s < movement.since_s + self._patience_s(movement.stage):
            return Told()
        if movement.stage == "fired":
            self._finish(now_s)
            return Told()
        waited_s = now_s - movement.sent_at_s
        trouble = f"no answer to command {movement.id} within {waited_s:.1f} s; look at the machine"
        return Told(self._give_up(Cause.NO_ANSWER), trouble, Cause.NO_ANSWER)

    def _patience_s(self, stage: str) -> float:
        awaited = next(name for name in _NEXT[stage] if getattr(self._profile.answers, name))
        return self._profile.timeouts_s[awaited]

    def _give_up(self, cause: Cause) -> tuple[Receipt, ...]:
        movement, self._movement = self._movement, None
        if movement is None or movement.stage == "fired":
            return ()
        if cause is Cause.NO_ANSWER:
            return (unanswered(movement.id),)
        reason = "the machine restarted or failed while it moved; it is not sent again"
        return (Receipt(movement.id, ReceiptState.UNKNOWN, None, cause, reason),)

    def _finish(self, now_s: float) -> None:
        self._movement = None
        self._free_at_s = now_s + self._profile.moves_s

    def _receipt(
        self, state: ReceiptState, clock_s: float, cause: Cause = Cause.NONE, reason: str = ""
    ) -> Receipt:
        command_id = self._movement.id if self._movement else 0
        return Receipt(command_id, state, clock_s, cause, reason)

    def _is_ours(self, pattern: re.Pattern[str] | None, line: str) -> bool:
        found = pattern.search(line) if pattern is not None else None
        if found is None:
            return False
        said = found.groupdict().get("id")
        return said is None or (self._movement is not None and said == str(self._movement.id))

    def _lines(self) -> list[str]:
        """What came since the last look, and what an answer had left behind it."""
        unheard, self._unheard = self._unheard, []
        return [*unheard, *self._link.lines()]

    def _say(self, *lines: str) -> None:
        newline = self._profile.newline
        self._link.write("".join(line + newline for line in lines).encode("ascii"))

    def _meet(self, what: str, question: Question) -> None:
        heard = self._ask(question)
        if heard is not None:
            raise MachineUnavailable(
                f"{self._link.port}: no {what} that matches profile {self._profile.name} within "
                f"{question.timeout_s:g} s: {_quote(heard)}; {self._advise(heard)}"
            )

    def _advise(self, heard: list[str]) -> str:
        baud = self._settings.bits_per_second
        if any(not line.isprintable() or not line.isascii() for line in heard):
            return f"that is no text: check the baud rate, {baud} now"
        if heard:
            return "another device or another profile?"
        return f"check power, cable, port and baud rate, {baud} now"

    def _ask(self, question: Question) -> list[str] | None:
        """None when the answer came, else what came instead."""
        if question.send:
            self._say(question.send)
        heard: list[str] = []
        end_s = time.monotonic() + question.timeout_s
        while question.expect is not None:
            lines = self._lines()
            for place, line in enumerate(lines, start=1):
                if question.expect.search(line):
                    self._unheard = lines[place:]
                    return None
                heard = [*heard[-9:], line]
            if time.monotonic() >= end_s:
                return [*heard, self._link.begun] if self._link.begun else heard
            time.sleep(POLL_S)
        return None


def _quote(heard: list[str]) -> str:
    if not heard:
        return "nothing came"
    shown = repr(heard[-1][:SHOWN_CHARS])
    return shown if len(heard) == 1 else f"{len(heard)} lines came, the last {shown}"
