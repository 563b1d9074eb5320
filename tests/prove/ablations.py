"""What the recipe `best` is worth, and what each of its ideas brings."""

from dataclasses import dataclass

from tests.bench.table import Reach, Row
from tests.prove.children import in_child
from tests.prove.context import Proof

IDEAS = (
    ("dense supervision from instance maps", "best", "without-dense"),
    ("curriculum from single bricks to piles", "best", "without-curriculum"),
)
RASTER = ("raster scenes beside the data set's pictures", "with-raster", "without-raster")
NEEDS_DATA = (
    "needs --data DIR, a data set of `bricksight-trainer render trainer/recipes/piles.toml`"
)


@dataclass(frozen=True, slots=True)
class Trained:
    """What a variant came to.

    Attributes:
        precision: mAP of the float network on held-out pictures.
        judged_on: Which pictures those are.
        types: Part types, the labels.
        pictures: Source pictures of a variant that draws its own.
        megapixels: Of windows seen.
    """

    precision: float
    judged_on: str
    types: int
    pictures: int
    megapixels: float


def trained(name: str, proof: Proof) -> Trained:
    """Train and judge a variant; runs in a process of its own."""
    from tests.prove.training import train_variant

    return train_variant(name, proof)


def best(proof: Proof) -> list[Row]:
    """`best` against `compact` on the same budget."""
    ours, theirs = (in_child(trained, name, proof) for name in ("best", "compact"))
    note = f"{ours.precision:.3f} against {theirs.precision:.3f}; {conditions(ours)}"
    gain, reach = ours.precision - theirs.precision, Reach("at least", 0.08)
    return [Row("best against compact, as much seen: mAP", reach, gain, note, 3)]


def ablations(proof: Proof) -> list[Row]:
    """What is lost without each idea, on the same budget."""
    rows = [_brought(*idea, proof) for idea in IDEAS]
    if proof.data is None:
        return [*rows, Row(_figure(RASTER[0]), None, None, NEEDS_DATA)]
    return [*rows, _brought(*RASTER, proof)]


def _brought(idea: str, with_it: str, without: str, proof: Proof) -> Row:
    ours, theirs = (in_child(trained, name, proof) for name in (with_it, without))
    note = f"{ours.precision:.3f} with, {theirs.precision:.3f} without; {conditions(ours)}"
    return Row(_figure(idea), None, ours.precision - theirs.precision, note, 3)


def _figure(idea: str) -> str:
    return f"mAP that it brings: {idea}"


def conditions(run: Trained) -> str:
    """Under what both were trained and judged."""
    return (
        f"{run.types} part types, {run.pictures} source pictures, {run.megapixels:.0f} Mpx of"
        f" windows, one seed; on {run.judged_on}"
    )
