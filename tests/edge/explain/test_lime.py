"""LIME on models whose answers are known, and on the shipped one."""

import itertools
import pickle
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest
from known_models import KnownModel, mosaic
from numpy.typing import NDArray

from edge.bundle import Bundle
from edge.classifier import Classifier
from edge.domain import Frame, Prediction
from edge.errors import ExplainError
from edge.explain.designs import DESIGNS, Design
from edge.explain.hiding import HideSettings
from edge.explain.lime import LimeResult, LimeSettings, explanation, lime, refine
from edge.explain.segments import SegmentSettings
from edge.pictures import read_picture

SETTINGS = LimeSettings(stable_rounds=0, alpha=1e-6)


@pytest.fixture
def model() -> KnownModel:
    return KnownModel(mosaic())


@pytest.fixture(scope="module")
def seen(shipped: Bundle) -> Prediction:
    image = read_picture(shipped.path("self_test_1"))
    return Classifier(shipped).classify(Frame(0, 0.0, image))


def same(one: LimeResult, other: LimeResult) -> bool:
    """Whether two results agree bit for bit in all but the time they took."""
    timed = ("milliseconds", "segment_ms", "settings", "ended")
    names = [f.name for f in fields(LimeResult) if f.name not in timed]
    return all(
        np.asarray(getattr(one, n)).tobytes() == np.asarray(getattr(other, n)).tobytes()
        for n in names
    )


class Clock:
    """Gains a second whenever it is read."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        self.now_s += 1.0
        return self.now_s


@pytest.mark.parametrize("design", DESIGNS)
def test_the_weights_of_an_additive_model_are_found(model: KnownModel, design: Design) -> None:
    assert model.superpixels > 8
    found = lime(model.picture, model, replace(SETTINGS, design=design, samples=128))
    np.testing.assert_allclose(found.coefficients, model.weights, atol=1e-4)
    np.testing.assert_allclose(found.intercepts, model.bias, atol=1e-4)
    np.testing.assert_allclose(found.r2, 1, atol=1e-6)
    np.testing.assert_allclose(found.whole, model(model.picture))
    assert (found.standard_errors < 1e-3).all()
    assert (found.samples, found.budget, found.ended) == (128, 128, "budget")


def test_half_of_what_two_do_together_goes_to_each(model: KnownModel) -> None:
    # On uniform rows a product x0 x1 has the main effects 1/2 and 1/2.
    together = KnownModel(model.picture, together=3.0)
    expected = together.weights[0].copy()
    expected[:2] += 1.5
    z = []
    for seed in range(12):
        found = lime(model.picture, together, replace(SETTINGS, seed=seed, design="random"))
        z.append((found.coefficients[0] - expected) / found.standard_errors[0])
    assert 0.6 < np.sqrt(np.mean(np.square(z))) < 1.5
    found = lime(model.picture, together, SETTINGS)
    np.testing.assert_allclose(found.coefficients[0], expected, atol=1e-3)


def test_the_one_superpixel_that_matters_is_found(model: KnownModel) -> None:
    model.weights[:] = 0
    model.weights[1, 5] = -2
    found = lime(model.picture, model, LimeSettings(samples=64, alpha=0.5))
    assert np.abs(found.coefficients[1]).argmax() == 5
    assert found.coefficients[1, 5] == pytest.approx(-2, rel=0.25)
    np.testing.assert_array_equal(found.map_of(1)[model.segments == 5], found.coefficients[1, 5])
    np.testing.assert_allclose(found.coefficients[[0, 2]], 0, atol=1e-12)
    assert np.isnan(found.r2[[0, 2]]).all()


@pytest.mark.parametrize("hide", ["mean", "blur", "colour"])
def test_every_way_of_hiding_finds_them(model: KnownModel, hide: Any) -> None:
    found = lime(model.picture, model, replace(SETTINGS, hide=HideSettings(hide)))
    np.testing.assert_allclose(found.coefficients, model.weights, atol=0.05)


@pytest.mark.parametrize("design", DESIGNS)
def test_the_same_seed_gives_the_same_bits(
    seen: Prediction, shipped: Bundle, design: Design
) -> None:
    classifier = Classifier(shipped)
    settings = LimeSettings(samples=96, design=design)
    first, again, other = (
        lime(seen.model_input, classifier.logits, replace(settings, seed=seed))
        for seed in (3, 3, 4)
    )
    assert same(first, again)
    assert (first.coefficients != other.coefficients).any()
    np.testing.assert_array_equal(first.segments, other.segments)


def test_interim_results_are_those_of_smaller_budgets(model: KnownModel) -> None:
    wild = KnownModel(model.picture, together=4.0)
    interims = list(refine(model.picture, wild, replace(SETTINGS, samples=72)))
    assert [r.samples for r in interims] == [8, 24, 40, 56, 72]
    assert [r.ended for r in interims] == ["interim"] * 4 + ["budget"]
    for interim in interims:
        alone = lime(model.picture, wild, replace(SETTINGS, samples=interim.samples))
        np.testing.assert_array_equal(interim.coefficients, alone.coefficients)
    assert np.isnan(interims[0].standard_errors).all()
    assert np.isfinite(interims[-1].standard_errors).all()


def test_watching_changes_nothing(model: KnownModel) -> None:
    assert same(
        lime(model.picture, model, SETTINGS), lime(model.picture, model, SETTINGS, wanted=[1])
    )


def test_results_do_not_change_later_and_can_be_sent(model: KnownModel) -> None:
    results = refine(model.picture, model, SETTINGS)
    first = next(results)
    sent = pickle.loads(pickle.dumps(first))
    list(results)
    assert same(first, sent)
    assert sent.settings == SETTINGS


def test_a_cancel_ends_it_within_a_batch(model: KnownModel) -> None:
    asked: Iterator[bool] = itertools.chain([False] * 3, itertools.repeat(True))
    found = lime(model.picture, model, SETTINGS, cancelled=lambda: next(asked))
    assert (found.ended, found.samples) == ("cancelled", 8 + 16 + 16)
    assert model.calls == 1 + found.samples


def test_a_deadline_ends_it_with_what_there_is(model: KnownModel) -> None:
    found = lime(model.picture, model, SETTINGS, deadline_s=10.0, clock=Clock())
    assert found.ended == "deadline"
    assert 8 < found.samples < SETTINGS.samples
    alone = lime(model.picture, model, replace(SETTINGS, samples=found.samples))
    np.testing.assert_array_equal(found.coefficients, alone.coefficients)
    assert found.milliseconds > found.segment_ms == 1000.0


@pytest.mark.parametrize(
    ("ends", "ended"),
    [({"deadline_s": -1.0}, "deadline"), ({"cancelled": lambda: True}, "cancelled")],
)
def test_over_before_it_began_is_a_result_without_samples(
    model: KnownModel, ends: dict[str, Any], ended: str
) -> None:
    (found,) = refine(model.picture, model, SETTINGS, clock=lambda: 0.0, **ends)
    assert (found.ended, found.samples) == (ended, 0)
    assert not found.coefficients.any()
    assert np.isnan(found.r2).all()
    assert np.isnan(found.standard_errors).all()
    assert np.isnan(found.stability).all()
    np.testing.assert_array_equal(found.intercepts, found.whole)


def test_what_is_clear_ends_early(model: KnownModel) -> None:
    found = lime(model.picture, model, LimeSettings(samples=2000, alpha=1e-3))
    assert found.ended == "stable"
    assert found.samples < 500
    assert (found.stability >= 0.9).all()
    whole = lime(model.picture, model, LimeSettings(samples=200, alpha=1e-3, stable_rounds=0))
    assert whole.ended == "budget"


def test_only_wanted_labels_keep_it_going(model: KnownModel) -> None:
    settings = LimeSettings(samples=300, top=2)
    model.weights[:2] = 0  # what does not vary never becomes stable
    model.weights[1, 3], model.weights[1, 4] = 5, -4
    clear = lime(model.picture, model, settings, wanted=[1])
    assert clear.ended == "stable"
    assert clear.samples < lime(model.picture, model, settings, wanted=[0, 1]).samples
    assert np.isnan(clear.stability).tolist() == [True, False, False]


PLAIN = np.full((40, 40, 3), 128, np.uint8)
NOISE = np.random.default_rng(0).integers(0, 256, (24, 24, 3)).astype(np.uint8)


@pytest.mark.parametrize("method", ["quickshift", "slic"])
@pytest.mark.parametrize("picture", [PLAIN[:1, :1], PLAIN], ids=["one pixel", "one colour"])
def test_where_hiding_changes_nothing_nothing_is_claimed(
    picture: NDArray[np.uint8], method: Any
) -> None:
    settings = LimeSettings(segments=SegmentSettings(method=method))
    (found,) = refine(picture, lambda x: np.array([x.mean(), 1], np.float32), settings)
    assert (found.samples, found.ended) == (0, "stable")
    assert not found.coefficients.any()
    assert not found.standard_errors.any()


def test_one_superpixel() -> None:
    away = HideSettings("colour", (0, 0, 0))
    found = lime(
        np.full((9, 9, 3), 200, np.uint8),
        lambda x: np.array([x.mean() / 100], np.float32),
        LimeSettings(segments=SegmentSettings(method="slic", pieces=1), hide=away, alpha=0.5),
    )
    assert found.superpixels == 1
    assert found.coefficients[0, 0] == pytest.approx(2, rel=0.1)
    assert found.stability.tolist() == [1.0]


def test_two_superpixels() -> None:
    picture = np.full((40, 40, 3), 50, np.uint8)
    picture[:, 20:] = 200
    found = lime(
        picture,
        lambda x: np.array([x[0, 0, 0] / 50, x[0, -1, 0] / 100], np.float32),
        LimeSettings(
            alpha=0.5,
            hide=HideSettings("colour", (0, 0, 0)),
        ),
    )
    assert found.superpixels == 2
    left = found.segments[0, 0]
    np.testing.assert_allclose(found.coefficients[:, left], [1, 0], atol=0.1)
    np.testing.assert_allclose(found.coefficients[:, 1 - left], [0, 2], atol=0.2)


def test_inert_superpixels_take_no_part() -> None:
    picture = mosaic()
    picture[:24] = 128
    model = KnownModel(picture)
    found = lime(picture, model, SETTINGS)
    bars = np.setdiff1d(found.segments[:24], found.segments[24:])
    assert len(bars)
    assert not found.coefficients[:, bars].any()
    assert not found.standard_errors[:, bars].any()
    np.testing.assert_allclose(found.coefficients, model.weights, atol=1e-4)


def test_probability_as_target(model: KnownModel) -> None:
    def sigmoid(logits: NDArray[np.float32]) -> NDArray[np.float32]:
        return (1 / (1 + np.exp(-logits))).astype(np.float32)

    settings = replace(SETTINGS, target="probability")
    found = lime(model.picture, model, settings, probabilities=sigmoid)
    np.testing.assert_allclose(found.whole, sigmoid(model(model.picture)))
    assert np.abs(found.coefficients).max() < 1
    with pytest.raises(ValueError, match="probabilities"):
        lime(model.picture, model, settings)


def test_an_explanation_says_how_it_was_made(seen: Prediction, shipped: Bundle) -> None:
    result = lime(seen.model_input, Classifier(shipped).logits, LimeSettings(samples=160))
    labels = [shipped.labels[i] for i in (70, 3)]
    explained = explanation(seen, labels, result)
    assert explained.method == "lime"
    assert explained.labels == tuple(labels)
    assert explained.maps.shape == (2, *seen.model_input.shape[:2])
    assert explained.maps.dtype == np.float32
    np.testing.assert_array_equal(explained.maps[1], result.map_of(3))
    details = explained.details
    np.testing.assert_array_equal(details["coefficients"], result.coefficients[[70, 3]])
    assert details["standard_errors"].shape == details["coefficients"].shape
    assert details["r2"].shape == details["stability"].shape == (2,)
    assert details["superpixels"] == result.superpixels
    told = {k: details[k] for k in ("samples", "budget", "hide", "target", "design", "engine")}
    assert told == {
        "samples": 160,
        "budget": 160,
        "hide": "mean",
        "target": "logit",
        "design": "hadamard",
        "engine": "bricksight",
    }


def test_a_poor_line_is_warned_of(seen: Prediction, shipped: Bundle) -> None:
    chance = np.random.default_rng(0)
    result = lime(
        seen.model_input, lambda _: chance.normal(size=85).astype(np.float32), LimeSettings()
    )
    warnings = explanation(seen, shipped.labels[:1], result).details["warnings"]
    assert shipped.labels[0].id in warnings[0]
    empty = lime(seen.model_input, Classifier(shipped).logits, cancelled=lambda: True)
    assert "no samples" in explanation(seen, shipped.labels[:1], empty).details["warnings"][0]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"design": "grid"}, "random, antithetic, hadamard"),
        ({"target": "odds"}, "logit, probability"),
        ({"engine": "shap"}, "bricksight, lime"),
        ({"samples": 0}, "samples"),
        ({"batch": 0}, "batch"),
        ({"top": 0}, "top"),
        ({"seed": -1}, "seed"),
        ({"alpha": 0.0}, "alpha"),
        ({"kernel_width": float("nan")}, "kernel_width"),
        ({"stable_at": 1.1}, "stable_at"),
        ({"prior": "steep"}, "adaptive, flat"),
        ({"stable_rounds": -1}, "stable_rounds"),
    ],
)
def test_wrong_settings_are_refused_by_name(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        LimeSettings(**wrong)


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("seed", range(4))
def test_one_colour_hidden_by_another_is_explained(design: Design, seed: int) -> None:
    even = np.full((64, 64, 3), 7, np.uint8)

    def mean(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        return np.array([picture.mean() / 255, 1], np.float32)

    settings = LimeSettings(hide=HideSettings("colour"), design=design, samples=40, seed=seed)
    found = lime(even, mean, settings)
    assert found.superpixels == 4
    assert (found.coefficients[0] < 0).all()
    # What never changes has no evidence at all, not even rounding.
    assert not found.coefficients[1].any()


@pytest.mark.parametrize("engine", ["bricksight", "lime"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_model_that_gives_no_finite_number_is_refused(
    model: KnownModel, engine: Any, value: float
) -> None:
    def broken(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        logits = model(picture)
        logits[1] = value if model.calls > 4 else 0
        return logits

    with pytest.raises(ExplainError, match="for label 1"):
        lime(model.picture, broken, LimeSettings(engine=engine, samples=32))
