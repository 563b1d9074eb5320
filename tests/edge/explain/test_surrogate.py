"""The ridge against scikit-learn's, its standard errors against repetition."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import Ridge
from sklearn.metrics import pairwise_distances

from edge.explain.designs import PAIRED, Design, first_rows
from edge.explain.stability import top_stability
from edge.explain.surrogate import Fit, Surrogate, kernel_weights

L = 20


def fitted(
    rows: NDArray[np.bool_], targets: NDArray[np.float32], paired: bool, alpha: float = 1.0
) -> tuple[Fit, NDArray[np.float64]]:
    surrogate = Surrogate(rows.shape[1], targets.shape[1], 0.25, alpha, paired)
    for start in range(0, len(rows), 16):
        surrogate.add(rows[start : start + 16], targets[start : start + 16])
    fit = surrogate.fit()
    return fit, surrogate.standard_errors(fit)


def noise(rows: int, labels: int = 4) -> NDArray[np.float32]:
    return np.random.default_rng(rows).normal(size=(rows, labels)).astype(np.float32)


def test_weights_are_those_of_the_lime_package() -> None:
    rows = first_rows("random", 9, 0, 300)
    rows[7] = False
    distance = pairwise_distances(rows.astype(float), rows[:1].astype(float), metric="cosine")
    expected = np.sqrt(np.exp(-(distance.ravel() ** 2) / 0.25**2))
    np.testing.assert_allclose(kernel_weights(rows, 0.25), expected, rtol=1e-12)


@pytest.mark.parametrize("alpha", [1.0, 0.01, 30.0])
@pytest.mark.parametrize("count", [3, 50, 333])
def test_it_is_the_ridge_of_scikit_learn(alpha: float, count: int) -> None:
    rows, targets = first_rows("random", L, 0, count), noise(count)
    fit, _ = fitted(rows, targets, False, alpha)
    weights = kernel_weights(rows, 0.25)
    for label in range(4):
        ridge = Ridge(alpha=alpha).fit(rows, targets[:, label], sample_weight=weights)
        np.testing.assert_allclose(fit.coefficients[label], ridge.coef_, atol=1e-9)
        assert fit.intercepts[label] == pytest.approx(ridge.intercept_, abs=1e-9)
        expected = ridge.score(rows, targets[:, label], sample_weight=weights)
        assert fit.r2[label] == pytest.approx(expected, abs=1e-9)


def test_a_pair_weighs_alike() -> None:
    rows, targets = first_rows("hadamard", L, 0, 96), noise(96)
    fit, _ = fitted(rows, targets, True)
    alike = kernel_weights(rows, 0.25).reshape(-1, 2).mean(axis=1).repeat(2)
    ridge = Ridge(alpha=1.0).fit(rows, targets, sample_weight=alike)
    np.testing.assert_allclose(fit.coefficients, ridge.coef_, atol=1e-9)


def test_few_samples_come_nearer_to_the_truth_when_sharpened() -> None:
    rng = np.random.default_rng(5)
    superpixels, labels, samples = 40, 6, 120
    weights = np.zeros((labels, superpixels))
    weights[:, :5] = rng.normal(0, 2, (labels, 5))
    rows = first_rows("random", superpixels, 0, samples)
    targets = (rows @ weights.T + rng.normal(0, 1, (samples, labels))).astype(np.float32)
    surrogate = Surrogate(superpixels, labels, 0.25, 1.0, False)
    surrogate.add(rows, targets)
    plain = surrogate.fit()
    errors = surrogate.standard_errors(plain)
    sharp = surrogate.sharpened(plain, errors, np.arange(labels))

    def off(fit: Fit) -> float:
        return float(((fit.coefficients - weights) ** 2).mean())

    assert off(sharp) < 0.5 * off(plain)
    # What is clear hardly moves, what is noise all but goes.
    clear = np.abs(plain.coefficients) > 8 * errors
    assert clear.sum() > 5
    np.testing.assert_allclose(
        sharp.coefficients[clear], plain.coefficients[clear], atol=3 * errors.max()
    )
    noise = np.abs(plain.coefficients) < 0.5 * errors
    assert np.abs(sharp.coefficients[noise]).mean() < 0.4 * np.abs(plain.coefficients[noise]).mean()


def test_only_the_labels_asked_for_are_sharpened() -> None:
    rows, targets = first_rows("hadamard", L, 0, 64), noise(64)
    surrogate = Surrogate(L, 4, 0.25, 1.0, True)
    surrogate.add(rows, targets)
    plain = surrogate.fit()
    errors = surrogate.standard_errors(plain)
    every = surrogate.sharpened(plain, errors, np.arange(4))
    one = surrogate.sharpened(plain, errors, np.array([2]))
    np.testing.assert_array_equal(one.coefficients[2], every.coefficients[2])
    np.testing.assert_array_equal(one.coefficients[[0, 1, 3]], plain.coefficients[[0, 1, 3]])
    assert (one.coefficients[2] != plain.coefficients[2]).any()


def test_without_errors_nothing_is_sharpened() -> None:
    rows, targets = first_rows("hadamard", L, 0, 64), noise(64)
    surrogate = Surrogate(L, 4, 0.25, 1.0, True)
    surrogate.add(rows, targets)
    plain = surrogate.fit()
    unknown = np.full((4, L), np.nan)
    assert surrogate.sharpened(plain, unknown, np.arange(4)) is plain


def test_a_target_without_noise_is_left_as_it_is() -> None:
    weights = np.random.default_rng(1).normal(0, 1, (3, L))
    rows = first_rows("hadamard", L, 0, 96)
    surrogate = Surrogate(L, 3, 0.25, 1e-9, True)
    surrogate.add(rows, (rows @ weights.T).astype(np.float32))
    plain = surrogate.fit()
    sharp = surrogate.sharpened(plain, surrogate.standard_errors(plain), np.arange(3))
    np.testing.assert_allclose(sharp.coefficients, weights, atol=1e-4)


def test_a_target_that_does_not_vary_has_no_r2() -> None:
    fit, _ = fitted(first_rows("random", L, 0, 64), np.full((64, 1), 1e3, np.float32), False)
    assert np.isnan(fit.r2).all()
    np.testing.assert_allclose(fit.coefficients, 0, atol=1e-9)


@pytest.mark.parametrize("design", PAIRED)
def test_pairs_cancel_what_two_superpixels_do_together(design: Design) -> None:
    rows = first_rows(design, L, 0, 112)
    signs = rows * 2.0 - 1.0
    both = (signs[:, :1] * signs[:, 1:2]).astype(np.float32)
    fit, errors = fitted(rows, both, True)
    np.testing.assert_allclose(fit.coefficients, 0, atol=1e-9)
    np.testing.assert_allclose(errors, 0, atol=1e-7)


def test_without_pairs_hc2_by_hand() -> None:
    rows, targets = first_rows("random", 5, 0, 60), noise(60)
    _, errors = fitted(rows, targets, False, alpha=1e-9)
    root = np.sqrt(kernel_weights(rows, 0.25))[:, None]
    design = np.column_stack([np.ones(60), rows]) * root
    solver = np.linalg.pinv(design)
    hat = design @ solver
    scaled = targets * root
    left = ((np.eye(60) - hat) @ scaled) ** 2 / (1 - np.diag(hat))[:, None]
    expected = np.sqrt(np.einsum("ji,ik->kj", solver[1:] ** 2, left))
    np.testing.assert_allclose(errors, expected, rtol=1e-5)


@pytest.mark.parametrize("design", ["random", "antithetic", "hadamard"])
@pytest.mark.parametrize("count", [112, 256])
def test_standard_errors_say_how_far_off_coefficients_are(design: Design, count: int) -> None:
    # Superpixels act alone, in twos and in threes, and there is noise.
    chance = np.random.default_rng(3)
    alone = chance.normal(size=L)
    twos, threes = chance.integers(0, L, (15, 2)), chance.integers(0, L - 3, 8)
    off, covered = [], []
    for seed in range(60):
        rows = first_rows(design, L, seed, count)
        signs = rows * 2.0 - 1.0
        values = signs @ alone / 2 + 0.2 * signs[:, twos].prod(axis=2).sum(axis=1)
        values += sum(0.15 * signs[:, k : k + 3].prod(axis=1) for k in threes)
        values += 0.2 * np.random.default_rng([seed, 1]).normal(size=count)
        fit, errors = fitted(rows, values[:, None].astype(np.float32), design in PAIRED, 1e-6)
        z = (fit.coefficients[0] - alone) / errors[0]
        # Superpixels that occur twice in a product act alone as well.
        off.append(z)
        covered.append(np.abs(z) < 1.96)
    assert 0.75 < np.sqrt(np.mean(np.square(off))) < 1.3
    assert np.mean(covered) > 0.88


def test_errors_are_unknown_until_there_are_rows_to_tell() -> None:
    assert np.isnan(fitted(first_rows("hadamard", L, 0, 46), noise(46), True)[1]).all()
    assert np.isfinite(fitted(first_rows("hadamard", L, 0, 48), noise(48), True)[1]).all()
    assert np.isfinite(fitted(first_rows("hadamard", L, 0, 49), noise(49), True)[1]).all()


def test_stability_of_clear_and_of_unclear_coefficients() -> None:
    clear = np.concatenate([np.full(10, 5.0), np.zeros(40)])
    coefficients = np.stack([clear, np.random.default_rng(0).normal(size=50), clear, 0 * clear])
    errors = np.full((4, 50), 0.1)
    errors[1] = 1.0
    errors[2, 3] = np.nan
    found = top_stability(coefficients, errors, 10)
    assert found[0] == 1
    # Two sets of 10 out of 50 by chance: Jaccard 0.11.
    assert 0.08 < found[1] < 0.2
    assert np.isnan(found[2])
    assert found[3] == pytest.approx(0.11, abs=0.05)
    np.testing.assert_array_equal(top_stability(coefficients, errors, 50), 1)


@pytest.mark.parametrize("count", [96, 192])
def test_stability_foretells_how_two_seeds_agree(count: int) -> None:
    alone = np.random.default_rng(5).standard_t(3, size=40)
    told, tops = [], []
    for seed in range(24):
        rows = first_rows("hadamard", 40, seed, count)
        values = rows @ alone + 2 * np.random.default_rng([seed, 2]).normal(size=count)
        fit, errors = fitted(rows, values[:, None].astype(np.float32), True)
        told.append(top_stability(fit.coefficients, errors, 10)[0])
        tops.append(set(np.argsort(-np.abs(fit.coefficients[0]))[:10]))
    pairs = [(a, b) for i, a in enumerate(tops) for b in tops[:i]]
    agreed = np.mean([len(a & b) / len(a | b) for a, b in pairs])
    assert np.mean(told) == pytest.approx(agreed, abs=0.1)


def test_rows_that_cannot_tell_superpixels_apart_are_solved_even_without_noise() -> None:
    # The first two superpixels are always shown together.
    rows = np.array([[1, 1, 0], [0, 0, 1], [1, 1, 1], [0, 0, 0]] * 3, bool)
    surrogate = Surrogate(3, 2, 0.25, 1.0, paired=False)
    surrogate.add(rows, np.column_stack([rows.sum(axis=1), np.ones(12)]).astype(np.float32))
    fit = surrogate.fit()
    errors = np.zeros_like(fit.coefficients)
    sharpened = surrogate.sharpened(fit, errors, np.arange(2))
    assert np.isfinite(sharpened.coefficients).all()
    np.testing.assert_allclose(sharpened.coefficients[0], 1, rtol=1e-3)
    np.testing.assert_allclose(sharpened.coefficients[1], 0, atol=1e-9)
