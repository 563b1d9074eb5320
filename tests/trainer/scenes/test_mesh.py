import math

import numpy as np
import pytest

from trainer.scenes.mesh import signed_volume, with_normals
from trainer.scenes.shapes.solids import circle, moved, rectangle, skin


def cylinder(sides_apart_deg: float) -> np.ndarray:
    """A drum of radius 10 and height 6 with so many degrees between its sides."""
    turn = np.radians(np.arange(0, 360, sides_apart_deg))
    plane = np.stack([np.cos(turn) * 10, np.sin(turn) * 10], axis=1)
    loops = [np.column_stack([plane, np.full(len(turn), z)]) for z in (0.0, 6.0)]
    return skin(loops)


def test_a_box_has_flat_sides_and_its_volume():
    mesh = with_normals(skin([rectangle((1, 5), (2, 4), z) for z in (0.0, 3.0)]))
    assert signed_volume(mesh.triangles) == pytest.approx(4 * 2 * 3)
    assert signed_volume(mesh.triangles[:, ::-1]) == pytest.approx(-4 * 2 * 3)
    np.testing.assert_allclose(mesh.size_mm, [4, 2, 3], atol=1e-6)
    # Each normal is along one axis, and the same in all of a face.
    assert np.sort(np.abs(mesh.normals), axis=2)[..., :2].max() < 1e-6
    np.testing.assert_allclose(mesh.normals, mesh.normals[:, :1].repeat(3, axis=1), atol=1e-6)


def test_it_is_centred():
    corners = with_normals(moved(cylinder(15), 100, -50, 7)).triangles.reshape(-1, 3)
    np.testing.assert_allclose(corners.min(axis=0), -corners.max(axis=0), atol=1e-4)


@pytest.mark.parametrize(("apart_deg", "smooth"), [(15, True), (30, True), (36, False)])
def test_edges_below_the_crease_are_rounded(apart_deg, smooth):
    mesh = with_normals(cylinder(apart_deg))
    side = np.abs(mesh.normals[..., 2]) < 0.5
    corners = mesh.triangles[side]
    outward = corners[:, :2] / np.linalg.norm(corners[:, :2], axis=1, keepdims=True)
    along = np.einsum("ni,ni->n", mesh.normals[side][:, :2], outward)
    # Smooth normals point straight from the axis, flat ones half a side away.
    expected = 1 if smooth else math.cos(math.radians(apart_deg / 2))
    np.testing.assert_allclose(along, expected, atol=1e-4)
    top = mesh.normals[..., 2] > 0.5
    np.testing.assert_allclose(mesh.normals[top], [[0, 0, 1]] * top.sum(), atol=1e-6)


def test_normals_do_not_depend_on_how_a_face_is_cut():
    whole = skin([circle(10, 0), circle(10, 6)])
    halves = np.concatenate([_halved(triangle) for triangle in whole])
    one, other = with_normals(whole), with_normals(halves)
    for corner, normal in zip(
        one.triangles.reshape(-1, 3), one.normals.reshape(-1, 3), strict=True
    ):
        same = np.linalg.norm(other.triangles.reshape(-1, 3) - corner, axis=1) < 1e-3
        near = other.normals.reshape(-1, 3)[same] @ normal
        assert near.max() > 0.9999


def _halved(triangle: np.ndarray) -> np.ndarray:
    a, b, c = triangle
    middle = (b + c) / 2
    return np.array([[a, b, middle], [a, middle, c]])


def test_triangles_without_area_are_dropped():
    line = np.array([[[0, 0, 0], [1, 1, 1], [2, 2, 2]], [[5, 5, 5]] * 3], float)
    mesh = with_normals(np.concatenate([line, cylinder(30)]))
    assert len(mesh.triangles) == len(cylinder(30))
    assert np.isfinite(mesh.normals).all()
    assert with_normals(line).triangles.shape == (0, 3, 3)


def test_it_cannot_be_changed():
    mesh = with_normals(cylinder(30))
    assert mesh.triangles.dtype == mesh.normals.dtype == np.float32
    with pytest.raises(ValueError, match="read-only"):
        mesh.triangles[0] = 0
