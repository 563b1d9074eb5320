"""The server of the page: waitress, or cheroot where people reach it over TLS."""

import ipaddress
import socket
import ssl
import threading
from typing import Any, Protocol

import waitress
from flask import Flask
from waitress import wasyncore
from werkzeug.middleware.proxy_fix import ProxyFix

from edge.config_sections import DashboardSection
from edge.dashboard.access.gate import Gate
from edge.errors import ConfigError

THREADS = 14
TLS_THREADS = 64
"""Over TLS one that is slow holds a thread."""
CONNECTIONS = 500
"""A browser holds up to six. Beyond it nobody is let in, not even to STOP."""
SILENT_S = 30
"""After so long without a byte a connection that waits for nothing is let go."""
REQUEST_BYTES_MAX = 2**20
"""Beyond it the server itself refuses; the page's own limit is far below."""


POLLED = ("/frame.jpg", "/api/state", "/api/pulse", "/explanation/", "/explained/", "/lime/")
"""What pages that are merely open ask for, many times a second."""


class InTurn:
    """An application whose polls are answered one after the other.

    Each takes a fraction of a millisecond. Twenty at once would not be ready sooner, but each would
    compete for Python with the thread that labels. What a person does never waits for them.

    Args:
        application: WSGI.
    """

    def __init__(self, application: Any) -> None:
        self._application = application
        self._turn = threading.Lock()

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """Answer a request, as WSGI says."""
        if environ["PATH_INFO"].startswith(POLLED) and environ["REQUEST_METHOD"] == "GET":
            with self._turn:
                return self._application(environ, start_response)
        return self._application(environ, start_response)


class Server(Protocol):
    """What answers requests on a socket that listens."""

    def run(self) -> None:
        """Answer until `end`; at once over where it was ended before."""

    def end(self) -> None:
        """Ask it to end, from another thread."""

    def close(self) -> None:
        """Let go of every connection. Safe to call twice."""


def check_open_to_others(settings: DashboardSection, gate: Gate) -> None:
    """Refuse to listen to the network before there is somebody with a password.

    Raises:
        ConfigError: There is nobody yet.
    """
    if not ipaddress.ip_address(settings.host).is_loopback and gate.set_up.needed:
        raise ConfigError(
            f"dashboard.host: found {settings.host!r}, and nobody has a password yet; first run"
            " `bricksight-edge users add NAME --role admin --config FILE`, or start it once on"
            " 127.0.0.1 and use the set-up token"
        )


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        ConfigError: The port is in use, or the address is none of this device.
    """
    family = socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigError(
            f"dashboard.port: {port} on {host} cannot be used ({error.strerror}); stop what uses"
            " it, or set another [dashboard] port (0 takes any that is free)"
        ) from error


def address_of(listening: socket.socket, settings: DashboardSection) -> str:
    """Where the page is, for a person at this machine."""
    host, port = listening.getsockname()[:2]
    if ipaddress.ip_address(host).is_unspecified:
        host = settings.names[0] if settings.names else socket.gethostname()
    scheme = "https" if settings.certificate else "http"
    return f"{scheme}://[{host}]:{port}/" if ":" in host else f"{scheme}://{host}:{port}/"


def server_of(app: Flask, listening: socket.socket, settings: DashboardSection) -> Server:
    """The server of an application.

    Args:
        app: The dashboard.
        listening: Bound already.
        settings: Whether there is TLS, and how many proxies are to be believed.

    Raises:
        ConfigError: Certificate or key cannot be used, or what serves TLS is not installed.
    """
    if settings.proxies:
        hops = settings.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    app.wsgi_app = InTurn(app.wsgi_app)  # type: ignore[method-assign]
    if settings.certificate:
        return _Tls(app, listening, settings)
    return _Plain(app, listening, settings)


class _Plain:
    def __init__(self, app: Flask, listening: socket.socket, settings: DashboardSection) -> None:
        self._server: Any = waitress.create_server(
            app,
            sockets=[listening],
            threads=THREADS,
            connection_limit=CONNECTIONS,
            channel_timeout=SILENT_S,
            cleanup_interval=SILENT_S // 3,
            asyncore_use_poll=True,  # select knows no more than 1024 files.
            ident=None,
            clear_untrusted_proxy_headers=not settings.proxies,
            max_request_body_size=REQUEST_BYTES_MAX,
        )

    def run(self) -> None:
        self._server.run()

    def end(self) -> None:
        # In the server's own loop, which ends once nothing is left to wait for.
        self._server.trigger.pull_trigger(lambda: wasyncore.close_all(self._server._map))

    def close(self) -> None:
        wasyncore.close_all(self._server._map)
        self._server.task_dispatcher.shutdown()


class _Tls:
    def __init__(self, app: Flask, listening: socket.socket, settings: DashboardSection) -> None:
        try:
            from cheroot.wsgi import Server as Cheroot

            from edge.serving_tls import IDLE_S, LateHandshake, PromptConnection
        except ImportError as error:
            raise ConfigError(
                "dashboard.certificate: TLS is not installed here; pip install 'bricksight[tls]'"
            ) from error
        try:
            adapter = LateHandshake(settings.certificate, settings.key)
        except (OSError, ssl.SSLError) as error:
            raise ConfigError(
                f"dashboard.certificate: {settings.certificate} and {settings.key} cannot be used"
                f" ({error}); both are PEM files, and the key belongs to the certificate"
            ) from error
        self._server = Cheroot(
            listening.getsockname()[:2],
            app,
            numthreads=TLS_THREADS,
            server_name="Bricksight",
            timeout=IDLE_S,
            shutdown_timeout=1,
        )
        self._server.ConnectionClass = PromptConnection
        self._server.max_request_body_size = REQUEST_BYTES_MAX
        self._server.ssl_adapter = adapter
        # It would bind a socket of its own, where ours has the port already.
        setattr(self._server, "bind", lambda *_: setattr(self._server, "socket", listening.dup()))  # noqa: B010
        self._ended = False

    def run(self) -> None:
        self._server.prepare()
        if not self._ended:
            self._server.serve()

    def end(self) -> None:
        self._ended = True
        self._server.stop()

    def close(self) -> None:
        self._server.stop()
