"""A machine that speaks lines, on a real pseudo terminal; it restarts when the port is opened."""

import os
import select
import threading
from collections.abc import Callable, Iterable

RESTART_S = 0.2
Script = Callable[[str], Iterable[str]]


class LineMachine:
    """Answers each line as its script says.

    Args:
        script: From a line to the lines of the answer.
        greeting: What it says after every restart; empty for nothing.
    """

    def __init__(self, script: Script, greeting: bytes = b"") -> None:
        self.script = script
        self.greeting = greeting
        self.heard: list[str] = []
        self._master, slave = os.openpty()
        self.port = os.ttyname(slave)
        os.close(slave)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def say(self, data: bytes) -> None:
        os.write(self._master, data)

    def unplug(self) -> None:
        """The port is gone, as when the cable is pulled."""
        if not self._ended.is_set():
            self._ended.set()
            self._thread.join(10)
            os.close(self._master)

    def _run(self) -> None:
        poll = select.poll()
        poll.register(self._master, select.POLLIN)
        opened, buffer = False, b""
        while not self._ended.is_set():
            events = dict(poll.poll(5)).get(self._master, 0)
            if opened and events & select.POLLIN:
                # Also what was said in the moment before the port was closed.
                buffer = self._answer(buffer + os.read(self._master, 4096))
            elif events & select.POLLHUP:
                opened, buffer = False, b""
                self._ended.wait(0.005)
            elif not opened:
                opened = True
                self._restart()

    def _restart(self) -> None:
        if self.greeting and not self._ended.wait(RESTART_S):
            self.say(self.greeting)

    def _answer(self, buffer: bytes) -> bytes:
        *lines, rest = buffer.split(b"\n")
        for line in lines:
            text = line.decode("latin-1")
            self.heard.append(text)
            for answer in self.script(text):
                self.say(answer.encode("latin-1") + b"\r\n")
        return rest
