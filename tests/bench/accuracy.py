"""What int8 costs in labels, on held-out pictures."""

import json

import numpy as np

from edge.bundle import read_bundle
from edge.config import SHIPPED_BUNDLE
from tests.bench.context import Bench
from tests.bench.needs import CannotMeasure, need_file
from tests.bench.subject import Subject
from tests.bench.table import Reach, Row


def int8_labels(bench: Bench) -> list[Row]:
    """Label sets and mAP of int8 beside float."""
    measured = (bench.data / "index.jsonl").is_file()
    found = compare_labels(bench) if measured else as_exported()
    origin = f"{found['pictures']} pictures" + ("" if measured else ", as exported")
    drop = found["map_float"] - found["map_int8"]
    scores = f"{found['map_float']:.4f} to {found['map_int8']:.4f}; {origin}"
    return [
        Row(
            "int8 against float: same label set",
            Reach("at least", 95, " %"),
            100 * found["same_label_set"],
            origin,
            1,
        ),
        Row("int8 against float: drop of mAP", Reach("at most", 0.01), drop, scores, 4),
    ]


def as_exported() -> dict[str, float]:
    """What the export measured, from the shipped bundle.

    Raises:
        CannotMeasure: The bundle says nothing about it.
    """
    bundle = read_bundle(need_file(SHIPPED_BUNDLE, "the shipped bundle"))
    path = bundle.path("evaluation")
    found = json.loads(path.read_text(encoding="utf-8")).get("int8_against_float")
    if not found:
        raise CannotMeasure(f"{path}: has no int8_against_float; give a data set with --data")
    return found


def compare_labels(bench: Bench) -> dict[str, float]:
    """Label sets and mAP on the test split of the data set."""
    from trainer.dataset import read_index, targets
    from trainer.metrics import mean_average_precision

    subject = bench.subject
    samples = [s for s in read_index(bench.data) if s.split == "test"]
    wanted = targets(samples, [label.id for label in subject.bundle.labels])
    int8, floating = _both_logits(subject, samples)
    agree = (_labels(subject, int8) == _labels(subject, floating)).all(axis=1)
    return {
        "pictures": len(samples),
        "same_label_set": float(agree.mean()),
        "map_int8": mean_average_precision(wanted, int8),
        "map_float": mean_average_precision(wanted, floating),
    }


def _both_logits(subject: Subject, samples) -> tuple[np.ndarray, np.ndarray]:
    from edge.preprocessing import prepare
    from trainer.dataset import read_image

    int8, floating = subject.model("classifier"), subject.model("float")
    pictures = (prepare(read_image(s), subject.bundle.preprocessing)[None] for s in samples)
    both = [(int8.run(p)[0][0], floating.run(p)[0][0]) for p in pictures]
    return np.stack([pair[0] for pair in both]), np.stack([pair[1] for pair in both])


def _labels(subject: Subject, logits: np.ndarray) -> np.ndarray:
    return np.stack([subject.bundle.probabilities(z) for z in logits]) >= subject.bundle.thresholds
