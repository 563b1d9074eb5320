import keras
import numpy as np
import pytest

from trainer.losses import PositionLoss, WeightedBCE, weighted_bce

# (logit, target, weight) -> loss, computed by hand from the corrected formula.
CHECKS = {
    (0, 1, 22): 15.249238,
    (0, 0, 22): 0.693147,
    (-4, 1, 16): 64.290399,
    (4, 0, 16): 4.018150,
    (-50, 1, 22): 1100.0,
    (50, 0, 22): 50.0,
}


def value(x, t, w) -> float:
    return float(weighted_bce(np.float32(t), np.float32(x), w))


@pytest.mark.parametrize(("case", "expected"), CHECKS.items())
def test_weighted_bce_has_the_checked_values(case, expected):
    assert value(*case) == pytest.approx(expected, rel=1e-5)


def test_weight_multiplies_what_a_missed_brick_costs():
    assert value(-3, 1, 22) == pytest.approx(22 * value(-3, 1, 1), rel=1e-6)
    assert value(3, 0, 22) == pytest.approx(value(3, 0, 1), rel=1e-6)


def test_weight_of_one_is_keras_own_binary_cross_entropy():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (8, 85)).astype(np.float32)
    target = (rng.random((8, 85)) < 0.05).astype(np.float32)
    ours = WeightedBCE(1.0)(target, logits)
    theirs = keras.losses.BinaryCrossentropy(from_logits=True)(target, logits)
    assert float(ours) == pytest.approx(float(theirs), rel=1e-5)


def test_extreme_logits_stay_finite():
    assert np.isfinite([value(x, t, 22) for x in (-1e4, 1e4) for t in (0, 1)]).all()


def test_labels_that_do_not_count_change_nothing():
    logits = np.array([[1.0, -2.0, 99.0]], np.float32)
    target = np.array([[1.0, 0.0, -1.0]], np.float32)
    expected = float(WeightedBCE(5.0)(target[:, :2], logits[:, :2]))
    assert float(WeightedBCE(5.0)(target, logits)) == pytest.approx(expected, rel=1e-6)


def test_position_loss_is_a_softmax_with_the_ground_at_zero():
    scores = np.array([[[[2.0, -1.0], [0.5, 0.5], [9.0, 9.0]]]], np.float32)
    target = np.array([[[0, 2, -1]]], np.int32)
    brick = -np.log(np.exp(2) / (np.exp(2) + np.exp(-1) + 1))
    ground = -np.log(1 / (2 * np.exp(0.5) + 1))
    expected = (brick + 0.25 * ground) / 1.25
    assert float(PositionLoss(0.25)(target, scores)) == pytest.approx(expected, rel=1e-5)
