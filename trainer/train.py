"""Trains a recipe into a run folder; a run that was stopped goes on where it was.

recipe.toml     the recipe, as it was read
run.json        recipe hash, commit, seed, labels, versions
history.jsonl   one object an epoch
epoch-N.keras   weights and optimiser after the last whole epoch, N
state.json      how many epochs are done; only what it names counts
final.keras     weights when the recipe is done
"""

import json
import platform
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    track,
)

from edge.preprocessing import Preprocessing, prepare
from trainer.augment import LabelledPicture
from trainer.dataset import Sample, of_split, part_ids, read_image, read_index, targets
from trainer.errors import RecipeError
from trainer.losses import PositionLoss, WeightedBCE
from trainer.metrics import mean_average_precision
from trainer.model import build_model
from trainer.recipe import Recipe, Stage, read_recipe, recipe_hash
from trainer.windows import WindowFeed, load_picture

VALIDATION_BATCH = 16


@dataclass(frozen=True, slots=True)
class Epoch:
    """One epoch of the whole run, counted over all stages."""

    number: int
    stage: Stage
    epoch_of_stage: int


def epochs_of(recipe: Recipe) -> Iterator[Epoch]:
    """All epochs of a recipe in order."""
    number = 0
    for stage in recipe.stage:
        for epoch in range(stage.epochs):
            yield Epoch(number, stage, epoch)
            number += 1


def learning_rate(stage: Stage, progress: float) -> float:
    """Cosine from the stage's learning rate to its final one; `progress` is 0..1."""
    falling = 0.5 * (1 + np.cos(np.pi * min(progress, 1.0)))
    return stage.final_learning_rate + falling * (stage.learning_rate - stage.final_learning_rate)


def train(recipe_path: Path, data: Path, run: Path, console: Console) -> Path:
    """Train a recipe, or go on with a run of the same recipe.

    Args:
        recipe_path: The recipe's TOML file.
        data: Data set folder.
        run: Run folder; made if missing.
        console: Where progress is shown.

    Returns:
        The path of the final weights.

    Raises:
        RecipeError: The recipe is wrong, or the run folder belongs to another recipe.
        DatasetError: The data set is wrong.
    """
    recipe = read_recipe(recipe_path)
    done = _claim(run, recipe, recipe_path)
    final = run / "final.keras"
    if final.exists():
        console.print(f"{run}: this recipe is done; export it, or choose another --run folder")
        return final
    samples = read_index(data)
    labels = part_ids(samples)
    _describe(run, recipe, labels, data)
    training, validation = (of_split(samples, split, data) for split in ("train", "validation"))
    pictures = [
        load_picture(s, labels) for s in track(training, "reading pictures", console=console)
    ]
    judge = Judge(validation, labels, recipe, console)
    model = _model(recipe, len(labels), run, done)
    for epoch in epochs_of(recipe):
        if epoch.number < done:
            continue
        logs = _fit(model, epoch, recipe, pictures, len(labels), console)
        logs |= judge.figures(model)
        _record(run, model, epoch, logs, console)
    model.save(final)
    return final


class Judge:
    """Validation pictures, prepared as the device would."""

    def __init__(
        self, samples: list[Sample], labels: tuple[str, ...], recipe: Recipe, console: Console
    ):
        preprocessing = Preprocessing(recipe.network.size_px)
        self._images = np.stack(
            [
                prepare(read_image(s), preprocessing)
                for s in track(samples, "reading validation", console=console)
            ]
        )
        self._targets = targets(samples, labels)

    def figures(self, model: keras.Model) -> dict[str, float]:
        """Validation mAP of the model as it is."""
        scores = predict_logits(model, self._images)
        return {"validation_map": mean_average_precision(self._targets, scores)}


def predict_logits(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Logits (b, n) float32 of prepared pictures (b, s, s, 3) uint8, in batches."""
    batches = range(0, len(images), VALIDATION_BATCH)
    return np.concatenate(
        [
            np.asarray(
                model.predict_on_batch(images[i : i + VALIDATION_BATCH].astype(np.float32) / 255)[
                    "logits"
                ]
            )
            for i in batches
        ]
    )


def _claim(run: Path, recipe: Recipe, recipe_path: Path) -> int:
    try:
        run.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RecipeError(f"{run}: no run folder can be made there ({error.strerror})") from error
    described, state = run / "run.json", run / "state.json"
    if described.exists():
        known = read_facts(described)["recipe_sha256"]
        if known != recipe_hash(recipe):
            raise RecipeError(
                f"{run}: holds a run of another recipe ({known[:12]}, this one is"
                f" {recipe_hash(recipe)[:12]}); choose another --run folder"
            )
    elif state.exists():
        raise RecipeError(f"{run}: a run without its run.json; choose another --run folder")
    else:
        shutil.copyfile(recipe_path, run / "recipe.toml")
    done = int(read_facts(state)["epochs_done"]) if state.exists() else 0
    _forget_after(run / "history.jsonl", done)
    return done


def read_facts(path: Path) -> dict:
    """Read run.json or state.json.

    Raises:
        RecipeError: It is damaged.
    """
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RecipeError(f"{path}: damaged ({error}); choose another --run folder") from error
    return facts


def _forget_after(history: Path, epochs: int) -> None:
    # A run that was killed between an epoch's history and its state does that epoch again.
    if history.exists():
        lines = history.read_text(encoding="utf-8").splitlines(keepends=True)
        write_atomically(history, "".join(lines[:epochs]))


def _describe(run: Path, recipe: Recipe, labels: tuple[str, ...], data: Path) -> None:
    path = run / "run.json"
    if path.exists():
        known = tuple(read_facts(path)["labels"])
        if known != labels:
            raise RecipeError(
                f"{run}: was begun with {len(known)} labels; {data} has {len(labels)}, or others."
                " Go on with the same --data, or choose another --run folder"
            )
        return
    described = {
        "recipe_sha256": recipe_hash(recipe),
        "seed": recipe.seed,
        "commit": commit(),
        "labels": labels,
        "data": data.name,
        "backend": keras.backend.backend(),
        "keras": keras.__version__,
        "python": platform.python_version(),
    }
    write_atomically(path, json.dumps(described, indent=1))


def commit() -> str:
    """The commit this code is at, or "unknown" outside a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def _model(recipe: Recipe, labels: int, run: Path, done: int) -> keras.Model:
    keras.mixed_precision.set_dtype_policy(recipe.precision)
    if done:
        return _load_weights(run, done)
    model = build_model(recipe.network.settings(labels), recipe.seed)
    optimizer = keras.optimizers.AdamW(weight_decay=recipe.weight_decay, global_clipnorm=5.0)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    model.optimizer = optimizer
    return model


def _load_weights(run: Path, done: int) -> keras.Model:
    path = run / f"epoch-{done}.keras"
    try:
        return keras.saving.load_model(path)
    except (OSError, ValueError, KeyError) as error:
        raise RecipeError(
            f"{path}: cannot be read ({error}); choose another --run folder"
        ) from error


def _compile(model: keras.Model, recipe: Recipe, stage: Stage) -> None:
    losses = {"logits": WeightedBCE(recipe.loss.positive_weight)}
    weights = {"logits": stage.label_weight}
    if recipe.network.head == "positions":
        losses["scores"] = PositionLoss(recipe.loss.ground_weight)
        weights["scores"] = recipe.loss.position_weight
    model.compile(optimizer=model.optimizer, loss=losses, loss_weights=weights)


def _fit(model, epoch: Epoch, recipe: Recipe, pictures: list[LabelledPicture], labels, console):
    stage = epoch.stage
    _compile(model, recipe, stage)
    feed = WindowFeed(
        pictures,
        stage.windows(),
        labels,
        stage.windows_per_epoch,
        stage.batch_size,
        (recipe.seed, epoch.number),
        positions=recipe.network.head == "positions",
    )
    started = time.monotonic()
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[loss]}"),
        console=console,
        transient=True,
    ) as progress:
        shown = _Shown(progress, epoch, len(feed))
        history = model.fit(feed, verbose=0, callbacks=[shown], shuffle=False)
    logs = {name: float(values[-1]) for name, values in history.history.items()}
    return logs | {"seconds": round(time.monotonic() - started, 1)}


class _Shown(keras.callbacks.Callback):
    """Moves the progress bar and the learning rate."""

    def __init__(self, progress: Progress, epoch: Epoch, batches: int):
        super().__init__()
        self._progress, self._epoch, self._batches = progress, epoch, batches
        name = f"{epoch.stage.name} {epoch.epoch_of_stage + 1}/{epoch.stage.epochs}"
        self._task = progress.add_task(name, total=batches, loss="")

    def on_train_batch_begin(self, batch, logs=None):
        stage = self._epoch.stage
        progress = (self._epoch.epoch_of_stage + batch / self._batches) / stage.epochs
        self.model.optimizer.learning_rate = learning_rate(stage, progress)

    def on_train_batch_end(self, batch, logs=None):
        loss = f"loss {logs['loss']:.4f}" if logs else ""
        self._progress.update(self._task, advance=1, loss=loss)


def _record(run: Path, model: keras.Model, epoch: Epoch, logs: dict, console: Console) -> None:
    weights = run / f"epoch-{epoch.number + 1}.keras"
    model.save(weights)
    row = {"epoch": epoch.number + 1, "stage": epoch.stage.name, **logs}
    with (run / "history.jsonl").open("a", encoding="utf-8") as history:
        history.write(json.dumps(row) + "\n")
    write_atomically(run / "state.json", json.dumps({"epochs_done": epoch.number + 1}))
    for old in set(run.glob("epoch-*.keras")) - {weights}:
        old.unlink()
    console.print(
        f"epoch {row['epoch']:3d} {row['stage']:8s} loss {logs['loss']:.4f}"
        f"  validation mAP {logs['validation_map']:.4f}  {logs['seconds']:.0f} s"
    )


def write_atomically(path: Path, text: str) -> None:
    """Write a small text file so that a reader sees the old or the new one, never half."""
    staged = path.with_name(path.name + ".staged")
    staged.write_text(text, encoding="utf-8")
    staged.replace(path)
