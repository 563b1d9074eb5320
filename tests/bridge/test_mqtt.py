"""The topics over a real mosquitto: who is let in, who went away, what came twice or too late."""

import gc
import json
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from machines.broker import Broker, free_port, need
from machines.core import Core
from machines.mqtt_machine import MqttMachine
from rigs import BINS, Clock
from waiting import wait_for

from sorter_firmware_bridge.bins import Bin, Cause, Command, Condition, ReceiptState
from sorter_firmware_bridge.drivers import open_driver
from sorter_firmware_bridge.drivers.mqtt import MqttDriver, open_machine, read_settings
from sorter_firmware_bridge.drivers.mqtt_line import Message
from sorter_firmware_bridge.drivers.mqtt_messages import BadMessage, read_news, read_state
from sorter_firmware_bridge.errors import DriverSettingsError, MachineLost, MachineUnavailable

PASSWORD = "w1ld-bricks"


@pytest.fixture
def machine(broker: Broker) -> Iterator[MqttMachine]:
    made = MqttMachine(Core(Clock(5.0)), broker.port)
    yield made
    made.end()


@pytest.fixture
def connect(broker: Broker) -> Iterator[Callable[..., MqttDriver]]:
    opened: list[MqttDriver] = []

    def make(**settings: object) -> MqttDriver:
        known = {"host": "127.0.0.1", "port": broker.port, "prefix": "sorter", "answer_s": 10.0}
        opened.append(open_machine(BINS, {**known, **settings}))
        return opened[-1]

    yield make
    for driver in opened:
        driver.close()


def _fault(driver: MqttDriver) -> str:
    """Beat until the machine is lost, and why."""
    found: list[str] = []

    def is_lost() -> bool:
        try:
            driver.heartbeat()
        except MachineLost as error:
            found.append(str(error))
        return bool(found)

    wait_for(is_lost, "the machine to be lost")
    return found[0]


def test_a_command_carries_its_session_number_and_times(
    machine: MqttMachine, connect: Callable[..., MqttDriver]
) -> None:
    driver = connect()
    driver.arm()
    driver.move_to(Command(40, BINS[2], due_s=6.5, deadline_s=6.75))
    found = dict(machine.got[-1][1])
    assert found.pop("session") == machine.session
    assert found == {"seq": 3, "id": 40, "bin": 7, "due_ms": 6500.0, "deadline_ms": 6750.0}


def test_a_machine_that_goes_offline_is_lost_and_leaves_the_rest_unknown(
    machine: MqttMachine, connect: Callable[..., MqttDriver]
) -> None:
    driver = connect()
    driver.arm()
    driver.move_to(Command(1, BINS[0], due_s=9.0, deadline_s=9.5))
    machine.die()
    assert "is offline, says the broker" in _fault(driver)
    found = [(r.command_id, r.state, r.cause) for r in driver.receipts()]
    assert found == [(1, ReceiptState.UNKNOWN, Cause.NO_ANSWER)]


def test_a_broker_that_ends_loses_the_machine(
    machine: MqttMachine, broker: Broker, connect: Callable[..., MqttDriver]
) -> None:
    driver = connect()
    driver.arm()
    driver.move_to(Command(1, BINS[0], due_s=9.0, deadline_s=9.5))
    broker.end()
    assert "broker" in _fault(driver)
    assert [r.state for r in driver.receipts()] == [ReceiptState.UNKNOWN]
    refused = driver.move_to(Command(2, BINS[0]))
    assert (refused.state, "nothing was sent" in refused.reason) == (ReceiptState.REFUSED, True)


def test_without_an_answer_the_command_is_unknown_and_not_sent_again(
    machine: MqttMachine, connect: Callable[..., MqttDriver]
) -> None:
    driver = connect(answer_s=0.5)
    driver.arm()
    machine.deaf = True
    assert driver.move_to(Command(1, BINS[0])).cause is Cause.NO_ANSWER
    machine.deaf = False
    assert driver.move_to(Command(1, BINS[0])).state is ReceiptState.UNKNOWN
    assert [name for name, _ in machine.got].count("command") == 0


def test_the_machine_takes_a_repeated_request_once(
    machine: MqttMachine, connect: Callable[..., MqttDriver]
) -> None:
    """QoS 1 may deliver twice; here somebody else publishes the very same command again."""
    driver = connect()
    driver.arm()
    driver.move_to(Command(1, BINS[0]))
    command = json.dumps(machine.got[-1][1])
    before = len(machine.got)
    machine.client.publish("sorter/command", command, qos=1)
    wait_for(lambda: len(machine.got) > before, "the second delivery")
    machine.core.tick()
    assert machine.core.fired == [1]
    assert machine.core.waiting == []


def test_a_retained_command_is_never_acted_upon(
    machine: MqttMachine, broker: Broker, connect: Callable[..., MqttDriver]
) -> None:
    with connect() as driver:
        driver.arm()
        driver.move_to(Command(1, BINS[0]))
        command = json.dumps({**machine.got[-1][1], "seq": 99, "id": 99})
    machine.client.publish("sorter/command", command, qos=1, retain=True).wait_for_publish(10)
    machine.end()
    again = MqttMachine(Core(Clock(5.0)), broker.port)
    again.session = json.loads(command)["session"]
    again.core.arm()
    again.publish_state()
    again.settle()
    again.core.tick()
    assert again.got == []
    assert again.core.fired == []
    again.end()


def test_the_hosts_last_will_is_told_when_it_dies(
    machine: MqttMachine, connect: Callable[..., MqttDriver]
) -> None:
    seen: list[dict[str, object]] = []
    machine.client.message_callback_add(
        "sorter/host", lambda client, data, message: seen.append(json.loads(message.payload))
    )
    driver = connect()
    wait_for(lambda: [found["online"] for found in seen] == [True], "the host to be online")
    driver._line._client.socket().shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]
    wait_for(lambda: seen[-1]["online"] is False, "the last will")


def test_a_second_host_takes_over_a_disarmed_machine_and_the_first_is_told(
    machine: MqttMachine, connect: Callable[..., MqttDriver]
) -> None:
    first = connect()
    first.arm()
    second = connect()
    assert second.state().condition is Condition.DISARMED
    assert "another host took over" in _fault(first)


def test_a_reset_machine_leaves_what_was_in_flight_unknown(
    machine: MqttMachine, connect: Callable[..., MqttDriver]
) -> None:
    driver = connect()
    driver.arm()
    driver.move_to(Command(1, BINS[0], due_s=9.0, deadline_s=9.5))
    machine.core.boot_id += 1
    assert "was reset; open it again" in _fault(driver)
    assert [r.cause for r in driver.receipts()] == [Cause.RESTART]


def test_a_receipt_of_an_older_session_says_nothing(
    machine: MqttMachine, connect: Callable[..., MqttDriver]
) -> None:
    driver = connect()
    driver.arm()
    driver.move_to(Command(1, BINS[0], due_s=9.0, deadline_s=9.5))
    stale = {"session": "old", "event": 99, "seq": 0, "id": 1, "state": "fired"}
    stale |= {"clock_ms": 1, "cause": "none", "reason": ""}
    machine.client.publish("sorter/receipt", json.dumps(stale), qos=1).wait_for_publish(10)
    driver.heartbeat()
    assert driver.receipts() == ()


@pytest.mark.parametrize(
    ("changed", "said"), [({"id": 7}, "command 7"), ({"state": "fired"}, "fired")]
)
def test_an_answer_to_something_else_is_a_lost_machine_and_its_command_unknown(
    machine: MqttMachine,
    connect: Callable[..., MqttDriver],
    changed: dict[str, object],
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    driver = connect()
    driver.arm()
    publish = machine._publish
    monkeypatch.setattr(
        machine, "_publish", lambda name, found: publish(name, {**found, **changed})
    )
    assert driver.move_to(Command(1, BINS[0])).state is ReceiptState.UNKNOWN
    with pytest.raises(MachineLost, match=rf"answers command 1 with .*{said}.*; mend its program"):
        driver.heartbeat()


def test_a_command_that_was_accepted_while_the_machine_was_lost_is_unknown(
    machine: MqttMachine, connect: Callable[..., MqttDriver]
) -> None:
    """The answer and what loses the machine are read in one go."""
    driver = connect()
    driver.arm()
    wait = driver._line.wait

    def wait_and_more(timeout_s: float) -> list[Message]:
        return [*wait(timeout_s), Message("machine", b'{"online": false}', retained=False)]

    driver._line.wait = wait_and_more  # type: ignore[method-assign]
    assert driver.move_to(Command(1, BINS[0])).state is ReceiptState.UNKNOWN
    assert driver.move_to(Command(1, BINS[0])).state is ReceiptState.UNKNOWN


def test_what_is_too_long_to_be_ours_does_not_come_through_the_broker(
    machine: MqttMachine, connect: Callable[..., MqttDriver]
) -> None:
    driver = connect()
    machine.client.publish("sorter/receipt", b"x" * 5_000_000, qos=1).wait_for_publish(10)
    assert driver.heartbeat().condition is Condition.DISARMED
    assert driver.receipts() == ()


def test_a_machine_that_never_stops_talking_does_not_keep_the_host(
    connect: Callable[..., MqttDriver], machine: MqttMachine
) -> None:
    driver = connect()
    endless = [Message("state", b"{}", retained=True)]
    driver._line.read = lambda: endless  # type: ignore[method-assign]
    assert driver.receipts() == ()


def test_receipts_that_come_out_of_order_end_no_command_twice(
    machine: MqttMachine, connect: Callable[..., MqttDriver]
) -> None:
    driver = connect()
    driver.arm()
    driver.move_to(Command(1, BINS[0], due_s=9.0, deadline_s=9.5))
    known = {"session": machine.session, "seq": 0, "id": 1, "clock_ms": 1, "reason": ""}
    for event, state in (
        (5, "confirmed"),
        (4, "fired"),
        (6, "fired"),
        (6, "missed"),
        (7, "missed"),
    ):
        found = {**known, "event": event, "state": state, "cause": "none"}
        machine.client.publish("sorter/receipt", json.dumps(found), qos=1).wait_for_publish(10)
    told: list[ReceiptState] = []
    wait_for(lambda: told.extend(r.state for r in driver.receipts()) or told, "a receipt")
    assert told == [ReceiptState.FIRED]


def test_a_payload_of_noise_is_a_lost_machine_that_says_what_came(
    machine: MqttMachine, connect: Callable[..., MqttDriver]
) -> None:
    driver = connect()
    machine.client.publish("sorter/receipt", b"\xff\x00{", qos=1).wait_for_publish(10)
    assert "sorter/receipt says no JSON" in _fault(driver)


def test_a_machine_that_sent_noise_is_stopped_when_it_is_closed_and_told_that_the_host_went(
    machine: MqttMachine, connect: Callable[..., MqttDriver]
) -> None:
    seen: list[bool] = []
    machine.client.message_callback_add(
        "sorter/host",
        lambda client, data, message: seen.append(json.loads(message.payload)["online"]),
    )
    driver = connect()
    driver.arm()
    machine.client.publish("sorter/receipt", b"noise", qos=1).wait_for_publish(10)
    assert "says no JSON" in _fault(driver)
    driver.close()
    wait_for(lambda: machine.core.condition is Condition.SAFE, "the stop")
    wait_for(lambda: seen == [True, False], "the leave")


def test_a_bin_that_the_machine_lacks_is_named_at_opening(
    machine: MqttMachine, broker: Broker
) -> None:
    settings = {"host": "127.0.0.1", "port": broker.port, "prefix": "sorter"}
    with pytest.raises(MachineUnavailable, match=r"lacks bin 9 'wheels'; it has bins 1, 2, 7"):
        open_machine((Bin(9, "wheels"),), settings)


def test_no_machine_behind_the_broker(connect: Callable[..., MqttDriver]) -> None:
    with pytest.raises(MachineUnavailable, match="no machine answers on nobody"):
        connect(prefix="nobody", answer_s=0.3)


def test_no_broker_and_something_else_in_its_place() -> None:
    settings = {"host": "127.0.0.1", "prefix": "a", "connect_timeout_s": 0.5}
    with pytest.raises(MachineUnavailable, match="cannot be reached"):
        open_driver("mqtt", BINS, {**settings, "port": free_port()})
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(MachineUnavailable, match="is it a broker"):
            open_driver("mqtt", BINS, {**settings, "port": port})


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Broker]:
    """A broker with a password and a certificate of its own authority."""
    passwords = tmp_path / "passwords"
    _run(need("mosquitto_passwd"), "-b", "-c", str(passwords), "host", PASSWORD)
    _make_certificates(tmp_path)
    made = Broker(
        tmp_path,
        "allow_anonymous false",
        f"password_file {passwords}",
        f"cafile {tmp_path}/ca.pem",
        f"certfile {tmp_path}/server.pem",
        f"keyfile {tmp_path}/server.key",
    )
    yield made
    made.end()


def _make_certificates(folder: Path) -> None:
    openssl, ca = need("openssl"), ["-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ca"]
    new = ["req", "-newkey", "rsa:2048", "-nodes"]
    _run(openssl, *new, "-x509", "-days", "2", *ca, folder=folder)
    request = ["-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost"]
    _run(openssl, *new, *request, folder=folder)
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1")
    sign = ["x509", "-req", "-days", "2", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key"]
    out = ["-CAcreateserial", "-extfile", "names", "-out", "server.pem"]
    _run(openssl, *sign, *out, folder=folder)
    (folder / "server.key").chmod(0o644)
    folder.chmod(0o755)


def _run(*words: str, folder: Path | None = None) -> None:
    subprocess.run(words, cwd=folder, check=True, capture_output=True, timeout=60)


@pytest.fixture
def login(guarded: Broker, tmp_path: Path) -> dict[str, object]:
    """What the guarded broker wants to see."""
    (tmp_path / "secret").write_text(PASSWORD + "\n")
    return {
        "host": "127.0.0.1",
        "port": guarded.port,
        "prefix": "sorter",
        "answer_s": 0.3,
        "tls": True,
        "ca_file": str(tmp_path / "ca.pem"),
        "user": "host",
        "password_file": str(tmp_path / "secret"),
    }


def test_tls_and_a_password_let_us_in(login: dict[str, object]) -> None:
    """There is no machine: to be told so, the broker must have let us in."""
    with pytest.raises(MachineUnavailable, match="no machine answers"):
        open_machine(BINS, login)


def test_a_wrong_password_is_an_error_that_does_not_repeat_it(
    login: dict[str, object], tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text("not-the-one")
    with pytest.raises(MachineUnavailable, match="check user and password") as caught:
        open_machine(BINS, login)
    assert "not-the-one" not in str(caught.value)


def test_a_certificate_that_nobody_vouches_for_is_not_taken(login: dict[str, object]) -> None:
    with pytest.raises(MachineUnavailable, match="check tls, ca_file"):
        open_machine(BINS, {**login, "ca_file": ""})


def _sockets() -> int:
    return sum(
        isinstance(found, socket.socket) and found.fileno() >= 0 for found in gc.get_objects()
    )


@pytest.mark.parametrize("changes", [{"ca_file": ""}, {"user": ""}, {"password_file": ""}, {}])
def test_an_opening_that_fails_leaves_no_socket_to_the_garbage_collector(
    login: dict[str, object], changes: dict[str, object]
) -> None:
    found = {**login, **changes}
    if "user" in changes:
        del found["password_file"]
    gc.collect()
    before = _sockets()
    with pytest.raises(MachineUnavailable):
        open_machine(BINS, found)
    assert _sockets() == before


def test_a_certificate_that_cannot_be_read_is_named(login: dict[str, object]) -> None:
    with pytest.raises(DriverSettingsError, match=r"found '/none\.pem'"):
        open_machine(BINS, {**login, "ca_file": "/none.pem"})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"host": "a"}, "prefix: found nothing"),
        ({"host": "a", "prefix": "a/#"}, r"without \+, # and \$"),
        ({"host": "a", "prefix": "/a"}, "no / at either end"),
        ({"host": "a", "prefix": "b", "password_env": "X"}, "expected the name the password"),
        ({"host": "a", "prefix": "b", "cert": "c"}, "expected both or neither"),
        ({"host": "a", "prefix": "b", "ca_file": "c"}, "tls: found false with certificates"),
        ({"host": "a", "prefix": "b", "port": 0}, "port: found 0"),
        ({"host": "a", "prefix": "b", "password": "x"}, "unknown key 'password'"),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, object], message: str) -> None:
    with pytest.raises(DriverSettingsError, match=message):
        read_settings(settings)


def test_the_password_comes_from_the_environment_or_says_what_is_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = {"host": "a", "prefix": "b", "user": "u", "password_env": "SORTER_PASSWORD"}
    monkeypatch.setenv("SORTER_PASSWORD", PASSWORD)
    settings = read_settings(found)
    assert settings.password() == PASSWORD
    assert PASSWORD not in repr(settings)
    monkeypatch.delenv("SORTER_PASSWORD")
    with pytest.raises(DriverSettingsError, match="no environment variable SORTER_PASSWORD"):
        settings.password()
    with pytest.raises(DriverSettingsError, match="cannot be read: No such file"):
        read_settings({**found, "password_env": "", "password_file": "/none"}).password()


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        (b"[]", "expected an object"),
        (b'{"protocol": "x"}', "protocol 'x', expected 'bricksight/1'"),
        (b"[" * 5000, "no JSON"),
        (b" " * 9000, "9000 bytes, expected up to 8192"),
    ],
)
def test_a_state_of_something_else_is_named(payload: bytes, message: str) -> None:
    with pytest.raises(BadMessage, match=message):
        read_state(payload)


def test_a_receipt_with_a_word_we_do_not_know_is_named() -> None:
    with pytest.raises(BadMessage, match="state 'delivered', allowed are accepted, fired"):
        read_news(
            b'{"session": "a", "event": 1, "seq": 0, "id": 1, "state": "delivered", '
            b'"clock_ms": 0, "cause": "none", "reason": ""}'
        )


def test_what_the_broker_kept_from_before_is_no_answer(
    machine: MqttMachine, connect: Callable[..., MqttDriver]
) -> None:
    """A retained state may be of any age, and of another version."""
    kept = machine.client.publish("sorter/state", '{"protocol": "old"}', qos=1, retain=True)
    kept.wait_for_publish(10)
    assert connect().state().condition is Condition.DISARMED
