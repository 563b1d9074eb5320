"""A data set of the shipped bundle's own test pictures, with labels that are partly wrong."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge.bundle import Bundle, read_bundle
from edge.classifier import Classifier
from edge.domain import Frame
from edge.pictures import read_picture
from trainer.dataset import split_of

SHIPPED = Path(__file__).parents[3] / "edge" / "models" / "best"
SEEDS = [seed for seed in range(1000) if split_of(seed) == "test"]


@pytest.fixture(scope="session")
def shipped() -> Bundle:
    return read_bundle(SHIPPED)


@pytest.fixture(scope="session")
def told(shipped, tmp_path_factory) -> Path:
    """Pictures with at least two reported labels, the fewest first.

    Of these labels all but the last are there, and so is one that is missed.
    """
    folder = tmp_path_factory.mktemp("told")
    classifier, rows = Classifier(shipped), []
    images = [read_picture(shipped.path(t.role)) for t in shipped.manifest.self_test.pictures]
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
        cv2.circle(ids, (40 + 60 * (k % 4), 60 + 60 * (k // 4)), 24, k + 1, -1)
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
