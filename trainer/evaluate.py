"""Runs a bundle through the device's own classifier and counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from edge.bundle import Bundle
from edge.classifier import Classifier
from edge.domain import NOT_REPORTED, Frame
from edge.pictures import read_picture
from trainer.dataset import Sample, of_split, read_dataset, read_ids, targets
from trainer.metrics import (
    average_precision,
    counts,
    coverage_curve,
    figures,
    look_alikes,
    mean_average_precision,
    micro,
    reliability,
    weighted_bce,
)

LOOK_ALIKES = 20
STRATA = ("bricks", "arrangement", "illumination", "ground", "elevation", "engine")
SIZES = (0.0, 0.01, 0.03, 0.1, 1.0)
"""Borders of the size strata: share of the picture that shows the brick."""


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """Pictures beside what a bundle says of them.

    Attributes:
        samples: The pictures.
        wanted: (p, n) of 0 and 1.
        logits, probabilities: (p, n) float32.
        reported: (p, n) bool.
    """

    samples: Sequence[Sample]
    wanted: np.ndarray
    logits: np.ndarray
    probabilities: np.ndarray
    reported: np.ndarray


def classify_all(
    bundle: Bundle, pictures: Sequence[Path], console: Console, tiles: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Label pictures as the device would.

    Args:
        bundle: The bundle.
        pictures: Files.
        console: Where progress is shown.
        tiles: Whether overlapping quarters of each picture are looked at too, as `label --tiles`
            does.

    Returns:
        Logits and calibrated probabilities, both (pictures, n) float32.
    """
    classifier = Classifier(bundle, threads=2)
    logits, probabilities = [], []
    for number, path in enumerate(track(pictures, "labelling", console=console)):
        frame = Frame(number, 0.0, read_picture(path))
        prediction = classifier.classify_tiles(frame) if tiles else classifier.classify(frame)
        logits.append(prediction.logits)
        probabilities.append(prediction.probabilities)
    return np.stack(logits), np.stack(probabilities)


def judge(bundle: Bundle, data: Path, split: str, console: Console) -> Judged:
    """Run a bundle over one split of a data set.

    Args:
        bundle: The bundle.
        data: Data set folder, see `trainer.dataset`.
        split: "train", "validation" or "test".
        console: Where progress is shown.

    Raises:
        DatasetError: The data set is wrong or has nothing in that split.
    """
    samples = of_split(read_dataset(data), split, data)
    wanted = targets(samples, [label.id for label in bundle.labels])
    logits, probabilities = classify_all(bundle, [s.picture for s in samples], console)
    return Judged(samples, wanted, logits, probabilities, probabilities >= bundle.thresholds)


def evaluate_renders(bundle: Bundle, data: Path, split: str, console: Console) -> dict[str, Any]:
    """Figures on one split of a data set; see `judge` and `summary`."""
    return summary(bundle, judge(bundle, data, split, console))


def summary(bundle: Bundle, judged: Judged) -> dict[str, Any]:
    """Every figure of judged pictures.

    Returns:
        The figures of `trainer.metrics.figures`, and

        - `labels`: id -> precision, recall, F1, average precision, threshold, support;
        - `loss`: weighted BCE, summed over a picture's labels and per decision;
        - `curve`: share of the present labels that are found against precision, at one moving
          threshold for all labels;
        - `reliability`: bins of the calibrated probability;
        - `look_alikes`: which missed type came with which wrong one, most frequent first;
        - `strata`: figures of parts of the pictures, by what is known of their scenes;
        - `size`: recall by how much of the picture shows the brick.
    """
    wanted, reported = judged.wanted, judged.reported
    losses = weighted_bce(wanted, judged.logits, bundle.manifest.positive_weight)
    pairs = look_alikes(wanted, reported)[:LOOK_ALIKES]
    return {
        **figures(wanted, judged.probabilities, reported),
        "labels": _labels(bundle, judged),
        "loss": {
            "positive_weight": bundle.manifest.positive_weight,
            "sum": float(losses.sum(axis=1).mean()),
            "mean": float(losses.mean()),
        },
        "curve": coverage_curve(
            judged.probabilities.ravel(), wanted.ravel(), wanted.sum(), by_hits=True
        ),
        "reliability": reliability(wanted, judged.probabilities),
        "look_alikes": [
            {
                "missed": bundle.labels[missed].id,
                "reported": bundle.labels[wrong].id,
                "times": round(times, 2),
            }
            for missed, wrong, times in pairs
        ],
        "strata": _strata(judged),
        "size": _sizes(bundle, judged),
    }


def _labels(bundle: Bundle, judged: Judged) -> dict[str, dict[str, float]]:
    tp, fp, fn = counts(judged.wanted, judged.reported)
    reports = bundle.thresholds < NOT_REPORTED
    rows = {}
    for label in bundle.labels:
        i = label.index
        said, there = tp[i] + fp[i], tp[i] + fn[i]
        rows[label.id] = {
            "precision": round(float(tp[i] / said), 4) if said else 0.0,
            "recall": round(float(tp[i] / there), 4) if there else 0.0,
            "f1": round(float(2 * tp[i] / (said + there)), 4) if said + there else 0.0,
            "average_precision": _or_none(
                average_precision(judged.wanted[:, i], judged.probabilities[:, i])
            ),
            # A label that is not reported has no threshold.
            "threshold": round(float(bundle.thresholds[i]), 4) if reports[i] else None,
            "support": int(there),
        }
    return rows


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else round(value, 4)


def strata_of(sample: Sample) -> dict[str, str]:
    """What is known of a picture's scene, as names of strata."""
    scene = sample.scene
    known = {
        "bricks": str(scene.get("bricks") or len(sample.instances) or len(sample.labels)),
        "ground": str(scene.get("ground") or scene.get("background") or ""),
        **{key: str(scene.get(key) or "") for key in ("arrangement", "illumination", "engine")},
    }
    if scene.get("elevation_deg") is not None:
        low = int(float(scene["elevation_deg"]) // 20 * 20)
        known["elevation"] = f"{low}-{low + 20} deg"
    return {key: value for key, value in known.items() if value}


def _strata(judged: Judged) -> dict[str, dict[str, dict[str, float]]]:
    names = [strata_of(sample) for sample in judged.samples]
    found: dict[str, dict[str, dict[str, float]]] = {}
    for stratum in STRATA:
        values = sorted({n[stratum] for n in names if stratum in n}, key=_numbers_first)
        if len(values) > 1:
            rows = {v: np.array([n.get(stratum) == v for n in names]) for v in values}
            found[stratum] = {value: _part(judged, row) for value, row in rows.items()}
    return found


def _numbers_first(value: str) -> tuple[int, str]:
    head = value.split("-")[0]
    return (int(head), value) if head.isdigit() else (10**6, value)


def _part(judged: Judged, chosen: np.ndarray) -> dict[str, float]:
    wanted, reported = judged.wanted[chosen], judged.reported[chosen]
    together = micro(wanted, reported)
    precision = mean_average_precision(wanted, judged.probabilities[chosen])
    return {
        "pictures": int(chosen.sum()),
        "mean_average_precision": round(precision, 4) if wanted.any() else 0.0,
        **{f"micro_{name}": round(value, 4) for name, value in together.items()},
    }


def _sizes(bundle: Bundle, judged: Judged) -> dict[str, dict[str, float]]:
    """Recall of labels by the largest share of the picture that one of their bricks takes."""
    column = {label.id: label.index for label in bundle.labels}
    shares, found = [], []
    for row, sample in enumerate(judged.samples):
        area = read_ids(sample).size if sample.ids else 0
        for part in sample.labels if area else ():
            seen = max((i.visible_px for i in sample.instances if i.part == part), default=0)
            shares.append(seen / area)
            found.append(bool(judged.reported[row, column[part]]))
    bins = np.digitize(np.array(shares), SIZES[1:-1])
    hits = np.array(found)
    return {
        f"{100 * SIZES[b]:g}-{100 * SIZES[b + 1]:g} %": {
            "bricks": int((bins == b).sum()),
            "recall": round(float(hits[bins == b].mean()), 4),
        }
        for b in range(len(SIZES) - 1)
        if (bins == b).any()
    }
