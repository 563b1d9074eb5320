"""What is measured: the shipped weights, as the device's files and as a float model."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.bundle import Bundle, read_bundle
from edge.config import SHIPPED_BUNDLE
from edge.interpreter import Interpreter
from edge.preprocessing import prepare
from tests.bench.needs import CannotMeasure, need, need_file

ROOT = Path(__file__).resolve().parents[2]
VIDEO = ROOT / "edge" / "demo" / "pile.mp4"
FRAMES = 24
LOGIT_TOLERANCE = 1e-4
"""Between two float runtimes, as a share of the largest logit."""
INT8_CORRELATION = 0.98


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """The shipped network.

    Attributes:
        bundle: What the device runs.
        folded: Its weights, a `trainer.folded.Folded`.
        float_path: The same network as a float .tflite file.
        pictures: (m, s, s, 3) uint8, prepared frames of the demo video.
    """

    bundle: Bundle
    folded: Any
    float_path: Path
    pictures: NDArray[np.uint8]

    def model(self, role: str) -> Interpreter:
        """A model of the bundle, or "float", on one thread."""
        return Interpreter(self.float_path if role == "float" else self.bundle.path(role))


def read_subject(folder: Path) -> Subject:
    """Build the float model from the weights in the shipped bundle, and compare the two.

    Args:
        folder: Where the float model may be written.

    Raises:
        CannotMeasure: TensorFlow or a file is missing, or the models differ from the weights.
    """
    need("tensorflow")
    from trainer.against_float import float_network
    from trainer.quantise import float_classifier

    bundle = read_bundle(need_file(SHIPPED_BUNDLE, "the shipped bundle"))
    folded = float_network(bundle)
    if folded is None:
        raise CannotMeasure(f"{SHIPPED_BUNDLE}: has no float weights; export it again")
    path = folder / "float.tflite"
    path.write_bytes(float_classifier(folded))
    pictures = np.stack([prepare(frame, bundle.preprocessing) for frame in read_frames()])
    subject = Subject(bundle, folded, path, pictures)
    _check_same_weights(subject)
    return subject


def read_frames(count: int = FRAMES) -> list[NDArray[np.uint8]]:
    """Frames (480, 640, 3) uint8 RGB, spread over the demo video.

    Raises:
        CannotMeasure: The video is missing or too short.
    """
    capture = cv2.VideoCapture(str(need_file(VIDEO, "the demo video")))
    step = max(int(capture.get(cv2.CAP_PROP_FRAME_COUNT)) // count, 1)
    frames = []
    for number in range(step * count):
        there, picture = capture.read()
        if there and number % step == 0:
            frames.append(np.ascontiguousarray(picture[..., ::-1]))
    capture.release()
    if len(frames) < count:
        raise CannotMeasure(f"{VIDEO}: {len(frames)} frames could be read, expected {count}")
    return frames


def all_logits(run, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Logits (m, n) of pictures, `run` taking one (1, s, s, 3) picture."""
    return np.concatenate([run(picture[None]) for picture in pictures])


def check_close(name: str, found: NDArray[Any], expected: NDArray[Any]) -> None:
    """Refuse a float model that computes something else.

    Raises:
        CannotMeasure: Logits differ; a wrong rival is no rival.
    """
    difference = float(np.abs(found - expected).max() / np.abs(expected).max())
    if not difference <= LOGIT_TOLERANCE:
        raise CannotMeasure(
            f"{name}: logits differ from ours by {difference:.1e} of the largest, at most"
            f" {LOGIT_TOLERANCE:.0e} is rounding; it is not the same network"
        )


def check_correlated(name: str, found: NDArray[Any], expected: NDArray[Any]) -> float:
    """Refuse an int8 model that does not follow the float one; the correlation."""
    correlation = float(np.corrcoef(found.ravel(), expected.ravel())[0, 1])
    if not correlation >= INT8_CORRELATION:
        raise CannotMeasure(
            f"{name}: logits correlate {correlation:.3f} with the float model's, expected"
            f" {INT8_CORRELATION} or more; it is not the same network"
        )
    return correlation


def _check_same_weights(subject: Subject) -> None:
    pictures, wanted = subject.pictures[:6], np.array([0], np.int32)
    floating, int8, companion = (subject.model(r) for r in ("float", "classifier", "companion"))
    expected = all_logits(lambda p: floating.run(p)[0], pictures)
    hint = f"{subject.bundle.folder}: models against weights (export the run again)"
    check_close(hint, all_logits(lambda p: companion.run(p, wanted)[0], pictures), expected)
    check_correlated(hint, all_logits(lambda p: int8.run(p)[0], pictures), expected)
