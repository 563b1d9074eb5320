"""A connection to a broker; the only place that knows paho. No thread: who waits, reads.

It never connects again by itself: what was in flight when it broke is not known, and a new session
has to begin with that.
"""

import socket
import ssl
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from sorter_firmware_bridge.drivers.mqtt_settings import MqttSettings
from sorter_firmware_bridge.errors import DriverSettingsError, MachineLost, MachineUnavailable

MAX_UNREAD = 1024
MAX_PACKET_BYTES = 16384
STEP_S = 0.05
_TOPICS = ("state", "receipt", "machine")


@dataclass(frozen=True, slots=True)
class Message:
    """What arrived.

    Attributes:
        name: The topic behind the prefix.
        payload: As it came.
        retained: Whether the broker kept it from before.
    """

    name: str
    payload: bytes
    retained: bool


class MqttLine:
    """An MQTT 5 connection with a last will.

    Args:
        settings: Which broker.
        will: The payload of the last will, retained on `<prefix>/host`.

    Raises:
        MachineUnavailable: The broker cannot be reached, is none, or does not let us in.
        DriverSettingsError: A certificate or the password cannot be read.
    """

    def __init__(self, settings: MqttSettings, will: str) -> None:
        self._settings = settings
        self._inbox: deque[Message] = deque(maxlen=MAX_UNREAD)
        self._let_in = ""
        self._subscribed = False
        self._newest: mqtt.MQTTMessageInfo | None = None
        self._client = self._make_client(will)
        try:
            self._connect()
        except MachineUnavailable:
            self.close()
            raise

    def publish(self, name: str, payload: str, qos: int = 1, retain: bool = False) -> None:
        """Send one message.

        Raises:
            MachineLost: The connection is broken.
        """
        topic = f"{self._settings.prefix}/{name}"
        info = self._client.publish(topic, payload, qos, retain)
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise self._gone("the connection is broken")
        self._newest = info

    def settle(self, timeout_s: float) -> None:
        """Wait until the broker has what was published last, and so all before it. A connection
        that is closed while something is unread may lose what was written.

        Raises:
            MachineLost: The connection is broken.
        """
        end_s = time.monotonic() + timeout_s
        while self._newest and not self._newest.is_published() and time.monotonic() < end_s:
            self._step(STEP_S)

    def read(self) -> list[Message]:
        """What arrived since the last call, without waiting.

        Raises:
            MachineLost: The connection is broken.
        """
        self._step(0.0)
        return self._take()

    def wait(self, timeout_s: float) -> list[Message]:
        """What arrives within a time; returns as soon as something did.

        Raises:
            MachineLost: The connection is broken.
        """
        end_s = time.monotonic() + timeout_s
        while not self._inbox and time.monotonic() < end_s:
            self._step(STEP_S)
        return self._take()

    def close(self) -> None:
        """Take leave and let go. Never raises; safe to call twice."""
        self._client.disconnect()
        self._client.loop(0.0)
        # Closes what it still holds, also the pair of sockets that `loop` made for itself.
        self._client.reinitialise()

    def _make_client(self, will: str) -> mqtt.Client:
        settings = self._settings
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5, reconnect_on_failure=False
        )
        client.connect_timeout = settings.connect_timeout_s
        client.max_queued_messages_set(MAX_UNREAD)
        client.on_socket_open = _send_at_once
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.will_set(f"{settings.prefix}/host", will, qos=1, retain=True)
        if settings.user:
            client.username_pw_set(settings.user, settings.password())
        if settings.tls:
            client.tls_set_context(_tls(settings))
        return client

    def _connect(self) -> None:
        settings = self._settings
        try:
            self._client.connect(
                settings.host, settings.broker_port, settings.keepalive_s, properties=_properties()
            )
        except ssl.SSLError as error:
            raise MachineUnavailable(
                f"no TLS with {settings.broker} ({error}); check tls, ca_file and that the "
                "certificate is for this name"
            ) from error
        except OSError as error:
            raise MachineUnavailable(
                f"the broker {settings.broker} cannot be reached ({error}); check address, port "
                "and network"
            ) from error
        self._until(lambda: bool(self._let_in), "says nothing that is MQTT 5")
        if self._let_in != "Success":
            raise MachineUnavailable(
                f"the broker {settings.broker} does not let us in: {self._let_in}; "
                f"{'check user and password' if settings.user else 'it may want a user'}"
            )
        self._client.subscribe([(f"{settings.prefix}/{name}", _options()) for name in _TOPICS])
        self._until(lambda: self._subscribed, "does not answer a subscription")

    def _until(self, done: Callable[[], bool], problem: str) -> None:
        end_s = time.monotonic() + self._settings.connect_timeout_s
        while not done():
            broken = self._client.loop(STEP_S) != MQTTErrorCode.MQTT_ERR_SUCCESS
            if not done() and (broken or time.monotonic() >= end_s):
                raise MachineUnavailable(f"{self._settings.broker} {problem}; is it a broker?")

    def _step(self, timeout_s: float) -> None:
        if self._client.loop(timeout_s) != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise self._gone("the connection broke")

    def _take(self) -> list[Message]:
        taken = list(self._inbox)
        self._inbox.clear()
        return taken

    def _on_connect(self, client: Any, data: Any, flags: Any, reason: Any, more: Any) -> None:
        self._let_in = str(reason)

    def _on_subscribe(self, client: Any, data: Any, number: int, reasons: Any, more: Any) -> None:
        self._subscribed = not any(reason.is_failure for reason in reasons)

    def _on_message(self, client: Any, data: Any, message: mqtt.MQTTMessage) -> None:
        name = message.topic.removeprefix(f"{self._settings.prefix}/")
        self._inbox.append(Message(name, bytes(message.payload), message.retain))

    def _gone(self, problem: str) -> MachineLost:
        broker = self._settings.broker
        return MachineLost(f"{problem} to the broker {broker}; check it and open it again")


class _TlsSocket(ssl.SSLSocket):
    """Closed where the handshake fails; paho would leave that to the garbage collector."""

    def do_handshake(self, block: bool = False) -> None:
        """See `ssl.SSLSocket.do_handshake`."""
        try:
            super().do_handshake(block)
        except OSError:
            self.close()
            raise


def _send_at_once(client: Any, data: Any, connection: Any) -> None:
    """Small messages do not wait for the answer to the last one."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _properties() -> Properties:
    """What the broker is asked for: it keeps longer messages to itself."""
    found = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    found.MaximumPacketSize = MAX_PACKET_BYTES
    return found


def _options() -> Any:
    from paho.mqtt.subscribeoptions import SubscribeOptions

    return SubscribeOptions(qos=1, retainAsPublished=False)


def _tls(settings: MqttSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.ca_file or None)
        context.sslsocket_class = _TlsSocket
        if settings.cert:
            context.load_cert_chain(settings.cert, settings.key)
    except (OSError, ValueError) as error:
        raise DriverSettingsError(
            f"ca_file, cert or key: cannot be read ({error}); found {settings.ca_file!r}, "
            f"{settings.cert!r}, {settings.key!r}, expected PEM files"
        ) from error
    return context
