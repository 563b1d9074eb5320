"""Trains a recipe and judges it; in a process of its own, which TensorFlow is loaded into."""

from collections.abc import Mapping
from pathlib import Path

import keras
import numpy as np
from rich.console import Console

from edge.preprocessing import Preprocessing, prepare
from tests.prove.ablations import Trained
from tests.prove.context import RECIPES, Proof
from tests.prove.variants import EPOCHS, Budget, chosen_types, variant, write_recipe
from trainer.dataset import Sample, of_split, part_ids, read_dataset, read_image, targets
from trainer.metrics import mean_average_precision, weighted_bce
from trainer.pictures import open_pictures
from trainer.recipe import Recipe, read_recipe, recipe_hash
from trainer.runs import read_facts, read_history
from trainer.train import predict_logits, train

BINARY_LOGIT = 0.0
"""Of a sigmoid of 0.5."""
QUICK_TYPES, QUICK_PICTURES, QUICK_PIXELS = 3, 12, 4e5
PICTURES = 240 * EPOCHS


def train_variant(name: str, proof: Proof) -> Trained:
    """Train one recipe of the comparison, or go on with it, and judge it."""
    samples = read_dataset(proof.data) if proof.data else []
    budget = budget_of(proof, samples)
    recipe = variant(name, _shipped("best"), _shipped("compact"), budget)
    path = write_recipe(recipe, proof.folder / f"{name}.toml")
    run = run_folder(proof, recipe)
    uses_data = any(stage.source != "endless" for stage in recipe.stage)
    data = [proof.data] if uses_data and proof.data else []
    train(path, data, run, Console(stderr=True))
    labels = read_facts(run / "run.json")["labels"]
    precision, judged_on = _judged(run, recipe, labels, samples, proof)
    return Trained(precision, judged_on, len(labels), budget.pictures, budget.pixels / 1e6)


def budget_of(proof: Proof, samples: list[Sample]) -> Budget:
    """What every variant gets: with a data set its types, and as many pictures as it has."""
    training = [sample for sample in samples if sample.split == "train"]
    types = part_ids(samples) if samples else chosen_types(proof.types)
    if proof.quick:
        few = types if samples else types[:QUICK_TYPES]
        return Budget(QUICK_PIXELS, QUICK_PICTURES, few, validation_scenes=10, epochs=3)
    return Budget(proof.budget_mpx * 1e6, len(training) or PICTURES, types)


def run_folder(proof: Proof, recipe: Recipe) -> Path:
    """Where a variant is trained: another recipe, data set or code is another run."""
    data = f"-{proof.data.name}" if proof.data else ""
    return proof.folder / "runs" / f"{recipe.name}{data}-{recipe_hash(recipe)[:8]}-{proof.code}"


def _shipped(name: str) -> Recipe:
    return read_recipe(RECIPES / f"{name}.toml")


def _judged(
    run: Path, recipe: Recipe, labels: list[str], samples: list[Sample], proof: Proof
) -> tuple[float, str]:
    """mAP on held-out pictures, and which those are."""
    if proof.data is None:
        precision = read_history(run)[-1]["validation_map"]
        return precision, f"{recipe.validation_scenes} held-out raster scenes"
    test = of_split(samples, "test", proof.data)
    preprocessing = Preprocessing(recipe.network.size_px)
    images = np.stack([prepare(read_image(sample), preprocessing) for sample in test])
    wanted = targets(test, labels)
    precision = mean_average_precision(wanted, predict_logits(_final(run), images))
    return precision, f"{len(test)} test pictures of {proof.data.name}"


def _final(run: Path) -> keras.Model:
    return keras.saving.load_model(run / "final.keras", compile=False)


def train_paper(proof: Proof) -> dict[str, float | str]:
    """Train the paper's recipe, or go on with it, and judge it on its validation scenes.

    Returns:
        `epochs`, `scenes`, `commit` that began the run, and as `decisions` says.
    """
    recipe = _paper(proof)
    path = write_recipe(recipe, proof.folder / f"{recipe.name}.toml")
    # Hours of training outlive a change of the code: the row names the commit instead.
    run = proof.folder / "runs" / f"{recipe.name}-{recipe_hash(recipe)[:8]}"
    train(path, [], run, Console(stderr=True))
    with open_pictures(recipe, [], 1, Console(stderr=True)) as pictures:
        images, wanted = pictures.validation()
    logits = predict_logits(_final(run), images)
    facts = {
        "epochs": len(read_history(run)),
        "scenes": len(images),
        "commit": str(read_facts(run / "run.json")["commit"])[:12],
    }
    return {**facts, **decisions(wanted, logits, recipe.loss.positive_weight)}


def _paper(proof: Proof) -> Recipe:
    recipe = _shipped("paper")
    (stage,) = recipe.stage
    if proof.quick:
        few = {"epochs": 1, "windows_per_epoch": 38, "fresh_per_epoch": 10}
        scenes = recipe.scenes.model_copy(update={"parts": chosen_types(QUICK_TYPES)})
        return recipe.model_copy(
            update={
                "stage": (stage.model_copy(update=few),),
                "scenes": scenes,
                "validation_scenes": 10,
                "network": recipe.network.model_copy(update={"width": 0.1, "dense_size": 64}),
            }
        )
    if proof.paper_epochs is None:
        return recipe
    changed = stage.model_copy(update={"epochs": proof.paper_epochs})
    name = f"paper-{proof.paper_epochs}-epochs"
    return recipe.model_copy(update={"name": name, "stage": (changed,)})


def decisions(
    wanted: np.ndarray, logits: np.ndarray, positive_weight: float
) -> Mapping[str, float]:
    """The paper's figures.

    Args:
        wanted: (p, n) of 0 and 1.
        logits: (p, n); a label is said to be there where the sigmoid is above 0.5.
        positive_weight: Of the loss.

    Returns:
        `binary_accuracy`, `all_absent_accuracy`, `mean_average_precision`, `chance_precision`,
        `loss_sum` (a picture's labels together) and `reported` labels a picture.
    """
    reported = logits > BINARY_LOGIT
    occurs = wanted.sum(axis=0) > 0
    losses = weighted_bce(wanted, logits, positive_weight)
    return {
        "binary_accuracy": float((reported == wanted).mean()),
        "all_absent_accuracy": float(1 - wanted.mean()),
        "mean_average_precision": mean_average_precision(wanted, logits),
        "chance_precision": float(wanted.mean(axis=0)[occurs].mean()),
        "loss_sum": float(losses.sum(axis=1).mean()),
        "reported": float(reported.sum(axis=1).mean()),
    }
