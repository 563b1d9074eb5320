import numpy as np
import pytest

from trainer.calibration import SUPPORT_MIN, best_threshold, choose_thresholds, fit_platt


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


def test_rare_labels_take_the_threshold_of_all_labels():
    rng = np.random.default_rng(0)
    target = np.zeros((200, 2))
    target[:60, 0] = 1
    target[: SUPPORT_MIN - 1, 1] = 1
    probability = np.clip(0.6 * target + rng.uniform(0, 0.3, target.shape), 0, 1)
    chosen = choose_thresholds(probability, target)
    assert chosen[1] == pytest.approx(best_threshold(probability.ravel(), target.ravel()))


def test_highest_of_equally_good_thresholds_is_taken():
    probability = np.concatenate([np.linspace(0.6, 0.9, 20), [0.5], np.linspace(0.0, 0.1, 50)])
    target = np.concatenate([np.ones(20), np.zeros(51)])
    chosen = best_threshold(probability, target)
    # One missed of twenty costs less than 5 %; the highest border that still does is taken.
    assert (probability >= chosen).sum() == 19
