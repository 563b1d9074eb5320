"""Labels picture files: what `bricksight-edge label` does for one picture."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.bundle import Bundle
from edge.classifier import Classifier
from edge.domain import Explanation, Frame, Prediction
from edge.errors import PictureError
from edge.explain.gradcam import GradCam
from edge.explain.overlay import sheet
from edge.pictures import find_pictures, read_picture, write_picture


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """One picture and what was found on it, or why not.

    Attributes:
        picture: Its path, or the argument that named none.
        prediction: None when it failed.
        error: Why it failed; None when it did not.
        milliseconds: Of each stage.
    """

    picture: str
    prediction: Prediction | None = None
    error: str | None = None
    milliseconds: tuple[tuple[str, float], ...] = ()


def expand(arguments: Sequence[str]) -> Iterator[Path | Labelled]:
    """Paths of all pictures named; an argument that names none becomes its error."""
    for argument in arguments:
        try:
            yield from find_pictures([argument])
        except PictureError as error:
            yield Labelled(argument, error=str(error))


class Labeller:
    """Labels and explains pictures one after another.

    Args:
        bundle: A verified bundle.
        explain_into: Folder for a sheet of Grad-CAMs for each picture; None explains nothing.
        threads: CPU threads of the model runtime.
    """

    def __init__(self, bundle: Bundle, explain_into: Path | None = None, threads: int = 1) -> None:
        self._bundle = bundle
        self._classifier = Classifier(bundle, threads)
        self._gradcam = GradCam(bundle, threads) if explain_into else None
        self._into = explain_into
        self._used: set[str] = set()

    def label(self, path: Path) -> Labelled:
        """Label one picture; a picture that cannot be labelled becomes its error."""
        clock = _Stages()
        try:
            image = read_picture(path)
            clock.done("read")
            prediction = self._classifier.classify(Frame(0, time.monotonic(), image))
            clock.done("classify")
            if self._gradcam is not None:
                self._explain(path, prediction, self._gradcam)
                clock.done("explain")
        except PictureError as error:
            return Labelled(str(path), error=str(error))
        return Labelled(str(path), prediction, milliseconds=tuple(clock.milliseconds))

    def _explain(self, path: Path, prediction: Prediction, gradcam: GradCam) -> None:
        labels = prediction.present
        if not labels:
            labels = (self._bundle.labels[int(prediction.probabilities.argmax())],)
        explanation: Explanation = gradcam.explain(prediction, labels)
        if self._into is not None:
            name = self._free_name(path.stem)
            write_picture(self._into / name, sheet(explanation, self._bundle.preprocessing))

    def _free_name(self, stem: str) -> str:
        # Pictures of one name in two folders must not overwrite each other's sheets.
        name, number = stem, 2
        while name in self._used:
            name, number = f"{stem}-{number}", number + 1
        self._used.add(name)
        return f"{name}.png"


class _Stages:
    def __init__(self) -> None:
        self._since = time.perf_counter()
        self.milliseconds: list[tuple[str, float]] = []

    def done(self, stage: str) -> None:
        now = time.perf_counter()
        self.milliseconds.append((stage, round((now - self._since) * 1e3, 3)))
        self._since = now


def as_json(labelled: Labelled, bundle: Bundle) -> dict[str, Any]:
    """The object `--json` prints for a picture."""
    prediction = labelled.prediction
    if prediction is None:
        return {"picture": labelled.picture, "error": labelled.error}
    return {
        "picture": labelled.picture,
        "labels": [
            {
                "id": label.id,
                "name": label.name,
                "confidence": round(float(prediction.probabilities[label.index]), 6),
                "threshold": round(float(bundle.thresholds[label.index]), 6),
            }
            for label in prediction.present
        ],
        "probabilities": {
            label.id: round(float(prediction.probabilities[label.index]), 6)
            for label in bundle.labels
        },
        "model": bundle.sha256,
        "milliseconds": dict(labelled.milliseconds),
    }
