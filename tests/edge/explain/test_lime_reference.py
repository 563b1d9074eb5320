"""Our LIME against the stock package, on the same superpixels, model and rows."""

import sys
from dataclasses import replace

import numpy as np
import pytest
from known_models import KnownModel, mosaic

from edge.errors import ExplainError
from edge.explain.hiding import HideSettings
from edge.explain.lime import LimeSettings, lime
from edge.explain.surrogate import Surrogate

STOCK = LimeSettings(engine="lime", samples=200, seed=4)


@pytest.fixture
def model() -> KnownModel:
    return KnownModel(mosaic(), together=3.0)


def test_on_the_same_rows_the_answers_are_the_same(model: KnownModel) -> None:
    stock = lime(model.picture, model, STOCK)
    chance = np.random.RandomState(STOCK.seed)
    chance.randint(0, high=1000)  # the package draws a seed for its segments first
    rows = chance.randint(0, 2, 200 * model.superpixels).reshape(200, -1).astype(bool)
    rows[0] = True
    targets = (model.bias + rows @ model.weights.T).astype(np.float32)
    targets[:, 0] += 3.0 * rows[:, :2].all(axis=1)
    surrogate = Surrogate(model.superpixels, 3, 0.25, 1.0, paired=False)
    surrogate.add(rows, targets)
    ours = surrogate.fit()
    np.testing.assert_allclose(stock.coefficients, ours.coefficients, atol=2e-5)
    np.testing.assert_allclose(stock.intercepts, ours.intercepts, atol=2e-5)
    np.testing.assert_allclose(stock.r2, ours.r2, atol=2e-5)


@pytest.mark.parametrize("hide", ["mean", "blur", "colour"])
def test_both_engines_find_the_same(model: KnownModel, hide: str) -> None:
    settings = replace(STOCK, hide=HideSettings(hide), samples=400)  # type: ignore[arg-type]
    stock = lime(model.picture, model, settings)
    ours = lime(model.picture, model, replace(settings, engine="bricksight"))
    np.testing.assert_array_equal(stock.segments, ours.segments)
    for label in range(3):
        pair = stock.coefficients[label], ours.coefficients[label]
        assert np.corrcoef(*pair)[0, 1] > 0.98


def test_it_says_what_it_did(model: KnownModel) -> None:
    found = lime(model.picture, model, STOCK, wanted=[2])
    assert (found.samples, found.budget, found.ended) == (200, 200, "budget")
    assert np.isnan(found.standard_errors).all()
    assert np.isnan(found.stability).all()
    assert np.isnan(found.coefficients[:2]).all()
    assert np.isfinite(found.coefficients[2]).all()
    np.testing.assert_array_equal(found.whole, model(model.picture))


def test_the_same_seed_gives_the_same_bits(model: KnownModel) -> None:
    first, again = (lime(model.picture, model, STOCK) for _ in range(2))
    np.testing.assert_array_equal(first.coefficients, again.coefficients)


def test_it_is_silent(model: KnownModel, capfd: pytest.CaptureFixture[str]) -> None:
    lime(model.picture, model, STOCK)
    assert capfd.readouterr() == ("", "")


def test_a_cancel_leaves_it_without_samples(model: KnownModel) -> None:
    asked = iter([False, True])
    found = lime(model.picture, model, STOCK, cancelled=lambda: next(asked))
    assert (found.ended, found.samples) == ("cancelled", 0)
    assert not found.coefficients.any()
    assert model.calls == 1 + STOCK.batch


def test_without_the_package_the_error_says_what_to_install(
    model: KnownModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "lime.lime_image", None)
    with pytest.raises(ExplainError, match=r"pip install 'bricksight\[lime\]'"):
        lime(model.picture, model, STOCK)


def test_a_large_seed_is_taken(model: KnownModel) -> None:
    small, large = (lime(model.picture, model, replace(STOCK, seed=s)) for s in (5, 2**32 + 5))
    np.testing.assert_array_equal(small.coefficients, large.coefficients)
