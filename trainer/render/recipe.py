"""A render recipe: everything that decides what a rendered data set holds."""

import hashlib
import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from edge.toml import ENCODING, Section, read_toml
from trainer.errors import RecipeError
from trainer.render.blender import SAMPLES
from trainer.render.drawn import Labels
from trainer.scenes.settings import SceneSettings

Engine = Literal["raster", "blender"]
SIDE_PX = (32, 2048)
Seed = Annotated[int, Field(ge=0, lt=2**32)]


class Slurm(Section):
    """What one job asks a SLURM cluster for; each runs `cores` workers of one thread.

    Attributes:
        queue: Partition; the cluster's default if not given.
        account: Who pays; the cluster's default if not given.
        memory: Of a job, all its workers together.
        walltime: Of a job, hours:minutes:seconds; work that is not done goes to the next job.
    """

    queue: str | None = None
    account: str | None = None
    memory: str = Field("4GB", pattern=r"^\d+(\.\d+)? ?[kMGT]i?B$")
    walltime: str = Field("04:00:00", pattern=r"^(\d+-)?\d+:\d\d:\d\d$")
    cores: int = Field(1, ge=1, le=1024)


class RenderRecipe(Section):
    """Which pictures are rendered, seeded.

    Attributes:
        size_px: Side of the pictures.
        samples: Light paths a pixel; for the blender engine.
        shard_size: Pictures that are drawn, sealed and kept together.
        slurm: For `--workers slurm`; decides nothing about the pictures.
    """

    name: str
    seed: Seed = 0
    engine: Engine = "raster"
    size_px: int = Field(256, ge=SIDE_PX[0], le=SIDE_PX[1])
    samples: int = Field(SAMPLES, ge=1, le=4096)
    shard_size: int = Field(50, ge=1, le=10000)
    jpeg_quality: int = Field(92, ge=1, le=100)
    labels: Labels = Labels()
    scenes: SceneSettings = SceneSettings()
    slurm: Slurm = Slurm()

    def sha256(self) -> str:
        """Of everything that decides the pictures and their shards."""
        return hashlib.sha256(self.model_dump_json(exclude={"name", "slurm"}).encode()).hexdigest()


class _OfTraining(Section):
    """What a training recipe says of scenes; the trainer itself checks the rest."""

    model_config = ConfigDict(extra="ignore")

    name: str
    seed: Seed = 0
    labels: Labels = Labels()
    scenes: SceneSettings = SceneSettings()


def read_render_recipe(
    path: Path, engine: Engine | None = None, size_px: int | None = None
) -> RenderRecipe:
    """Read a render recipe, or the scenes of a training recipe.

    Args:
        path: The TOML file; one with a [[stage]] is a training recipe.
        engine: Instead of the recipe's.
        size_px: Instead of the recipe's.

    Raises:
        RecipeError: As `edge.toml.read_toml`.
    """
    if _has_stages(path):
        training = read_toml(path, _OfTraining, RecipeError)
        recipe = RenderRecipe(
            **{name: getattr(training, name) for name in type(training).model_fields}
        )
    else:
        recipe = read_toml(path, RenderRecipe, RecipeError)
    chosen = {"engine": engine, "size_px": size_px}
    return recipe.model_copy(update={k: v for k, v in chosen.items() if v is not None})


def _has_stages(path: Path) -> bool:
    try:
        return "stage" in tomllib.loads(path.read_text(encoding=ENCODING))
    except (OSError, ValueError, RecursionError):
        return False  # read_toml says what is wrong
