"""The attention budget, worked out by hand."""

import numpy as np
import pytest

from edge.explain.attention import attention


def test_own_other_and_background_make_one() -> None:
    heat = np.array([[4.0, 3.0], [2.0, 1.0]], np.float32)
    own = np.array([[1, 0], [0, 0]], np.float32)
    bricks = np.array([[1, 1], [0, 0]], np.float32)
    found = attention(heat, own, bricks)
    assert (found.own, found.other) == pytest.approx((0.4, 0.3))
    assert found.background == pytest.approx(0.3)


def test_masks_are_averaged_down_to_the_map() -> None:
    heat = np.array([[1.0, 0.0]], np.float32)
    own = np.zeros((2, 4), np.float32)
    own[0, 0] = 1  # one of the four pixels under the hot cell
    bricks = np.zeros((2, 4), np.float32)
    bricks[:, :2] = 1
    found = attention(heat, own, bricks)
    assert (found.own, found.other, found.background) == pytest.approx((0.25, 0.75, 0.0))


def test_own_bricks_are_bricks_even_where_the_other_mask_forgets_them() -> None:
    ones, zeros = np.ones((2, 2), np.float32), np.zeros((2, 2), np.float32)
    found = attention(ones, ones, zeros)
    assert (found.own, found.other, found.background) == (1, 0, 0)


def test_negative_values_are_no_evidence() -> None:
    heat = np.array([[1.0, -5.0]], np.float32)
    own = np.array([[1, 0]], np.float32)
    assert attention(heat, own, own).own == 1


@pytest.mark.parametrize("level", [0.0, -1.0])
def test_a_blank_map_has_no_budget(level: float) -> None:
    mask = np.ones((2, 2), np.float32)
    found = attention(np.full((2, 2), level, np.float32), mask, mask)
    assert np.isnan([found.own, found.other, found.background]).all()


def test_masks_that_do_not_fit_are_refused() -> None:
    heat = np.ones((4, 4), np.float32)
    with pytest.raises(ValueError, match=r"found \(2, 2\) and \(2, 2\) for a map of \(4, 4\)"):
        attention(heat, np.ones((2, 2), np.float32), np.ones((2, 2), np.float32))
    with pytest.raises(ValueError, match="of one shape"):
        attention(heat, np.ones((8, 8), np.float32), np.ones((4, 4), np.float32))
