import numpy as np
import pytest

from trainer.faithfulness.bootstrap import Resampled


def test_interval_of_a_known_distribution():
    rng = np.random.default_rng(0)
    values = rng.normal(5, 2, 400)
    found = Resampled(range(400), [""] * 400, draws=2000).interval(values)
    # The standard error of the mean is 2 / 20; 95 % is 1.96 of it on both sides.
    half = 1.96 * values.std() / 20
    assert found.mean == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - half, abs=0.03)
    assert found.high == pytest.approx(values.mean() + half, abs=0.03)
    assert (found.count, found.undefined) == (400, 0)


def test_bricks_of_one_scene_are_no_independent_witnesses():
    rng = np.random.default_rng(1)
    scenes = np.repeat(np.arange(40), 10)
    values = rng.normal(0, 1, 40)[scenes]
    together = Resampled(scenes, [""] * 400).interval(values)
    apart = Resampled(range(400), [""] * 400).interval(values)
    # Ten copies of each value: the honest interval is wider by the root of ten.
    ratio = (together.high - together.low) / (apart.high - apart.low)
    assert ratio == pytest.approx(np.sqrt(10), rel=0.15)


def test_differences_are_paired():
    rng = np.random.default_rng(2)
    hard = rng.normal(0, 10, 300)
    better, worse = hard + 1, hard
    resampled = Resampled(range(300), [""] * 300)
    found = resampled.interval(better - worse)
    assert found.low == pytest.approx(1)
    assert found.high == pytest.approx(1)
    # Each mean alone is uncertain, and both move together.
    drawn = resampled.means(better) - resampled.means(worse)
    np.testing.assert_allclose(drawn, 1)
    assert resampled.means(worse).std() > 0.4


def test_means_over_types_first():
    # Type a: 1 of 4; type b: 1 of 1. Over explanations 2 / 5, over types 5 / 8.
    resampled = Resampled(range(5), ["a", "a", "a", "a", "b"])
    values = np.array([1.0, 0, 0, 0, 1])
    assert resampled.interval(values).mean == pytest.approx(2 / 5)
    assert resampled.interval(values, by_group=True).mean == pytest.approx(5 / 8)


def test_what_is_undefined_is_counted_and_left_out():
    found = Resampled(range(4), [""] * 4).interval(np.array([np.nan, 1, 3, np.nan]))
    assert (found.mean, found.count, found.undefined) == (2, 2, 2)
    nothing = Resampled(range(2), [""] * 2).interval(np.full(2, np.nan))
    assert np.isnan([nothing.mean, nothing.low, nothing.high]).all()
    assert nothing.undefined == 2


def test_one_scene_has_no_interval():
    found = Resampled([7, 7], ["a", "b"]).interval(np.array([1.0, 2.0]))
    assert found.mean == 1.5
    assert np.isnan(found.low)


def test_no_values_at_all():
    assert np.isnan(Resampled([], []).interval(np.zeros(0)).mean)
