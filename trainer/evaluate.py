"""Runs a bundle through the device's own classifier and counts."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from edge.bundle import Bundle
from edge.classifier import Classifier
from edge.domain import Frame
from edge.pictures import read_picture
from trainer.dataset import Sample, of_split, read_index, targets
from trainer.errors import DatasetError
from trainer.metrics import counts, f1, figures


def classify_all(
    bundle: Bundle, pictures: Sequence[Path], console: Console
) -> tuple[np.ndarray, np.ndarray]:
    """Label pictures as the device would.

    Returns:
        Logits and calibrated probabilities, both (pictures, n) float32.
    """
    classifier = Classifier(bundle, threads=2)
    logits, probabilities = [], []
    for number, path in enumerate(track(pictures, "labelling", console=console)):
        prediction = classifier.classify(Frame(number, 0.0, read_picture(path)))
        logits.append(prediction.logits)
        probabilities.append(prediction.probabilities)
    return np.stack(logits), np.stack(probabilities)


def evaluate_renders(bundle: Bundle, data: Path, split: str, console: Console) -> dict[str, Any]:
    """Figures on one split of a data set.

    Args:
        bundle: The bundle.
        data: Data set folder, see `trainer.dataset`.
        split: "train", "validation" or "test".
        console: Where progress is shown.

    Returns:
        Every figure, and `labels`: id -> F1 and how often it occurs.

    Raises:
        DatasetError: The data set is wrong or has nothing in that split.
    """
    return _figures(bundle, of_split(read_index(data), split, data), console)


def _figures(bundle: Bundle, samples: Sequence[Sample], console: Console) -> dict[str, Any]:
    wanted = targets(samples, [label.id for label in bundle.labels])
    _, probabilities = classify_all(bundle, [s.picture for s in samples], console)
    reported = probabilities >= bundle.thresholds
    each = f1(*counts(wanted, reported))
    labels = {
        label.id: {
            "f1": round(float(each[label.index]), 4),
            "support": int(wanted[:, label.index].sum()),
        }
        for label in bundle.labels
    }
    return {**figures(wanted, probabilities, reported), "labels": labels}


def evaluate_photographs(bundle: Bundle, folder: Path, console: Console) -> dict[str, float]:
    """Micro precision, recall and F1 on photographs labelled by hand.

    Args:
        bundle: The bundle.
        folder: Photographs and a labels.json: file name -> `present` (ids that must be found) and
            `ignore` (ids that are neither right nor wrong).
        console: Where progress is shown.

    Raises:
        DatasetError: labels.json is missing, is not as described, or names an unknown id.
    """
    names, present, ignored = read_photographs(folder)
    known = {label.id for label in bundle.labels}
    unknown = sorted(set().union(*present) - known)
    if unknown:
        raise DatasetError(f"{folder}: ids that the bundle does not know: {', '.join(unknown)}")
    _, probabilities = classify_all(bundle, [folder / name for name in names], console)
    found = [
        {bundle.labels[i].id for i in np.flatnonzero(p >= bundle.thresholds)} - skip
        for p, skip in zip(probabilities, ignored, strict=True)
    ]
    hits = sum(len(f & t) for f, t in zip(found, present, strict=True))
    said, there = sum(map(len, found)), sum(map(len, present))
    return {
        "pictures": float(len(names)),
        "labels_present": float(there),
        "labels_reported": float(said),
        "micro_precision": hits / said if said else 0.0,
        "micro_recall": hits / there if there else 0.0,
        "micro_f1": 2 * hits / (said + there) if said + there else 0.0,
    }


def read_photographs(folder: Path) -> tuple[list[str], list[set[str]], list[set[str]]]:
    """What is on labelled photographs.

    Returns:
        File names, the ids present on each, and the ids to ignore on each.

    Raises:
        DatasetError: labels.json is missing or not as described above, or names no picture.
    """
    path = folder / "labels.json"
    try:
        truth = json.loads(path.read_text(encoding="utf-8"))
        names = sorted(truth)
        present = [set(truth[name]["present"]) for name in names]
        ignored = [set(truth[name]["ignore"]) for name in names]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            f"{path}: {type(error).__name__} {error}; expected file names with present and ignore"
        ) from error
    if not names:
        raise DatasetError(f"{path}: names no picture")
    return names, present, ignored
