"""What a JPEG or PNG file says of itself, read without decoding it.

A decoder shows a truncated picture as if it were whole and makes room for whatever size a
header claims, so the structure is walked to its end first: a few reads per part of the file.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from edge.errors import PictureError

_JPEG_START = b"\xff\xd8\xff"
_PNG_START = b"\x89PNG\r\n\x1a\n"
_PNG_GREY, _PNG_ALPHA = 0, (4, 6)
_SOF_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_STANDALONE_MARKERS = frozenset(range(0xD0, 0xD8)) | {0x01}
_EOI = 0xD9
_NEXT_JPEG_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_SIGNATURES = (
    (b"GIF8", 0, "a GIF"),
    (b"BM", 0, "a BMP"),
    (b"II*\x00", 0, "a TIFF"),
    (b"MM\x00*", 0, "a TIFF"),
    (b"WEBP", 8, "a WebP"),
    (b"ftyp", 4, "an HEIC, AVIF or MP4 file"),
    (b"%PDF", 0, "a PDF"),
)


@dataclass(frozen=True, slots=True)
class PictureHeader:
    """What a file says of itself.

    Attributes:
        width_px: As stored, before any EXIF turn.
        height_px: As stored.
        transparent: Whether some of it may be see-through.
        exif_chunk: A PNG's whole eXIf chunk, or nothing.
    """

    width_px: int
    height_px: int
    transparent: bool = False
    exif_chunk: bytes = b""


def read_header(data: bytes, max_pixels: int) -> PictureHeader:
    """Read the size and walk to the end of the picture.

    Args:
        data: The whole file.
        max_pixels: A larger picture is not walked; its header comes back as it claims.

    Raises:
        PictureError: Neither JPEG nor PNG, truncated or damaged; the message goes on from the
            file's name.
    """
    try:
        if data.startswith(_PNG_START):
            return _png_header(data, max_pixels)
        if data.startswith(_JPEG_START):
            return _jpeg_header(data, max_pixels)
    except struct.error as error:
        raise _truncated() from error
    raise PictureError(
        f"is {_kind_of(data)}; JPEG and PNG files are allowed. Convert it to one of them."
    )


def _truncated() -> PictureError:
    return PictureError("is truncated: its end is missing. Copy or save it again.")


def _damaged(what: str) -> PictureError:
    return PictureError(f"is damaged: {what}. Copy or save it again.")


def _kind_of(data: bytes) -> str:
    for signature, offset, kind in _SIGNATURES:
        if data[offset : offset + len(signature)] == signature:
            return kind
    is_text = all(byte >= 0x20 or byte in b"\t\r\n\f" for byte in data[:512])
    return "a text file" if is_text else "of an unknown kind"


def _png_header(data: bytes, max_pixels: int) -> PictureHeader:
    _, first, width_px, height_px, _, colour = struct.unpack_from(">I4sIIBB", data, len(_PNG_START))
    if first != b"IHDR":
        raise _damaged("it does not start with its header")
    if width_px * height_px > max_pixels:
        return PictureHeader(width_px, height_px)
    chunks = dict(_png_chunks(data))
    # The decoder gives no alpha for the one transparent value that a grey picture may name.
    transparent = colour in _PNG_ALPHA or (b"tRNS" in chunks and colour != _PNG_GREY)
    return PictureHeader(width_px, height_px, transparent, chunks.get(b"eXIf", b""))


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Walk to IEND and check every sum; give each type, and the whole chunk of an eXIf."""
    view, start, kind = memoryview(data), len(_PNG_START), b""
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, start)
        end = start + 12 + length
        (checksum,) = struct.unpack_from(">I", data, end - 4)
        if zlib.crc32(view[start + 4 : end - 4]) != checksum:
            raise _damaged(f"the checksum of its part {kind.decode('latin-1')!r} is wrong")
        yield kind, data[start:end] if kind == b"eXIf" else b""
        start = end


def _jpeg_header(data: bytes, max_pixels: int) -> PictureHeader:
    header = None
    for marker, start in _jpeg_markers(data):
        if marker in _SOF_MARKERS and header is None:
            height_px, width_px = struct.unpack_from(">HH", data, start + 3)
            header = PictureHeader(width_px, height_px)
            if width_px * height_px > max_pixels:
                return header
        if marker == _EOI and header is not None:
            return header
    raise _truncated()


def _jpeg_markers(data: bytes) -> Iterator[tuple[int, int]]:
    """Give each marker and where its segment starts, up to the end of the picture.

    Lengths are followed, so the end of an embedded thumbnail is not taken for the end.
    """
    found = _NEXT_JPEG_MARKER.search(data, 2)
    while found:
        marker, start = data[found.end() - 1], found.end()
        yield marker, start
        if marker == _EOI:
            return
        length = 0 if marker in _STANDALONE_MARKERS else struct.unpack_from(">H", data, start)[0]
        found = _NEXT_JPEG_MARKER.search(data, start + length)
