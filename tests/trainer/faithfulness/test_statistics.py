import numpy as np
import pytest
from scipy.stats import spearmanr

from trainer.faithfulness.statistics import entropy, gini, spearman, stability, strongest

BLANK, UNIFORM = np.zeros((4, 4)), np.full((4, 4), 3.0)
POINT = np.zeros((4, 4))
POINT[1, 2] = 7


def test_gini_by_hand():
    assert gini(UNIFORM) == pytest.approx(0)
    assert gini(POINT) == pytest.approx(15 / 16)
    # Sorted 0 1 3: (-2 * 0 + 0 * 1 + 2 * 3) / (3 * 4).
    assert gini(np.array([[3.0, 0.0, 1.0]])) == pytest.approx(0.5)
    assert np.isnan(gini(BLANK))


def test_entropy_by_hand():
    assert entropy(UNIFORM) == pytest.approx(1)
    assert entropy(POINT) == 0
    # Two of sixteen cells: ln 2 / ln 16.
    assert entropy(POINT + POINT.T) == pytest.approx(0.25)
    assert np.isnan(entropy(BLANK))


def test_spearman_at_the_ends():
    values = np.arange(6.0)
    assert spearman(values, values**3) == pytest.approx(1)
    assert spearman(values, -values) == pytest.approx(-1)
    assert np.isnan(spearman(values, np.ones(6)))


def test_spearman_is_scipy_s():
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 5, 200), rng.integers(0, 5, 200)
    assert spearman(a, b) == pytest.approx(spearmanr(a, b).statistic)


def test_the_strongest_may_speak_against():
    assert strongest(np.array([0.1, -9.0, 3.0, 3.0]), 2) == {1, 2}


def test_stability_by_hand():
    runs = [np.array([9.0, 8, 0, 0]), np.array([8.0, 9, 0, 0]), np.array([9.0, 0, 8, 0])]
    # {0, 1} and {0, 1}: 1; {0, 1} and {0, 2}, twice: 1/3.
    assert stability(runs, 2) == pytest.approx((1 + 1 / 3 + 1 / 3) / 3)
    assert stability(runs, 10) == 1
    assert np.isnan(stability(runs[:1], 2))
