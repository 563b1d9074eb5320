"""Every figure of a map against a mask, on maps small enough to count by hand."""

from dataclasses import astuple

import numpy as np
import pytest

from trainer.faithfulness.maps import (
    budget,
    discriminativity,
    energy,
    intersection_over_union,
    is_blank,
    peaks,
    pixel_average_precision,
    pointing,
    rank_accuracy,
    skill,
)
from trainer.faithfulness.masks import distance_px

BLANK = np.zeros((4, 4))
UNIFORM = np.ones((4, 4))
OWN = np.zeros((4, 4))
OWN[0, :2] = 1
"""Two of sixteen cells."""
OTHER = np.zeros((4, 4))
OTHER[3, :] = 1
BRICKS = OWN + OTHER
PERFECT, INVERTED, NOWHERE = OWN, 1 - OWN, np.zeros((4, 4))
WIDE = np.kron(OWN, np.ones((10, 10)))
"""The mask on an input of 40 x 40 pixels: rows 0 to 9, columns 0 to 19."""


def pointed(heat, tolerance_px=0.0, mask=WIDE):
    return pointing(peaks(heat, 40), distance_px(mask), tolerance_px)


def test_peaks_are_centres_of_cells():
    heat = BLANK.copy()
    heat[1, 3] = 2
    np.testing.assert_array_equal(peaks(heat, 40), [[15, 35]])


def test_pointing_of_a_perfect_and_of_an_inverted_map():
    assert pointed(PERFECT) == 1
    assert pointed(INVERTED) == 0


def test_pointing_counts_the_share_of_tied_peaks_that_hit():
    assert pointed(UNIFORM) == pytest.approx(2 / 16)
    tie = BLANK.copy()
    tie[0, 0] = tie[2, 2] = 5
    assert pointed(tie) == 0.5


def test_a_blank_map_is_a_miss():
    assert is_blank(BLANK)
    assert is_blank(-UNIFORM)
    assert pointed(BLANK) == 0
    assert pointed(-UNIFORM) == 0


def test_pointing_within_a_tolerance():
    # The centre of cell (1, 0) is pixel (15, 5); the last row of the brick is 9: 6 pixels.
    below = BLANK.copy()
    below[1, 0] = 1
    assert pointed(below, 5.9) == 0
    assert pointed(below, 6.0) == 1


def test_pointing_without_a_brick_is_undefined():
    assert np.isnan(pointed(PERFECT, mask=np.zeros((40, 40))))


def test_pointing_at_the_far_border_stays_inside():
    assert pointing(np.array([[40.0, 40.0]]), distance_px(np.ones((40, 40)))) == 1


def test_a_brick_smaller_than_half_a_pixel_is_where_it_shows_most():
    mask = np.zeros((4, 4), np.float32)
    mask[2, 2] = 0.3
    assert distance_px(mask)[2, 2] == 0
    assert distance_px(mask)[2, 3] == 1


def test_skill():
    assert skill(0.7, 0.4) == pytest.approx(0.5)
    assert skill(0.4, 0.4) == 0
    assert skill(0.2, 0.6) == pytest.approx(-1)
    assert np.isnan(skill(1.0, 1.0))


def test_budget_adds_up():
    # Of sixteen equal cells two are own, four are others'.
    assert astuple(budget(UNIFORM, OWN, BRICKS)) == pytest.approx((2 / 16, 4 / 16, 10 / 16))
    assert astuple(budget(PERFECT, OWN, BRICKS)) == pytest.approx((1, 0, 0))
    assert astuple(budget(INVERTED, OWN, BRICKS)) == pytest.approx((0, 4 / 14, 10 / 14))


def test_budget_counts_a_cell_by_how_much_of_it_is_covered():
    heat, own, bricks = np.array([[3.0, 1.0]]), np.array([[0.5, 0.0]]), np.array([[0.75, 1.0]])
    # Own 3 * .5 = 1.5; others 3 * .25 + 1 = 1.75; background .75; of 4.
    assert astuple(budget(heat, own, bricks)) == pytest.approx((1.5 / 4, 1.75 / 4, 0.75 / 4))


def test_evidence_against_a_label_is_no_mass():
    heat = OWN - 5 * OTHER
    assert budget(heat, OWN, BRICKS).own == 1


def test_budget_of_a_blank_map_is_undefined():
    assert np.isnan(astuple(budget(BLANK, OWN, BRICKS))).all()
    assert np.isnan(energy(BLANK, OWN))
    assert np.isnan(discriminativity(BLANK, OWN, BRICKS))


def test_energy():
    assert energy(UNIFORM, OWN) == pytest.approx(2 / 16)
    assert energy(PERFECT, OWN) == 1
    assert energy(INVERTED, OWN) == 0
    assert np.isnan(energy(PERFECT, NOWHERE))


def test_discriminativity():
    assert discriminativity(UNIFORM, OWN, BRICKS) == pytest.approx(2 / 6)
    assert discriminativity(PERFECT, OWN, BRICKS) == 1
    assert discriminativity(INVERTED, OWN, BRICKS) == 0


@pytest.mark.parametrize(
    ("heat", "own", "bricks"),
    [(PERFECT, NOWHERE, BRICKS), (PERFECT, OWN, OWN), (UNIFORM - BRICKS, OWN, BRICKS)],
    ids=["no own brick", "no other brick", "no mass on any"],
)
def test_discriminativity_is_undefined(heat, own, bricks):
    assert np.isnan(discriminativity(heat, own, bricks))


def test_rank_accuracy():
    assert rank_accuracy(PERFECT, OWN) == 1
    assert rank_accuracy(INVERTED, OWN) == 0
    assert np.isnan(rank_accuracy(PERFECT, NOWHERE))
    half = BLANK.copy()
    half[0, 0], half[3, 3] = 3, 2
    assert rank_accuracy(half, OWN) == 0.5


def test_rank_accuracy_of_equal_cells_is_that_of_chance():
    assert rank_accuracy(UNIFORM, OWN) == pytest.approx(2 / 16)
    assert rank_accuracy(BLANK, OWN) == pytest.approx(2 / 16)
    tie = BLANK.copy()
    tie[0, 0], tie[0, 1], tie[2, 2], tie[2, 3] = 9, 1, 1, 1
    # One of two places is taken by a hit, the other by one of three, one of which hits.
    assert rank_accuracy(tie, OWN) == pytest.approx((1 + 1 / 3) / 2)


def test_rank_accuracy_of_a_brick_in_parts_of_cells():
    own = np.array([[0.2, 0.4, 0.0, 0.0]])
    # Less than one cell counts as one; the best cell has .4 of it.
    assert rank_accuracy(np.array([[0.0, 2.0, 1.0, 0.0]]), own) == 1
    assert rank_accuracy(np.array([[3.0, 2.0, 1.0, 0.0]]), own) == pytest.approx(0.5)


def test_intersection_over_union():
    heat = np.array([[1.0, 0.4, 0.2, 0.1]])
    own = np.array([[1.0, 1.0, 0.0, 0.0]])
    # At .5 one cell of two; at .15 three cells, two of which are the brick.
    assert intersection_over_union(heat, own, 0.5) == pytest.approx(1 / 2)
    assert intersection_over_union(heat, own, 0.15) == pytest.approx(2 / 3)


@pytest.mark.parametrize(
    ("heat", "score"), [(PERFECT, 1), (INVERTED, 0), (UNIFORM, 2 / 16), (BLANK, 0)]
)
def test_intersection_over_union_at_the_ends(heat, score):
    assert intersection_over_union(heat, OWN, 0.5) == pytest.approx(score)
    assert np.isnan(intersection_over_union(heat, NOWHERE, 0.5))


def test_pixel_average_precision():
    heat = np.array([[4.0, 3.0, 2.0, 1.0]])
    own = np.array([[1.0, 0.0, 1.0, 0.0]])
    # Precision 1 at recall 1/2, 2/3 at recall 1.
    assert pixel_average_precision(heat, own) == pytest.approx(5 / 6)
    assert pixel_average_precision(PERFECT, OWN) == 1
    # Fourteen equal cells first, without a hit, then all sixteen.
    assert pixel_average_precision(INVERTED, OWN) == pytest.approx(2 / 16)


def test_pixel_average_precision_of_equal_cells_is_the_share_of_the_brick():
    assert pixel_average_precision(UNIFORM, OWN) == pytest.approx(2 / 16)
    assert pixel_average_precision(BLANK, OWN) == pytest.approx(2 / 16)
    assert np.isnan(pixel_average_precision(BLANK, NOWHERE))
