"""Grad-CAM on the shipped companion; tests/trainer checks its figures where it is built."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.bundle import Bundle
from edge.classifier import Classifier
from edge.domain import Frame, Label, Prediction
from edge.errors import ExplainError
from edge.explain.gradcam import GradCam
from edge.pictures import read_picture


@pytest.fixture(scope="module")
def gradcam(shipped: Bundle) -> GradCam:
    return GradCam(shipped)


@pytest.fixture(scope="module")
def seen(shipped: Bundle) -> Prediction:
    image = np.random.default_rng(0).integers(0, 256, (120, 160, 3)).astype(np.uint8)
    return Classifier(shipped).classify(Frame(0, 0.0, image))


def labels_at(bundle: Bundle, *indices: int) -> list[Label]:
    return [bundle.labels[index] for index in indices]


def test_each_label_gets_a_map_in_the_order_asked(
    gradcam: GradCam, seen: Prediction, shipped: Bundle
) -> None:
    wanted = labels_at(shipped, 60, 2, 31)
    explained = gradcam.explain(seen, wanted)
    assert explained.labels == tuple(wanted)
    assert explained.prediction is seen
    assert explained.method == "grad-cam"
    assert explained.maps.shape == (3, *shipped.manifest.companion.grid)
    assert explained.maps.dtype == np.float32
    for place, label in enumerate(wanted):
        alone = gradcam.explain(seen, [label]).maps[0]
        np.testing.assert_allclose(explained.maps[place], alone, atol=1e-6)


def test_maps_are_evidence_for_a_label_alone(gradcam: GradCam, shipped: Bundle) -> None:
    # Noise may speak for nothing; bricks must speak for something.
    bricks = read_picture(shipped.path("self_test_0"))
    seen = Classifier(shipped).classify(Frame(0, 0.0, bricks))
    maps = gradcam.explain(seen, shipped.labels).maps
    assert maps.shape[0] == len(shipped.labels)
    assert np.isfinite(maps).all()
    assert (maps >= 0).all()
    assert maps.any()


def test_the_number_of_labels_may_change_from_call_to_call(
    gradcam: GradCam, seen: Prediction, shipped: Bundle
) -> None:
    whole = gradcam.explain(seen, shipped.labels).maps
    for count in (1, 10, 3, 1, len(shipped.labels), 2):
        maps = gradcam.explain(seen, shipped.labels[:count]).maps
        assert maps.shape[0] == count
        np.testing.assert_allclose(maps, whole[:count], atol=1e-6)


def test_a_label_may_be_asked_for_twice(
    gradcam: GradCam, seen: Prediction, shipped: Bundle
) -> None:
    maps = gradcam.explain(seen, labels_at(shipped, 4, 4)).maps
    np.testing.assert_allclose(maps[0], maps[1], atol=1e-7)


def test_no_label_is_refused(gradcam: GradCam, seen: Prediction) -> None:
    with pytest.raises(ValueError, match="name at least one"):
        gradcam.explain(seen, [])


@pytest.mark.parametrize(
    "label", [Label(85, "9999", "Not there"), Label(0, "3001x", "Same place"), Label(-1, "a", "b")]
)
def test_a_label_of_another_bundle_is_refused(
    gradcam: GradCam, seen: Prediction, label: Label
) -> None:
    with pytest.raises(ValueError, match=repr(label.id)):
        gradcam.explain(seen, [label])


def test_details_say_how_it_was_made(gradcam: GradCam, seen: Prediction, shipped: Bundle) -> None:
    details = gradcam.explain(seen, labels_at(shipped, 0)).details
    companion = shipped.manifest.companion
    assert details["layer"] == companion.layer
    assert details["grid"] == companion.grid
    assert details["pooling"] == companion.pooling
    assert details["milliseconds"] > 0
    assert details["logits"].shape == (len(shipped.labels),)
    assert np.isfinite(details["logits"]).all()


def test_all_methods_come_from_one_run_and_say_what_they_are(
    gradcam: GradCam, seen: Prediction, shipped: Bundle
) -> None:
    wanted = labels_at(shipped, 3, 40)
    found = gradcam.explain_all(seen, wanted)
    assert tuple(found) == gradcam.methods == ("grad-cam", "hirescam", "grad-cam-max")
    assert {e.details["pooling"] for e in found.values()} == {"mean", "none", "max"}
    files = shipped.manifest.files
    for method, explained in found.items():
        assert explained.method == method
        assert explained.details["model"] == files["classifier"].sha256
        assert explained.details["companion"] == files["companion"].sha256
        alone = gradcam.explain(seen, wanted, method)
        np.testing.assert_array_equal(alone.maps, explained.maps)
        assert (explained.maps >= 0).all() or method == "hirescam"


def test_a_map_without_positive_evidence_is_named(
    gradcam: GradCam, seen: Prediction, shipped: Bundle
) -> None:
    explained = gradcam.explain(seen, shipped.labels)
    blank = {
        label.id
        for label, heat in zip(explained.labels, explained.maps, strict=True)
        if heat.max() <= 0
    }
    assert set(explained.details["no_evidence"]) == blank


def test_an_unknown_method_is_refused(gradcam: GradCam, seen: Prediction, shipped: Bundle) -> None:
    with pytest.raises(ExplainError, match=r"'score-cam'.*it has grad-cam"):
        gradcam.explain(seen, labels_at(shipped, 0), "score-cam")


def _disagreeing(bundle: Bundle, seen: Prediction, device: NDArray[np.float32]) -> tuple[str, ...]:
    said = replace(seen, probabilities=device)
    found = GradCam(bundle).explain(said, [bundle.labels[0]]).details["disagrees"]
    assert isinstance(found, tuple)
    return found


def test_labels_on_different_sides_of_their_threshold_are_named(
    shipped: Bundle, seen: Prediction
) -> None:
    logits = GradCam(shipped).explain(seen, [shipped.labels[0]]).details["logits"]
    companion = shipped.probabilities(logits)
    half = replace(shipped, thresholds=np.full(len(shipped.labels), 0.5, np.float32))
    assert _disagreeing(half, seen, companion.copy()) == ()
    device = companion.copy()
    device[[5, 70]] = np.where(companion[[5, 70]] >= 0.5, 0.1, 0.9)
    assert _disagreeing(half, seen, device) == (shipped.labels[5].id, shipped.labels[70].id)


def test_an_explanation_stays_as_it_was(
    gradcam: GradCam, seen: Prediction, shipped: Bundle
) -> None:
    first = gradcam.explain(seen, labels_at(shipped, 1, 2))
    kept = first.maps.copy()
    gradcam.explain(seen, labels_at(shipped, 3, 4))
    np.testing.assert_array_equal(first.maps, kept)
    with pytest.raises(ValueError, match="read-only"):
        first.maps[0, 0, 0] = 1
