import numpy as np
import pytest

from trainer.metrics import (
    average_precision,
    calibration_error,
    figures,
    look_alikes,
    mean_average_precision,
    micro,
    reliability,
    weighted_bce,
)


def test_average_precision_by_hand():
    # Ranked: hit, miss, hit -> precision 1 at recall 1/2, 2/3 at recall 1.
    assert average_precision(np.array([1, 0, 1]), np.array([0.9, 0.8, 0.7])) == pytest.approx(5 / 6)


def test_ties_count_as_one_step():
    target = np.array([1, 0, 0, 0])
    assert average_precision(target, np.zeros(4)) == pytest.approx(0.25)
    assert average_precision(target[::-1], np.zeros(4)) == pytest.approx(0.25)


def test_labels_that_never_occur_are_left_out_of_the_mean():
    target = np.array([[1, 0], [0, 0]])
    score = np.array([[0.9, 0.1], [0.2, 0.8]])
    assert np.isnan(average_precision(target[:, 1], score[:, 1]))
    assert mean_average_precision(target, score) == 1.0


def test_micro_by_hand():
    target = np.array([[1, 1, 0], [0, 1, 0]])
    reported = np.array([[1, 0, 1], [0, 1, 0]])
    found = micro(target, reported)
    assert found == {
        "precision": pytest.approx(2 / 3),
        "recall": pytest.approx(2 / 3),
        "f1": pytest.approx(2 / 3),
    }


def test_reporting_nothing_scores_the_all_absent_baseline():
    target = np.zeros((10, 85))
    target[:, 3] = 1
    found = figures(target, np.full(target.shape, 0.01), np.zeros(target.shape, bool))
    assert found["binary_accuracy"] == found["all_absent_accuracy"] == pytest.approx(84 / 85)
    assert found["micro_f1"] == 0.0
    assert found["exact_match"] == 0.0


def test_calibration_error_of_honest_and_of_boasting_probabilities():
    target = np.array([1, 0, 0, 0] * 50)
    assert calibration_error(target, np.full(200, 0.25)) == pytest.approx(0.0, abs=1e-9)
    assert calibration_error(target, np.full(200, 0.95)) == pytest.approx(0.70)


def test_reliability_bins_by_hand():
    target, probability = np.array([0, 1, 1, 1]), np.array([0.1, 0.3, 0.9, 0.95])
    assert reliability(target, probability, bins=2) == [
        {"decisions": 2, "probability": pytest.approx(0.2), "share": pytest.approx(0.5)},
        {"decisions": 2, "probability": pytest.approx(0.925), "share": pytest.approx(1.0)},
    ]
    assert calibration_error(target, probability, bins=2) == pytest.approx(0.5 * 0.3 + 0.5 * 0.075)


def test_weighted_bce_by_hand():
    # ln(1 + e^-x) for a brick that is there, ln(1 + e^x) for one that is not.
    losses = weighted_bce(np.array([1.0, 0.0]), np.array([0.0, 2.0]), 22.0)
    np.testing.assert_allclose(losses, [22 * np.log(2), np.log1p(np.exp(2))])


def test_look_alikes_share_the_blame():
    target = np.array([[1, 0, 0, 0], [1, 0, 0, 1], [0, 1, 0, 0]])
    reported = np.array([[0, 1, 1, 0], [0, 1, 0, 1], [0, 1, 0, 0]])
    # Picture 1: 0 missed, 1 and 2 wrong, half each. Picture 2: 0 missed, 1 wrong. Picture 3: right.
    assert look_alikes(target, reported) == [(0, 1, 1.5), (0, 2, 0.5)]
