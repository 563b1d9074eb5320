"""Pictures a user may hand over: each is shown right or refused with a reason."""

import io
import os
import struct
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import ExifTags, Image

from edge import pictures
from edge.errors import PictureError
from edge.pictures import find_pictures, read_picture, search_pictures, write_picture

# The left half, then the right: unequal in every channel, so any swap or turn shows.
LEFT, RIGHT = (200, 30, 60), (20, 90, 220)
# JPEG blurs colour at an edge; flat areas stay within this.
JPEG_TOLERANCE = 4


def two_halves(height_px: int = 32, width_px: int = 64) -> np.ndarray:
    image = np.empty((height_px, width_px, 3), np.uint8)
    image[:, : width_px // 2] = LEFT
    image[:, width_px // 2 :] = RIGHT
    return image


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def saved(folder: Path, name: str, data: bytes) -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def assert_two_halves(image: np.ndarray, tolerance: int = 0) -> None:
    assert image.dtype == np.uint8
    assert image.shape == (32, 64, 3)
    np.testing.assert_allclose(image[4:28, 4:28].astype(int) - LEFT, 0, atol=tolerance)
    np.testing.assert_allclose(image[4:28, 36:60].astype(int) - RIGHT, 0, atol=tolerance)


def png_chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_header(width_px: int, height_px: int, depth: int = 8, colour: int = 2) -> bytes:
    header = struct.pack(">IIBBBBB", width_px, height_px, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header)


def png_16_bit(samples: np.ndarray, colour: int) -> bytes:
    """A 16-bit PNG written by hand: no library here writes one for grey *and* colour."""
    height_px, width_px = samples.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    body = png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")
    return png_header(width_px, height_px, 16, colour) + body


# --- pictures that are shown -------------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_plain_rgb(tmp_path: Path, kind: str) -> None:
    data = encoded(Image.fromarray(two_halves()), kind)
    assert_two_halves(read_picture(saved(tmp_path, "a.png", data)), JPEG_TOLERANCE)


def test_progressive_jpeg(tmp_path: Path) -> None:
    data = encoded(Image.fromarray(two_halves()), "JPEG", progressive=True, quality=95)
    assert_two_halves(read_picture(saved(tmp_path, "a.jpg", data)), JPEG_TOLERANCE)


def test_grey_becomes_three_equal_channels(tmp_path: Path) -> None:
    ramp = np.tile(np.arange(64, dtype=np.uint8) * 4, (32, 1))
    path = saved(tmp_path, "a.png", encoded(Image.fromarray(ramp), "PNG"))
    np.testing.assert_array_equal(read_picture(path), np.dstack([ramp] * 3))


def test_palette(tmp_path: Path) -> None:
    data = encoded(Image.fromarray(two_halves()).quantize(4), "PNG")
    assert_two_halves(read_picture(saved(tmp_path, "a.png", data)), 1)


def test_16_bit_colour_keeps_the_upper_eight_bits(tmp_path: Path) -> None:
    path = saved(tmp_path, "a.png", png_16_bit(two_halves().astype(np.uint16) * 257, colour=2))
    assert_two_halves(read_picture(path))


def test_16_bit_grey_keeps_the_upper_eight_bits(tmp_path: Path) -> None:
    values = np.arange(32 * 64, dtype=np.uint16).reshape(32, 64) * 31
    path = saved(tmp_path, "a.png", png_16_bit(values, colour=0))
    np.testing.assert_array_equal(read_picture(path)[:, :, 1], values >> 8)


def with_alpha(alpha: np.ndarray) -> np.ndarray:
    return np.dstack([two_halves(), alpha])


def test_opaque_rgba_is_unchanged(tmp_path: Path) -> None:
    rgba = with_alpha(np.full((32, 64), 255, np.uint8))
    path = saved(tmp_path, "a.png", encoded(Image.fromarray(rgba), "PNG"))
    assert_two_halves(read_picture(path))


def test_transparent_parts_are_white(tmp_path: Path) -> None:
    alpha = np.zeros((32, 64), np.uint8)
    alpha[:, 32:] = 51
    path = saved(tmp_path, "a.png", encoded(Image.fromarray(with_alpha(alpha)), "PNG"))
    image = read_picture(path)
    assert image[0, 0].tolist() == [255, 255, 255]
    # 51 of 255 is a fifth of the colour on four fifths of white.
    assert image[0, 63].tolist() == [round(c / 5 + 255 * 4 / 5) for c in RIGHT]


def test_16_bit_rgba(tmp_path: Path) -> None:
    rgba = with_alpha(np.full((32, 64), 255, np.uint8)).astype(np.uint16) * 257
    assert_two_halves(read_picture(saved(tmp_path, "a.png", png_16_bit(rgba, colour=6))))


def test_grey_with_alpha(tmp_path: Path) -> None:
    grey = np.dstack([np.full((32, 64), 40, np.uint8), np.zeros((32, 64), np.uint8)])
    grey[:, 32:, 1] = 255
    image = read_picture(saved(tmp_path, "a.png", encoded(Image.fromarray(grey, "LA"), "PNG")))
    assert (image[0, 0].tolist(), image[0, 63].tolist()) == ([255] * 3, [40] * 3)


def test_palette_with_a_transparent_entry(tmp_path: Path) -> None:
    palette = Image.fromarray(two_halves()).quantize(2)
    left = palette.getpixel((0, 0))
    image = read_picture(saved(tmp_path, "a.png", encoded(palette, "PNG", transparency=left)))
    assert image[0, 0].tolist() == [255] * 3
    np.testing.assert_allclose(image[0, 63], RIGHT, atol=1)


def test_grey_with_one_transparent_value_is_shown_opaque(tmp_path: Path) -> None:
    grey = Image.fromarray(np.full((32, 64), 40, np.uint8))
    path = saved(tmp_path, "a.png", encoded(grey, "PNG", transparency=40))
    assert (read_picture(path) == 40).all()


def cmyk_jpeg() -> bytes:
    """Pillow writes CMYK as Adobe does: inverted, with an Adobe segment."""
    return encoded(Image.fromarray(two_halves()).convert("CMYK"), "JPEG", quality=95)


def without_adobe_segment(data: bytes) -> bytes:
    start = data.index(b"\xff\xee")
    (length,) = struct.unpack_from(">H", data, start + 2)
    return data[:start] + data[start + 2 + length :]


def test_adobe_cmyk_jpeg(tmp_path: Path) -> None:
    data = cmyk_jpeg()
    assert b"Adobe" in data
    assert_two_halves(read_picture(saved(tmp_path, "a.jpg", data)), JPEG_TOLERANCE)


def test_cmyk_jpeg_without_adobe_segment_is_read_like_one_with_it(tmp_path: Path) -> None:
    data = without_adobe_segment(cmyk_jpeg())
    assert b"Adobe" not in data
    assert_two_halves(read_picture(saved(tmp_path, "a.jpg", data)), JPEG_TOLERANCE)


def turned(kind: str, orientation: int, image: np.ndarray) -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    return encoded(Image.fromarray(image), kind, exif=exif)


# How a picture must be stored so that the orientation tag sets it upright: the inverse turn.
STORED_AS = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.swapaxes(0, 1),
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: upright[::-1, ::-1].swapaxes(0, 1),
    8: lambda upright: np.rot90(upright, -1),
}


@pytest.mark.parametrize("orientation", STORED_AS)
@pytest.mark.parametrize("channels", [3, 4])
def test_exif_orientation_is_applied_to_png(
    tmp_path: Path, orientation: int, channels: int
) -> None:
    upright = np.random.default_rng(0).integers(0, 256, (12, 20, channels), dtype=np.uint8)
    upright[:, :, 3:] = 255
    stored = np.ascontiguousarray(STORED_AS[orientation](upright))
    path = saved(tmp_path, "a.png", turned("PNG", orientation, stored))
    np.testing.assert_array_equal(read_picture(path), upright[:, :, :3])


@pytest.mark.parametrize("orientation", STORED_AS)
def test_exif_orientation_is_applied_to_jpeg(tmp_path: Path, orientation: int) -> None:
    stored = np.ascontiguousarray(STORED_AS[orientation](two_halves()))
    data = turned("JPEG", orientation, stored)
    assert_two_halves(read_picture(saved(tmp_path, "a.jpg", data)), JPEG_TOLERANCE)


def test_jpeg_with_a_thumbnail_and_bytes_after_its_end(tmp_path: Path) -> None:
    thumbnail = encoded(Image.fromarray(two_halves(8, 8)), "JPEG")
    segment = b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
    data = encoded(Image.fromarray(two_halves()), "JPEG")
    path = saved(tmp_path, "a.jpg", data[:2] + segment + data[2:] + b"trailer of a phone")
    assert_two_halves(read_picture(path), JPEG_TOLERANCE)


# --- pictures that are refused -----------------------------------------------------------


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("keep", [0.1, 0.5, 0.9])
def test_truncated_is_refused(tmp_path: Path, kind: str, keep: float) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = encoded(Image.fromarray(noise), kind)
    path = saved(tmp_path, "cut", data[: int(len(data) * keep)])
    with pytest.raises(PictureError, match=r"cut is truncated.*again"):
        read_picture(path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_every_cut_is_refused(tmp_path: Path, kind: str) -> None:
    data = encoded(Image.fromarray(two_halves(8, 8)), kind)
    for length in range(len(data)):
        with pytest.raises(PictureError):
            read_picture(saved(tmp_path, "cut", data[:length]))


def test_jpeg_cut_behind_its_thumbnail_is_refused(tmp_path: Path) -> None:
    thumbnail = encoded(Image.fromarray(two_halves(8, 8)), "JPEG")
    segment = b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
    data = encoded(Image.fromarray(two_halves()), "JPEG")
    path = saved(tmp_path, "a.jpg", data[:2] + segment + data[2:-40])
    with pytest.raises(PictureError, match="truncated"):
        read_picture(path)


def test_flipped_bit_in_png_is_refused(tmp_path: Path) -> None:
    data = bytearray(encoded(Image.fromarray(two_halves()), "PNG"))
    data[data.index(b"IDAT") + 8] ^= 1
    with pytest.raises(PictureError, match=r"damaged.*'IDAT'"):
        read_picture(saved(tmp_path, "a.png", bytes(data)))


def test_png_with_too_few_rows_is_refused(tmp_path: Path) -> None:
    rows = zlib.compress(b"\0" + bytes(8 * 3))
    data = png_header(8, 8) + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")
    with pytest.raises(PictureError, match="damaged"):
        read_picture(saved(tmp_path, "a.png", data))


def test_png_without_header_is_refused(tmp_path: Path) -> None:
    data = png_header(8, 8)
    text = png_chunk(b"tEXt", b"Comment\0" + bytes(20))
    with pytest.raises(PictureError, match="does not start with its header"):
        read_picture(saved(tmp_path, "a.png", data[:8] + text + data[8:]))


def test_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match=r"a\.jpg is empty"):
        read_picture(saved(tmp_path, "a.jpg", b""))


def jpeg_header(width_px: int, height_px: int) -> bytes:
    frame = struct.pack(">BHHB", 8, height_px, width_px, 3) + bytes(9)
    return b"\xff\xd8\xff\xc0" + struct.pack(">H", len(frame) + 2) + frame


@pytest.mark.parametrize("header", [png_header, jpeg_header])
def test_huge_header_is_refused_without_making_room(
    tmp_path: Path, header: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = saved(tmp_path, "huge", header(50_000, 50_000))  # type: ignore[operator]
    monkeypatch.setattr(pictures.cv2, "imdecode", lambda *_: pytest.fail("was decoded"))
    tracemalloc.start()
    with pytest.raises(PictureError, match=r"50,000 x 50,000 pixels.*64,000,000.*Scale it down"):
        read_picture(path)
    peak_bytes = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak_bytes < 1_000_000


@pytest.mark.parametrize("header", [png_header, jpeg_header])
def test_picture_without_rows_is_refused(tmp_path: Path, header: object) -> None:
    data = header(8, 0) + png_chunk(b"IEND", b"") + b"\xff\xd9"  # type: ignore[operator]
    with pytest.raises(PictureError, match="8 x 0 pixels"):
        read_picture(saved(tmp_path, "flat", data))


def test_large_file_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path, "a.png", b"")
    os.truncate(path, pictures.MAX_FILE_BYTES + 1)
    monkeypatch.setattr(Path, "read_bytes", lambda _: pytest.fail("was read"))
    with pytest.raises(PictureError, match=r"268,435,457 bytes; at most 268,435,456"):
        read_picture(path)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ("Einkaufszettel: Brot, Käse\n".encode(), "a text file"),
        (b"GIF89a" + bytes(20), "a GIF"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "a WebP"),
        (b"\0\0\0\x18ftypheic", "an HEIC"),
        (bytes(range(64)), "of an unknown kind"),
    ],
)
def test_another_kind_is_named_and_refused(tmp_path: Path, data: bytes, kind: str) -> None:
    with pytest.raises(PictureError, match=rf"is {kind}.*JPEG and PNG.*Convert"):
        read_picture(saved(tmp_path, "a.jpg", data))


def test_jpeg_of_a_kind_the_decoder_lacks_is_refused(tmp_path: Path) -> None:
    data = encoded(Image.fromarray(two_halves()), "JPEG")
    lossless = data.replace(b"\xff\xc0", b"\xff\xc3", 1)
    with pytest.raises(PictureError, match="damaged"):
        read_picture(saved(tmp_path, "a.jpg", lossless))


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match=r"a\.jpg does not exist"):
        read_picture(tmp_path / "a.jpg")


def test_dangling_link_is_refused(tmp_path: Path) -> None:
    link = tmp_path / "a.jpg"
    link.symlink_to(tmp_path / "gone.jpg")
    with pytest.raises(PictureError, match="points to a file that is not there"):
        read_picture(link)


def test_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="is a folder"):
        read_picture(tmp_path)


def test_pipe_is_refused_instead_of_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.jpg")
    with pytest.raises(PictureError, match="no regular file"):
        read_picture(tmp_path / "a.jpg")


def test_unreadable_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    path = saved(tmp_path, "a.jpg", b"x")
    # The tests may run as root, whom no permission stops.
    monkeypatch.setattr(Path, "read_bytes", denied)
    with pytest.raises(PictureError, match=r"cannot be read \(Permission denied\)"):
        read_picture(path)


# --- finding -----------------------------------------------------------------------------


@pytest.fixture
def album(tmp_path: Path) -> Path:
    for name in ("b.jpg", "a.PNG", "sub/c.jpeg", "notes.txt", ".hidden.jpg", "sub/._c.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_folder_is_searched_with_all_below_it(album: Path) -> None:
    assert find_pictures([album]) == [album / "a.PNG", album / "b.jpg", album / "sub" / "c.jpeg"]


def test_glob_gives_pictures_only(album: Path) -> None:
    assert find_pictures([f"{album}/*"]) == [album / "a.PNG", album / "b.jpg"]
    assert find_pictures([str(album / "**" / "*.jpeg")]) == [album / "sub" / "c.jpeg"]


def test_files_keep_their_order_and_are_listed_once(album: Path) -> None:
    found = find_pictures([album / "b.jpg", album / "notes.txt", album, album / "gone.jpg"])
    names = [path.name for path in found]
    assert names == ["b.jpg", "notes.txt", "a.PNG", "c.jpeg", "gone.jpg"]


def test_file_whose_name_looks_like_a_glob(album: Path) -> None:
    odd = album / "pile[1].jpg"
    odd.touch()
    assert find_pictures([odd]) == [odd]


def test_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(PictureError, match=rf"folder {tmp_path} holds no pictures.*\.png"):
        find_pictures([tmp_path])


def test_glob_without_a_match_is_refused(album: Path) -> None:
    with pytest.raises(PictureError, match=r"\*\.txt matches no pictures"):
        find_pictures([f"{album}/*.txt"])


def test_folder_passes_over_sheets_of_gradcams_and_a_glob_does_not(album: Path) -> None:
    sheet = album / "b.gradcam.png"
    sheet.touch()
    assert sheet not in find_pictures([album])
    assert find_pictures([f"{album}/*.png"]) == [sheet]


def test_file_of_several_names_is_found_under_the_first(album: Path) -> None:
    (album / "again.jpg").symlink_to("b.jpg")
    assert find_pictures([album / "sub" / ".." / "b.jpg", f"{album}/*.jpg"]) == [
        album / "sub" / ".." / "b.jpg"
    ]


def test_double_star_is_not_led_in_circles_by_links(album: Path) -> None:
    for name in ("up", "up2", "sub/up", "sub/up2"):
        (album / name).symlink_to(album)
    every = [album / "a.PNG", album / "b.jpg", album / "sub" / "c.jpeg"]
    assert find_pictures([f"{album}/**"]) == every
    assert find_pictures([f"{album}/**/*"]) == every
    assert find_pictures([f"{album}/**/**/*.jpeg"]) == every[2:]


def test_double_star_begins_where_it_is_asked_to(
    album: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(album)
    assert find_pictures(["**/*.jp*g"]) == [Path("b.jpg"), Path("sub/c.jpeg")]
    assert find_pictures(["s*/**"]) == [Path("sub/c.jpeg")]
    assert find_pictures(["**/sub/*"]) == [Path("sub/c.jpeg")]


def test_folder_that_cannot_be_listed_is_told_beside_what_is_found(
    album: Path, unlistable: Path
) -> None:
    for argument in (album, f"{album}/**"):
        *found, failure = search_pictures(argument)
        assert found == [album / "a.PNG", album / "b.jpg", album / "sub" / "c.jpeg"]
        assert f"{unlistable} cannot be listed (Permission denied)" in str(failure)
        assert find_pictures([argument]) == found
    with pytest.raises(PictureError, match="cannot be listed"):
        find_pictures([unlistable])


def test_name_that_cannot_be_examined_is_passed_on(tmp_path: Path) -> None:
    too_long = tmp_path / ("x" * 300)
    assert find_pictures([too_long]) == [too_long]
    with pytest.raises(PictureError, match="File name too long"):
        read_picture(too_long)


def test_empty_name_is_refused() -> None:
    with pytest.raises(PictureError, match="An empty name"):
        find_pictures([""])


# --- writing -----------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "tolerance"), [("a.png", 0), ("a.JPG", JPEG_TOLERANCE)])
def test_written_picture_reads_back(tmp_path: Path, name: str, tolerance: int) -> None:
    image = two_halves()
    image.flags.writeable = False
    write_picture(tmp_path / name, image)
    assert_two_halves(read_picture(tmp_path / name), tolerance)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_failed_write_leaves_the_old_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device", str(target))

    path = saved(tmp_path, "a.png", b"old")
    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(PictureError, match=r"cannot be written \(No space left on device\)"):
        write_picture(path, two_halves())
    assert [(file.name, file.read_bytes()) for file in tmp_path.iterdir()] == [("a.png", b"old")]


def test_writing_into_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match="cannot be written"):
        write_picture(tmp_path / "gone" / "a.png", two_halves())


def test_writing_another_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PictureError, match=r"ends in '\.bmp'; allowed are \.jpg"):
        write_picture(tmp_path / "a.bmp", two_halves())
