"""The messages of an MQTT machine; MACHINES.md shows each. What is wrong in one is said by name."""

import json
from dataclasses import dataclass
from typing import Any

from sorter_firmware_bridge.bins import Cause, Command, Condition, Receipt, ReceiptState

PROTOCOL = "bricksight/1"
MAX_PAYLOAD_BYTES = 8192
MAX_REASON_CHARS = 200


class BadMessage(ValueError):
    """A payload that is not what its topic asks for."""


@dataclass(frozen=True, slots=True)
class State:
    """What a machine publishes on `<prefix>/state`.

    Attributes:
        session: The host's it serves.
        seq: The last request of that session it carried out.
        boot_id: Another one after every reset.
        bins: The numbers of its bins.
        queue_depth: Commands it holds.
        watchdog_s: Silence after which it makes itself safe.
        confirms: Whether a sensor sees the drop.
        condition: What it is ready for.
        reason: Why it is safe.
        clock_s: Its clock.
        queued: Commands accepted and not yet fired.
    """

    session: str
    seq: int
    boot_id: int
    bins: frozenset[int]
    queue_depth: int
    watchdog_s: float
    confirms: bool
    condition: Condition
    reason: str
    clock_s: float
    queued: int


@dataclass(frozen=True, slots=True)
class News:
    """What a machine publishes on `<prefix>/receipt`.

    Attributes:
        session: The host's it is for.
        event: 1 for the first of a session, rising by one.
        seq: The request that it answers; 0 for what happened later.
        receipt: The fact.
    """

    session: str
    event: int
    seq: int
    receipt: Receipt


def command_payload(session: str, seq: int, command: Command) -> str:
    """What goes to `<prefix>/command`."""
    found = {
        "session": session,
        "seq": seq,
        "id": command.id,
        "bin": command.bin.number,
        "due_ms": _ms(command.due_s),
        "deadline_ms": _ms(command.deadline_s),
    }
    return json.dumps(found)


def control_payload(session: str, seq: int, verb: str, reason: str = "") -> str:
    """What goes to `<prefix>/control` and `<prefix>/heartbeat`."""
    found = {"session": session, "seq": seq, "verb": verb, "reason": reason[:MAX_REASON_CHARS]}
    return json.dumps(found)


def presence_payload(session: str, online: bool) -> str:
    """What goes to `<prefix>/host`, retained; offline is the last will."""
    return json.dumps({"session": session, "online": online})


def read_presence(payload: bytes) -> bool:
    """Whether `<prefix>/machine` says that the machine is there.

    Raises:
        BadMessage: It says something else.
    """
    return _truth(_object(payload), "online")


def read_state(payload: bytes) -> State:
    """What `<prefix>/state` says.

    Raises:
        BadMessage: It is no state, or of another version.
    """
    found = _object(payload)
    if found.get("protocol") != PROTOCOL:
        raise BadMessage(f"protocol {found.get('protocol')!r}, expected {PROTOCOL!r}")
    bins = found.get("bins")
    if not isinstance(bins, list) or not all(isinstance(n, int) for n in bins):
        raise BadMessage(f"bins {bins!r}, expected a list of numbers")
    return State(
        session=_text(found, "session"),
        seq=_whole(found, "seq"),
        boot_id=_whole(found, "boot_id"),
        bins=frozenset(bins),
        queue_depth=_whole(found, "queue_depth"),
        watchdog_s=_whole(found, "watchdog_ms") / 1000,
        confirms=_truth(found, "confirms"),
        condition=_one_of(found, "condition", Condition),
        reason=_text(found, "reason")[:MAX_REASON_CHARS],
        clock_s=_number(found, "clock_ms") / 1000,
        queued=_whole(found, "queued"),
    )


def read_news(payload: bytes) -> News:
    """What `<prefix>/receipt` says.

    Raises:
        BadMessage: It is no receipt.
    """
    found = _object(payload)
    receipt = Receipt(
        command_id=_whole(found, "id"),
        state=_one_of(found, "state", ReceiptState),
        clock_s=_number(found, "clock_ms") / 1000,
        cause=_one_of(found, "cause", Cause),
        reason=_text(found, "reason")[:MAX_REASON_CHARS],
    )
    return News(_text(found, "session"), _whole(found, "event"), _whole(found, "seq"), receipt)


def _ms(time_s: float | None) -> float | None:
    return None if time_s is None else time_s * 1000


def _object(payload: bytes) -> dict[str, Any]:
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise BadMessage(f"{len(payload)} bytes, expected up to {MAX_PAYLOAD_BYTES}")
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise BadMessage(f"no JSON: {error}") from error
    if not isinstance(found, dict):
        raise BadMessage(f"JSON {type(found).__name__}, expected an object")
    return found


def _whole(found: dict[str, Any], key: str) -> int:
    value = found.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**53:
        raise BadMessage(f"{key} {value!r}, expected a whole number")
    return value


def _number(found: dict[str, Any], key: str) -> float:
    value = found.get(key)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < 2**53:
        raise BadMessage(f"{key} {value!r}, expected a number")
    return float(value)


def _truth(found: dict[str, Any], key: str) -> bool:
    value = found.get(key)
    if not isinstance(value, bool):
        raise BadMessage(f"{key} {value!r}, expected true or false")
    return value


def _text(found: dict[str, Any], key: str) -> str:
    value = found.get(key)
    if not isinstance(value, str):
        raise BadMessage(f"{key} {value!r}, expected a text")
    return value


def _one_of(found: dict[str, Any], key: str, kind: Any) -> Any:
    value = found.get(key)
    if value not in list(kind):
        raise BadMessage(f"{key} {value!r}, allowed are {', '.join(kind)}")
    return kind(value)
