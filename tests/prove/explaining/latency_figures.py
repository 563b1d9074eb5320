"""What LIME costs the labels, which come first."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from edge.board import About, Requests, Snapshot
from edge.bundle import Bundle
from edge.classifier import Classifier
from edge.decision import Mode, Policy
from edge.explain.gradcam import GradCam
from edge.explain.lime_result import LimeSettings
from edge.explain.worker.budget import Strain
from edge.explain.worker.explainer import Explainer, ExplainerSettings
from edge.explain.worker.progress import ExplainState
from edge.handoff import LatestSlot
from edge.items import ItemAssembler, ItemSettings
from edge.journal import Journal, JournalSettings
from edge.machine import Machine
from edge.pipeline import LimeOf, Parts, Pipeline
from edge.worker import Worker
from tests.bench.needs import CannotMeasure
from tests.bench.publishing import WatchedBoard, seen_to_published
from tests.bench.subject import read_frames
from tests.bench.table import Reach, Row
from tests.prove.context import Proof
from tests.prove.explaining.pictures import shipped_bundle

BLOCKS, QUICK_BLOCKS = 12, 1
FRAMES, QUICK_FRAMES = 100, 5
FRAME_S = 1 / 30
START_S = 60.0
BUSY = 0.9
"""Least share of frames at which LIME has to be at work."""
COOL = Strain(0.0, None)


def latency_rows(proof: Proof) -> list[Row]:
    """95th percentile of frame in memory -> labels published, with LIME all the time or without.

    Blocks with and without take turns, at 30 frames a second, on all cores there are.
    """
    blocks = proof.amount(BLOCKS, QUICK_BLOCKS)
    count = proof.amount(FRAMES, QUICK_FRAMES)
    proof.folder.mkdir(parents=True, exist_ok=True)
    bundle, image = shipped_bundle(), read_frames()[0]
    with_lime: list[float] = []
    without: list[float] = []
    busy: list[bool] = []
    with _device(bundle, proof.folder / "latency.sqlite") as (parts, pipeline, explainer):
        publish = seen_to_published(parts.board, pipeline, image)
        for _ in range(blocks):
            parts.lime_of = LimeOf.EVERYTHING
            _until(lambda: publish() > 0 and sampling(explainer), "LIME to begin")
            with_lime += _paced(publish, count, lambda: busy.append(at_work(explainer)))
            parts.lime_of = LimeOf.ASKED
            _until(lambda: not at_work(explainer), "LIME to end")
            without += _paced(publish, count, lambda: None)
    if np.mean(busy) < BUSY:
        raise CannotMeasure(f"LIME was at work for {100 * np.mean(busy):.0f} % of the frames only")
    with_ms, without_ms = (float(np.percentile(s, 95)) * 1e3 for s in (with_lime, without))
    return [
        Row(
            "labels' latency, 95th percentile, with LIME all the time against without",
            Reach("at most", 1.15, "x"),
            with_ms / without_ms,
            f"{with_ms:.2f} against {without_ms:.2f} ms, {blocks * count} frames each at 30 a"
            f" second, {os.cpu_count()} cores",
            3,
        )
    ]


@contextmanager
def _device(bundle: Bundle, journal: Path) -> Iterator[tuple[Parts, Pipeline, Explainer]]:
    """A pipeline with an explainer that never gives way and keeps nothing."""
    settings = ExplainerSettings(LimeSettings(stable_rounds=0), cache_bytes=0)
    explainer = Explainer(bundle, settings, strain=lambda: COOL)
    failures: list[str] = []
    worker = Worker("explainer", explainer.step, lambda name, error: failures.append(repr(error)))
    about = About(bundle.manifest.name, bundle.sha256, bundle.labels, (), "watch", "none", "bench")
    parts = Parts(
        frames=LatestSlot(),
        classifier=Classifier(bundle),
        gradcam=GradCam(bundle),
        items=ItemAssembler(ItemSettings()),
        policy=Policy(mode=Mode.WATCH, bins=(), routes=()),
        machine=Machine(None),
        journal=Journal(JournalSettings(journal), time.time()),
        board=WatchedBoard(Snapshot(0, about)),
        requests=Requests(),
        explainer=explainer,
    )
    pipeline = Pipeline(parts)
    worker.start()
    try:
        yield parts, pipeline, explainer
    finally:
        worker.stop()
        worker.join(START_S)
        explainer.close()
        pipeline.close()
    if failures:
        raise CannotMeasure(f"the explainer failed: {failures[0]}")


def _paced(publish: Callable[[], float], count: int, after: Callable[[], object]) -> list[float]:
    """Seconds of so many frames, at the pace of a camera."""
    seconds, due_s = [], time.monotonic()
    for _ in range(count):
        due_s += FRAME_S
        time.sleep(max(0.0, due_s - time.monotonic()))
        seconds.append(publish())
        after()
    return seconds


def at_work(explainer: Explainer) -> bool:
    """Whether something waits or runs."""
    return any(not one.state.over for one in explainer.current())


def sampling(explainer: Explainer) -> bool:
    """Whether the model is being asked."""
    return any(one.state is ExplainState.SAMPLING for one in explainer.current())


def _until(there: Callable[[], bool], what: str) -> None:
    end_s = time.monotonic() + START_S
    while not there():
        if time.monotonic() > end_s:
            raise CannotMeasure(f"waited {START_S:.0f} s for {what}")
        time.sleep(FRAME_S)
