"""Trains a recipe into a run folder, see `trainer.runs`."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import keras
import numpy as np
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from trainer.augment import LabelledPicture, WindowSettings
from trainer.devices import replicas
from trainer.errors import RecipeError
from trainer.ground_prior import apply_ground_prior
from trainer.losses import PositionLoss, WeightedBCE
from trainer.metrics import mean_average_precision
from trainer.model import build_model, positions_of
from trainer.optimizer import AveragingAdamW
from trainer.pictures import Pictures, open_pictures
from trainer.recipe import Recipe, Stage, read_recipe
from trainer.runs import claim, describe, load_epoch, read_history, record
from trainer.tracking import Tracker, open_tracker
from trainer.trunk import freeze_trunk
from trainer.windows import WindowFeed, tensorflow_feed

VALIDATION_BATCH = 16
SWITCH_INTERVAL_S = 0.0002


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


def train(
    recipe_path: Path,
    data: Path | Sequence[Path] | None,
    run: Path,
    console: Console,
    track: str = "none",
    workers: int = 1,
    devices: int = 1,
) -> Path:
    """Train a recipe, or go on with a run of the same recipe.

    Args:
        recipe_path: The recipe's TOML file.
        data: Data set folder, or several that are taken together; None where every stage draws
            its own pictures.
        run: Run folder; made if missing.
        console: Where progress is shown.
        track: Where else the figures of each epoch go, see `trainer.tracking`.
        workers: Processes that draw fresh pictures.
        devices: How many devices train together, see `trainer.devices`.

    Returns:
        The path of the final weights.

    Raises:
        RecipeError: The recipe is wrong, or the run folder belongs to another recipe.
        DatasetError: The data set is wrong.
        TrainerError: Pictures cannot be drawn.
    """
    recipe = read_recipe(recipe_path)
    folders = [data] if isinstance(data, Path) else list(data or ())
    done = claim(run, recipe, recipe_path)
    final = run / "final.keras"
    if final.exists():
        console.print(f"{run}: this recipe is done; export it, or choose another --run folder")
        return final
    # Windows are small and made on threads of their own; OpenCV's would only get in their way.
    cv2.setNumThreads(1)
    # Else every step waits several times for the threads that make windows to let go of Python.
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    with ExitStack() as stack:
        pictures = stack.enter_context(open_pictures(recipe, folders, workers, console))
        describe(run, recipe, pictures.labels, pictures.name)
        tracker = stack.enter_context(open_tracker(track, run, recipe))
        stack.enter_context(replicas(devices))
        model = _model(recipe, recipe_path, len(pictures.labels), run, done)
        if recipe.ground_prior and done == 0:
            _hold_back(model, recipe, pictures)
        _train_epochs(model, recipe, pictures, run, done, tracker, console)
    return final


def _train_epochs(
    model: keras.Model,
    recipe: Recipe,
    pictures: Pictures,
    run: Path,
    done: int,
    tracker: Tracker,
    console: Console,
) -> None:
    judge = Judge(*pictures.validation())
    maps = [row["validation_map"] for row in read_history(run)]
    for epoch in epochs_of(recipe):
        if epoch.number < done:
            continue
        if _is_over(maps, recipe.patience):
            console.print(f"no better validation mAP for {recipe.patience} epochs: ended early")
            break
        logs = _fit(model, epoch, recipe, pictures, console)
        with averaged(model):
            logs |= judge.figures(model)
            if logs["validation_map"] > max(maps, default=-1.0):
                model.save(run / "best.keras")
        maps.append(logs["validation_map"])
        row = {"epoch": epoch.number + 1, "stage": epoch.stage.name, **logs}
        record(run, model, row)
        tracker.log(row)
        _show(row, console)
    with averaged(model):
        model.save(run / "final.keras")


def _is_over(maps: list[float], patience: int) -> bool:
    return patience > 0 and len(maps) - 1 - int(np.argmax(maps or [0])) >= patience


@contextmanager
def averaged(model: keras.Model) -> Iterator[None]:
    """The model with its averaged weights for a while, where the optimiser keeps any."""
    optimizer = model.optimizer
    if optimizer is None or not optimizer.use_ema or not optimizer.built:
        yield
        return
    kept = [keras.ops.convert_to_numpy(v) for v in model.trainable_variables]
    means = optimizer._model_variables_moving_average
    for variable, mean in zip(model.trainable_variables, means, strict=True):
        variable.assign(mean)
    try:
        yield
    finally:
        for variable, value in zip(model.trainable_variables, kept, strict=True):
            variable.assign(value)


class Judge:
    """Validation pictures, prepared as the device would.

    Args:
        images: (v, s, s, 3) uint8 RGB.
        targets: (v, n) of 0 and 1.
    """

    def __init__(self, images: np.ndarray, targets: np.ndarray):
        self._images, self._targets = images, targets

    def figures(self, model: keras.Model) -> dict[str, float]:
        """Validation mAP of the model as it is."""
        scores = predict_logits(model, self._images)
        return {"validation_map": mean_average_precision(self._targets, scores)}


def predict_logits(model: keras.Model, images: np.ndarray) -> np.ndarray:
    """Logits (b, n) float32 of prepared pictures (b, s, s, 3) uint8, in batches."""
    strategy = getattr(model, "distribute_strategy", None)
    # On several devices predict_on_batch gives back the first one's share only.
    several = strategy is not None and strategy.num_replicas_in_sync > 1
    predict = model if several else model.predict_on_batch
    batches = range(0, len(images), VALIDATION_BATCH)
    return np.concatenate(
        [
            keras.ops.convert_to_numpy(
                predict(images[i : i + VALIDATION_BATCH].astype(np.float32) / 255)["logits"]
            )
            for i in batches
        ]
    )


def _model(recipe: Recipe, recipe_path: Path, labels: int, run: Path, done: int) -> keras.Model:
    keras.mixed_precision.set_dtype_policy(recipe.precision)
    if done:
        return load_epoch(run, done)
    model = build_model(recipe.network.settings(labels), recipe.seed)
    if recipe.start is not None:
        _take_weights(model, recipe_path.parent / recipe.start)
    average = {"use_ema": True, "ema_momentum": recipe.ema} if recipe.ema else {}
    if recipe.network.family == "lite":
        freeze_trunk(model, recipe.network.blocks, recipe.network.frozen_blocks)
    optimizer = AveragingAdamW(
        trunk_rate=recipe.network.trunk_rate,
        weight_decay=recipe.weight_decay,
        global_clipnorm=5.0,
        **average,
    )
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    model.optimizer = optimizer
    return model


def _hold_back(model: keras.Model, recipe: Recipe, pictures: Pictures) -> None:
    if recipe.start is None:
        bias = model.get_layer("logits").bias
        bias.assign(bias - recipe.ground_prior)
        return
    first, labels = recipe.stage[0], len(pictures.labels)
    size = recipe.network.size_px
    grid = positions_of(recipe.network.settings(labels), size)
    whole = WindowSettings("picture", size, (1.0, 1.0), grid, 0.0, recipe.labels.rule())
    held = pictures.of_epoch(0, first, 0)
    apply_ground_prior(model, recipe.ground_prior, held, whole, labels, recipe.seed)


def _take_weights(model: keras.Model, path: Path) -> None:
    """Begin with the weights of another model of the same shape.

    Raises:
        RecipeError: There is no such file, or its network is another one.
    """
    if not path.is_file():
        raise RecipeError(f"start: {path}: no such file; name a model.keras, or leave start out")
    try:
        source = keras.saving.load_model(path, compile=False)
        model.set_weights(source.get_weights())
    except (OSError, ValueError, KeyError) as error:
        raise RecipeError(
            f"start: {path}: its weights do not fit this recipe's [network] ({error});"
            " give the network of the recipe it was trained with"
        ) from error


def _compile(model: keras.Model, recipe: Recipe, stage: Stage) -> None:
    losses = {"logits": WeightedBCE(recipe.loss.positive_weight)}
    weights = {"logits": stage.label_weight}
    if recipe.network.head == "positions":
        losses["scores"] = PositionLoss(recipe.loss.ground_weight)
        weights["scores"] = recipe.loss.position_weight
    # XLA's depthwise convolutions on a CPU take several times as long as TensorFlow's own.
    compiled = {"jit_compile": False} if recipe.network.family == "lite" else {}
    model.compile(optimizer=model.optimizer, loss=losses, loss_weights=weights, **compiled)


def _fit(model, epoch: Epoch, recipe: Recipe, source: Pictures, console: Console) -> dict:
    stage = epoch.stage
    waited = time.monotonic()
    pictures = source.of_epoch(epoch.number, stage, epoch.epoch_of_stage)
    waited = time.monotonic() - waited
    if epoch.epoch_of_stage == 0 or not model.compiled or model.loss is None:
        _compile(model, recipe, stage)  # once a stage: it throws away the traced graphs
    feed = window_feed(recipe, stage, pictures, len(source.labels), epoch.number)
    batches = tensorflow_feed(feed) if keras.backend.backend() == "tensorflow" else feed
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
        history = model.fit(batches, verbose=0, callbacks=[shown], shuffle=False)
    logs = {name: float(values[-1]) for name, values in history.history.items()}
    seconds = {"seconds": time.monotonic() - started, "waited_s": waited}
    return logs | {name: round(value, 1) for name, value in seconds.items()}


def window_feed(
    recipe: Recipe, stage: Stage, pictures: list[LabelledPicture], labels: int, epoch: int
) -> WindowFeed:
    """The windows of one epoch."""
    grid = positions_of(recipe.network.settings(labels), stage.side_px)
    return WindowFeed(
        pictures,
        stage.windows(grid, recipe.labels.rule()),
        labels,
        stage.windows_per_epoch,
        stage.batch_size,
        (recipe.seed, epoch),
        positions=recipe.network.head == "positions",
        grey=recipe.network.colour == "grey",
        photograph_share=stage.photograph_share,
    )


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


def _show(row: dict, console: Console) -> None:
    console.print(
        f"epoch {row['epoch']:3d} {row['stage']:8s} loss {row['loss']:.4f}"
        f"  validation mAP {row['validation_map']:.4f}  {row['seconds']:.0f} s"
    )
