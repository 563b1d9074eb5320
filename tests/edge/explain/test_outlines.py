"""Lines hold the mass they promise; marks lie inside their superpixels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from edge.explain.outlines import (
    INNER,
    draw_marks,
    draw_masses,
    draw_superpixels,
    mass_level,
)

PLAIN = np.full((60, 60, 3), 90, np.uint8)


def test_the_level_of_a_mass_by_hand() -> None:
    heat = np.array([[5.0, 3.0], [1.0, 1.0]], np.float32)
    assert mass_level(heat, 0.5) == 5
    assert mass_level(heat, 0.8) == 3
    assert mass_level(heat, 0.81) == 1
    assert mass_level(heat, 1.0) == 1


def test_a_map_without_evidence_has_no_level() -> None:
    assert mass_level(np.zeros((3, 3), np.float32), 0.5) == float("inf")
    assert mass_level(np.full((3, 3), -1, np.float32), 0.5) == float("inf")
    np.testing.assert_array_equal(draw_masses(PLAIN, np.zeros((60, 60), np.float32)), PLAIN)


@given(
    hnp.arrays(np.float32, (5, 7), elements=st.floats(0, 100, width=32)).filter(
        lambda heat: heat.sum() > 1e-3
    ),
    st.floats(0.05, 1),
)
def test_what_lies_at_or_above_the_level_is_the_smallest_region_with_that_mass(
    heat: np.ndarray, mass: float
) -> None:
    level, total = mass_level(heat, mass), heat.sum(dtype=np.float64)
    held = heat[heat >= level].sum(dtype=np.float64)
    assert held >= mass * total * (1 - 1e-6)
    assert heat[heat > level].sum(dtype=np.float64) < mass * total


def test_the_inner_line_is_within_the_outer_one() -> None:
    rows, columns = np.mgrid[:60, :60]
    heat = np.exp(-((rows - 30) ** 2 + (columns - 30) ** 2) / 200).astype(np.float32)
    drawn = draw_masses(PLAIN, heat)
    changed = np.argwhere((drawn != PLAIN).any(axis=2))
    inner = np.argwhere((drawn == INNER).all(axis=2))
    assert len(inner) > 20
    assert np.abs(inner - 30).max() < np.abs(changed - 30).max()
    assert (PLAIN == 90).all()


def test_lines_lie_on_the_borders_of_superpixels_only() -> None:
    segments = np.zeros((60, 60), np.int32)
    segments[:, 30:] = 1
    changed = (draw_superpixels(PLAIN, segments) != PLAIN).any(axis=2)
    assert changed[:, 30].all()
    assert changed.sum() == 60


def ring() -> np.ndarray:
    """A superpixel around another: its centre of mass lies outside it."""
    segments = np.full((60, 60), 2, np.int32)
    segments[5:55, 5:55] = 0
    segments[18:42, 18:42] = 1
    return segments


@pytest.mark.parametrize("number", [0, 1])
def test_a_mark_lies_inside_its_superpixel(number: int) -> None:
    segments = ring()
    changed = (draw_marks(PLAIN, segments, [(number, 0.5)]) != PLAIN).any(axis=2)
    assert changed.any()
    assert (segments[changed] == number).all()


def test_plus_and_minus_can_be_told_apart() -> None:
    plus, minus = (
        (draw_marks(PLAIN, ring(), [(1, value)]) != PLAIN).any(axis=2) for value in (0.5, -0.5)
    )
    assert np.ptp(np.nonzero(plus)[0]) == np.ptp(np.nonzero(plus)[1])
    assert np.ptp(np.nonzero(minus)[0]) < np.ptp(np.nonzero(minus)[1])


def test_no_mark_without_a_coefficient_or_without_room() -> None:
    thin = np.zeros((60, 60), np.int32)
    thin[10:12] = 1
    drawn = draw_marks(PLAIN, thin, [(0, 0.0), (1, 3.0), (7, 1.0)])
    np.testing.assert_array_equal(drawn, PLAIN)
