"""A recipe: everything that decides what a training run gives."""

import hashlib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator, model_validator

from edge.toml import FromList, Section, read_toml
from trainer.augment import WindowSettings
from trainer.errors import RecipeError
from trainer.model import Convolution, Grid, ModelSettings, alexnet, positions_of
from trainer.render.drawn import LabelRule, Labels
from trainer.scenes.settings import SceneSettings
from trainer.trunk import BLOCKS_MAX, stride

Share = Annotated[float, Field(ge=0, le=1)]
Zoom = Annotated[float, Field(gt=0, le=16)]
Units = Annotated[int, Field(ge=1, le=8192)]

ALEXNET_KEYS = ("width", "dense_size", "stem_kernel", "stem_stride", "second_kernel")
LITE_KEYS = ("blocks", "frozen_blocks", "trunk_rate")
LITE_HEAD = ({"channels": 192, "kernel": 1}, {"channels": 256, "kernel": 3})
"""Three 3 x 3 convolutions of 256 channels would cost more than the whole trunk."""


class ConvolutionEntry(Section):
    """One convolution of a stack; see `trainer.model.Convolution`."""

    channels: int = Field(ge=1, le=4096)
    kernel: int = Field(3, ge=1, le=15)
    stride: int = Field(1, ge=1, le=8)
    batch_norm: bool = True
    pool: bool = False
    residual: bool = False

    @field_validator("residual")
    @classmethod
    def _adds_like_to_like(cls, residual: bool, info: ValidationInfo) -> bool:
        kernel, stride = info.data.get("kernel", 1), info.data.get("stride", 1)
        if residual and (stride != 1 or kernel % 2 == 0):
            raise ValueError(
                "it needs stride = 1 and an odd kernel,"
                f" here stride is {stride} and kernel {kernel}"
            )
        # TensorFlow's own kernel for convolution + bias + sum + leaky ReLU on a CPU takes 0.2 for
        # every slope; batch-norm in between keeps it from being used.
        if residual and not info.data.get("batch_norm", True):
            raise ValueError("it needs batch_norm = true")
        return residual


class Network(Section):
    """The shape of the network; see `trainer.model.alexnet` and `trainer.model.ModelSettings`.

    Family "alexnet" is the paper's five convolutions, told by width, dense_size, stem_kernel,
    stem_stride and second_kernel. Family "stack" is any, told by [[network.convolution]] and
    hidden, the units of its hidden dense layers. Family "lite" is a stack behind the first blocks
    of EfficientNet-Lite0 with their ImageNet weights, see `trainer.trunk`; it always has the
    "positions" head and colour "rgb".

    Attributes:
        blocks: Blocks of the trunk behind its stem.
        frozen_blocks: The stem and so many blocks keep their ImageNet weights; 0 trains all.
        trunk_rate: Factor on the learning rate of the other blocks.
    """

    family: Literal["alexnet", "stack", "lite"] = "alexnet"
    size_px: int = Field(224, ge=64, le=1024)
    slope: float = Field(0.1, ge=0, lt=1)
    head: Literal["flatten", "positions"] = "flatten"
    colour: Literal["rgb", "grey"] = "rgb"
    dropout: float = Field(0.0, ge=0, lt=1)
    width: float = Field(0.5, gt=0, le=2)
    dense_size: int = Field(512, ge=8, le=8192)
    stem_kernel: int = Field(11, ge=3, le=15)
    stem_stride: int = Field(4, ge=1, le=4)
    second_kernel: int = Field(5, ge=3, le=7)
    blocks: int = Field(BLOCKS_MAX, ge=1, le=BLOCKS_MAX)
    frozen_blocks: int = Field(3, ge=0, le=BLOCKS_MAX)
    trunk_rate: float = Field(0.2, ge=0, le=1)
    hidden: Annotated[tuple[Units, ...], FromList] = Field((), max_length=8)
    convolution: Annotated[tuple[ConvolutionEntry, ...], FromList] = Field(
        (), max_length=64, validate_default=True
    )

    @model_validator(mode="before")
    @classmethod
    def _lite_defaults(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("family") == "lite":
            return {"head": "positions", "convolution": LITE_HEAD, **given}
        return given

    @field_validator(*ALEXNET_KEYS)
    @classmethod
    def _of_alexnet(cls, value: float, info: ValidationInfo) -> float:
        if info.data.get("family") in ("stack", "lite"):
            raise ValueError(
                'allowed with family = "alexnet" only; a stack is told by'
                " [[network.convolution]] and hidden"
            )
        return value

    @field_validator(*LITE_KEYS)
    @classmethod
    def _of_lite(cls, value: float, info: ValidationInfo) -> float:
        if info.data.get("family") in ("alexnet", "stack"):
            raise ValueError('allowed with family = "lite" only')
        return value

    @field_validator("frozen_blocks")
    @classmethod
    def _are_there(cls, frozen: int, info: ValidationInfo) -> int:
        if frozen > info.data.get("blocks", BLOCKS_MAX):
            raise ValueError(f"found {frozen}; the trunk has {info.data['blocks']} blocks")
        return frozen

    @field_validator("head", "colour")
    @classmethod
    def _as_lite_takes(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("family") == "lite" and value in ("flatten", "grey"):
            raise ValueError(
                f'found {value!r}; family = "lite" needs head = "positions" and colour = "rgb"'
            )
        return value

    @field_validator("hidden", "convolution")
    @classmethod
    def _of_stack(cls, value: tuple, info: ValidationInfo) -> tuple:
        if value and info.data.get("family") == "alexnet":
            raise ValueError('allowed with family = "stack" or "lite" only')
        return value

    @field_validator("convolution")
    @classmethod
    def _is_there(cls, value: tuple, info: ValidationInfo) -> tuple:
        family = info.data.get("family")
        if not value and family in ("stack", "lite"):
            raise ValueError(f'family = "{family}" needs at least one [[network.convolution]]')
        return value

    def settings(self, labels: int) -> ModelSettings:
        """As the network builder takes it."""
        shared = self.model_dump(include={"size_px", "slope", "head", "colour", "dropout"})
        if self.family == "alexnet":
            return alexnet(**self.model_dump(include=set(ALEXNET_KEYS)), labels=labels, **shared)
        return ModelSettings(
            convolutions=tuple(Convolution(**entry.model_dump()) for entry in self.convolution),
            hidden=self.hidden,
            labels=labels,
            trunk_blocks=self.blocks if self.family == "lite" else 0,
            **shared,
        )


class Loss(Section):
    """What is minimised: weighted BCE on the labels, and with instance maps the positions."""

    positive_weight: float = Field(22.0, ge=1, le=1000)
    position_weight: float = Field(0.0, ge=0, le=100)
    ground_weight: Share = 0.1


class Stage(Section):
    """One part of the run: which windows, how many, how fast.

    Attributes:
        source: "data" takes the data set, "endless" draws fresh scenes while it trains, "both" does
            both.
        bricks: Fewest and most in a fresh scene; the recipe's [scenes] if not given.
        render_px: Side of fresh pictures.
        fresh_per_epoch: Scenes drawn anew each epoch.
        kept_epochs: Windows come from the scenes of so many last epochs.
        around: "brick" centres windows on single bricks, "picture" shows whole pictures.
        whole_share: Share of windows that show the whole picture although `around` is "brick".
        photograph_share: Share of windows cut from photographs; as many as there are among all
            pictures if not given.
    """

    name: str
    source: Literal["data", "endless", "both"] = "data"
    bricks: Annotated[tuple[int, int], FromList] | None = None
    render_px: int = Field(224, ge=64, le=2048)
    fresh_per_epoch: int = Field(500, ge=1, le=1000000)
    kept_epochs: int = Field(1, ge=1, le=100)
    around: Literal["brick", "picture"] = "picture"
    side_px: int = Field(ge=32, le=1024)
    zoom: Annotated[tuple[Zoom, Zoom], FromList] = (1.0, 1.0)
    shift: Share = 0.1
    whole_share: Share = 0.0
    photograph_share: Share | None = None
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

    def windows(self, grid: Grid, rule: LabelRule) -> WindowSettings:
        """As the sampler takes it; `grid` are the network's positions on such a window."""
        return WindowSettings(
            self.around, self.side_px, self.zoom, grid, self.shift, rule, self.whole_share
        )

    def scenes(self, scenes: SceneSettings) -> SceneSettings:
        """The recipe's scenes with this stage's number of bricks."""
        return scenes.model_copy(update={"bricks": self.bricks}) if self.bricks else scenes


class Recipe(Section):
    """A whole training run, seeded.

    Attributes:
        data: Folder of the data set, relative to the recipe, where none is named otherwise.
        start: Float weights to begin with, relative to the recipe: a bundle's model.keras.
        ground_prior: Logits by which labels are held back until a brick is seen, so that maps of
            weak labels are not blank; a run that begins with other weights moves them there first.
        ema: Momentum of the averaged weights that are judged and shipped; 0 does without.
        patience: Epochs without a better validation mAP after which the run ends; 0 is never.
        validation_scenes: Fresh scenes to judge on, where there is no data set.
        credits: Source, author and licence of pictures and weights that others made; the model
            card repeats them.
    """

    name: str
    data: str | None = None
    start: str | None = None
    ground_prior: float = Field(0.0, ge=0, le=20)
    ema: float = Field(0.0, ge=0, lt=1)
    patience: int = Field(0, ge=0, le=100000)
    validation_scenes: int = Field(300, ge=10, le=100000)
    seed: int = Field(0, ge=0, lt=2**32)
    precision: Literal["float32", "mixed_bfloat16", "mixed_float16"] = "float32"
    weight_decay: Share = 0.0
    credits: Annotated[tuple[str, ...], FromList] = ()
    network: Network = Network()
    loss: Loss = Loss()
    labels: Labels = Labels()
    scenes: SceneSettings = SceneSettings()
    stage: Annotated[tuple[Stage, ...], FromList] = Field(min_length=1)


def read_recipe(path: Path) -> Recipe:
    """Read a recipe file.

    Raises:
        RecipeError: As `edge.toml.read_toml`, or settings that contradict each other.
    """
    recipe = read_toml(path, Recipe, RecipeError)
    _check_residuals(path, recipe.network)
    _check_sides(path, recipe)
    if recipe.network.head == "flatten" and recipe.ground_prior:
        raise RecipeError(
            f"{path}: ground_prior is {recipe.ground_prior}; it needs network.head ="
            ' "positions", or 0'
        )
    if recipe.network.head == "flatten" and recipe.loss.position_weight:
        raise RecipeError(
            f"{path}: loss.position_weight is {recipe.loss.position_weight}; it needs"
            ' network.head = "positions", or 0'
        )
    return recipe


def _check_residuals(path: Path, network: Network) -> None:
    incoming: int | None = None
    for number, entry in enumerate(network.convolution):
        if entry.residual and incoming is None:
            raise RecipeError(
                f"{path}: network.convolution.{number}.residual: found True; the first convolution"
                " has only the picture to add, false is allowed"
            )
        if entry.residual and entry.channels != incoming:
            raise RecipeError(
                f"{path}: network.convolution.{number}.channels: found {entry.channels}; with"
                f" residual = true it must be that of the convolution before, {incoming}"
            )
        incoming = entry.channels


def _check_sides(path: Path, recipe: Recipe) -> None:
    settings = recipe.network.settings(labels=1)
    sides = {f"stage {stage.name!r}: side_px": stage.side_px for stage in recipe.stage}
    for key, side in {"network.size_px": settings.size_px, **sides}.items():
        if recipe.network.head == "flatten" and side != settings.size_px:
            raise RecipeError(
                f"{path}: {key} is {side}; with the flatten head it must be network.size_px,"
                f" {settings.size_px}"
            )
        if settings.trunk_blocks and side % stride(settings.trunk_blocks):
            raise RecipeError(
                f"{path}: {key} is {side}; with the trunk it must be a multiple of its stride,"
                f" {stride(settings.trunk_blocks)}"
            )
        if positions_of(settings, side).count < 1:
            raise RecipeError(
                f"{path}: {key} is {side}; the network's strides and pools leave nothing of"
                " that, give a larger side or a shallower network"
            )


def data_of(path: Path) -> Path | None:
    """The data set that a recipe names; None where it needs none.

    Raises:
        RecipeError: It names none and needs one.
    """
    recipe = read_recipe(path)
    named = recipe.data
    if named is None and all(stage.source == "endless" for stage in recipe.stage):
        return None
    if named is None:
        raise RecipeError(
            f'{path}: no data set; give --data DIR, or write data = "DIR" in the recipe'
        )
    return path.parent / named


def recipe_hash(recipe: Recipe) -> str:
    """SHA-256 of everything the recipe says but where the data set and its first weights lie."""
    kept = recipe.model_dump_json(exclude={"data", "start"})
    return hashlib.sha256(kept.encode()).hexdigest()
