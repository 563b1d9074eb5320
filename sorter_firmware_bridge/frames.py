"""Frames of sbp/1: bytes on the wire <-> checked frames. No I/O, no thread, no clock."""

import binascii
from dataclasses import dataclass

DELIMITER = 0
VERSION = 1
MAX_PAYLOAD_BYTES = 48
HEADER_BYTES = 6
CRC_BYTES = 2
MIN_RAW_BYTES = HEADER_BYTES + CRC_BYTES
MAX_RAW_BYTES = MIN_RAW_BYTES + MAX_PAYLOAD_BYTES
MAX_CODED_BYTES = MAX_RAW_BYTES + 1  # up to 254 bytes COBS adds exactly one


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame, in either direction.

    Attributes:
        type: 0..255; answers have the bit 0x80.
        session: 0..65535; 0 is none.
        seq: 0..65535.
        payload: 0..48 bytes.
        version: Of the protocol.

    Raises:
        ValueError: A field is out of range.
    """

    type: int
    session: int
    seq: int
    payload: bytes = b""
    version: int = VERSION

    def __post_init__(self) -> None:
        if len(self.payload) > MAX_PAYLOAD_BYTES:
            raise ValueError(f"payload: {len(self.payload)} bytes, at most {MAX_PAYLOAD_BYTES}")
        for name, value, high in (
            ("version", self.version, 255),
            ("type", self.type, 255),
            ("session", self.session, 65535),
            ("seq", self.seq, 65535),
        ):
            if not 0 <= value <= high:
                raise ValueError(f"{name}: found {value}, expected 0..{high}")


def crc16(message: bytes) -> int:
    """CRC-16/CCITT-FALSE; 0x29B1 for b"123456789" (Williams' check value)."""
    return binascii.crc_hqx(message, 0xFFFF)


def stuff(message: bytes) -> bytes:
    """Consistent Overhead Byte Stuffing (Cheshire and Baker, 1999): no zero byte is left."""
    coded = bytearray()
    for block in message.split(b"\0"):
        while len(block) >= 254:
            coded += b"\xff" + block[:254]
            block = block[254:]
        coded += bytes([len(block) + 1]) + block
    return bytes(coded)


def unstuff(coded: bytes) -> bytes | None:
    """The inverse of `stuff`; None where no message gives these bytes."""
    message = bytearray()
    place = 0
    while place < len(coded):
        length = coded[place]
        block = coded[place + 1 : place + length]
        if length == 0 or len(block) != length - 1 or DELIMITER in block:
            return None
        message += block
        place += length
        if length < 255 and place < len(coded):
            message.append(0)
    return bytes(message)


def encode(frame: Frame) -> bytes:
    """A frame as it goes over the wire, between two delimiters.

    The one in front ends whatever noise stands before it.
    """
    head = bytes([frame.version, frame.type])
    raw = head + frame.session.to_bytes(2, "big") + frame.seq.to_bytes(2, "big") + frame.payload
    coded = stuff(raw + crc16(raw).to_bytes(2, "big"))
    return bytes([DELIMITER]) + coded + bytes([DELIMITER])


def decode(coded: bytes) -> Frame | None:
    """The frame between two delimiters; None where there is none with a right checksum."""
    raw = unstuff(coded) if len(coded) <= MAX_CODED_BYTES else None
    if raw is None or not MIN_RAW_BYTES <= len(raw) <= MAX_RAW_BYTES:
        return None
    body, found = raw[:-CRC_BYTES], int.from_bytes(raw[-CRC_BYTES:], "big")
    if crc16(body) != found:
        return None
    session, seq = int.from_bytes(body[2:4], "big"), int.from_bytes(body[4:6], "big")
    return Frame(body[1], session, seq, body[HEADER_BYTES:], body[0])


class FrameReader:
    """Finds frames in a stream that may be cut anywhere and hold noise.

    Attributes:
        damaged: How many pieces between two delimiters were no frame.
    """

    def __init__(self) -> None:
        self._piece = bytearray()
        self.damaged = 0

    @property
    def pending(self) -> bool:
        """Whether bytes wait for the delimiter that ends them."""
        return bool(self._piece)

    def feed(self, chunk: bytes) -> list[Frame]:
        """Take the next bytes.

        Args:
            chunk: Any number of bytes.

        Returns:
            The frames that they complete.
        """
        frames = []
        *ended, rest = chunk.split(bytes([DELIMITER]))
        for piece in ended:
            coded, self._piece = bytes(self._piece + piece), bytearray()
            frame = decode(coded) if coded else None
            if frame is not None:
                frames.append(frame)
            self.damaged += bool(coded) and frame is None
        # One byte more than the longest frame is enough to know that it is none.
        self._piece = (self._piece + rest)[: MAX_CODED_BYTES + 1]
        return frames
