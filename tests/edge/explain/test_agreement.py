"""Agreement of two explanations, worked out by hand; ranks against SciPy's definition."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from edge.explain.agreement import Said, agreement, pool, rank_correlation, ranks

# Four superpixels: columns of an 8 x 8 picture, two pixels wide each.
COLUMNS = np.repeat(np.arange(4, dtype=np.int32), 2)[None].repeat(8, axis=0)


def test_pooling_loses_nothing() -> None:
    values = np.array([[4.0, -2.0], [8.0, 0.0]], np.float32)
    # Each cell covers 4 x 4 pixels, half of them in each of two superpixels.
    np.testing.assert_allclose(pool(values, COLUMNS, 4), [6, 6, -1, -1])


@given(hnp.arrays(np.float32, (3, 5), elements=st.floats(-10, 10, width=32)))
def test_pooling_keeps_the_sum_where_sides_do_not_divide(values: np.ndarray) -> None:
    segments = np.random.default_rng(0).integers(0, 9, (13, 17)).astype(np.int32)
    pooled = pool(values, segments, 9)
    assert pooled.sum() == pytest.approx(values.sum(dtype=np.float64), abs=1e-6)


def test_a_superpixel_nobody_has_gets_nothing() -> None:
    assert pool(np.ones((2, 2), np.float32), COLUMNS, 6)[4:].tolist() == [0, 0]


def test_equal_values_share_their_mean_rank() -> None:
    np.testing.assert_array_equal(ranks(np.array([5.0, 1.0, 5.0, 9.0])), [1.5, 0, 1.5, 3])


@settings(deadline=None)
@given(hnp.arrays(np.int8, (2, 12), elements=st.integers(-3, 3)))
def test_rank_correlation_is_scipys(values: np.ndarray) -> None:
    one, other = values
    if np.ptp(one) == 0 or np.ptp(other) == 0:
        assert np.isnan(rank_correlation(one, other))
    else:
        assert rank_correlation(one, other) == pytest.approx(stats.spearmanr(one, other).statistic)


def test_who_names_which_superpixel() -> None:
    cam = np.array([[8.0, 6.0, -4.0, 0.0]], np.float32)
    found = agreement(cam, np.array([3.0, -1.0, 2.0, 0.0], np.float32), COLUMNS, top=2)
    np.testing.assert_allclose(found.pooled, [8, 6, -4, 0])
    said = [Said.BOTH, Said.ONLY_CAM, Said.ONLY_LIME, Said.NONE]
    assert found.said.tolist() == said
    assert [found.count(who) for who in said] == [1, 1, 1, 1]
    assert found.jaccard == pytest.approx(1 / 3)
    assert found.signs == pytest.approx(1 / 3)
    # Ranks 3 2 0 1 and 3 0 2 1: 1 - 6 * (0 + 4 + 4 + 0) / (4 * 15).
    assert found.spearman == pytest.approx(1 - 6 * 8 / 60)


def test_perfect_and_inverted() -> None:
    cam = np.array([[4.0, 3.0, 2.0, 1.0]], np.float32)
    same = agreement(cam, cam[0], COLUMNS)
    assert (same.spearman, same.jaccard, same.signs) == pytest.approx((1, 1, 1))
    inverted = agreement(cam, -cam[0], COLUMNS)
    assert (inverted.spearman, inverted.jaccard, inverted.signs) == pytest.approx((-1, 0, 0))
    assert inverted.count(Said.ONLY_LIME) == 0


def test_two_blank_explanations_agree_on_nothing() -> None:
    blank = agreement(np.zeros((1, 4), np.float32), np.zeros(4, np.float32), COLUMNS)
    assert np.isnan([blank.spearman, blank.jaccard, blank.signs]).all()
    assert blank.count(Said.NONE) == 4
