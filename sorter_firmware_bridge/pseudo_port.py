"""A serial port that is no hardware: what is written to one end is read at the other."""

import os
import select
import termios
import tty
from pathlib import Path
from types import TracebackType
from typing import Self

from sorter_firmware_bridge.errors import MachineUnavailable

READ_BYTES = 4096


class PseudoPort:
    """Our end of a pseudo terminal. Others open `path` as they open any serial port.

    Args:
        name: A link to make to it, so that its name stays the same. A link to another pseudo
            terminal is replaced; anything else is left alone.

    Raises:
        MachineUnavailable: The link cannot be made.
    """

    def __init__(self, name: Path | None = None) -> None:
        # Both ends are held: nobody hangs up when the other program closes it.
        self._end, self._other = os.openpty()
        tty.setraw(self._other, termios.TCSANOW)
        os.set_blocking(self._end, False)
        self._name = name
        self.path = os.ttyname(self._other)
        if name is not None:
            self._link(name)

    def write(self, chunk: bytes) -> None:
        """Send; once the terminal is full, what nobody has read is dropped, as on a real line."""
        if not self._written(chunk):
            termios.tcflush(self._other, termios.TCIFLUSH)
            self._written(chunk)

    def read(self, timeout_s: float) -> bytes:
        """What has arrived; waits for the first byte for so long at most."""
        ready, _, _ = select.select([self._end], [], [], timeout_s)
        return os.read(self._end, READ_BYTES) if ready else b""

    def fileno(self) -> int:
        """For `select`."""
        return self._end

    def close(self) -> None:
        """Let go of both ends and of the link. Safe to call twice."""
        if self._end < 0:
            return
        os.close(self._end)
        os.close(self._other)
        self._end = self._other = -1
        if self._name is not None and self._is_ours(self._name):
            self._name.unlink()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _is_ours(self, name: Path) -> bool:
        # Another port may have taken the name over.
        return name.is_symlink() and str(name.readlink()) == self.path

    def _written(self, chunk: bytes) -> bool:
        try:
            return os.write(self._end, chunk) == len(chunk)
        except BlockingIOError:
            return False

    def _link(self, name: Path) -> None:
        try:
            if name.is_symlink() and name.readlink().parent == Path(self.path).parent:
                name.unlink()
            name.symlink_to(self.path)
        except OSError as error:
            self._name = None
            self.close()
            raise MachineUnavailable(
                f"{name}: no link can be made there ({error.strerror}); name another"
            ) from error
