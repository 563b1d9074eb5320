"""Watching a link: everything between an app and its machine goes through, and is shown."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from sorter_firmware_bridge.describe import describe
from sorter_firmware_bridge.frames import FrameReader
from sorter_firmware_bridge.link import Transport

WAIT_S = 0.005


@dataclass(frozen=True, slots=True)
class Seen:
    """One thing that went over the wire.

    Attributes:
        at_s: Since the watching began.
        down: Whether it goes to the machine.
        text: A frame in words, or how many damaged pieces there were.
    """

    at_s: float
    down: bool
    text: str


class Tap:
    """Passes bytes on in both directions and says what they are.

    Args:
        app: The end where the app is.
        machine: The end where the machine is.
        clock: Seconds, monotonic.
    """

    def __init__(
        self, app: Transport, machine: Transport, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ends = ((app, machine, FrameReader(), True), (machine, app, FrameReader(), False))
        self._clock = clock
        self._began_s = clock()

    def step(self) -> list[Seen]:
        """Pass on what has come.

        Returns:
            What it was.

        Raises:
            OSError: One of the ends is gone.
        """
        seen = []
        for source, sink, reader, down in self._ends:
            chunk = source.read(WAIT_S)
            if not chunk:
                continue
            sink.write(chunk)
            before = reader.damaged
            frames = reader.feed(chunk)
            at_s = self._clock() - self._began_s
            seen += [Seen(at_s, down, describe(frame)) for frame in frames]
            if reader.damaged > before:
                seen.append(Seen(at_s, down, f"{reader.damaged - before} damaged pieces"))
        return seen
