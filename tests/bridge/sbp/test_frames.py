"""Frames: any cut of the stream, a flipped bit, noise."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sorter_firmware_bridge.frames import (
    MAX_CODED_BYTES,
    MAX_PAYLOAD_BYTES,
    Frame,
    FrameReader,
    crc16,
    decode,
    encode,
    stuff,
    unstuff,
)

FRAMES = st.builds(
    Frame,
    st.integers(0, 255),
    st.integers(0, 65535),
    st.integers(0, 65535),
    st.binary(max_size=MAX_PAYLOAD_BYTES),
)


def test_the_checksum_has_its_published_check_value() -> None:
    assert crc16(b"123456789") == 0x29B1


@pytest.mark.parametrize(
    ("message", "coded"),
    [  # from the paper's examples and by hand
        ("", "01"),
        ("00", "01 01"),
        ("00 00", "01 01 01"),
        ("11 22 00 33", "03 11 22 02 33"),
        ("11 22 33 44", "05 11 22 33 44"),
        ("11 00 00 00", "02 11 01 01 01"),
    ],
)
def test_stuffing_by_hand(message: str, coded: str) -> None:
    assert stuff(bytes.fromhex(message)) == bytes.fromhex(coded)
    assert unstuff(bytes.fromhex(coded)) == bytes.fromhex(message)


@given(st.binary(max_size=600))
def test_stuffing_leaves_no_zero_and_can_be_undone(message: bytes) -> None:
    coded = stuff(message)
    assert 0 not in coded
    assert unstuff(coded) == message


@given(st.lists(FRAMES, max_size=6), st.data())
def test_frames_survive_any_cut_of_the_stream(frames: list[Frame], data: st.DataObject) -> None:
    stream = b"".join(map(encode, frames))
    reader, found, at = FrameReader(), [], 0
    while at < len(stream):
        size = data.draw(st.integers(1, len(stream) - at))
        found += reader.feed(stream[at : at + size])
        at += size
    assert found == frames
    assert reader.damaged == 0


@given(FRAMES, st.data())
def test_a_flipped_bit_is_never_taken_for_a_frame(frame: Frame, data: st.DataObject) -> None:
    wire = bytearray(encode(frame))
    bit = data.draw(st.integers(0, 8 * len(wire) - 1))
    wire[bit // 8] ^= 1 << bit % 8
    assert frame not in FrameReader().feed(bytes(wire)) or bit // 8 in (0, len(wire) - 1)
    assert [f for f in FrameReader().feed(bytes(wire)) if f != frame] == []


@given(st.binary(max_size=200), FRAMES)
def test_noise_in_front_costs_no_frame(noise: bytes, frame: Frame) -> None:
    assert FrameReader().feed(noise + encode(frame))[-1:] == [frame]


def test_what_is_too_long_is_dropped_and_the_next_frame_is_read() -> None:
    frame = Frame(3, 1, 1)
    reader = FrameReader()
    assert reader.feed(b"\x07" * (10 * MAX_CODED_BYTES) + encode(frame)) == [frame]
    assert reader.damaged == 1


def test_a_frame_without_room_for_its_header_is_none() -> None:
    raw = b"\x01\x03"
    assert decode(stuff(raw + crc16(raw).to_bytes(2, "big"))) is None


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"payload": bytes(49)}, "payload: 49 bytes, at most 48"),
        ({"seq": 65536}, "seq: found 65536, expected 0..65535"),
        ({"session": -1}, "session: found -1"),
        ({"type": 256}, "type: found 256"),
    ],
)
def test_a_frame_that_cannot_be_says_why(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Frame(**{"type": 1, "session": 1, "seq": 1, **values})  # type: ignore[arg-type]
