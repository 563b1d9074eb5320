"""Round primitives against closed forms, and where the user has a library, against its files."""

import math

import numpy as np
import pytest
from tiny_ldraw import CERTIFIED, REAL_LIBRARIES, SAME, write_library

from trainer.scenes.ldraw import LDrawLibrary
from trainer.scenes.mesh import signed_volume
from trainer.scenes.primitives import SIDES, primitive

DISC = SIDES / 2 * math.sin(2 * math.pi / SIDES)
"""Area of the unit circle's polygon; a thousandth less than pi."""
CHORD_OF_QUARTER = DISC / 4 - 0.5
SIDE = 2 * math.sin(math.pi / SIDES) * SIDES
MIDDLE = math.cos(math.pi / SIDES)
"""Of a side, from the axis."""


def area(faces):
    crossed = np.cross(faces[:, 1] - faces[:, 0], faces[:, 2] - faces[:, 0])
    return np.linalg.norm(crossed, axis=1).sum() / 2


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("4-4disc", DISC),
        ("1-4disc", DISC / 4),
        ("4-4ndis", 4 - DISC),
        ("1-8ndis", 0.5 - DISC / 8),
        ("1-4chrd", CHORD_OF_QUARTER),
        ("2-4chrd", DISC / 2),
        ("1-16chrd", DISC / 16 - math.sin(math.pi / 8) / 2),
        ("4-4tang", 16 * math.tan(math.pi / 16) - DISC),
        ("4-4ring3", DISC * (16 - 9)),
        ("3-8ring12", DISC * (169 - 144) * 3 / 8),
        ("4-4cyli", SIDE),
        ("48/2-4cylo", SIDE / 2),
        ("2-4cylc", SIDE / 2 + DISC / 2),
        # It is as high as the cylinder in the mean.
        ("4-4cyls", SIDE),
        ("4-4con0", SIDE * math.hypot(MIDDLE, 1) / 2),
        ("4-4con3", SIDE * math.hypot(MIDDLE, 1) * (16 - 9) / 2),
    ],
)
def test_areas(name, expected):
    assert area(primitive(f"{name}.dat")) == pytest.approx(expected, rel=1e-9)
    assert abs(math.pi - DISC) < 0.01


def test_a_cone_and_its_ends_hold_the_volume_of_a_frustum():
    # Seen from -Y the wide end, at height 0, faces the viewer as discs do.
    wide, narrow = primitive("4-4disc.dat") * 4, primitive("4-4disc.dat")[:, ::-1] * 3
    solid = np.concatenate([primitive("4-4con3.dat"), wide, narrow + np.array([0, 1, 0])])
    assert signed_volume(solid) == pytest.approx(DISC * (16 + 12 + 9) / 3)


def test_a_cylinder_with_two_ends_holds_its_volume():
    lid = primitive("4-4disc.dat")[:, ::-1] + [0, 1, 0]
    assert signed_volume(np.concatenate([primitive("4-4cylc.dat"), lid])) == pytest.approx(DISC)


@pytest.mark.parametrize("name", ["5-4cyli", "0-4disc", "4-4cyl", "8/3-8cyli", "box5", "4-4edge"])
def test_what_is_no_round_primitive_is_read(name):
    assert primitive(f"{name}.dat") is None


def test_neighbours_share_every_corner():
    # A plate with a round hole through it: square with hole, wall, square from below.
    above = primitive("4-4ndis.dat")
    wall = primitive("4-4cyli.dat")[:, ::-1]
    below = above[:, ::-1] + [0, 1, 0]
    assert open_edges(np.concatenate([above, wall, below])) == 2 * 4 * 2
    # Parts of a turn beside one another are a whole one.
    pieces = [primitive("3-8cyli.dat"), turned(primitive("5-8cyli.dat"), 3 / 8)]
    assert open_edges(np.concatenate(pieces)) == open_edges(primitive("4-4cyli.dat")) == 2 * SIDES


def turned(faces, share):
    c, s = math.cos(2 * math.pi * share), math.sin(2 * math.pi * share)
    return faces @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])


def open_edges(faces):
    """How many edges no face of the other direction meets."""
    _, point = np.unique(np.round(faces.reshape(-1, 3) / 1e-6), axis=0, return_inverse=True)
    corners = point.reshape(-1, 3)
    ways = {(a, b) for face in corners for a, b in zip(face, np.roll(face, -1), strict=True)}
    return sum((b, a) not in ways for a, b in ways)


def test_a_part_refers_to_them_without_their_files(tmp_path):
    files = {
        "parts/can.dat": [
            CERTIFIED,
            "1 16 0 0 0 10 0 0 0 20 0 0 0 10 4-4cylc.dat",
            "1 16 0 20 0 10 0 0 0 -1 0 0 0 10 4-4disc.dat",
        ],
        "parts/plain.dat": [CERTIFIED, f"{SAME} can.dat"],
    }
    mesh = LDrawLibrary(write_library(tmp_path / "ldraw", files)).mesh("plain")
    assert signed_volume(mesh.triangles) == pytest.approx(DISC * 4 * 4 * 8, rel=1e-5)
    np.testing.assert_allclose(mesh.size_mm, [8, 8, 8], atol=1e-5)


@pytest.mark.parametrize("folder", REAL_LIBRARIES)
def test_they_lie_where_the_librarys_files_lie(folder):
    read = LDrawLibrary(folder, curves=False)
    for path in sorted((folder / "p").glob("*.dat")):
        ours = primitive(path.name.lower())
        theirs = None if ours is None else read._surface(path.name, ()).faces
        if theirs is None or len(theirs) == 0:
            continue
        for corner in (np.min, np.max):
            np.testing.assert_allclose(
                corner(ours, axis=(0, 1)), corner(theirs, axis=(0, 1)), atol=1e-3, err_msg=path.name
            )
        faces_ours, faces_theirs = outwards(ours), outwards(theirs)
        # Discs less their square shrink most: by a third, of something thin.
        tolerance = 0.03 * area(theirs) + 0.04
        np.testing.assert_allclose(
            faces_ours, faces_theirs, rtol=0.05, atol=tolerance, err_msg=path.name
        )


def outwards(faces):
    """Sum of the faces' normals times their areas, and what they hold seen from the origin."""
    vectors = np.cross(faces[:, 1] - faces[:, 0], faces[:, 2] - faces[:, 0]) / 2
    return np.append(vectors.sum(axis=0), np.einsum("ti,ti->", vectors, faces[:, 0]) / 3)
