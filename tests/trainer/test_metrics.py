import numpy as np
import pytest

from trainer.metrics import (
    average_precision,
    calibration_error,
    figures,
    mean_average_precision,
    micro,
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
