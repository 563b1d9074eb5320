"""Frames in words: every frame there can be, and what the words say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sorter_firmware_bridge.describe import describe
from sorter_firmware_bridge.frames import MAX_PAYLOAD_BYTES, Frame
from sorter_firmware_bridge.protocol import (
    ANSWER_BIT,
    Event,
    EventKind,
    Kind,
    Mode,
    Result,
    Status,
    Why,
    move_payload,
    status_payload,
)

WORDS = st.integers(0, 65535)
SIZES = (0, 1, 2, 6, 11, 13, 21, 29, 37, 45)
"""The sizes of the messages there are, besides any other."""
PAYLOADS = st.binary(max_size=MAX_PAYLOAD_BYTES) | st.sampled_from(SIZES).flatmap(
    lambda size: st.binary(min_size=size, max_size=size)
)
TYPES = st.integers(0, 255) | st.sampled_from([*Kind, *(kind | ANSWER_BIT for kind in Kind)])


@given(TYPES, WORDS, WORDS, PAYLOADS, st.integers(0, 255))
def test_every_frame_has_one_line(
    type_: int, session: int, seq: int, payload: bytes, version: int
) -> None:
    text = describe(Frame(type_, session, seq, payload, version))
    assert f"s{session} #{seq}" in text
    assert "\n" not in text


@given(st.integers(0, 7), st.lists(st.tuples(st.integers(0, 5), st.integers(0, 255)), max_size=4))
def test_every_status_has_one_line(mode: int, events: list[tuple[int, int]]) -> None:
    head = bytes([0, mode, 0, 0, 0, 8, 0, 0, 0, 1, 0, 255, len(events)])
    tail = b"".join(bytes([kind, detail, 0, 1, 0, 0, 0, 1]) for kind, detail in events)
    assert "\n" not in describe(Frame(Kind.POLL | ANSWER_BIT, 1, 1, head + tail))


@pytest.mark.parametrize(
    ("frame", "text"),
    [
        (
            Frame(Kind.MOVE, 2, 5, move_payload(3, 7, 1_500_000, 2_000_000)),
            "MOVE  s2 #5  to bin 7 at 1.500 s, not after 2.000 s, knows events before 3",
        ),
        (Frame(Kind.MOVE, 2, 5, b"\1"), "MOVE  s2 #5  01"),
        (Frame(Kind.POLL, 2, 5, b"\3\0"), "POLL  s2 #5  quiet, knows events before 3"),
        (Frame(Kind.HELLO, 0, 0, b"\1"), "HELLO s0 #0  malformed"),
        (Frame(0x55, 0, 0), "type 0x55 s0 #0"),
        (Frame(0x83, 2, 5, b"\1"), "POLL  s2 #5  not of sbp/1: status 01: unpack_from"),
    ],
)
def test_what_the_words_say(frame: Frame, text: str) -> None:
    assert describe(frame).startswith(text)


def test_an_answer_says_what_happened() -> None:
    events = (
        Event(EventKind.FIRED, 7, 4, 1_000_000),
        Event(EventKind.MISSED, Why.TOO_LATE, 5, 1_100_000),
        Event(EventKind.SENSOR, 0, 0, 1_200_000),
    )
    status = Status(Result.OK, Mode.SAFE, Why.WATCHDOG, 0, 2, 6, 1_500_000, 0, 255, events)
    assert describe(Frame(Kind.POLL | ANSWER_BIT, 2, 5, status_payload(status))) == (
        "POLL  s2 #5  OK, SAFE (watchdog), 2 queued, 1.500 s; event 255 #4 fired bin 7 at 1.0000 s"
        "; event 0 #5 missed (too_late) at 1.1000 s; event 1 sensor 0 at 1.2000 s"
    )
