import contextlib

import numpy as np
import pytest

from trainer.errors import PoseError
from trainer.scenes.parametric import parametric_ids, parametric_mesh
from trainer.scenes.parts import parts
from trainer.scenes.poses import SHIPPED, Pile, PoseLibrary, Rests, read_poses, write_poses
from trainer.scenes.settle import rotation_matrices

HALF = np.sqrt(0.5)


@pytest.fixture(scope="module")
def shipped():
    return read_poses()


@pytest.fixture
def library():
    """One part that lies flat three times of four, and a pile of two."""
    flat, upright = (1.0, 0, 0, 0), (HALF, HALF, 0, 0)
    rests = Rests(
        np.array([flat, upright], np.float32),
        np.array([1.6, 3.9], np.float32),
        np.array([0.75, 0.25], np.float32),
    )
    pile = Pile(
        ("3070b", "3001"),
        np.array([[-12.34, 0, 1.6], [12.34, 5, 5.65]], np.float32),
        np.array([flat, upright], np.float32),
    )
    return PoseLibrary({"3070b": rests}, (pile,))


def test_what_is_written_is_read_again(library, tmp_path):
    path = tmp_path / "poses.npz"
    write_poses(library, path)
    again = read_poses(path)
    assert list(tmp_path.iterdir()) == [path]
    rests, expected = again.rests["3070b"], library.rests["3070b"]
    np.testing.assert_allclose(rests.rotations, expected.rotations, atol=1e-4)
    np.testing.assert_allclose(rests.heights_mm, expected.heights_mm, atol=0.0101)
    np.testing.assert_allclose(rests.shares, expected.shares, atol=1e-4)
    (pile,) = again.piles
    assert pile.parts == ("3070b", "3001")
    np.testing.assert_allclose(pile.positions_mm, library.piles[0].positions_mm, atol=0.0101)
    np.testing.assert_allclose(pile.rotations, library.piles[0].rotations, atol=1e-4)
    assert again.piles_of(2) == (0,)
    assert again.piles_of(3) == ()


def test_a_library_without_piles(library, tmp_path):
    write_poses(PoseLibrary(library.rests, ()), tmp_path / "poses.npz")
    assert read_poses(tmp_path / "poses.npz").piles == ()


def test_rests_are_drawn_by_their_share(library):
    rng = np.random.default_rng(7)
    drawn = [library.rest("3070b", rng)[1] for _ in range(2000)]
    assert np.mean(np.isclose(drawn, 1.6)) == pytest.approx(0.75, abs=0.03)


def test_an_unknown_part_is_told_so(library):
    with pytest.raises(PoseError, match="'3001': no resting pose among those of 1 parts"):
        library.rest("3001", np.random.default_rng(0))


def test_a_pile_too_wide_for_the_file(library, tmp_path):
    far = Pile(("3070b",), np.array([[900.0, 0, 0]]), np.array([[1.0, 0, 0, 0]]))
    with pytest.raises(PoseError, match="900 mm from the middle; the file holds up to 655 mm"):
        write_poses(PoseLibrary(library.rests, (far,)), tmp_path / "poses.npz")


def test_a_place_that_cannot_be_written(library, tmp_path):
    with pytest.raises(PoseError, match="cannot be written"):
        write_poses(library, tmp_path / "none" / "poses.npz")


def test_a_missing_or_damaged_file(library, tmp_path):
    path = tmp_path / "poses.npz"
    with pytest.raises(PoseError, match=r"poses\.npz: no such file; install"):
        read_poses(path)
    write_poses(library, path)
    whole = path.read_bytes()
    for cut in (0, 1, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:cut])
        with pytest.raises(PoseError, match=r"poses\.npz: "):
            read_poses(path)


def test_a_flipped_byte_is_noticed_or_harmless(library, tmp_path):
    path = tmp_path / "poses.npz"
    write_poses(library, path)
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        # No other error than its own.
        with contextlib.suppress(PoseError):
            read_poses(path)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"version": np.array(2)}, "version 2, expected 1"),
        ({"version": np.array([1, 1])}, "version"),
        ({"pile_part": None}, "no array 'pile_part'"),
        ({"pile_position": np.zeros((2, 2), np.int16)}, "pile_position: found int16"),
        ({"rest_share": np.zeros(2)}, "rest_share: found float64"),
        ({"rest_share": np.zeros(3, np.uint16)}, "the rest arrays have"),
        ({"rest_part": np.array([0, 9], np.uint16)}, "rest_part: an index beyond the 2 ids"),
        ({"pile_rotation": np.zeros((2, 4), np.int16)}, "a quaternion whose length is not 1"),
        ({"pile_sizes": np.array([3], np.uint8)}, "they do not add up"),
    ],
)
def test_arrays_that_do_not_fit_are_named(library, tmp_path, change, named):
    path = tmp_path / "poses.npz"
    write_poses(library, path)
    with np.load(path) as archive:
        arrays = {name: archive[name] for name in archive.files}
    arrays.update(change)
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})
    with pytest.raises(PoseError, match=named):
        read_poses(path)


def test_the_shipped_library_knows_every_part(shipped):
    assert set(shipped.rests) == set(parts())
    assert SHIPPED.stat().st_size <= 1_500_000
    used = {part for pile in shipped.piles for part in pile.parts}
    assert used == set(parts())
    assert {len(pile.parts) for pile in shipped.piles} == set(range(2, 15))


def test_shipped_rotations_are_unit_quaternions(shipped):
    rotations = [
        *(rests.rotations for rests in shipped.rests.values()),
        *(pile.rotations for pile in shipped.piles),
    ]
    np.testing.assert_allclose(np.linalg.norm(np.concatenate(rotations), axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("part", parametric_ids())
def test_shipped_parts_neither_float_nor_sink(shipped, part):
    corners = parametric_mesh(part).triangles.reshape(-1, 3)
    rests = shipped.rests[part]
    for down, height in zip(
        rotation_matrices(rests.rotations)[:, 2], rests.heights_mm, strict=True
    ):
        # Settled with the library's shapes, which are up to 0.1 mm larger all around.
        assert abs(height + (corners @ down).min()) < 0.5


def test_shipped_piles_do_not_sink(shipped):
    known = {part: parametric_mesh(part).triangles.reshape(-1, 3) for part in parametric_ids()}
    for pile in shipped.piles[:200]:
        downs = rotation_matrices(pile.rotations)[:, 2]
        for part, position, down in zip(pile.parts, pile.positions_mm, downs, strict=True):
            if part in known:
                assert position[2] + (known[part] @ down).min() > -0.5
