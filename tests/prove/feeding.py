"""How long training steps wait for their windows."""

import sys
import time
from pathlib import Path
from statistics import mean
from typing import Any

from rich.console import Console

from tests.bench.table import Reach, Row
from tests.prove.children import in_child
from tests.prove.context import RECIPES, Proof

BEST = RECIPES / "best.toml"
PIPELINE_FILL = 4
"""Steps before the clock starts. Every pass begins with an empty pipeline, so nothing that was made
ahead is counted as quick."""


def feed(proof: Proof) -> list[Row]:
    """The share of a step that is waiting, for each stage of `best`."""
    return [
        Row(
            f"waiting for windows, best's stage {name!r}, {side} px",
            Reach("at most", 10, " %"),
            waiting_percent(real, cached),
            f"{1e3 * mean(real):.1f} ms a step, {1e3 * mean(cached):.1f} ms with one batch again"
            f" and again, {threads} cores",
            1,
        )
        for name, side, real, cached, threads in in_child(stage_steps, proof)
    ]


def waiting_percent(real_s: list[float], cached_s: list[float]) -> float:
    """100 x (1 - cached / real), of mean seconds a step; less than 0 is noise."""
    return 100 * (1 - mean(cached_s) / mean(real_s))


def stage_steps(proof: Proof) -> list[tuple[str, int, list[float], list[float], int]]:
    """Stage, side in px, seconds a step with the real feed and with a cached batch, cores.

    As `trainer.train.train` does it, pictures in memory; runs in a process of its own.
    """
    import os

    import cv2

    from trainer.recipe import read_recipe
    from trainer.render.stock import drawable_parts
    from trainer.scenes.geometry import Geometry
    from trainer.train import SWITCH_INTERVAL_S, _model

    cv2.setNumThreads(1)
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    recipe = read_recipe(BEST)
    labels = drawable_parts(Geometry.from_environment(), recipe.scenes)
    drawn = _pictures(recipe, labels, proof.amount(150, 12))
    model = _model(recipe.model_copy(update={"start": None}), BEST, len(labels), Path(), 0)
    found = []
    for stage, pictures in zip(recipe.stage, drawn, strict=True):
        real, cached = _alternate(model, recipe, stage, pictures, len(labels), proof)
        cores = len(os.sched_getaffinity(0))
        found.append((stage.name, stage.side_px, real, cached, cores))
    return found


def _pictures(recipe: Any, labels: tuple[str, ...], count: int) -> list[list[Any]]:
    """Fresh pictures for each stage; the processes that drew them are gone."""
    from trainer.endless import EndlessPictures, training_seeds
    from trainer.render.worker import Order

    seeds, rule = training_seeds(recipe.seed, 0, count), recipe.labels.rule()
    with EndlessPictures(labels) as endless:
        return [
            endless.take(
                Order(stage.scenes(recipe.scenes), stage.render_px, rule),
                seeds,
                Console(stderr=True),
            )
            for stage in recipe.stage
        ]


def _alternate(
    model: Any, recipe: Any, stage: Any, pictures: list[Any], labels: int, proof: Proof
) -> tuple[list[float], list[float]]:
    """Seconds a step with the real feed and with a cached batch, pass by pass in turn."""
    from trainer.train import _compile, window_feed
    from trainer.windows import tensorflow_feed

    steps, rounds = proof.amount(24, 6), proof.amount(2, 1)
    stage = stage.model_copy(update={"windows_per_epoch": steps * stage.batch_size})
    _compile(model, recipe, stage)
    real_s, cached_s = [], []
    for number in range(rounds):
        batches = tensorflow_feed(window_feed(recipe, stage, pictures, labels, number))
        again = batches.take(1).cache().repeat(steps)
        if number == 0:
            for warm in (batches, again):
                _step_s(model, warm.take(PIPELINE_FILL + 2))
        real_s.append(_step_s(model, batches))
        cached_s.append(_step_s(model, again))
    return real_s, cached_s


def _step_s(model: Any, batches: Any) -> float:
    """Seconds a step, after the first ones."""
    import keras

    class Clock(keras.callbacks.Callback):
        """Notes when each step ends."""

        def __init__(self) -> None:
            super().__init__()
            self.ends_s: list[float] = []

        def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
            self.ends_s.append(time.perf_counter())

    clock = Clock()
    model.fit(batches, verbose=0, shuffle=False, callbacks=[clock])
    counted = clock.ends_s[PIPELINE_FILL - 1 :]
    return (counted[-1] - counted[0]) / (len(counted) - 1)
