"""How long a frame in memory takes to become labels that everybody can see."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.board import About, Board, Requests, Snapshot
from edge.bundle import Bundle, read_bundle
from edge.classifier import Classifier
from edge.config import SHIPPED_BUNDLE
from edge.decision import Mode, Policy
from edge.domain import Frame
from edge.explain.gradcam import GradCam
from edge.handoff import LatestSlot
from edge.interpreter import choose_runtime
from edge.items import ItemAssembler, ItemSettings
from edge.journal import Journal, JournalSettings
from edge.machine import Machine
from edge.pipeline import Parts, Pipeline
from edge.preprocessing import prepare
from tests.bench.context import Bench
from tests.bench.needs import need_file
from tests.bench.subject import read_frames
from tests.bench.table import Reach, Row
from tests.bench.timing import Timed, compare, timed

Image = NDArray[np.uint8]


class WatchedBoard(Board):
    """A board that notes when a new prediction is first seen on it."""

    def __init__(self, value: Snapshot) -> None:
        super().__init__(value)
        self.published_s: float | None = None

    def replace(self, value: Snapshot) -> None:
        new = value.prediction is not self.current().prediction
        super().replace(value)
        if new and self.published_s is None:
            self.published_s = time.perf_counter()


def publishing(bench: Bench) -> list[Row]:
    """Frame in memory until its labels are published, against bare prepare + invoke."""
    bundle, image = read_bundle(need_file(SHIPPED_BUNDLE, "the shipped bundle")), read_frames()[0]
    bare, classifier = bare_run(bundle, image), Classifier(bundle)
    board, pipeline = _pipeline(classifier, bench.folder / "journal.sqlite")
    frame = Frame(0, 0.0, image)
    try:
        # The Grad-CAM behind the publishing empties the processor's caches, and whoever came next
        # would pay for that: each follows an untimed run of its own model.
        found = compare(
            _after(lambda: classifier.classify(frame), seen_to_published(board, pipeline, image)),
            _after(bare, timed(bare)),
            bench.rounds,
        )
    finally:
        pipeline.close()
    reach = Reach("at most", 1.10, "x")
    figure = "frame in memory -> labels published, against bare prepare + invoke"
    return [Row(figure, reach, found.ratio, found.note, 3)]


def bare_run(bundle: Bundle, image: Image) -> Callable[[], object]:
    """Prepare and invoke with nothing of ours around the runtime."""
    _, build = choose_runtime()
    engine = build(model_path=str(bundle.path("classifier")), num_threads=1)
    engine.allocate_tensors()
    given = engine.get_input_details()[0]["index"]
    answer = engine.get_output_details()[0]["index"]

    def run() -> object:
        engine.set_tensor(given, prepare(image, bundle.preprocessing)[None])
        engine.invoke()
        return engine.get_tensor(answer)

    return run


def seen_to_published(board: WatchedBoard, pipeline: Pipeline, image: Image) -> Timed:
    """Shows the pipeline one more frame; seconds until the board has its labels."""
    sequence = 0

    def once() -> float:
        nonlocal sequence
        sequence += 1
        board.published_s = None
        started = time.perf_counter()
        pipeline.see(Frame(sequence, time.monotonic(), image))
        if board.published_s is None:
            raise RuntimeError("the pipeline saw a frame and published nothing")
        return board.published_s - started

    return once


def _after(first: Callable[[], object], then: Timed) -> Timed:
    def once() -> float:
        first()
        return then()

    return once


def _pipeline(classifier: Classifier, journal: Path) -> tuple[WatchedBoard, Pipeline]:
    bundle = classifier.bundle
    board = WatchedBoard(Snapshot(0, _about(bundle)))
    parts: dict[str, Any] = {
        "frames": LatestSlot(),
        "classifier": classifier,
        "gradcam": GradCam(bundle),
        "items": ItemAssembler(ItemSettings()),
        "policy": Policy(mode=Mode.WATCH, bins=(), routes=()),
        "machine": Machine(None),
        "journal": Journal(JournalSettings(journal), time.time()),
        "requests": Requests(),
    }
    return board, Pipeline(Parts(board=board, **parts))


def _about(bundle: Bundle) -> About:
    thresholds = tuple(float(t) for t in bundle.thresholds)
    return About(
        bundle.manifest.name, bundle.sha256, bundle.labels, thresholds, "watch", "none", "bench"
    )
