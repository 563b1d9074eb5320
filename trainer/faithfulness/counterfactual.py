"""What leaving a brick out of the scene does, against how much of the map is on it.

Only a rendered data set can be asked: its scenes are stored, so the same picture is drawn without
one brick. Mesa draws in a process of its own, without TensorFlow.
"""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from trainer.dataset import Sample
from trainer.errors import DatasetError, TrainerError
from trainer.faithfulness.attributions import Attributions
from trainer.faithfulness.bootstrap import Resampled
from trainer.faithfulness.maps import NOTHING, positive
from trainer.faithfulness.masks import averaged, placed
from trainer.faithfulness.rows import Row, RowFile, key_of
from trainer.faithfulness.statistics import spearman

BRICKS_MIN = 3
"""Fewest bricks whose order by mass and by effect says anything."""


@dataclass(frozen=True, slots=True, eq=False)
class Redrawn:
    """A scene as it is, and without each of its bricks in turn.

    Attributes:
        whole: (s, s, 3) uint8.
        ids: (s, s) uint8, brick k as k + 1.
        without: One picture for each brick.
    """

    whole: np.ndarray
    ids: np.ndarray
    without: tuple[np.ndarray, ...]


def redraw(folder: Path, seed: int) -> Redrawn:
    """Draw a scene of a rendered data set again, whole and without each brick.

    Raises:
        DatasetError: It is no rendered data set, or has no such scene.
        SceneError, GeometryError, PictureError, RenderError: As the engine.
    """
    from trainer.render.engines import open_engine
    from trainer.render.shards import recipe_of, stored_scene

    recipe = recipe_of(folder)
    scene, engine = stored_scene(folder, seed, recipe), open_engine(recipe)
    whole = engine.draw(scene)
    less = tuple(engine.draw(scene.without(k)).image for k in range(len(scene.bricks)))
    return Redrawn(whole.image, whole.ids, less)


def why_not(folder: Path) -> str:
    """Why a data set cannot draw again; empty where it can."""
    from trainer.render.shards import recipe_of

    try:
        recipe_of(folder)
    except DatasetError:
        return f"{folder} is no data set of `bricksight-trainer render`, so none can be left out"
    return ""


def compare(
    folder: Path,
    samples: Sequence[Sample],
    attributions: Attributions,
    file: RowFile,
    console: Console,
) -> list[Row]:
    """Leave out every brick of some scenes.

    Args:
        folder: A rendered data set.
        samples: Some of its pictures.
        attributions: The methods under test.
        file: Where rows are and go.
        console: Where progress is shown.

    Returns:
        A row for each picture.

    Raises:
        As `redraw`.
    """
    keys = [key_of(sample.picture) for sample in samples]
    todo = [(k, s) for k, s in zip(keys, samples, strict=True) if k not in file.rows]
    if todo:
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            drawn = pool.map(redraw, [folder] * len(todo), [s.seed for _, s in todo])
            shown = track(
                zip(todo, drawn, strict=True), "leaving out", total=len(todo), console=console
            )
            for (key, sample), scene in shown:
                file.add(key, {"seed": sample.seed, "labels": effects(scene, attributions)})
    return [file.rows[key] for key in keys]


def effects(scene: Redrawn, attributions: Attributions) -> list[Row]:
    """For each label the device reports: what each brick does to its logit, and mass on it.

    Returns:
        Rows of `part`, `drop` (bricks,) in logits, and `mass`: method -> (bricks,) shares of the
        map, nothing for a blank one.
    """
    before = attributions.classify(scene.whole)
    indices = [label.index for label in before.present]
    if not indices:
        return []
    after = np.stack([attributions.classify(picture).logits for picture in scene.without])
    cells = [
        averaged(placed(scene.ids == k + 1, attributions.bundle.preprocessing), attributions.grid)
        for k in range(len(scene.without))
    ]
    maps = attributions.explain(before, indices, 0)
    return [
        {
            "part": label.id,
            "drop": (before.logits[label.index] - after[:, label.index]).tolist(),
            "mass": {m: _mass(found.maps[row], cells) for m, found in maps.items()},
        }
        for row, label in enumerate(before.present)
    ]


def _mass(heat: np.ndarray, cells: Sequence[np.ndarray]) -> list[float]:
    values = positive(heat)
    return [float((values * c).sum() / values.sum()) for c in cells] if values.sum() > 0 else []


def agreement(rows: Sequence[Row], methods: Sequence[str], seed: int) -> dict[str, Any]:
    """How well mass on a brick tells what leaving it out does.

    Returns:
        Method -> `spearman` over the bricks of each explanation with at least `BRICKS_MIN`, and
        `same_brick`: how often the brick with the most mass is the one that matters most.
    """
    found = [(row["seed"], label) for row in rows for label in row["labels"]]
    resampled = Resampled([s for s, _ in found], [label["part"] for _, label in found], seed=seed)
    judged = {m: [_judge(x["drop"], x["mass"][m]) for _, x in found] for m in methods}
    return {
        method: {
            name: asdict(resampled.interval(np.array([pair[k] for pair in pairs], float)))
            for k, name in enumerate(("spearman", "same_brick"))
        }
        for method, pairs in judged.items()
    }


def _judge(drop: Sequence[float], mass: Sequence[float]) -> tuple[float, float]:
    if len(drop) < BRICKS_MIN or not mass:
        return NOTHING, NOTHING
    return spearman(np.array(drop), np.array(mass)), float(np.argmax(drop) == np.argmax(mass))


def result(
    folder: Path,
    samples: Sequence[Sample],
    attributions: Attributions,
    file: RowFile,
    seed: int,
    console: Console,
) -> dict[str, Any]:
    """`agreement` over `compare`, or `skipped`: why it cannot be had."""
    reason = why_not(folder)
    if not reason:
        try:
            rows = compare(folder, samples, attributions, file, console)
        except TrainerError as error:
            reason = str(error)
    if reason:
        return {"skipped": reason}
    return {"pictures": len(rows), "methods": agreement(rows, attributions.methods, seed)}
