"""The self-test of a bundle: pictures with the answers the trainer got, replayed here.

Runtimes round int8 differently, which moves every logit a little and a few logits more; what is
broken moves most of them by as much as they differ from each other. So the measure of a picture
is its mean absolute difference, or a `LONE_LOGIT_ROOM`-th of its largest one if that is more, as
a share of the spread of the trainer's logits.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edge.errors import BundleError, PictureError
from edge.interpreter import Interpreter
from edge.manifest import Manifest
from edge.pictures import read_picture
from edge.preprocessing import Preprocessing

LONE_LOGIT_ROOM = 6.0
"""How much farther than all on average a single logit may be off in the self-test."""
SPREAD_LOGITS_MIN = 1e-3


@dataclass(frozen=True, slots=True)
class Replayed:
    """What one picture of the self-test gave.

    Attributes:
        role: Of the picture in the manifest.
        mean_off, largest_off: By how many logits the answers differ from the trainer's.
        measure: What the manifest's tolerance bounds; 0 for exactly the trainer's answers.
        milliseconds: That the model took.
    """

    role: str
    mean_off: float
    largest_off: float
    measure: float
    milliseconds: float


class Tested(Protocol):
    """What the self-test needs of a bundle."""

    @property
    def manifest(self) -> Manifest: ...
    @property
    def preprocessing(self) -> Preprocessing: ...
    def path(self, role: str) -> Path: ...


def replay(bundle: Tested, classifier: Interpreter) -> tuple[Replayed, ...]:
    """Run the self-test pictures through the classifier.

    Returns:
        One for each picture, in the manifest's order.

    Raises:
        BundleError: A measure is larger than the manifest's tolerance, or a picture cannot be
            read.
    """
    return tuple(_replayed(bundle, classifier))


def replay_self_test(bundle: Tested, classifier: Interpreter) -> float:
    """The largest measure of `replay`; 0 for exactly the trainer's answers.

    Raises:
        BundleError: See `replay`.
    """
    return max(done.measure for done in replay(bundle, classifier))


def _replayed(bundle: Tested, classifier: Interpreter) -> Iterator[Replayed]:
    tests, tolerance = bundle.manifest.self_test.pictures, bundle.manifest.self_test.tolerance
    answers = np.array([test.logits for test in tests])
    spread = max(float(np.abs(answers - answers.mean()).mean()), SPREAD_LOGITS_MIN)
    for test, answer in zip(tests, answers, strict=True):
        path = bundle.path(test.role)
        picture = _self_test_picture(path, bundle.preprocessing.size_px)
        began_s = time.perf_counter()
        (logits,) = classifier.run(picture[None])
        took_ms = (time.perf_counter() - began_s) * 1e3
        off = np.abs(logits[0] - answer)
        mean, largest = float(off.mean()), float(off.max())
        measure = max(mean, largest / LONE_LOGIT_ROOM) / spread
        if not measure <= tolerance:
            raise BundleError(
                f"{path}: self-test: found logits off by {measure:.3f} of the spread of the"
                f" trainer's, expected at most {tolerance:.3f}; this runtime computes something"
                " else with this model, do not use it: export the bundle again, or update the"
                " runtime"
            )
        yield Replayed(test.role, mean, largest, measure, took_ms)


def _self_test_picture(path: Path, size_px: int) -> NDArray[np.uint8]:
    try:
        picture = read_picture(path)
    except PictureError as error:
        raise BundleError(f"{error} Expected a self-test picture of {size_px} x {size_px}") from (
            error
        )
    if picture.shape != (size_px, size_px, 3):
        raise BundleError(
            f"{path}: found {picture.shape}, expected a self-test picture of {size_px} x {size_px}"
        )
    return picture
