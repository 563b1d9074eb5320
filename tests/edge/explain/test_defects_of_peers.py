"""What people have reported of other explainers, pinned here so that it never becomes true of ours.

The numbers are those of the reports in the projects' own trackers.
"""

from dataclasses import replace

import numpy as np
import pytest
from known_models import KnownModel
from numpy.typing import NDArray

from edge.bundle import Bundle
from edge.classifier import Classifier
from edge.domain import Frame, Prediction
from edge.explain.colours import fixed_scale, frame_scale, map_scale
from edge.explain.gradcam import GradCam
from edge.explain.lime import lime, refine
from edge.explain.lime_result import LimeSettings
from edge.explain.overlay import draw
from edge.pictures import read_picture

SETTINGS = LimeSettings(samples=96, stable_rounds=0)
PICTURE = np.random.default_rng(0).integers(0, 256, (48, 48, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def pile(shipped: Bundle) -> Prediction:
    return Classifier(shipped).classify(Frame(0, 0.0, read_picture(shipped.path("self_test_1"))))


def test_lime_569_there_is_progress_and_a_way_to_cancel() -> None:
    model, seen = KnownModel(PICTURE), []
    for result in refine(PICTURE, model, SETTINGS, cancelled=lambda: len(seen) >= 3):
        seen.append((result.samples, result.budget, result.ended))
    assert [budget for _, budget, _ in seen] == [96] * len(seen)
    assert [samples for samples, _, _ in seen] == sorted({samples for samples, _, _ in seen})
    assert seen[-1][2] == "cancelled"
    assert seen[-1][0] < 96


def test_captum_887_and_lime_374_all_labels_cost_as_many_calls_as_one(shipped: Bundle) -> None:
    calls = {}
    for wanted in ([0], list(range(len(shipped.labels)))):
        count = 0
        classifier = Classifier(shipped)

        def counted(
            picture: NDArray[np.uint8], ask: Classifier = classifier
        ) -> NDArray[np.float32]:
            nonlocal count
            count += 1
            return ask.logits(picture)

        seen = classifier.classify(Frame(0, 0.0, PICTURE))
        result = lime(seen.model_input, counted, SETTINGS, wanted=wanted)
        calls[len(wanted)] = count
        assert result.coefficients.shape[0] == len(shipped.labels)
        assert np.isfinite(result.coefficients).all()
    assert len(set(calls.values())) == 1


def test_pytorch_grad_cam_42_and_torch_cam_186_a_blank_map_is_an_answer(
    shipped: Bundle, pile: Prediction
) -> None:
    explained = GradCam(shipped).explain(pile, shipped.labels)
    assert np.isfinite(explained.maps).all()
    blank = np.zeros((48, 48), np.float32)
    for scale in (map_scale(blank), fixed_scale(1.0)):
        np.testing.assert_array_equal(draw(PICTURE, blank, scale.maximum), PICTURE)
    named = set(explained.details["no_evidence"])
    assert named == {
        label.id
        for label, heat in zip(explained.labels, explained.maps, strict=True)
        if not (heat > 0).any()
    }


def test_pytorch_grad_cam_noise_is_not_stretched_to_full_red(
    shipped: Bundle, pile: Prediction
) -> None:
    explained = GradCam(shipped).explain(pile, shipped.labels)
    strongest = explained.maps.max(axis=(1, 2))
    weak, strong = (explained.maps[int(i)] for i in (strongest.argmin(), strongest.argmax()))
    scale, grey = frame_scale(explained).maximum, np.full((*weak.shape, 3), 90, np.uint8)
    faint, full = (draw(grey, heat, scale, "inferno").max() for heat in (weak, strong))
    assert faint < full


def test_torch_cam_210_and_lime_502_maps_of_a_frame_share_one_scale(
    shipped: Bundle, pile: Prediction
) -> None:
    explained = GradCam(shipped).explain(pile, shipped.labels[:5])
    assert frame_scale(explained).maximum == pytest.approx(float(explained.maps.max()))
    doubled = replace(explained, maps=2 * explained.maps)
    assert frame_scale(doubled).maximum == pytest.approx(2 * frame_scale(explained).maximum)


def test_lime_208_and_392_the_seed_is_all_the_chance_there_is(shipped: Bundle) -> None:
    classify = Classifier(shipped).logits
    seen = Classifier(shipped).classify(Frame(0, 0.0, PICTURE))
    np.random.seed(1)  # noqa: NPY002 - the state that other explainers draw from
    first = lime(seen.model_input, classify, SETTINGS)
    np.random.seed(2)  # noqa: NPY002
    again = lime(seen.model_input, classify, SETTINGS)
    other = lime(seen.model_input, classify, replace(SETTINGS, seed=1))
    np.testing.assert_array_equal(first.coefficients, again.coefficients)
    np.testing.assert_array_equal(first.segments, again.segments)
    assert (first.coefficients != other.coefficients).any()


def test_tensorflow_58468_and_edgetpu_440_a_quantised_model_is_explained_and_watched(
    shipped: Bundle, pile: Prediction
) -> None:
    explained = GradCam(shipped).explain(pile, shipped.labels)
    assert explained.maps.any()
    by_float = shipped.probabilities(explained.details["logits"]) >= shipped.thresholds
    by_int8 = pile.probabilities >= shipped.thresholds
    differ = {shipped.labels[i].id for i in np.flatnonzero(by_float != by_int8)}
    assert set(explained.details["disagrees"]) == differ
