"""Tries a model as the device would run it; a process of its own that says as JSON how it went."""

import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np

from edge.bundle import read_bundle
from edge.classifier import Classifier
from edge.config import check_against_bundle, read_config
from edge.domain import Frame
from edge.errors import EdgeError
from edge.explain.gradcam import GradCam
from edge.pictures import read_picture
from edge.standard_output import say
from edge.swap.verifying import Verified

NICE = 5
MAX_SAID = 2000


def try_model(config: Path, folder: Path) -> Verified:
    """Try a model in this process.

    Raises:
        EdgeError: It is refused.
    """
    began_s = time.perf_counter()
    settings = read_config(config)
    bundle = read_bundle(folder)
    check_against_bundle(settings, bundle)
    classifier = Classifier(bundle, settings.threads)
    tested = bundle.manifest.self_test
    picture = np.asarray(read_picture(bundle.path(tested.pictures[-1].role)), np.uint8)
    explained = GradCam(bundle, settings.threads).explain(
        classifier.classify(Frame(0, 0.0, picture)), bundle.labels[:1]
    )
    return Verified(
        name=bundle.manifest.name,
        seal=bundle.manifest.seal,
        labels=len(bundle.labels),
        runtime=classifier.runtime,
        tolerance=tested.tolerance,
        pictures=bundle.self_test,
        gradcam_ms=float(explained.details["milliseconds"]),
        seconds=time.perf_counter() - began_s,
    )


def main(arguments: list[str]) -> None:
    """Try the model of the second argument with the settings of the first; say it as JSON."""
    os.nice(NICE)
    config, folder = map(Path, arguments)
    try:
        found = asdict(try_model(config, folder))
    except EdgeError as error:
        found = {"problem": str(error)[:MAX_SAID]}
    say(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1:])
