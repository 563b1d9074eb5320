"""Labels picture files: what `bricksight-edge label` does for one picture."""

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from edge.bundle import Bundle
from edge.classifier import Classifier
from edge.domain import NOT_REPORTED, Explanation, Frame, Label, PixelWindow, Prediction
from edge.errors import PictureError
from edge.explain.agreement import agreement
from edge.explain.colours import Picture
from edge.explain.gradcam import GradCam
from edge.explain.layout import below_each_other
from edge.explain.lime import explanation as lime_explanation
from edge.explain.lime import lime
from edge.explain.lime_reference import check_engine
from edge.explain.lime_result import LimeSettings
from edge.explain.sheet import PLAIN, Look, comparison, sheet
from edge.pictures import SHEET_SUFFIXES, read_picture, real_path, search_pictures, write_picture

LIME_KEYS = ("engine", "design", "samples", "superpixels", "hide", "target", "seed", "ended")
"""What `--json` tells of how LIME was made."""
CANDIDATES = 3
"""How many of the strongest labels are named where none reaches its threshold."""


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """One picture and what was found on it, or why not.

    Attributes:
        picture: Its path, or the argument that it was looked for by.
        prediction: None when it failed.
        explanations: Why; none where none was asked for. By LIME one for each window that labels
            speak from, and else one of all labels.
        error: Why it failed; None when it did not.
        milliseconds: Of each stage.
    """

    picture: str
    prediction: Prediction | None = None
    explanations: tuple[Explanation, ...] = ()
    error: str | None = None
    milliseconds: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class ExplainInto:
    """How pictures are explained.

    Attributes:
        folder: For a sheet of each picture, `<its stem>` and the suffix of the method.
        method: Of `edge.explain.gradcam.GradCam`, or "lime".
        look: How maps are drawn.
        lime: How LIME works.
    """

    folder: Path
    method: str = "grad-cam"
    look: Look = PLAIN
    lime: LimeSettings = field(default_factory=LimeSettings)


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
        explain: Into which folder and how; None explains nothing.
        threads: CPU threads of the model runtime.
        spare: Pictures that no sheet may replace.
        tiles: Whether overlapping quarters are looked at, too.

    Raises:
        ExplainError: The bundle cannot be explained that way.
    """

    def __init__(
        self,
        bundle: Bundle,
        explain: ExplainInto | None = None,
        threads: int = 1,
        spare: Iterable[Path] = (),
        tiles: bool = False,
    ) -> None:
        if explain is not None and explain.method == "lime" and explain.lime.engine == "lime":
            check_engine()
        self._bundle = bundle
        self._classifier = Classifier(bundle, threads)
        self._tiles = tiles
        self._gradcam = GradCam(bundle, threads) if explain else None
        if self._gradcam is not None and explain is not None and explain.method != "lime":
            self._gradcam.check(explain.method)
        self._explain_into = explain
        self._used: set[str] = set()
        self._spared = {place for path in spare for place in (_place(path), real_path(path))}

    def label(self, path: Path) -> Labelled:
        """Label one picture; a picture that cannot be labelled becomes its error."""
        clock = _Stages()
        explanations: tuple[Explanation, ...] = ()
        try:
            image = read_picture(path)
            clock.done("read")
            classifier = self._classifier
            classify = classifier.classify_tiles if self._tiles else classifier.classify
            prediction = classify(Frame(0, time.monotonic(), image))
            clock.done("classify")
            if self._gradcam is not None and self._explain_into is not None:
                explanations = self._explain(path, prediction, self._gradcam, self._explain_into)
                clock.done("explain")
        except PictureError as error:
            return Labelled(str(path), error=str(error))
        return Labelled(str(path), prediction, explanations, milliseconds=tuple(clock.milliseconds))

    def _explain(
        self, path: Path, prediction: Prediction, gradcam: GradCam, how: "ExplainInto"
    ) -> tuple[Explanation, ...]:
        labels = prediction.present
        if not labels:
            labels = (self._bundle.labels[int(prediction.probabilities.argmax())],)
        target = how.folder / self._free_name(path.stem, SHEET_SUFFIXES[how.method])
        if _place(target) in self._spared:
            raise PictureError(
                f"{target} is to be labelled too, and the sheet of {path} would replace it. "
                "Name another folder for the sheets."
            )
        if how.method == "lime":
            found = [
                self._lime(part, [labels[place] for place in places], gradcam, how)
                for part, places in prediction.by_part(labels)
            ]
            explanations = tuple(explained for explained, _ in found)
            drawn = below_each_other([picture for _, picture in found])
        else:
            explanations = (gradcam.explain(prediction, labels, how.method),)
            drawn = sheet(explanations[0], self._bundle.preprocessing, how.look)
        write_picture(target, drawn)
        return explanations

    def _lime(
        self,
        prediction: Prediction,
        labels: Sequence[Label],
        gradcam: GradCam,
        how: "ExplainInto",
    ) -> tuple[Explanation, Picture]:
        wanted = [label.index for label in labels]
        result = lime(
            prediction.model_input,
            self._classifier.logits,
            how.lime,
            wanted=wanted,
            probabilities=self._bundle.probabilities,
        )
        every = gradcam.explain_all(prediction, labels)
        hires = every.get("hirescam")
        agreed = [
            agreement(hires.maps[place], result.coefficients[index], result.segments)
            if hires is not None
            else None
            for place, index in enumerate(wanted)
        ]
        explained = lime_explanation(prediction, labels, result)
        shown = every["grad-cam"], explained, agreed
        return explained, comparison(*shown, self._bundle.preprocessing, how.look)

    def _free_name(self, stem: str, suffix: str) -> str:
        # Pictures of one name in two folders must not overwrite each other's sheets.
        name, number = stem, 2
        while name in self._used:
            name, number = f"{stem}-{number}", number + 1
        self._used.add(name)
        return f"{name}{suffix}"


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


def candidates(prediction: Prediction, bundle: Bundle) -> tuple[Label, ...]:
    """The strongest labels of a picture, whatever their thresholds, most probable first."""
    ordered = np.argsort(-prediction.probabilities, kind="stable")[:CANDIDATES]
    return tuple(bundle.labels[i] for i in ordered)


def as_text(labelled: Labelled, bundle: Bundle) -> str:
    """The line that a person reads for a picture that was labelled."""
    prediction = labelled.prediction
    if prediction is None:
        return str(labelled.error)
    shown = prediction.present or candidates(prediction, bundle)
    named = ", ".join(
        f"{label.id} {label.name} {100 * float(prediction.probabilities[label.index]):.0f} %"
        for label in shown
    )
    said = named if prediction.present else f"not sure; the strongest candidates are {named}"
    return f"{labelled.picture}: {said}"


def as_json(labelled: Labelled, bundle: Bundle) -> dict[str, Any]:
    """The object `--json` prints for a picture."""
    prediction = labelled.prediction
    if prediction is None:
        return {"picture": labelled.picture, "error": labelled.error}
    return {
        "picture": labelled.picture,
        "labels": [_labelled(label, prediction, bundle) for label in prediction.present],
        **({} if prediction.present else {"not_sure": _not_sure(prediction, bundle)}),
        "probabilities": {
            label.id: round(float(prediction.probabilities[label.index]), 6)
            for label in bundle.labels
        },
        **({"explained": _explained(labelled.explanations)} if labelled.explanations else {}),
        "model": bundle.sha256,
        "milliseconds": dict(labelled.milliseconds),
    }


def _labelled(label: Label, prediction: Prediction, bundle: Bundle) -> dict[str, Any]:
    threshold = float(bundle.thresholds[label.index])
    return {
        "id": label.id,
        "name": label.name,
        "confidence": round(float(prediction.probabilities[label.index]), 6),
        # A label that is not reported has none.
        "threshold": None if threshold >= NOT_REPORTED else round(threshold, 6),
        **({"window": _window(label, prediction)} if prediction.parts else {}),
    }


def _window(label: Label, prediction: Prediction) -> list[int]:
    """Left, top, right and bottom of the part of the picture that a label speaks from."""
    height, width = prediction.frame.image.shape[:2]
    return list(astuple(prediction.part_of(label).window or PixelWindow(0, 0, width, height)))


def _not_sure(prediction: Prediction, bundle: Bundle) -> list[dict[str, Any]]:
    return [_labelled(label, prediction, bundle) for label in candidates(prediction, bundle)]


def _explained(explanations: Sequence[Explanation]) -> dict[str, Any]:
    first = explanations[0]
    if first.method != "lime":
        return {
            "method": first.method,
            "layer": first.details["layer"],
            "disagrees": list(first.details["disagrees"]),
            "labels": _evidence(first),
        }
    if len(explanations) == 1:
        return {"method": "lime", **_how_made(first), "labels": _measured(first)}
    return {
        "method": "lime",
        "windows": [{**_how_made(lime), "labels": _measured(lime)} for lime in explanations],
    }


def _evidence(explanation: Explanation) -> list[dict[str, Any]]:
    return [
        {"id": label.id, "max": _number(values.max()), "no_evidence": not bool((values > 0).any())}
        for label, values in zip(explanation.labels, explanation.maps, strict=True)
    ]


def _how_made(lime: Explanation) -> dict[str, Any]:
    details = lime.details
    return {key: details[key] for key in LIME_KEYS} | {"warnings": list(details["warnings"])}


def _measured(lime: Explanation) -> list[dict[str, Any]]:
    details = lime.details
    measured = zip(details["r2"], details["standard_errors"], details["stability"], strict=True)
    known = [
        {"r2": _number(fit), "standard_error": _number(np.mean(error)), "stability": _number(same)}
        for fit, error, same in measured
    ]
    return [row | more for row, more in zip(_evidence(lime), known, strict=True)]


def _number(value: Any) -> float | None:
    """A finite number, rounded; JSON has no others."""
    return round(float(value), 6) if np.isfinite(value) else None
