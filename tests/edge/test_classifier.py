"""A frame becomes a prediction, on the shipped int8 model."""

from dataclasses import FrozenInstanceError, replace
from pathlib import Path

import numpy as np
import pytest
from bundle_copies import replace_file
from numpy.typing import NDArray

from edge.bundle import Bundle, read_bundle
from edge.classifier import Classifier
from edge.domain import Frame
from edge.errors import BundleError, InterpreterError
from edge.interpreter import TINY_MODEL, Interpreter
from edge.pictures import read_picture
from edge.preprocessing import prepare


@pytest.fixture(scope="module")
def classifier(shipped: Bundle) -> Classifier:
    return Classifier(shipped)


def noise(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


@pytest.mark.parametrize("shape", [(480, 640), (640, 480), (64, 64), (1, 1), (3, 900)])
def test_any_frame_becomes_a_prediction(
    classifier: Classifier, shipped: Bundle, shape: tuple[int, int]
) -> None:
    frame = Frame(7, 1.5, noise(*shape))
    seen = classifier.classify(frame)
    count, size = len(shipped.labels), shipped.preprocessing.size_px
    assert seen.frame is frame
    assert (seen.model_input.shape, seen.model_input.dtype) == ((size, size, 3), np.uint8)
    for values in (seen.logits, seen.probabilities):
        assert (values.shape, values.dtype) == ((count,), np.float32)
        assert np.isfinite(values).all()
    assert ((seen.probabilities >= 0) & (seen.probabilities <= 1)).all()


def test_the_model_sees_the_prepared_picture(classifier: Classifier, shipped: Bundle) -> None:
    image = noise(200, 300)
    seen = classifier.classify(Frame(0, 0.0, image))
    np.testing.assert_array_equal(seen.model_input, prepare(image, shipped.preprocessing))
    (logits,) = Interpreter(shipped.path("classifier")).run(seen.model_input[None])
    np.testing.assert_array_equal(seen.logits, logits[0])
    np.testing.assert_array_equal(seen.probabilities, shipped.probabilities(logits[0]))


def test_self_test_pictures_get_the_trainers_answers(
    classifier: Classifier, shipped: Bundle
) -> None:
    """A prepared picture is not prepared again: what was trained on is what is asked about."""
    test = shipped.manifest.self_test.pictures[0]
    seen = classifier.classify(Frame(0, 0.0, read_picture(shipped.path(test.role))))
    (direct,) = Interpreter(shipped.path("classifier")).run(
        read_picture(shipped.path(test.role))[None]
    )
    np.testing.assert_array_equal(seen.logits, direct[0])


def _with_thresholds(bundle: Bundle, thresholds: NDArray[np.float32]) -> Classifier:
    return Classifier(replace(bundle, thresholds=thresholds))


def test_labels_at_or_above_their_own_threshold_are_present(
    classifier: Classifier, shipped: Bundle
) -> None:
    frame = Frame(0, 0.0, noise(200, 200))
    chances = classifier.classify(frame).probabilities
    thresholds = np.full_like(chances, 2)
    thresholds[[3, 40, 84]] = chances[[3, 40, 84]]
    thresholds[10] = np.nextafter(chances[10], np.float32(2))
    seen = _with_thresholds(shipped, thresholds).classify(frame)
    assert {label.index for label in seen.present} == {3, 40, 84}
    assert all(label is shipped.labels[label.index] for label in seen.present)


def test_present_labels_come_most_confident_first(shipped: Bundle) -> None:
    everything = np.zeros(len(shipped.labels), np.float32)
    seen = _with_thresholds(shipped, everything).classify(Frame(0, 0.0, noise(200, 200)))
    assert len(seen.present) == len(shipped.labels)
    confidences = [float(seen.probabilities[label.index]) for label in seen.present]
    assert confidences == sorted(confidences, reverse=True)


def test_a_picture_without_labels_has_none_present(shipped: Bundle) -> None:
    nothing = np.full(len(shipped.labels), 1.1, np.float32)
    seen = _with_thresholds(shipped, nothing).classify(Frame(0, 0.0, noise(200, 200)))
    assert seen.present == ()


def test_a_prediction_stays_as_it_was(classifier: Classifier) -> None:
    image = noise(100, 100)
    first = classifier.classify(Frame(0, 0.0, image))
    logits = first.logits.copy()
    classifier.classify(Frame(1, 0.1, noise(100, 100, seed=1)))
    np.testing.assert_array_equal(first.logits, logits)
    for array in (first.logits, first.probabilities, first.model_input, image):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    with pytest.raises(FrozenInstanceError):
        first.present = ()  # type: ignore[misc]


def test_the_same_frame_gets_the_same_answer(classifier: Classifier) -> None:
    frame = Frame(0, 0.0, noise(300, 200))
    first, again = classifier.classify(frame), classifier.classify(frame)
    np.testing.assert_array_equal(first.logits, again.logits)


def test_two_threads_of_the_runtime_give_the_same(classifier: Classifier, shipped: Bundle) -> None:
    frame = Frame(0, 0.0, noise(300, 200))
    other = Classifier(shipped, threads=2).classify(frame)
    np.testing.assert_array_equal(classifier.classify(frame).logits, other.logits)


@pytest.mark.parametrize(
    "image", [np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3), np.float32)], ids=["grey", "float"]
)
def test_what_is_no_picture_is_refused(classifier: Classifier, image: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match="uint8 RGB"):
        classifier.classify(Frame(0, 0.0, image))


def test_a_model_replaced_after_reading_is_refused(copied: Path) -> None:
    bundle = read_bundle(copied)
    replace_file(copied, "classifier", TINY_MODEL)
    with pytest.raises(BundleError, match="the manifest promises"):
        Classifier(bundle)
    bundle.path("classifier").unlink()
    with pytest.raises(InterpreterError, match=r"classifier\.int8\.tflite"):
        Classifier(bundle)


def test_the_runtime_is_named(classifier: Classifier) -> None:
    assert classifier.runtime in ("ai_edge_litert", "tflite_runtime")
