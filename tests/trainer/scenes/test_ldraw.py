from itertools import pairwise

import numpy as np
import pytest
from tiny_ldraw import (
    BOX_MM3,
    CERTIFIED,
    FACES,
    HALF,
    MIRRORED,
    REAL_LIBRARIES,
    SAME,
    TOP,
    turned_around,
    write_bricks,
    write_library,
)

from trainer.errors import GeometryError
from trainer.scenes.geometry import Geometry
from trainer.scenes.ldraw import LDrawLibrary
from trainer.scenes.mesh import signed_volume
from trainer.scenes.parts import parts

INSIDE_OUT = [turned_around(face) for face in FACES]
FILES = {
    "parts/plain.dat": [CERTIFIED, *FACES],
    "parts/clockwise.dat": ["0 BFC CERTIFY CW", *INSIDE_OUT],
    "parts/switched.dat": [CERTIFIED, *FACES[:3], "0 BFC CW", *INSIDE_OUT[3:]],
    "parts/halves.dat": [CERTIFIED, f"{SAME} s\\half.dat", f"{MIRRORED} s\\half.dat"],
    "parts/cased.dat": [CERTIFIED, f"{SAME} S\\HALF.DAT", f"{MIRRORED} S/Half.dat"],
    "parts/inverted.dat": [CERTIFIED, "0 BFC INVERTNEXT", f"{SAME} s\\inside.dat"],
    "parts/mirrored.dat": [CERTIFIED, f"{MIRRORED} plain.dat"],
    "parts/nested.dat": [CERTIFIED, "0 BFC INVERTNEXT", f"{SAME} inverted.dat"],
    "parts/renested.dat": [CERTIFIED, "0 BFC INVERTNEXT", f"{MIRRORED} s\\inside.dat"],
    "parts/once.dat": [
        CERTIFIED,
        "0 BFC INVERTNEXT",
        f"{SAME} s\\inside.dat",
        f"{SAME} s\\open.dat",
    ],
    "parts/moved.dat": ["0 ~Moved to plain", CERTIFIED, f"{SAME} plain.dat"],
    "parts/fine.dat": [CERTIFIED, f"{SAME} 48\\box.dat"],
    "parts/edges.dat": [CERTIFIED, *FACES, "2 24 0 0 0 90 0 0", "5 24 0 0 0 9 9 9 8 8 8 7 7 7", ""],
    "parts/s/half.dat": [CERTIFIED, *HALF],
    "parts/s/inside.dat": [CERTIFIED, *INSIDE_OUT],
    "parts/s/open.dat": [CERTIFIED],
    "p/48/box.dat": [CERTIFIED, *FACES],
    "parts/silent.dat": FACES,
    "parts/borrowed.dat": [CERTIFIED, f"{SAME} silent.dat"],
    "parts/loose.dat": [CERTIFIED, "0 BFC NOCLIP", TOP, "0 BFC CLIP", *FACES[1:]],
}


@pytest.fixture
def library(tmp_path):
    return LDrawLibrary(write_library(tmp_path / "ldraw", FILES))


@pytest.mark.parametrize(
    "part",
    [
        "plain",
        "clockwise",
        "switched",
        "halves",
        "cased",
        "inverted",
        "mirrored",
        "renested",
        "once",
        "moved",
        "fine",
        "edges",
        "PLAIN",
    ],
)
def test_outside_is_outside_however_it_is_written(library, part):
    mesh = library.mesh(part)
    assert signed_volume(mesh.triangles) == pytest.approx(BOX_MM3, rel=1e-5)
    np.testing.assert_allclose(mesh.size_mm, [8, 8, 9.6], atol=1e-5)
    # Of a box about its middle, all normals point away from the middle.
    assert (np.einsum("tci,tci->tc", mesh.normals, mesh.triangles) > 0).all()


def test_inverting_twice_is_inside_out_once(library):
    assert signed_volume(library.mesh("nested").triangles) == pytest.approx(-BOX_MM3, rel=1e-5)


@pytest.mark.parametrize("part", ["silent", "borrowed"])
def test_without_certificate_faces_have_both_sides(library, part):
    mesh = library.mesh(part)
    assert len(mesh.triangles) == 2 * 12
    assert signed_volume(mesh.triangles) == pytest.approx(0, abs=1e-3)
    np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=2), 1, atol=1e-5)


def test_noclip_faces_have_both_sides(library):
    assert len(library.mesh("loose").triangles) == 12 + 2


def test_minus_y_is_up(tmp_path):
    # A pyramid whose tip is at y = -10 LDU, so 4 mm above its middle's foot.
    base = "4 16 -10 10 -10 -10 10 10 10 10 10 10 10 -10"
    sides = [
        "3 16 -10 10 -10 10 10 -10 0 -10 0",
        "3 16 10 10 -10 10 10 10 0 -10 0",
        "3 16 10 10 10 -10 10 10 0 -10 0",
        "3 16 -10 10 10 -10 10 -10 0 -10 0",
    ]
    files = {"parts/tip.dat": [CERTIFIED, base, *sides]}
    mesh = LDrawLibrary(write_library(tmp_path / "ldraw", files)).mesh("tip")
    corners = mesh.triangles.reshape(-1, 3)
    np.testing.assert_allclose(corners[corners[:, 2] > 3], [[0, 0, 4]] * 4, atol=1e-6)
    assert signed_volume(mesh.triangles) == pytest.approx(8 * 8 * 8 / 3, rel=1e-5)


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("3 16 0 0 0 1 0 0 0 1", "a face of 3 corners is a colour and 9 numbers; found 8"),
        ("4 16 0 0 0 1 0 0 0 1 x 1 1 1", "found 'x'"),
        ("4 16 0 0 0 1 0 0 0 1 nan 1 1 1", "found 'nan'"),
        ("4 16 0 0 0 1 0 0 0 1 1e300 1 1 1", "found '1e300'"),
        ("1 16 0 0 0 1 0 0 0 1 0 0 0 1", "a reference is a colour, 12 numbers and a file"),
        ("7 16 0 0 0", "expected a line type of 0 to 5, found '7'"),
        ("\x00\x01", "expected a line type"),
    ],
)
def test_a_damaged_line_names_its_place(tmp_path, line, named):
    files = {"parts/bad.dat": [CERTIFIED, TOP, line]}
    library = LDrawLibrary(write_library(tmp_path / "ldraw", files))
    with pytest.raises(GeometryError) as raised:
        library.mesh("bad")
    assert "bad.dat, line 4: " in str(raised.value)
    assert named in str(raised.value)
    assert "library.ldraw.org" in str(raised.value)


def test_a_missing_file_names_who_asks_for_it(tmp_path):
    files = {"parts/whole.dat": [CERTIFIED, f"{SAME} s\\gone.dat"]}
    library = LDrawLibrary(write_library(tmp_path / "ldraw", files))
    with pytest.raises(GeometryError, match=r"no file s/gone\.dat, which .*whole\.dat refers to"):
        library.mesh("whole")
    with pytest.raises(GeometryError, match=r"no file 3001\.dat; looked in parts, .*LDRAWDIR"):
        library.mesh("3001")


@pytest.mark.parametrize("others", [[], ["b"], ["b", "c", "d"]])
def test_a_file_that_includes_itself(tmp_path, others):
    ring = ["a", *others, "a"]
    files = {
        f"parts/{one}.dat": [CERTIFIED, f"{SAME} {next_one}.dat"]
        for one, next_one in pairwise(ring)
    }
    library = LDrawLibrary(write_library(tmp_path / "ldraw", files))
    way = " -> ".join(f"{name}\\.dat" for name in ring)
    with pytest.raises(GeometryError, match=rf"includes itself \({way}\)"):
        library.mesh("a")


def test_files_nested_too_deep(tmp_path):
    files = {f"parts/{i}.dat": [CERTIFIED, f"{SAME} {i + 1}.dat"] for i in range(40)}
    library = LDrawLibrary(write_library(tmp_path / "ldraw", files))
    with pytest.raises(GeometryError, match="nested deeper than 32"):
        library.mesh("0")


def test_files_that_double_each_other_are_refused_in_time(tmp_path):
    files = {f"parts/{i}.dat": [CERTIFIED, f"{SAME} {i + 1}.dat"] * 4 for i in range(30)}
    files["parts/30.dat"] = [CERTIFIED, TOP]
    library = LDrawLibrary(write_library(tmp_path / "ldraw", files))
    with pytest.raises(GeometryError, match="more than 500000 triangles"):
        library.mesh("0")


def test_a_file_that_draws_nothing(tmp_path):
    library = LDrawLibrary(write_library(tmp_path / "ldraw", {"parts/empty.dat": [CERTIFIED]}))
    with pytest.raises(GeometryError, match=r"empty\.dat: it draws no face"):
        library.mesh("empty")


def test_what_is_no_library_is_refused(tmp_path):
    with pytest.raises(GeometryError, match=r"no such folder; expected an LDraw library.*zip"):
        LDrawLibrary(tmp_path / "none")
    (tmp_path / "parts").mkdir()
    with pytest.raises(GeometryError, match="it has no folders parts and p"):
        LDrawLibrary(tmp_path)


def test_folders_are_found_whatever_their_case(tmp_path):
    for name in ("PARTS", "P"):
        (tmp_path / name).mkdir()
    (tmp_path / "PARTS" / "BOX.DAT").write_text("\n".join([CERTIFIED, *FACES]))
    library = LDrawLibrary(tmp_path)
    assert "box" in library
    assert "ball" not in library
    np.testing.assert_allclose(library.mesh("box").size_mm, [8, 8, 9.6], atol=1e-5)


@pytest.mark.parametrize("folder", [None, *REAL_LIBRARIES])
def test_every_part_of_a_library_has_an_outside(folder, tmp_path):
    geometry = Geometry(folder or write_bricks(tmp_path / "ldraw"))
    np.testing.assert_allclose(geometry.mesh("3001").size_mm, [32, 16, 11.2], atol=1e-4)
    assert geometry.ids() == (tuple(parts()) if folder else ("3001",))
    for part in geometry.ids():
        mesh = geometry.mesh(part)
        # Of the bounding box; below zero it were inside out.
        assert 0.1 < signed_volume(mesh.triangles) / mesh.size_mm.prod() < 1.001, part
