"""Recipes that differ in one thing and see equally much.

A budget is counted in pixels of windows, which is what a step costs, whatever the window's side,
and in source pictures. Labels are restricted to some part types, because a few minutes teach 85
look-alikes too little to tell one recipe from another.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.recipe import Recipe, Stage
from trainer.scenes.parts import parts

EPOCHS = 8


@dataclass(frozen=True, slots=True)
class Budget:
    """What every variant gets.

    Attributes:
        pixels: Of windows, seen in training.
        pictures: Source pictures, all epochs together.
        types: Ids of the parts.
        validation_scenes: To judge on.
        epochs: How often pictures change.
    """

    pixels: float
    pictures: int
    types: tuple[str, ...]
    validation_scenes: int = 300
    epochs: int = EPOCHS


def chosen_types(count: int) -> tuple[str, ...]:
    """Ids of `count` parts, evenly spread over the table of parts and so over its families."""
    ids = list(parts())
    return tuple(sorted(ids[number * len(ids) // count] for number in range(count)))


def variant(name: str, best: Recipe, compact: Recipe, budget: Budget) -> Recipe:
    """A recipe of the comparison.

    Args:
        name: "best" and "compact" learn from fresh raster scenes alone, as "without-dense" (no loss
            on positions) and "without-curriculum" (whole piles from the start) do. "with-raster"
            has fresh scenes beside the data set, "without-raster" the data set alone.
        best: The shipped recipe.
        compact: The yardstick.
        budget: What it gets.

    Returns:
        The recipe, of `budget.epochs` epochs.
    """
    recipe = compact if name == "compact" else best
    if name == "without-dense":
        recipe = _changed(recipe, loss=_changed(recipe.loss, position_weight=0.0))
    if name == "without-curriculum":
        recipe = _changed(recipe, stage=recipe.stage[-1:])
    source = {"with-raster": "both", "without-raster": "data"}.get(name, "endless")
    return _on_budget(_changed(recipe, name=name), source, budget)


def _on_budget(recipe: Recipe, source: str, budget: Budget) -> Recipe:
    shares = [_pixels(stage) for stage in recipe.stage]
    epochs = shared_out(budget.epochs, shares)
    stages = tuple(
        _changed(
            stage,
            source=source,
            epochs=count,
            fresh_per_epoch=max(1, budget.pictures // budget.epochs),
            windows_per_epoch=_windows(stage, count, budget.pixels * share / sum(shares)),
        )
        for stage, count, share in zip(recipe.stage, epochs, shares, strict=True)
    )
    return _changed(
        recipe,
        stage=stages,
        scenes=_changed(recipe.scenes, parts=budget.types),
        validation_scenes=budget.validation_scenes,
        ema=_shortened(recipe, stages[-1]),
        patience=0,
        data=None,
        start=None,
    )


def _pixels(stage: Stage) -> int:
    return stage.epochs * stage.windows_per_epoch * stage.side_px**2


def seen_pixels(recipe: Recipe) -> int:
    """Pixels of all windows that a recipe sees in training."""
    return sum(_pixels(stage) for stage in recipe.stage)


def drawn_pictures(recipe: Recipe) -> int:
    """Source pictures that a recipe draws, one for each scene."""
    return sum(stage.epochs * stage.fresh_per_epoch for stage in recipe.stage)


def _windows(stage: Stage, epochs: int, pixels: float) -> int:
    batches = round(pixels / (epochs * stage.side_px**2 * stage.batch_size))
    return max(1, batches) * stage.batch_size


def shared_out(total: int, shares: Sequence[float]) -> list[int]:
    """Whole numbers, each at least 1, that sum to `total` and follow `shares`.

    Raises:
        ValueError: There are more shares than `total`.
    """
    if len(shares) > total:
        raise ValueError(f"{total} cannot be shared out among {len(shares)}")
    counts = [1] * len(shares)
    for _ in range(total - len(shares)):
        owed = [share / sum(shares) * total - n for share, n in zip(shares, counts, strict=True)]
        counts[owed.index(max(owed))] += 1
    return counts


def _shortened(recipe: Recipe, last: Stage) -> float:
    """The averaging's momentum: it spans the same share of the last stage as in the recipe."""
    if not recipe.ema:
        return 0.0
    shorter = _steps(last) / _steps(recipe.stage[-1])
    return min(max(1 - (1 - recipe.ema) / shorter, 0.0), recipe.ema)


def _steps(stage: Stage) -> int:
    return stage.epochs * max(1, stage.windows_per_epoch // stage.batch_size)


def _changed(section: Any, **changes: Any) -> Any:
    return section.model_copy(update=changes)


def write_recipe(recipe: Recipe, path: Path) -> Path:
    """Write a recipe as TOML; `trainer.recipe.read_recipe` gives an equal one."""
    values = recipe.model_dump(exclude_unset=True, exclude_none=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "".join(f"{key} = {_toml(value)}\n" for key, value in values.items()), encoding="utf-8"
    )
    return path


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        inside = ", ".join(f"{key} = {_toml(each)}" for key, each in value.items())
        return f"{{ {inside} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    # Words, numbers and truth values are written alike in JSON and TOML.
    return json.dumps(value, ensure_ascii=False)
