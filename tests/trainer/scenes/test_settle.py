import sys

import numpy as np
import pytest

from trainer.errors import SettleError
from trainer.scenes.geometry import Geometry
from trainer.scenes.physics import CM_MM, World, hull_of
from trainer.scenes.settle import (
    choose_piles,
    rests_of,
    rotation_matrices,
    settle_library,
    settle_pile,
)

FEW = ("3001", "3024", "3062b", "3040b", "3070b", "6141")
PILES = 4


class FewParts(Geometry):
    """Computed shapes of some parts only."""

    def ids(self):
        return FEW


@pytest.fixture(scope="module")
def geometry():
    return FewParts(None)


@pytest.fixture(scope="module")
def library(geometry):
    return settle_library(geometry, PILES, 6, seed=5, progress=lambda done, steps: None)


def lowest_mm(geometry, part, rotation) -> float:
    """Height of the lowest corner, over that of the middle."""
    corners = geometry.mesh(part).triangles.reshape(-1, 3)
    return float((corners @ rotation_matrices(rotation[None])[0].T)[:, 2].min())


def test_hulls_are_as_large_as_their_parts(geometry):
    for part in FEW:
        hull = hull_of(geometry.mesh(part)) * CM_MM
        np.testing.assert_allclose(np.ptp(hull, axis=0), geometry.mesh(part).size_mm, atol=1e-3)


def test_parts_at_rest_lie_on_the_ground(geometry, library):
    assert tuple(library.rests) == FEW
    for part, rests in library.rests.items():
        assert rests.shares.sum() == pytest.approx(1, abs=1e-5)
        np.testing.assert_allclose(np.linalg.norm(rests.rotations, axis=1), 1, atol=1e-5)
        for rotation, height in zip(rests.rotations, rests.heights_mm, strict=True):
            assert height + lowest_mm(geometry, part, rotation) == pytest.approx(0, abs=0.01)


def test_a_tile_lies_on_a_side(geometry):
    # 7.8 x 7.8 x 3.2 mm: its middle is 1.6 mm high when it lies flat, 3.9 on an edge.
    rests = rests_of("3070b", hull_of(geometry.mesh("3070b")), 30, np.random.default_rng(1))
    assert {round(float(height), 1) for height in rests.heights_mm} == {1.6, 3.9}
    assert rests.heights_mm[0] == pytest.approx(1.6, abs=0.05)


def test_piles_lie_on_the_ground_and_stay(geometry, library):
    assert len(library.piles) == PILES
    for pile in library.piles:
        lowest = [
            position[2] + lowest_mm(geometry, part, rotation)
            for part, position, rotation in zip(
                pile.parts, pile.positions_mm, pile.rotations, strict=True
            )
        ]
        assert min(lowest) == pytest.approx(0, abs=0.01)
        np.testing.assert_allclose(np.linalg.norm(pile.rotations, axis=1), 1, atol=1e-5)
        assert moved_mm(geometry, pile) < 0.5


def moved_mm(geometry, pile) -> float:
    """How far the farthest brick of a pile goes when it is left alone: none floats."""
    world = World([hull_of(geometry.mesh(part)) for part in pile.parts], None, 40)
    world.place(pile.positions_mm / CM_MM, pile.rotations, np.zeros((len(pile.parts), 3)))
    assert world.rest(1.0)
    assert world.deepest_mm() < 0.5
    return float(np.abs(world.poses()[0] * CM_MM - pile.positions_mm).max())


def test_the_same_seed_gives_the_same_library(geometry, library):
    steps = []
    again = settle_library(
        geometry, PILES, 6, seed=5, progress=lambda done, of: steps.append((done, of))
    )
    assert steps == [(done, len(FEW) + PILES) for done in range(1, len(FEW) + PILES + 1)]
    for one, other in zip(library.piles, again.piles, strict=True):
        assert one.parts == other.parts
        np.testing.assert_array_equal(one.positions_mm, other.positions_mm)
        np.testing.assert_array_equal(one.rotations, other.rotations)
    for part in FEW:
        np.testing.assert_array_equal(library.rests[part].rotations, again.rests[part].rotations)


def test_every_part_is_used_about_equally_often():
    ids = (*Geometry(None).ids(), "44728", "2780")
    piles = choose_piles(ids, 300, seed=3)
    counts = [sum(pile.count(part) for pile in piles) for part in ids]
    assert max(counts) - min(counts) <= 10
    assert {len(pile) for pile in piles} == set(range(2, 15))


def test_what_cannot_rest_is_told(geometry, monkeypatch):
    monkeypatch.setattr("trainer.scenes.settle.PILE_TRIES", 1)
    monkeypatch.setattr("trainer.scenes.settle.LONGEST_S", 0.0)
    with pytest.raises(SettleError, match="3001, 3001: no rest in 1 tries"):
        settle_pile(["3001", "3001"], {"3001": hull_of(geometry.mesh("3001"))}, (1,))


def test_without_mujoco_it_says_what_to_install(geometry, monkeypatch):
    monkeypatch.setitem(sys.modules, "mujoco", None)
    with pytest.raises(SettleError, match=r"pip install 'bricksight\[trainer\]'"):
        settle_library(geometry, 1, 1, 0, lambda done, steps: None)
