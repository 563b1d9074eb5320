"""A machine behind an MQTT broker: a paho client of its own, with its own last will."""

import json
import math
import socket
import threading
from typing import Any

import paho.mqtt.client as mqtt
from machines.core import Core, Happened, Waiting
from paho.mqtt.enums import CallbackAPIVersion

from sorter_firmware_bridge.bins import Cause, ReceiptState

PROTOCOL = "bricksight/1"
START_S = 20.0


class MqttMachine:
    """Answers on the topics below `prefix` until `end` or `die`."""

    def __init__(self, core: Core, port: int, prefix: str = "sorter", twice: bool = False) -> None:
        self.core = core
        self.prefix = prefix
        self.twice = twice
        self.deaf = False
        self.session = ""
        self.seq = self.command_seq = self.events = 0
        self.got: list[tuple[str, dict[str, Any]]] = []
        self._sent: list[mqtt.MQTTMessageInfo] = []
        self._ready = threading.Event()
        core.tell = self._note
        self.client = mqtt.Client(
            CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5, reconnect_on_failure=False
        )
        self.client.on_socket_open = lambda client, data, connection: connection.setsockopt(
            socket.IPPROTO_TCP, socket.TCP_NODELAY, 1
        )
        self.client.on_message = self._on_message
        self.client.on_connect = lambda client, *rest: client.subscribe(f"{prefix}/#", qos=1)
        self.client.on_subscribe = lambda *rest: self._ready.set()
        self.client.will_set(f"{prefix}/machine", '{"online": false}', qos=1, retain=True)
        self.client.connect("127.0.0.1", port, keepalive=5)
        self.client.loop_start()
        assert self._ready.wait(START_S), "the machine got no connection to the broker"
        self.client.publish(f"{prefix}/machine", '{"online": true}', qos=1, retain=True)

    def settle(self) -> None:
        """Wait until the broker has taken everything that was published."""
        with self.core.lock:
            sent, self._sent = self._sent, []
        for info in sent:
            info.wait_for_publish(START_S)

    def end(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def die(self) -> None:
        """Lose the network without a word, so that the broker tells the last will."""
        self.client.loop_stop()
        sock = self.client.socket()
        assert sock is not None
        sock.close()

    def publish_state(self, **changed: object) -> None:
        core = self.core
        self._publish(
            "state",
            {
                "protocol": PROTOCOL,
                "session": self.session,
                "seq": self.seq,
                "boot_id": core.boot_id,
                "bins": sorted(core.bins),
                "queue_depth": core.depth,
                "watchdog_ms": round(core.watchdog_s * 1000),
                "confirms": core.confirms,
                "condition": core.condition,
                "reason": core.reason,
                "clock_ms": core.clock() * 1000,
                "queued": len(core.waiting),
                **changed,
            },
            retain=True,
        )

    def _on_message(self, client: Any, data: Any, message: mqtt.MQTTMessage) -> None:
        name = message.topic.removeprefix(f"{self.prefix}/")
        if name not in ("command", "control", "heartbeat") or message.retain or self.deaf:
            return
        found = json.loads(message.payload)
        with self.core.lock:
            self.got.append((name, found))
            self._obey(name, found)

    def _obey(self, name: str, found: dict[str, Any]) -> None:
        if name == "control" and found["verb"] == "open" and found["session"] != self.session:
            self.session, self.seq, self.events = found["session"], 0, 0
            self.core.take_over()
        if found["session"] != self.session or found["seq"] <= self.seq:
            return
        self.seq = found["seq"]
        self.core.hear()
        if name == "command":
            self._command(found)
            return
        if found["verb"] == "arm":
            self.core.arm()
        elif found["verb"] == "stop":
            self.core.stop(found["reason"])
        self.publish_state()

    def _command(self, found: dict[str, Any]) -> None:
        due_s = (found["due_ms"] or 0.0) / 1000
        late_s = math.inf if found["deadline_ms"] is None else found["deadline_ms"] / 1000
        cause = self.core.judge(Waiting(found["id"], found["bin"], due_s, late_s))
        state = ReceiptState.ACCEPTED if cause is Cause.NONE else ReceiptState.REFUSED
        self._receipt(Happened(found["id"], state, cause, self.core.clock()), self.seq)

    def _note(self, happened: Happened) -> None:
        self._receipt(happened, 0)

    def _receipt(self, happened: Happened, seq: int) -> None:
        self.events += 1
        found = {
            "session": self.session,
            "event": self.events,
            "seq": seq,
            "id": happened.id,
            "state": happened.state,
            "clock_ms": happened.clock_s * 1000,
            "cause": happened.cause,
            "reason": ""
            if happened.cause is Cause.NONE
            else f"{happened.cause}: {self.core.condition}",
        }
        for _ in range(1 + self.twice):
            self._publish("receipt", found)

    def _publish(self, name: str, found: dict[str, Any], retain: bool = False) -> None:
        payload = json.dumps(found)
        self._sent.append(self.client.publish(f"{self.prefix}/{name}", payload, 1, retain))
