import numpy as np
import pytest
from tiny_ldraw import REAL_LIBRARIES

from trainer.scenes.clutter import shape_mesh
from trainer.scenes.edges import FAR_MM, edges_of
from trainer.scenes.geometry import Geometry
from trainer.scenes.mesh import with_normals
from trainer.scenes.parametric import parametric_mesh
from trainer.scenes.primitives import primitive
from trainer.scenes.relief import HEIGHT_MM, stud_tops, with_relief


def test_a_box_has_twelve_edges_seen_from_both_faces():
    edges = edges_of(shape_mesh("box"))
    marked = edges.beyond.any(axis=2)
    assert marked.sum() == 24
    # Opposite corners of a unit square are as far from a side as it is long.
    assert edges.away_mm.max() == FAR_MM
    np.testing.assert_allclose(edges.away_mm[edges.away_mm < FAR_MM].max(), 1, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(edges.beyond[marked], axis=1), 1, atol=1e-6)


def test_inside_out_a_box_has_none():
    box = shape_mesh("box")
    assert not edges_of(with_normals(box.triangles[:, ::-1])).beyond.any()


def test_round_sides_are_no_edges_but_rims_are():
    edges = edges_of(shape_mesh("cylinder"))
    # Each of 24 sides meets one end above and one below, seen from both.
    assert edges.beyond.any(axis=2).sum() == 4 * 24


@pytest.fixture
def stud():
    """A closed stud and its foot, up, radius 2.4 mm."""
    turn = np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]])
    top = primitive("4-4disc.dat") * [2.4, 1, 2.4] - np.array([0, 1.7, 0])
    wall = primitive("4-4cyli.dat") * [2.4, 1.7, 2.4] - np.array([0, 1.7, 0])
    return with_normals(np.concatenate([top, wall]) @ turn.T)


def test_a_stud_is_found_and_carries_strokes(stud):
    ((middle, normal),) = stud_tops(stud)
    np.testing.assert_allclose(middle, [0, 0, 0.85], atol=1e-5)
    np.testing.assert_allclose(normal, [0, 0, 1], atol=1e-6)
    raised = with_relief(stud)
    added = raised.triangles[len(stud.triangles) :]
    assert len(added) > 50
    assert added[..., 2].max() == pytest.approx(0.85 + HEIGHT_MM, abs=1e-5)
    assert np.hypot(added[..., 0], added[..., 1]).max() < 2.4
    facing = np.cross(added[:, 1] - added[:, 0], added[:, 2] - added[:, 0])
    turned = np.einsum("ti,ti->t", facing, raised.normals[len(stud.triangles) :, 0])
    assert (turned > 0).all()


@pytest.mark.parametrize("turn", [1, 2])
def test_a_stud_is_found_however_its_triangles_begin(stud, turn):
    rolled = with_normals(np.roll(stud.triangles, turn, axis=1))
    assert len(stud_tops(rolled)) == 1


def test_every_stud_of_a_brick_is_found():
    assert len(stud_tops(parametric_mesh("3001"))) == 8
    assert len(stud_tops(parametric_mesh("3024"))) == 1


@pytest.mark.parametrize("folder", REAL_LIBRARIES)
def test_every_stud_of_the_librarys_bricks_is_found(folder):
    geometry = Geometry(folder)
    for part, count in {"3001": 8, "3035": 32, "3039": 2, "2357": 3, "6141": 1}.items():
        assert len(stud_tops(geometry.mesh(part))) == count, part
        # With the library's own 16 sides, too.
        assert len(stud_tops(geometry.mesh(part, curves=False))) == count, part


def test_what_has_no_stud_stays_as_it_is():
    tile = parametric_mesh("3070b")
    assert with_relief(tile) is tile
