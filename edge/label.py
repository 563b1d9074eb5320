"""Labels picture files: what `bricksight-edge label` does for one picture."""

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edge.bundle import Bundle
from edge.classifier import Classifier
from edge.domain import Explanation, Frame, Prediction
from edge.errors import PictureError
from edge.explain.gradcam import GradCam
from edge.explain.overlay import sheet
from edge.pictures import SHEET_SUFFIX, read_picture, real_path, search_pictures, write_picture


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """One picture and what was found on it, or why not.

    Attributes:
        picture: Its path, or the argument that it was looked for by.
        prediction: None when it failed.
        error: Why it failed; None when it did not.
        milliseconds: Of each stage.
    """

    picture: str
    prediction: Prediction | None = None
    error: str | None = None
    milliseconds: tuple[tuple[str, float], ...] = ()


def expand(arguments: Sequence[str]) -> Iterator[Path | Labelled]:
    """Paths of all pictures named, each file once; what cannot be examined becomes its error."""
    seen = set()
    for argument in arguments:
        for entry in search_pictures(argument):
            if isinstance(entry, PictureError):
                yield Labelled(argument, error=str(entry))
            elif (place := real_path(entry)) not in seen:
                seen.add(place)
                yield entry


class Labeller:
    """Labels and explains pictures one after another.

    Args:
        bundle: A verified bundle.
        explain_into: Folder for a sheet of Grad-CAMs for each picture, `<its stem>.gradcam.png`;
            None explains nothing.
        threads: CPU threads of the model runtime.
        spare: Pictures that no sheet may replace.
    """

    def __init__(
        self,
        bundle: Bundle,
        explain_into: Path | None = None,
        threads: int = 1,
        spare: Iterable[Path] = (),
    ) -> None:
        self._bundle = bundle
        self._classifier = Classifier(bundle, threads)
        self._gradcam = GradCam(bundle, threads) if explain_into else None
        self._into = explain_into
        self._used: set[str] = set()
        self._spared = {place for path in spare for place in (_place(path), real_path(path))}

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
            target = self._into / self._free_name(path.stem)
            if _place(target) in self._spared:
                raise PictureError(
                    f"{target} is to be labelled too, and the sheet of {path} would replace it. "
                    "Name another folder for the sheets."
                )
            write_picture(target, sheet(explanation, self._bundle.preprocessing))

    def _free_name(self, stem: str) -> str:
        # Pictures of one name in two folders must not overwrite each other's sheets.
        name, number = stem, 2
        while name in self._used:
            name, number = f"{stem}-{number}", number + 1
        self._used.add(name)
        return f"{name}{SHEET_SUFFIX}"


def _place(path: Path) -> str:
    """The one path of a directory entry, be that a link or not."""
    return os.path.join(real_path(path.parent), path.name)  # noqa: PTH118


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
