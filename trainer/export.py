"""A finished run becomes a bundle: int8 model, companion, thresholds, self-test, card."""

import json
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
from rich.console import Console
from rich.progress import track

from edge.bundle import Bundle, check_place, write_bundle
from edge.interpreter import Interpreter
from edge.pictures import find_pictures, read_picture
from edge.preprocessing import Preprocessing, prepare
from trainer.against_float import int8_against_float
from trainer.calibration import choose_thresholds, fit_platt
from trainer.card import model_card
from trainer.checks import (
    check_classifier_file,
    check_companion_file,
    check_random_variants,
    check_random_weights,
    check_variants_file,
)
from trainer.companion import companion, grid, has_variants, layer, variants
from trainer.dataset import SPLITS, Sample, of_split, read_dataset, read_image, targets
from trainer.errors import ExportError, RecipeError
from trainer.evaluate import evaluate_renders
from trainer.folded import Folded, fold
from trainer.model import ModelSettings
from trainer.photograph_figures import judge_set
from trainer.photograph_sets import PhotographSet, read_calibration_set, read_photograph_set
from trainer.quantise import quantise
from trainer.recipe import Recipe, read_recipe, recipe_hash
from trainer.runs import read_facts
from trainer.scenes.parts import name_of

MODEL_FILES = {
    "classifier": "classifier.int8.tflite",
    "companion": "companion.float.tflite",
    "variants": "variants.float.tflite",
    "weights": "model.keras",
}
REPRESENTATIVE_PICTURES = 200
SELF_TEST_PICTURES = 4
SELF_TEST_TOLERANCE = 0.45
"""Of `edge.self_test.replay`: other int8 kernels were seen to be off by up to 0.27 of the
logits' spread, another picture or labels in another order by 0.57 and more."""


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A finished training run."""

    folder: Path
    recipe: Recipe
    labels: tuple[str, ...]
    commit: str
    settings: ModelSettings
    model: keras.Model


def read_run(folder: Path) -> Run:
    """Read a run folder.

    Raises:
        RecipeError: It is no run, or the run is not finished.
    """
    described, weights = folder / "run.json", folder / "final.keras"
    if not described.is_file():
        raise RecipeError(f"{folder}: no run.json; expected the --run folder of a training run")
    if not weights.is_file():
        raise RecipeError(
            f"{folder}: no final.keras; let the run finish: train with the same --run"
        )
    facts = read_facts(described)
    recipe = read_recipe(folder / "recipe.toml")
    labels = tuple(facts["labels"])
    model = keras.saving.load_model(weights, compile=False)
    return Run(folder, recipe, labels, facts["commit"], recipe.network.settings(len(labels)), model)


def export(
    run_folder: Path,
    data: Path,
    out: Path,
    name: str,
    console: Console,
    photographs: Mapping[str, Path] | None = None,
    self_test: Path | None = None,
    add_variants: bool = False,
    calibrate_on: Sequence[Path] = (),
    skip_unknown: bool = False,
    quantise_on: Sequence[Path] = (),
) -> Bundle:
    """Export a run as a sealed bundle.

    Args:
        run_folder: Of a finished run.
        data: Data set: training pictures represent the input to the quantiser, validation gives
            thresholds and calibration, test the card's figures, once.
        out: Where the bundle goes.
        name: The bundle's name.
        console: Where progress is shown.
        photographs: Folders of labelled photographs to judge on, by their names, see
            `trainer.photograph_sets`.
        self_test: Folder of pictures for the self-test; the first validation pictures if None.
        add_variants: Whether to add the file of HiResCAM and max-pooled maps, where the companion
            does not give them itself.
        calibrate_on: Folders of photographs that give thresholds and calibration together with the
            validation pictures of `data`.
        skip_unknown: Whether photographs of types that the run does not know are left out and
            counted, not refused.
        quantise_on: More data sets, photographs among them, whose training pictures show the
            quantiser what the network sees; each counts as much as `data`.

    Returns:
        The bundle as the device reads it.

    Raises:
        RecipeError, DatasetError, ExportError, BundleError: Nothing is written.
    """
    # Whatever can be wrong is looked at before the slow work.
    check_place(out)
    run = read_run(run_folder)
    samples = read_dataset(data)
    training, validation, test = (of_split(samples, split, data) for split in SPLITS)
    others = [of_split(read_dataset(folder), "train", folder) for folder in quantise_on]
    sets = [
        read_photograph_set(name, folder, run.labels, skip_unknown)
        for name, folder in (photographs or {}).items()
    ]
    fitted_on = [read_calibration_set(folder, run.labels, skip_unknown) for folder in calibrate_on]
    calibration = [*validation, *(sample for one in fitted_on for sample in one.samples)]
    chosen = find_pictures([self_test]) if self_test else [s.picture for s in validation]
    folded = fold(run.model, run.settings)
    with tempfile.TemporaryDirectory() as folder, console.status("quantising and checking"):
        shown = _representative([training, *others], run)
        models, checks = _models(run, folded, shown, Path(folder), add_variants)
    classifier = models["classifier"]
    logits = _logits(classifier, run, calibration, console)
    tests = {
        f"self_test_{number}": prepare(read_picture(path), Preprocessing(run.settings.size_px))
        for number, path in enumerate(chosen[:SELF_TEST_PICTURES])
    }
    answers = {role: _run_bytes(classifier, [picture])[0] for role, picture in tests.items()}
    manifest = _manifest(run, name, logits, calibration, answers)
    pages = {"evaluation": {}, "card": "Being evaluated.\n"}
    models["weights"] = _weights(run)
    files = _files(run, models, tests, pages)
    with tempfile.TemporaryDirectory() as folder:
        draft = write_bundle(Path(folder) / "draft", manifest, files)
        pages["evaluation"] = {
            "test": evaluate_renders(draft, data, "test", console),
            "int8_against_float": int8_against_float(draft, folded, test, console),
            "checks": checks,
            "calibration": _calibration(validation, fitted_on),
        }
        if sets:
            pages["evaluation"]["photographs"] = _judged(draft, sets, fitted_on, console)
    pages["card"] = model_card(name, run, manifest, pages["evaluation"], len(samples))
    return write_bundle(out, manifest, _files(run, models, tests, pages))


def _calibration(validation: Sequence[Sample], photographs: Sequence[PhotographSet]) -> dict:
    """How many pictures thresholds and calibration come from, and how many were left out."""
    return {
        "renders": len(validation),
        "photographs": sum(len(one.photographs) for one in photographs),
        "skipped_photographs": sum(one.skipped for one in photographs),
    }


def _judged(
    draft: Bundle,
    sets: Sequence[PhotographSet],
    fitted_on: Sequence[PhotographSet],
    console: Console,
) -> dict[str, Any]:
    """Figures of each set of photographs, by its name."""
    fitted = {p.picture.resolve() for one in fitted_on for p in one.photographs}
    found = {}
    for one in sets:
        seen = any(p.picture.resolve() in fitted for p in one.photographs)
        found[one.name] = judge_set(draft, one, console, seen)[1]
    return found


def _representative(sets: Sequence[Sequence[Sample]], run: Run) -> np.ndarray:
    """Training pictures (b, s, s, 3) uint8, equally many of each set, as the device sees them."""
    rng = np.random.default_rng(run.recipe.seed)
    few = -(-REPRESENTATIVE_PICTURES // len(sets))
    chosen = [one[i] for one in sets for i in rng.permutation(len(one))[:few]]
    preprocessing = Preprocessing(run.settings.size_px)
    pictures = [prepare(read_image(sample), preprocessing) for sample in chosen]
    # So that whoever looks at some of them sees some of each set.
    return np.stack(pictures)[rng.permutation(len(pictures))]


def _models(
    run: Run, folded: Folded, pictures: np.ndarray, folder: Path, add_variants: bool
) -> tuple[dict[str, bytes], dict[str, float]]:
    files = {role: folder / name for role, name in MODEL_FILES.items()}
    files["classifier"].write_bytes(quantise(folded, pictures))
    check_classifier_file(files["classifier"], pictures[:8])
    files["companion"].write_bytes(companion(folded))
    given = run.model, run.settings, pictures[:4]
    checks = {
        "map_difference_trained": check_companion_file(files["companion"], *given),
        "map_difference_random": check_random_weights(folder, run.settings),
    }
    if add_variants and not has_variants(run.settings):
        files["variants"].write_bytes(variants(folded))
        checks["variant_difference_trained"] = check_variants_file(files["variants"], *given)
        checks["variant_difference_random"] = check_random_variants(folder, run.settings)
    return {role: path.read_bytes() for role, path in files.items() if path.exists()}, checks


def _logits(classifier: bytes, run: Run, samples: Sequence[Sample], console: Console) -> np.ndarray:
    preprocessing = Preprocessing(run.settings.size_px)
    shown = track(samples, "calibrating", console=console)
    return _run_bytes(classifier, (prepare(read_image(s), preprocessing) for s in shown))


def _run_bytes(classifier: bytes, pictures: Iterable[np.ndarray]) -> np.ndarray:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(classifier)
        model = Interpreter(path, threads=2)
        return np.concatenate([model.run(picture[None])[0] for picture in pictures])


def _manifest(
    run: Run,
    name: str,
    logits: np.ndarray,
    samples: Sequence[Sample],
    answers: dict[str, np.ndarray],
) -> dict[str, Any]:
    wanted = targets(samples, run.labels)
    weight = run.recipe.loss.positive_weight
    shifted = logits - np.log(weight)
    try:
        slope, offset = fit_platt(shifted, wanted)
    except ValueError as error:
        raise ExportError(f"calibration: {error}; train longer") from error
    points = choose_thresholds(1 / (1 + np.exp(-(slope * shifted + offset))), wanted)
    calibration = {"slope": slope, "offset": offset}
    labels = [
        {
            "id": part,
            "name": name_of(part),
            "threshold": points[i].threshold,
            "calibration": calibration,
            "support": int(wanted[:, i].sum()),
            **({} if points[i].reported else {"reported": False}),
        }
        for i, part in enumerate(run.labels)
    ]
    return {
        "name": name,
        "created_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "source": {"commit": run.commit, "recipe_sha256": recipe_hash(run.recipe)},
        "labels": labels,
        "positive_weight": weight,
        "preprocessing": {"size_px": run.settings.size_px, "resize": "letterbox", "colour": "rgb"},
        "companion": {
            "layer": layer(run.settings),
            "grid": grid(run.settings),
            "pooling": "mean",
        },
        "self_test": {
            "tolerance": SELF_TEST_TOLERANCE,
            "pictures": [
                {"role": role, "logits": [round(float(z), 5) for z in logits]}
                for role, logits in answers.items()
            ],
        },
    }


def _weights(run: Run) -> bytes:
    """The float network as a .keras file, without its optimiser, for whoever goes on from it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.keras"
        run.model.save(path)
        return path.read_bytes()


def _files(
    run: Run, models: dict[str, bytes], tests: dict, pages: dict
) -> dict[str, tuple[str, bytes]]:
    evaluation = json.dumps(pages["evaluation"], indent=1) + "\n"
    return {
        **{role: (MODEL_FILES[role], content) for role, content in models.items()},
        "recipe": ("recipe.toml", (run.folder / "recipe.toml").read_bytes()),
        "evaluation": ("evaluation.json", evaluation.encode()),
        "model_card": ("MODEL_CARD.md", pages["card"].encode()),
        **{role: (f"self_test/{role[-1]}.png", _png(picture)) for role, picture in tests.items()},
    }


def _png(picture: np.ndarray) -> bytes:
    return cv2.imencode(".png", picture[..., ::-1])[1].tobytes()
