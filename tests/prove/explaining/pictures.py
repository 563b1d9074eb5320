"""Pictures that no training has seen, and what the shipped model says of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from edge.bundle import Bundle, read_bundle
from edge.classifier import Classifier
from edge.config import SHIPPED_BUNDLE
from edge.domain import Frame, Label, Prediction
from edge.pictures import read_picture
from tests.bench.needs import need_file
from tests.prove.context import RECIPES, Proof
from trainer.dataset import INDEX, Sample, of_split, read_dataset

SCENES, QUICK_SCENES = 2600, 60
"""Of which about one in eleven is held out."""
SIZE_PX = 256
LABELS_WITHOUT_PRESENT = 3


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A picture, and the labels that are explained on it."""

    prediction: Prediction
    labels: tuple[Label, ...]

    @property
    def indices(self) -> list[int]:
        """Of the labels."""
        return [label.index for label in self.labels]


def shipped_bundle() -> Bundle:
    """The shipped bundle, verified."""
    return read_bundle(need_file(SHIPPED_BUNDLE, "the shipped bundle"))


def data_of(proof: Proof) -> Path:
    """A data set with a test split: the one that was named, or scenes of the raster engine."""
    if proof.data is not None:
        return proof.data
    folder = proof.folder / "pictures"
    if not (folder / INDEX).is_file():
        # In processes of its own; Mesa must not meet TensorFlow in one.
        from trainer.render.farm import render
        from trainer.render.recipe import read_render_recipe

        recipe = read_render_recipe(RECIPES / "piles.toml", "raster", SIZE_PX)
        render(recipe, folder, 0, proof.amount(SCENES, QUICK_SCENES), Console(stderr=True))
    return folder


def held_out(proof: Proof) -> Sequence[Sample]:
    """The test split of `data_of`."""
    folder = data_of(proof)
    return of_split(read_dataset(folder), "test", folder)


def seen_pictures(proof: Proof, bundle: Bundle, count: int) -> list[Seen]:
    """So many held-out pictures, spread over the split, with the labels present on each.

    Where none is present, the most probable ones stand in.
    """
    samples, classifier = held_out(proof), Classifier(bundle)
    step = max(1, len(samples) // count)
    return [_seen(classifier, sample) for sample in samples[::step][:count]]


def _seen(classifier: Classifier, sample: Sample) -> Seen:
    prediction = classifier.classify(Frame(sample.seed, 0.0, read_picture(sample.picture)))
    best = (-prediction.probabilities).argsort(kind="stable")[:LABELS_WITHOUT_PRESENT]
    stand_in = tuple(classifier.bundle.labels[int(index)] for index in best)
    return Seen(prediction, prediction.present or stand_in)
