"""How fast pictures are drawn."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import mean, median

from tests.bench.table import Reach, Row
from tests.prove import drawing
from tests.prove.children import in_child
from tests.prove.context import Proof

CYCLES_PX, RASTER_PX = 256, 224
WARM = 2
SHARD = 25
"""Pictures of a worker's task."""


def rendering(proof: Proof) -> list[Row]:
    """Cycles on one core, and what settling a pile afresh would add."""
    recipe = drawing.piles_recipe("blender", CYCLES_PX)
    count = proof.amount(12, 1)
    with _scratch() as folder:
        seconds = in_child(drawing.picture_seconds, recipe, folder, WARM, count, one_core=True)
    settled = in_child(drawing.settling_seconds, proof.amount(12, 2), one_core=True)
    return [
        Row(
            f"Cycles, {CYCLES_PX} px, one core: scene, picture, ids, labels, JPEG",
            Reach("at most", 1.5, " s"),
            mean(seconds),
            f"{count} pictures, {min(seconds):.2f} to {max(seconds):.2f} s, {recipe.samples} light"
            " paths a pixel; poses from the library",
        ),
        Row(
            "settling a pile of 2 to 14 bricks, which the library of poses saves, s",
            None,
            mean(settled),
            f"mean of {len(settled)} piles, one core",
        ),
    ]


def raster(proof: Proof) -> list[Row]:
    """The raster engine on one core of Mesa's llvmpipe, alone and with all a worker does."""
    recipe = drawing.piles_recipe("raster", RASTER_PX)
    count = proof.amount(200, 4)
    seconds = in_child(drawing.drawing_seconds, recipe, count, one_core=True)
    with _scratch() as folder:
        whole_s = in_child(
            drawing.shard_seconds,
            recipe.model_copy(update={"shard_size": count}),
            folder,
            count,
            one_core=True,
        )
    return [
        Row(
            f"raster engine, {RASTER_PX} px, one core: scene, picture, ids, labels",
            Reach("at least", 20, " pictures/s"),
            len(seconds) / sum(seconds),
            f"{count} pictures, median {1e3 * median(seconds):.0f} ms; shadows and ambient"
            " occlusion on, poses from the library, textures of grounds warm",
            1,
        ),
        Row(
            "the same with JPEG, PNG, index and checksums, as a worker writes a shard, pictures/s",
            None,
            count / whole_s,
            f"one shard of {count}",
            1,
        ),
    ]


def workers(proof: Proof) -> list[Row]:
    """Two render workers against one, without the start of the cluster."""
    recipe = drawing.piles_recipe("raster", RASTER_PX)
    recipe = recipe.model_copy(update={"shard_size": proof.amount(SHARD, 1)})
    shards, rounds = proof.amount(16, 5), proof.amount(2, 1)
    with _scratch() as folder:
        one, two = in_child(drawing.farm_rates, recipe, folder, shards, rounds)
    ratios = [b / a for a, b in zip(one, two, strict=True)]
    rates = [recipe.shard_size * median(rate) for rate in (one, two)]
    note = f"{rates[1]:.1f} against {rates[0]:.1f} pictures/s, {shards} shards, {rounds} rounds"
    return [Row("two render workers against one", Reach("at least", 1.85, "x"), mean(ratios), note)]


@contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bricksight-prove-") as folder:
        yield Path(folder) / "drawn"
