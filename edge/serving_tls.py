"""How connections over TLS are served, so that nobody who is slow keeps others waiting.

cheroot shakes hands where it accepts, one after the other, for as long as each client likes.
"""

import errno
import math
import ssl
import time
from typing import Any

from cheroot.errors import FatalSSLAlert
from cheroot.server import HTTPConnection
from cheroot.ssl.builtin import BuiltinSSLAdapter

HANDSHAKE_S = 5.0
REQUEST_S = 30.0
"""A request that is not there by then is let go: byte by byte it would hold its thread forever."""
IDLE_S = 10


class PromptSocket(ssl.SSLSocket):
    """A socket over TLS from which all must have been read by `deadline_s`, of `monotonic`."""

    deadline_s = math.inf

    def recv_into(self, *args: Any, **options: Any) -> int:
        """As ever.

        Raises:
            TimeoutError: It is later than that, or nothing came for `IDLE_S`.
            ConnectionResetError: The other side is gone, or speaks no TLS any more.
        """
        left_s = self.deadline_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError("timed out")
        self.settimeout(min(left_s, IDLE_S))
        try:
            return super().recv_into(*args, **options)
        except ssl.SSLError as error:
            raise _gone() from error

    def send(self, *args: Any, **options: Any) -> int:
        """As ever; see `recv_into` for what may be wrong."""
        self.settimeout(IDLE_S)
        try:
            return super().send(*args, **options)
        except ssl.SSLError as error:
            raise _gone() from error


class LateHandshake(BuiltinSSLAdapter):
    """TLS that begins in the thread that answers, not in the one that accepts.

    Args:
        certificate, key: PEM files.
    """

    def __init__(self, certificate: str, key: str) -> None:
        super().__init__(certificate, key)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.sslsocket_class = PromptSocket

    def wrap(self, sock: Any) -> tuple[ssl.SSLSocket, dict[str, str]]:
        """A socket that has not shaken hands, and what its requests are told."""
        try:
            wrapped = self.context.wrap_socket(
                sock, server_side=True, do_handshake_on_connect=False
            )
        except OSError as error:
            raise FatalSSLAlert(*error.args) from error
        return wrapped, {"wsgi.url_scheme": "https", "HTTPS": "on"}


class PromptConnection(HTTPConnection):
    """A connection that shakes hands before its first request."""

    shaken = False

    def communicate(self) -> bool:
        """Answer one request; whether there may be another."""
        if not self.shaken and not self._shake_hands():
            return False
        self.socket.deadline_s = time.monotonic() + REQUEST_S
        return bool(super().communicate())  # type: ignore[no-untyped-call]

    def _shake_hands(self) -> bool:
        self.socket.settimeout(HANDSHAKE_S)
        try:
            self.socket.do_handshake()
        except OSError:
            return False  # It speaks no TLS, does not trust us, or said nothing.
        self.shaken = True
        return True


def _gone() -> ConnectionResetError:
    # cheroot writes a stack trace of every error of TLS, which any stranger can bring about.
    return ConnectionResetError(errno.ECONNRESET, "the connection is gone")
