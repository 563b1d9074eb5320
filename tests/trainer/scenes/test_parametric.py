import math

import numpy as np
import pytest
from tiny_ldraw import REAL_LIBRARIES, write_bricks

from trainer.errors import GeometryError
from trainer.scenes.geometry import Geometry
from trainer.scenes.mesh import signed_volume
from trainer.scenes.parametric import parametric_ids, parametric_mesh
from trainer.scenes.parts import parts

STUD = 1.7


def regular(radius: float, sides: int = 48) -> float:
    """Area of a regular polygon."""
    return sides / 2 * radius**2 * math.sin(2 * math.pi / sides)


def test_at_least_thirty_of_the_known_parts():
    assert len(parametric_ids()) >= 30
    assert set(parametric_ids()) <= set(parts())


@pytest.mark.parametrize(
    ("part", "size"),
    [
        ("3001", (4 * 8 - 0.2, 2 * 8 - 0.2, 9.6 + STUD)),
        ("3005", (7.8, 7.8, 9.6 + STUD)),
        ("3020", (31.8, 15.8, 3.2 + STUD)),
        ("3035", (63.8, 31.8, 3.2 + STUD)),
        ("3069b", (15.8, 7.8, 3.2)),
        ("3039", (15.8, 15.8, 9.6 + STUD)),
        ("3298", (15.8, 23.8, 9.6 + STUD)),
        ("3665a", (7.8, 15.8, 9.6 + STUD)),
        ("2357", (15.8, 15.8, 9.6 + STUD)),
        ("6141", (7.8, 7.8, 3.2 + STUD)),
        ("4150", (15.8, 15.8, 3.2)),
        ("87087", (7.8, 7.8 + STUD, 9.6 + STUD)),
        ("32316", (7.2, 4 * 8 + 7.2, 7.8)),
    ],
)
def test_published_dimensions(part, size):
    np.testing.assert_allclose(parametric_mesh(part).size_mm, size, atol=1e-4)


@pytest.mark.parametrize(
    ("part", "volume"),
    [
        # What it fills, less the room inside walls of 1.5 mm under a roof as thick.
        ("3070b", 7.8 * 7.8 * 3.2 - 4.8 * 4.8 * 1.7),
        # Three whole cells and two with a round end, less five holes.
        (
            "32316",
            (3 * 8 * 7.2 + 2 * 4 * 7.2 + regular(3.6) - 5 * regular(2.4)) * 7.8,
        ),
        # From end to end: a rim, a shaft, a collar, a shaft and a rim, less the bore.
        (
            "3673",
            2 * 1.1 * regular(2.6) + 12 * regular(2.4) + 1.6 * regular(3.2) - 15.8 * regular(1.6),
        ),
    ],
)
def test_volume_computed_by_hand(part, volume):
    assert signed_volume(parametric_mesh(part).triangles) == pytest.approx(volume, rel=1e-5)


@pytest.mark.parametrize("part", parametric_ids())
def test_outside_is_outside(part):
    mesh = parametric_mesh(part)
    assert 0.15 < signed_volume(mesh.triangles) / mesh.size_mm.prod() < 0.9
    np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=2), 1, atol=1e-4)
    # The faces farthest out, along each axis, do not look inward.
    middles = mesh.triangles.mean(axis=1)
    across = mesh.triangles[:, 1] - mesh.triangles[:, 0]
    faces = np.cross(across, mesh.triangles[:, 2] - mesh.triangles[:, 0])
    for axis in range(3):
        for side in (-1, 1):
            farthest = np.argmax(middles[:, axis] * side)
            assert faces[farthest, axis] * side > -1e-6


@pytest.mark.parametrize("folder", [None, *REAL_LIBRARIES])
def test_sizes_are_those_of_the_library(folder, tmp_path):
    library = Geometry(folder or write_bricks(tmp_path / "ldraw"))
    for part in set(parametric_ids()) & set(library.ids()):
        # Sides stand back by 0.1 mm each; the library has lower studs, and no gap.
        np.testing.assert_allclose(
            parametric_mesh(part).size_mm, library.mesh(part).size_mm, atol=0.21, err_msg=part
        )


def test_what_has_no_honest_form_says_what_to_do():
    with pytest.raises(GeometryError, match=r"44728 \(Bracket 1x2-2x2\): .*set LDRAWDIR"):
        parametric_mesh("44728")
