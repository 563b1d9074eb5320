"""Frames of sbp/1 in words, for people who watch a link."""

from sorter_firmware_bridge.frames import Frame
from sorter_firmware_bridge.protocol import (
    ANSWER_BIT,
    Event,
    EventKind,
    Kind,
    MoveFlag,
    ProtocolError,
    Status,
    Why,
    read_greeting,
    read_hello,
    read_move,
    read_status,
)

MOVE_BYTES = 11


def describe(frame: Frame) -> str:
    """One line for one frame.

    Args:
        frame: In either direction; also one that keeps to no protocol.
    """
    number = frame.type & ~ANSWER_BIT
    name = Kind(number).name if number in list(Kind) else f"type {number:#04x}"
    head = f"{name:<5} s{frame.session} #{frame.seq}"
    try:
        said = _answer(frame) if frame.type & ANSWER_BIT else _question(frame)
    except ProtocolError as error:
        said = f"not of sbp/1: {error}"
    return f"{head}  {said}".rstrip()


def _question(frame: Frame) -> str:
    payload = frame.payload
    if frame.type == Kind.HELLO:
        hello = read_hello(payload)
        return f"speaks sbp/{hello[0]}..{hello[1]}" if hello else "malformed"
    if frame.type == Kind.MOVE and len(payload) == MOVE_BYTES:
        flags, bin_number, due_us, deadline_us = read_move(payload)
        due = f" at {due_us / 1e6:.3f} s" if MoveFlag.DUE in flags else " as soon as possible"
        end = f", not after {deadline_us / 1e6:.3f} s" if MoveFlag.DEADLINE in flags else ""
        return f"to bin {bin_number}{due}{end}, knows events before {payload[0]}"
    if frame.type == Kind.POLL and len(payload) == 2:
        life = "alive" if payload[1] else "quiet"
        return f"{life}, knows events before {payload[0]}"
    if frame.type == Kind.ARM and len(payload) == 1:
        return f"knows events before {payload[0]}"
    return payload.hex(" ")


def _answer(frame: Frame) -> str:
    if frame.type == Kind.HELLO | ANSWER_BIT:
        greeting = read_greeting(frame.payload)
        bins = ", ".join(map(str, greeting.bins))
        return (
            f"{greeting.result.name}, boot {greeting.boot_id}, bins {bins}, "
            f"watchdog {greeting.watchdog_ms} ms, firmware {greeting.firmware[0]}."
            f"{greeting.firmware[1]}, {greeting.mode.name}"
        )
    return _status(read_status(frame.payload))


def _status(status: Status) -> str:
    why = f" ({status.why.name.lower()})" if status.why is not Why.NONE else ""
    events = "".join(
        f"; event {(status.first + place) % 256} {_event(event)}"
        for place, event in enumerate(status.events)
    )
    return (
        f"{status.result.name}, {status.mode.name}{why}, {status.queued} queued, "
        f"{status.clock_us / 1e6:.3f} s{events}"
    )


def _event(event: Event) -> str:
    at = f"at {event.clock_us / 1e6:.4f} s"
    if event.kind is EventKind.SENSOR:
        return f"sensor {event.detail} {at}"
    if event.kind is EventKind.MISSED:
        why = Why(event.detail).name.lower() if event.detail in list(Why) else str(event.detail)
        return f"#{event.seq} missed ({why}) {at}"
    return f"#{event.seq} {event.kind.name.lower()} bin {event.detail} {at}"
