import numpy as np
import pytest

from trainer.calibration import (
    SUPPORT_MIN,
    best_threshold,
    choose_thresholds,
    fit_platt,
    trusted_threshold,
)


def test_platt_finds_the_slope_and_offset_that_made_the_data():
    rng = np.random.default_rng(0)
    logits = rng.normal(-2, 3, 200_000)
    target = rng.random(len(logits)) < 1 / (1 + np.exp(-(0.6 * logits - 0.5)))
    assert fit_platt(logits, target) == (
        pytest.approx(0.6, abs=0.02),
        pytest.approx(-0.5, abs=0.02),
    )


def test_platt_stays_finite_when_the_classes_separate():
    logits = np.array([-3.0, -2.0, 2.0, 3.0])
    assert np.isfinite(fit_platt(logits, np.array([0, 0, 1, 1]))).all()


def test_platt_refuses_a_network_that_points_the_wrong_way():
    with pytest.raises(ValueError, match="slope"):
        fit_platt(np.array([-3.0, -2.0, -1.0, 2.0, 3.0]), np.array([1, 1, 1, 0, 0]))


def test_threshold_lies_between_the_two_sides():
    probability = np.array([0.1, 0.2, 0.7, 0.9])
    assert best_threshold(probability, np.array([0, 0, 1, 1])) == pytest.approx(0.45)


def test_the_lowest_threshold_at_which_four_in_five_are_right():
    probability = np.linspace(1.0, 0.0, 11)
    target = np.array([1, 1, 1, 1, 1, 0, 1, 1, 1, 0, 0])
    # With one more wrong: 5 of 6 down to 0.6, then 5 of 7, 6 of 8, 7 of 9; 8 of 10 at 0.2, 8 of 11.
    assert trusted_threshold(probability, target) == pytest.approx(0.15)
    # In any order of the pictures.
    assert trusted_threshold(probability[::-1], target[::-1]) == pytest.approx(0.15)


def test_where_everything_is_right_everything_is_reported():
    assert trusted_threshold(np.linspace(0.9, 0.1, 9), np.ones(9)) == pytest.approx(0.05)


def test_a_few_lucky_hits_are_not_trusted():
    probability, target = np.linspace(0.9, 0.1, 30), np.zeros(30)
    target[:3] = 1
    assert trusted_threshold(probability, target) is None
    target[3] = 1
    assert trusted_threshold(probability, target) == pytest.approx(probability[3:5].mean())


def test_equal_probabilities_are_never_cut_apart():
    probability = np.array([0.9] * 5 + [0.5] * 5 + [0.1] * 5)
    # The first of those at 0.5 are right by their place in the list only.
    target = np.array([1] * 5 + [1, 0, 0, 0, 0] + [0] * 5)
    assert trusted_threshold(probability, target) == pytest.approx(0.7)


def test_a_label_that_is_never_right_often_enough_is_not_reported():
    rng = np.random.default_rng(0)
    target = np.zeros((200, 2))
    target[:60, 0] = 1
    target[60:120, 1] = 1
    probability = rng.uniform(0, 1, target.shape)
    probability[:, 0] = 0.5 * target[:, 0] + 0.25
    good, bad = choose_thresholds(probability, target)
    assert (good.threshold, good.reported) == (pytest.approx(0.5), True)
    assert not bad.reported
    assert bad.threshold == pytest.approx(best_threshold(probability[:, 1], target[:, 1]))


def test_rare_labels_take_the_threshold_of_all_labels():
    rng = np.random.default_rng(0)
    target = np.zeros((200, 2))
    target[:60, 0] = 1
    target[: SUPPORT_MIN - 1, 1] = 1
    probability = np.clip(0.6 * target + rng.uniform(0, 0.3, target.shape), 0, 1)
    _, rare = choose_thresholds(probability, target)
    together = trusted_threshold(probability.ravel(), target.ravel())
    assert (rare.threshold, rare.reported) == (pytest.approx(together), True)


def test_where_nothing_is_trusted_no_label_is():
    rng = np.random.default_rng(0)
    target = (rng.random((100, 3)) < 0.1).astype(float)
    chosen = choose_thresholds(rng.random((100, 3)), target)
    assert not any(point.reported for point in chosen)
    assert all(0 < point.threshold < 1 for point in chosen)


def test_highest_of_equally_good_thresholds_is_taken():
    probability = np.concatenate([np.linspace(0.6, 0.9, 20), [0.5], np.linspace(0.0, 0.1, 50)])
    target = np.concatenate([np.ones(20), np.zeros(51)])
    chosen = best_threshold(probability, target)
    # One missed of twenty costs less than 5 %; the highest border that still does is taken.
    assert (probability >= chosen).sum() == 19
