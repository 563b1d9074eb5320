"""The server of the page: on the network only with users, over TLS, behind proxies."""

import json
import socket
import ssl
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from flask import Flask, jsonify, request

from edge import serving_tls
from edge.access.roles import Role
from edge.access.store import AccessStore
from edge.config_sections import DashboardSection
from edge.dashboard.access.gate import Gate
from edge.dashboard.hosts import Hosts, own_addresses
from edge.errors import ConfigError
from edge.serving import InTurn, address_of, check_open_to_others, listen, server_of

WAIT_S = 30


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for this machine, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    asked = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    named = "-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1"
    subprocess.run(
        ["openssl", *asked.split(), *named.split(), "-keyout", key, "-out", certificate],
        check=True,
        capture_output=True,
    )
    return certificate, key


def application() -> Flask:
    app = Flask(__name__)

    @app.get("/")
    def who() -> object:
        return jsonify(address=request.remote_addr, scheme=request.scheme, host=request.host)

    return app


@contextmanager
def served(settings: DashboardSection) -> Iterator[str]:
    """The address of an application that says who asks."""
    listening = listen(settings.host, 0)
    server = server_of(application(), listening, settings)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield address_of(listening, settings)
    finally:
        server.end()
        thread.join(WAIT_S)
        server.close()
        listening.close()
        assert not thread.is_alive()


def ask(
    address: str, headers: dict[str, str] | None = None, trust: Path | None = None
) -> dict[str, str]:
    context = ssl.create_default_context(cafile=trust) if trust else None
    asked = urllib.request.Request(address, headers=headers or {})
    with urllib.request.urlopen(asked, timeout=WAIT_S, context=context) as answer:
        found: dict[str, str] = json.load(answer)
        return found


FORWARDED = {
    "X-Forwarded-For": "6.6.6.6",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example",
}


def test_what_a_stranger_forwards_is_not_believed() -> None:
    with served(DashboardSection()) as address:
        said = ask(address, FORWARDED)
    assert (said["address"], said["scheme"]) == ("127.0.0.1", "http")
    assert said["host"].startswith("127.0.0.1:")


def test_what_our_own_proxy_forwards_is() -> None:
    with served(DashboardSection(proxies=1)) as address:
        said = ask(address, FORWARDED | {"X-Forwarded-For": "1.1.1.1, 10.0.0.7"})
    assert (said["address"], said["scheme"], said["host"]) == ("10.0.0.7", "https", "evil.example")


def test_the_page_over_tls(pair: tuple[Path, Path]) -> None:
    settings = DashboardSection(certificate=str(pair[0]), key=str(pair[1]))
    with served(settings) as address:
        assert address.startswith("https://127.0.0.1:")
        assert ask(address, trust=pair[0])["scheme"] == "https"
        with pytest.raises(urllib.error.URLError, match="certificate"):
            ask(address)
        with pytest.raises((urllib.error.URLError, ConnectionError)):
            ask(address.replace("https", "http"))
        assert ask(address, FORWARDED, trust=pair[0])["address"] == "127.0.0.1"


def test_a_certificate_that_is_none_is_refused(pair: tuple[Path, Path], tmp_path: Path) -> None:
    (tmp_path / "no.pem").write_text("nothing")
    for certificate, key in (
        (tmp_path / "no.pem", pair[1]),
        (pair[0], tmp_path / "gone.pem"),
        (pair[0], pair[0]),
    ):
        settings = DashboardSection(certificate=str(certificate), key=str(key))
        with listen("127.0.0.1", 0) as listening, pytest.raises(ConfigError, match="PEM files"):
            server_of(application(), listening, settings)


# --- the network ---


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.4"])
def test_it_listens_to_the_network_only_with_a_user(tmp_path: Path, host: str) -> None:
    with AccessStore(tmp_path / "access.sqlite") as store:
        gate = Gate.over(store)
        check_open_to_others(DashboardSection(), gate)
        with pytest.raises(ConfigError, match="users add NAME --role admin"):
            check_open_to_others(DashboardSection(host=host), gate)
        gate.users.add("ann", Role.ADMIN, "seven red plates")
        check_open_to_others(DashboardSection(host=host), gate)


def test_a_device_on_the_network_is_trusted_under_its_own_addresses_only() -> None:
    hosts = Hosts(["sorter.example"], "0.0.0.0")
    own = next(address for address in own_addresses() if address.version == 4)
    for name in ("sorter.example", f"{own}:8080", "127.0.0.1", "localhost:1"):
        assert hosts.trusts(name), name
    for name in ("6.6.6.6", "evil.example", "", "sorter.example.evil", "[::ffff:6.6.6.6]", "::1:"):
        assert not hosts.trusts(name), name
    assert not Hosts((), "127.0.0.1").trusts("192.168.1.4")
    assert Hosts((), "192.168.1.4").trusts("192.168.1.4:8080")
    assert Hosts((), "fd00::7").trusts("[fd00::7]:8080")


def test_an_address_that_is_not_ours_cannot_be_listened_on() -> None:
    with pytest.raises(ConfigError, match=r"192\.0\.2\.1 cannot be used"):
        listen("192.0.2.1", 0)


# --- those who are slow ---


@contextmanager
def silent(address: str, count: int, says: bytes = b"") -> Iterator[None]:
    """So many connections to a server that say this, and then nothing."""
    host, port = address.rstrip("/").rpartition("/")[2].split(":")
    with ExitStack() as open_ones:
        for _ in range(count):
            one = open_ones.enter_context(socket.create_connection((host, int(port)), WAIT_S))
            one.sendall(says)
        yield


def test_more_connections_than_twenty_browsers_hold_keep_nobody_out() -> None:
    with served(DashboardSection()) as address, silent(address, 150, b"GET / HTTP/1.1\r\nHo"):
        assert ask(address)["address"] == "127.0.0.1"


def test_who_shakes_no_hands_keeps_nobody_waiting(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving_tls, "HANDSHAKE_S", 2.0 * WAIT_S)
    settings = DashboardSection(certificate=str(pair[0]), key=str(pair[1]))
    with served(settings) as address, silent(address, 20):
        assert ask(address, trust=pair[0])["scheme"] == "https"


def test_a_request_that_trickles_in_is_let_go(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving_tls, "REQUEST_S", 0.0)
    settings = DashboardSection(certificate=str(pair[0]), key=str(pair[1]))
    with served(settings) as address, pytest.raises((urllib.error.URLError, ConnectionError)):
        ask(address, trust=pair[0])


# --- in turn ---


def test_polls_are_answered_in_turn_and_nobody_else_waits_for_them() -> None:
    began, goes_on = threading.Semaphore(0), threading.Event()
    done: list[str] = []

    def slow(environ: dict[str, str], start_response: object) -> list[bytes]:
        if environ["PATH_INFO"] == "/frame.jpg":
            began.release()
            assert goes_on.wait(WAIT_S)
        done.append(environ["REQUEST_METHOD"] + environ["PATH_INFO"])
        return []

    application = InTurn(slow)

    def ask_for(method: str, path: str) -> threading.Thread:
        environ = {"REQUEST_METHOD": method, "PATH_INFO": path}
        thread = threading.Thread(target=application, args=(environ, None))
        thread.start()
        return thread

    first = ask_for("GET", "/frame.jpg")
    assert began.acquire(timeout=WAIT_S)
    second = ask_for("GET", "/api/state")
    for method, path in (("POST", "/api/stop"), ("GET", "/livez"), ("GET", "/items")):
        ask_for(method, path).join(WAIT_S)
    assert done == ["POST/api/stop", "GET/livez", "GET/items"]
    goes_on.set()
    first.join(WAIT_S)
    second.join(WAIT_S)
    assert done[3:] == ["GET/frame.jpg", "GET/api/state"]
