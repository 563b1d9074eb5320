"""Hands each epoch's figures to a tracker of one's choice; all of them work offline."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from trainer.errors import RecipeError
from trainer.recipe import Recipe

TRACKERS = ("none", "tensorboard", "wandb")


class Tracker(Protocol):
    """Takes the figures of one epoch after another."""

    def log(self, row: dict[str, Any]) -> None:
        """Keep the figures of an epoch; `row["epoch"]` counts from 1."""
        ...


class NoTracker:
    """Keeps nothing: history.jsonl has everything anyway."""

    def log(self, row: dict[str, Any]) -> None:
        """Nothing."""


class TensorBoardTracker:
    """Writes event files into RUN/tensorboard; needs TensorFlow."""

    def __init__(self, run: Path):
        try:
            import tensorboard  # noqa: F401 - TensorFlow writes through it
            import tensorflow as tf
        except ImportError as error:
            raise RecipeError(
                f"--track tensorboard: {error}; pip install tensorflow tensorboard, or choose"
                " another tracker"
            ) from error
        self._summary = tf.summary
        self._writer = tf.summary.create_file_writer(str(run / "tensorboard"))

    def log(self, row: dict[str, Any]) -> None:
        """One scalar for each figure."""
        with self._writer.as_default(step=row["epoch"]):
            for name, value in row.items():
                if isinstance(value, float):
                    self._summary.scalar(name, value)
        self._writer.flush()


class WandbTracker:
    """Writes a Weights & Biases run into RUN/wandb; goes online only if WANDB_MODE says so."""

    def __init__(self, run: Path, recipe: Recipe):
        try:
            import wandb
        except ImportError as error:
            raise RecipeError(
                f"--track wandb: {error}; pip install wandb, or choose tensorboard or none"
            ) from error
        self._run = wandb.init(
            project="bricksight",
            name=recipe.name,
            id=run.resolve().name,
            resume="allow",
            dir=str(run),
            mode=os.environ.get("WANDB_MODE", "offline"),  # type: ignore[arg-type]
            config=recipe.model_dump(mode="json"),
        )

    def log(self, row: dict[str, Any]) -> None:
        """One metric for each figure."""
        self._run.log({k: v for k, v in row.items() if k != "epoch"}, step=row["epoch"])

    def close(self) -> None:
        """End the run."""
        self._run.finish()


@contextmanager
def open_tracker(kind: str, run: Path, recipe: Recipe) -> Iterator[Tracker]:
    """A tracker for a while.

    Args:
        kind: "none", "tensorboard" or "wandb".
        run: Run folder; trackers write below it.
        recipe: What is trained.

    Raises:
        RecipeError: There is no such tracker, or it is not installed.
    """
    if kind not in TRACKERS:
        raise RecipeError(f"--track: found {kind!r}; allowed: {', '.join(TRACKERS)}")
    if kind == "wandb":
        tracker = WandbTracker(run, recipe)
        try:
            yield tracker
        finally:
            tracker.close()
    else:
        yield TensorBoardTracker(run) if kind == "tensorboard" else NoTracker()
