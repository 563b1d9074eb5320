"""A data set of the shipped bundle's own test pictures, with labels that are partly wrong."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.bundle import Bundle, read_bundle
from edge.classifier import Classifier
from edge.domain import Frame
from edge.manifest import MANIFEST, seal_of
from edge.pictures import read_picture
from trainer.dataset import split_of

SHIPPED = Path(__file__).parents[3] / "edge" / "models" / "best"
TOLD = 3
"""Labels that a picture tells at least."""
SEEDS = [seed for seed in range(1000) if split_of(seed) == "test"]


@pytest.fixture(scope="session")
def shipped(tmp_path_factory) -> Bundle:
    """The shipped bundle, but for thresholds: it reports what is strongest in its own pictures."""
    bundle = read_bundle(SHIPPED)
    folder = tmp_path_factory.mktemp("shipped") / "bundle"
    shutil.copytree(SHIPPED, folder)
    thresholds = np.full(len(bundle.labels), 0.999)
    for picture in _self_test_pictures(bundle):
        said = Classifier(bundle).classify(Frame(0, 0.0, picture)).probabilities.astype(float)
        strongest = np.argsort(-said)[:TOLD]
        thresholds[strongest] = np.minimum(thresholds[strongest], 0.99 * said[strongest])
    values = json.loads((folder / MANIFEST).read_text())
    for entry, threshold in zip(values["labels"], thresholds, strict=True):
        entry.update(threshold=threshold, reported=True)
    values["seal"] = seal_of(values)
    (folder / MANIFEST).write_text(json.dumps(values))
    return read_bundle(folder)


def _self_test_pictures(bundle: Bundle) -> list[np.ndarray]:
    return [read_picture(bundle.path(t.role)) for t in bundle.manifest.self_test.pictures]


@pytest.fixture(scope="session")
def told(shipped, tmp_path_factory) -> Path:
    """Pictures with at least two reported labels, the fewest first.

    Of these labels all but the last are there, and so is one that is missed.
    """
    folder = tmp_path_factory.mktemp("told")
    classifier, rows = Classifier(shipped), []
    images = _self_test_pictures(shipped)
    told = [(image, classifier.classify(Frame(0, 0.0, image)).present) for image in images]
    told = sorted((pair for pair in told if len(pair[1]) > 1), key=lambda pair: len(pair[1]))
    for number, (image, said) in enumerate(told):
        missed = next(label for label in shipped.labels if label not in said)
        rows.append(_write(folder, number, image, [*said[:-1], missed]))
    (folder / "index.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def _write(folder, number, image, labels):
    ids = np.zeros(image.shape[:2], np.uint8)
    for k in range(len(labels)):
        side = ids.shape[0] / 16
        middle = round(side * (2.5 + 3.75 * (k % 4))), round(side * (3.75 + 3.75 * (k // 4)))
        cv2.circle(ids, middle, round(1.5 * side), k + 1, -1)
    cv2.imwrite(str(folder / f"{number}.png"), image[..., ::-1])
    cv2.imwrite(str(folder / f"{number}-ids.png"), ids)
    brick = {"visible_px": 1800, "full_px": 1800, "label": True}
    return {
        "seed": SEEDS[number],
        "picture": f"{number}.png",
        "ids": f"{number}-ids.png",
        "labels": sorted(label.id for label in labels),
        "instances": [{"part": label.id, **brick} for label in labels],
    }
