"""Rounding with feedback, on layers small enough to know the answer."""

import numpy as np
import pytest
from families import FAMILIES, shaken_model

from trainer.folded import fold
from trainer.rounding import Moments, input_moments, rounded
from trainer.trunk import steps


def moments_of(rows: np.ndarray) -> Moments:
    moments = Moments()
    moments.add(rows)
    return moments


def plain(weights, largest):
    return np.round(weights / largest * 127) * largest / 127


@pytest.fixture
def weights():
    return np.random.default_rng(0).normal(0, 0.05, (40, 6))


@pytest.fixture
def largest(weights):
    # A step ten times as coarse as these weights alone would need.
    return 10 * np.abs(weights).max(axis=0)


def test_weights_lie_on_their_steps(weights, largest):
    rows = np.random.default_rng(1).normal(0.5, 1, (200, 40))
    steps = rounded(weights, largest, moments_of(rows)) / (largest / 127)
    np.testing.assert_allclose(steps, np.round(steps), atol=1e-9)
    assert np.abs(steps).max() <= 127


def test_inputs_that_do_not_go_along_are_rounded_alone(weights, largest):
    found = rounded(weights, largest, moments_of(np.repeat(np.eye(40), 2, axis=0)))
    np.testing.assert_allclose(found, plain(weights, largest), atol=1e-12)


def test_inputs_that_are_all_alike_keep_their_sum(weights, largest):
    rows = np.ones((200, 40)) * np.random.default_rng(1).uniform(0, 1, (200, 1))
    found = rounded(weights, largest, moments_of(rows))
    lost = np.abs(found.sum(0) - weights.sum(0))
    assert (lost <= 0.51 * largest / 127).all()
    assert lost.max() < np.abs(plain(weights, largest).sum(0) - weights.sum(0)).max()


def test_sums_over_inputs_that_go_along_lose_less(weights, largest):
    rng = np.random.default_rng(1)
    rows = rng.normal(0.5, 1, (400, 8)) @ rng.normal(0, 1, (8, 40)) + rng.normal(0, 0.1, (400, 40))
    found = rounded(weights, largest, moments_of(rows[:200]))
    lost, alone = (
        np.square(rows[200:] @ (w - weights)).mean() for w in (found, plain(weights, largest))
    )
    assert lost < alone / 5


def test_too_few_samples_are_not_gone_by(weights, largest):
    rows = np.random.default_rng(1).normal(0.5, 1, (79, 40))
    found = rounded(weights, largest, moments_of(rows))
    np.testing.assert_allclose(found, plain(weights, largest), atol=1e-12)


@pytest.mark.parametrize("name", FAMILIES)
def test_moments_are_of_what_each_layer_multiplies(name):
    settings = FAMILIES[name]
    folded = fold(shaken_model(settings), settings)
    pictures = np.random.default_rng(0).integers(0, 256, (2, *(settings.size_px,) * 2, 3))
    moments = input_moments(folded, pictures.astype(np.uint8))
    trunk = list(zip(steps(settings.trunk_blocks), folded.trunk, strict=True))
    # Depthwise weights are rounded by the converter.
    dense = {step.name: kernel for step, (kernel, _) in trunk if not step.depthwise}
    assert list(moments) == [*dense, *settings.activations, "logits"]
    behind = (kernel for kernel, _ in (*folded.convolutions, *folded.dense))
    kernels = [*dense.values(), *behind]
    for found, kernel in list(zip(moments.values(), kernels, strict=True))[1:]:
        inputs = kernel[..., 0].size
        assert found.total.shape == (inputs, inputs)
        np.testing.assert_allclose(found.total, found.total.T, rtol=1e-5)
