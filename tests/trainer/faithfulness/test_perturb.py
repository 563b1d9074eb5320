"""Deletion and insertion on models whose answer is known."""

import numpy as np
import pytest

from trainer.faithfulness.perturb import (
    Hiding,
    area,
    hide,
    order_of,
    selectivity,
    symmetric_difference,
)

SIDE = 64
PICTURE = np.full((SIDE, SIDE, 3), 90, np.uint8)
PICTURE[16:32, 16:32] = 255
"""One bright cell of sixteen; blurred, it is not bright any more."""


def bright(picture):
    """Two labels: the share of the bright cell that is still there, and nothing."""
    return np.array([(picture[16:32, 16:32] == 255).mean(), 0.0])


def heat(cell):
    values = np.zeros((4, 4))
    values[cell] = 1
    return values


def test_area_by_hand():
    assert area(np.array([1.0, 0.0, 0.0])) == pytest.approx(0.25)
    assert area(np.ones(5)) == 1


def test_order_is_by_heat_and_equal_cells_by_chance():
    values = np.array([[1.0, 5.0], [1.0, 1.0]])
    assert order_of(values, 0)[0] == 1
    assert len({tuple(order_of(values, seed)) for seed in range(20)}) > 2
    np.testing.assert_array_equal(order_of(values, 3), order_of(values, 3))


def test_cells_are_hidden_where_they_are():
    hidden = heat((0, 3)) > 0
    shown = hide(PICTURE, np.zeros_like(PICTURE), hidden)
    assert not shown[:16, 48:].any()
    np.testing.assert_array_equal(shown[16:], PICTURE[16:])
    assert PICTURE[0, 63, 0] == 90


def test_a_right_map_loses_the_label_at_once_and_a_wrong_one_late():
    hiding = Hiding(PICTURE, bright, steps=16)
    right, wrong = hiding.remove(heat((1, 1)), 0), hiding.remove(-heat((1, 1)), 0)
    np.testing.assert_allclose(right.most_first[:, 0], [1] + [0] * 16)
    np.testing.assert_allclose(right.least_first[:, 0], [1] * 16 + [0])
    # Trapezoids: half a step, and all but half a step, of sixteen.
    assert area(right.most_first[:, 0]) == pytest.approx(1 / 32)
    assert symmetric_difference(right.most_first[:, 0], right.least_first[:, 0]) == pytest.approx(
        30 / 32
    )
    assert symmetric_difference(wrong.most_first[:, 0], wrong.least_first[:, 0]) == pytest.approx(
        -30 / 32
    )


def test_the_other_label_does_not_care():
    gone = Hiding(PICTURE, bright).remove(heat((1, 1)), 0)
    assert symmetric_difference(gone.most_first[:, 1], gone.least_first[:, 1]) == 0


def test_a_blank_map_hides_by_chance_and_leaves_nothing():
    gone = Hiding(PICTURE, bright).remove(np.zeros((4, 4)), 5)
    assert gone.most_first[0, 0] == 1
    assert gone.most_first[-1, 0] == 0


def test_the_same_order_is_asked_once():
    asked = []

    def counted(picture):
        asked.append(1)
        return bright(picture)

    hiding = Hiding(PICTURE, counted, steps=4)
    hiding.remove(heat((2, 1)), 0)
    first = len(asked)
    hiding.remove(7 * heat((2, 1)), 0)
    # The picture, the fill, and three steps between them in both orders.
    assert len(asked) == first == 2 + 2 * 3


def test_selectivity_by_hand():
    before, after = np.array([5.0, 3.0, 1.0]), np.array([1.0, 2.0, 2.0])
    # Own 4; the others 1 and -1, 0 on average.
    assert selectivity(before, after, 0, np.array([1, 2])) == 4
    assert np.isnan(selectivity(before, after, 0, np.array([], int)))
