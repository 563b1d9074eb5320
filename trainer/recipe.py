"""A recipe: everything that decides what a training run gives."""

import hashlib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from edge.toml import FromList, Section, read_toml
from trainer.augment import WindowSettings
from trainer.errors import RecipeError
from trainer.model import ModelSettings

Share = Annotated[float, Field(ge=0, le=1)]
Zoom = Annotated[float, Field(gt=0, le=16)]


class Network(Section):
    """The shape of the network; see `trainer.model.ModelSettings`."""

    size_px: int = Field(224, ge=64, le=1024)
    width: float = Field(0.5, gt=0, le=2)
    dense_size: int = Field(512, ge=8, le=8192)
    slope: float = Field(0.1, ge=0, lt=1)
    stem_kernel: int = Field(11, ge=3, le=15)
    stem_stride: int = Field(4, ge=1, le=4)
    second_kernel: int = Field(5, ge=3, le=7)
    head: Literal["flatten", "positions"] = "flatten"
    colour: Literal["rgb", "grey"] = "rgb"
    dropout: float = Field(0.0, ge=0, lt=1)

    def settings(self, labels: int) -> ModelSettings:
        """As the network builder takes it."""
        return ModelSettings(labels=labels, **self.model_dump())


class Loss(Section):
    """What is minimised: weighted BCE on the labels, and with instance maps the positions."""

    positive_weight: float = Field(22.0, ge=1, le=1000)
    position_weight: float = Field(0.0, ge=0, le=100)
    ground_weight: Share = 0.1


class Stage(Section):
    """One part of the run: which windows, how many, how fast."""

    name: str
    around: Literal["brick", "picture"] = "picture"
    side_px: int = Field(ge=32, le=1024)
    zoom: Annotated[tuple[Zoom, Zoom], FromList] = (1.0, 1.0)
    shift: Share = 0.1
    epochs: int = Field(ge=1, le=100000)
    windows_per_epoch: int = Field(ge=1)
    batch_size: int = Field(ge=1, le=65536)
    learning_rate: float = Field(gt=0, le=1)
    final_learning_rate: float = Field(0.0, ge=0, le=1)
    label_weight: float = Field(1.0, ge=0, le=100)

    @field_validator("zoom")
    @classmethod
    def _rises(cls, zoom: tuple[float, float]) -> tuple[float, float]:
        if zoom[0] > zoom[1]:
            raise ValueError("the smallest magnification comes first, then the largest")
        return zoom

    def windows(self) -> WindowSettings:
        """As the sampler takes it."""
        return WindowSettings(self.around, self.side_px, self.zoom, self.shift)


class Recipe(Section):
    """A whole training run, seeded.

    `data` is the folder of the data set, relative to the recipe, where none is named otherwise.
    """

    name: str
    data: str | None = None
    seed: int = Field(0, ge=0, lt=2**32)
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    weight_decay: Share = 0.0
    network: Network = Network()
    loss: Loss = Loss()
    stage: Annotated[tuple[Stage, ...], FromList] = Field(min_length=1)


def read_recipe(path: Path) -> Recipe:
    """Read a recipe file.

    Raises:
        RecipeError: As `edge.toml.read_toml`, or settings that contradict each other.
    """
    recipe = read_toml(path, Recipe, RecipeError)
    if recipe.network.head == "flatten":
        for stage in recipe.stage:
            if stage.side_px != recipe.network.size_px:
                raise RecipeError(
                    f"{path}: stage {stage.name!r}: side_px is {stage.side_px}; with the flatten"
                    f" head it must be network.size_px, {recipe.network.size_px}"
                )
        if recipe.loss.position_weight:
            raise RecipeError(
                f"{path}: loss.position_weight is {recipe.loss.position_weight}; it needs"
                ' network.head = "positions", or 0'
            )
    elif recipe.loss.position_weight and (recipe.network.stem_stride != 2):
        raise RecipeError(
            f"{path}: network.stem_stride is {recipe.network.stem_stride}; position targets are"
            " laid out for a stride of 2"
        )
    return recipe


def data_of(path: Path) -> Path:
    """The data set that a recipe names.

    Raises:
        RecipeError: It names none.
    """
    named = read_recipe(path).data
    if named is None:
        raise RecipeError(
            f'{path}: no data set; give --data DIR, or write data = "DIR" in the recipe'
        )
    return path.parent / named


def recipe_hash(recipe: Recipe) -> str:
    """SHA-256 of everything the recipe says but where the data set lies."""
    return hashlib.sha256(recipe.model_dump_json(exclude={"data"}).encode()).hexdigest()
