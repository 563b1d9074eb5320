"""What each step of the renders brings on photographs: a linear probe on features that stay.

Trained for minutes, whole networks differ by chance more than by a step of the renders. The trunk
with its ImageNet weights stays as it is here, and a ridge regression on its features learns the
types of the photographs from a few hundred renders, the same views for every step.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from tests.bench.needs import CannotMeasure
from tests.bench.table import Row
from tests.prove.children import in_child
from tests.prove.context import Proof
from trainer.metrics import balanced, places
from trainer.scenes.realism import STEPS

RENDERS = 500
SEED = 77
RENDER_PX = 160
WINDOW_PX = 96
WINDOWS_A_RENDER = 4
ZOOM = (0.6, 1.0)
RIDGE = 1e-2
FIRST_FEW = 5
NEEDS = "needs --judge-on DIR, photographs of single bricks with a labels.csv"


def render_steps(proof: Proof) -> list[Row]:
    """Right-first rate of the probe: with no step, each step alone, all of them."""
    if proof.judge_on is None:
        return [Row("renders' steps, each alone, on photographs", None, None, NEEDS)]
    types = in_child(types_of, proof.judge_on)
    named = {"none": (), **{step: (step,) for step in STEPS}, "all": STEPS}
    count = proof.amount(RENDERS, 40)
    sets = {name: _drawn(name, steps, types, count, proof) for name, steps in named.items()}
    found = in_child(probe, sets, types, proof.judge_on)
    first, five = found["none"]
    note = f"in five {five:.3f}; linear probe, {len(types)} types, {count} renders, same views"
    rows = [Row("renders without any step: right first", None, first, note, 3)]
    for name in (*STEPS, "all"):
        own, fives = found[name]
        what = "all steps" if name == "all" else f"{name} alone"
        rows.append(
            Row(
                f"renders with {what}: right first, against none",
                None,
                own - first,
                f"{own:.3f}, in five {fives:.3f}",
                3,
            )
        )
    return rows


def types_of(folder: Path) -> tuple[str, ...]:
    """The types of a folder of photographs with one label each."""
    from trainer.dataset import part_ids
    from trainer.photographs import read_photographs

    return part_ids(read_photographs(folder))


def _drawn(name: str, steps: Sequence[str], types: Sequence[str], count: int, proof: Proof) -> Path:
    """Render single bricks with these steps; what is there already is kept."""
    out = proof.folder / "steps" / f"{name}-{count}-{proof.code}"
    recipe = proof.folder / "steps" / f"{name}.toml"
    recipe.parent.mkdir(parents=True, exist_ok=True)
    recipe.write_text(
        f'name = "{name}"\nseed = {SEED}\nsize_px = {RENDER_PX}\n'
        "[labels]\npicture_share = 0.001\n"
        f"[scenes]\nbricks = [1, 1]\nparts = {json.dumps(list(types))}\npile_share = 0.6\n"
        "elevation_deg = [10.0, 90.0]\ndistance = [0.7, 1.3]\nplain_share = 0.5\n"
        f"realism = {json.dumps(list(steps))}\n",
        encoding="utf-8",
    )
    command = "from trainer.cli import main; main()"
    told = ["render", str(recipe), "--count", str(count), "--out", str(out)]
    done = subprocess.run([sys.executable, "-c", command, *told], env=os.environ, check=False)
    if done.returncode:
        raise CannotMeasure(f"rendering {recipe} ended with {done.returncode}; see above")
    return out


def probe(
    sets: Mapping[str, Path], types: Sequence[str], photographs: Path
) -> dict[str, tuple[float, float]]:
    """Learn from each set of renders, judge on the photographs; runs in a process of its own.

    Returns:
        For each set the right-first and right-in-five rates, balanced by type.
    """
    from edge.preprocessing import Preprocessing, prepare
    from trainer.dataset import read_dataset, read_image

    looks = _features()
    judged = read_dataset(photographs)
    preprocessing = Preprocessing(WINDOW_PX)
    seen = looks(np.stack([prepare(read_image(sample), preprocessing) for sample in judged]))
    truth = np.array([types.index(sample.labels[0]) for sample in judged])
    found = {}
    for name, folder in sets.items():
        features, labels = _learned_from(folder, types, looks)
        found[name] = balanced_rates(ridge_scores(features, labels, seen, len(types)), truth)
    return found


def _features():
    """A function from pictures (b, s, s, 3) uint8 to features (b, 224): mean and maximum."""
    import keras

    from trainer.model import Convolution, ModelSettings, build_model
    from trainer.trunk import BLOCKS_MAX

    settings = ModelSettings(
        (Convolution(8, 1),), head="positions", trunk_blocks=BLOCKS_MAX, size_px=WINDOW_PX
    )
    model = build_model(settings)
    trunk = keras.Model(model.input, model.get_layer("conv1").input)

    def looks(pictures: np.ndarray) -> np.ndarray:
        maps = np.concatenate(
            [
                keras.ops.convert_to_numpy(
                    trunk.predict_on_batch(pictures[i : i + 64].astype(np.float32) / 255)
                )
                for i in range(0, len(pictures), 64)
            ]
        )
        return np.concatenate([maps.mean(axis=(1, 2)), maps.max(axis=(1, 2))], axis=1)

    return looks


def _learned_from(folder: Path, types: Sequence[str], looks):
    from trainer.augment import WindowSettings, draw_window
    from trainer.dataset import read_dataset
    from trainer.disturb import disturb
    from trainer.model import Grid
    from trainer.windows import load_picture

    grid = Grid(WINDOW_PX // 16, 16, 15.5)
    settings = WindowSettings("brick", WINDOW_PX, ZOOM, grid, 0.05)
    pictures, labels = [], []
    for sample in read_dataset(folder):
        source = load_picture(sample, types)
        for number in range(WINDOWS_A_RENDER if len(source.aims) else 0):
            rng = np.random.default_rng((sample.seed, number))
            pictures.append(disturb(draw_window(source, settings, len(types), rng).image, rng))
            labels.append(int(source.parts[0]))
    return looks(np.stack(pictures)), np.array(labels)


def ridge_scores(
    features: np.ndarray, labels: np.ndarray, seen: np.ndarray, types: int
) -> np.ndarray:
    """Scores (p, types) of pictures with features `seen` (p, f), by ridge regression.

    Args:
        features: (m, f) to learn from.
        labels: (m,) type of each.
        seen: (p, f).
        types: How many there are.
    """
    middle, spread = features.mean(0), features.std(0) + 1e-6
    x = np.c_[(features - middle) / spread, np.ones(len(features))]
    # Every type weighs the same, however many windows it has.
    weights = 1 / np.bincount(labels, minlength=types).clip(1)[labels]
    gram = (x * weights[:, None]).T @ x
    gram += RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
    learned = np.linalg.solve(gram, (x * weights[:, None]).T @ np.eye(types)[labels])
    return np.c_[(seen - middle) / spread, np.ones(len(seen))] @ learned


def balanced_rates(scores: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """Right-first and right-in-five rates, each the mean over types of the rate within the type.

    Args:
        scores: (p, types).
        truth: (p,) the right type.
    """
    place = places(scores, truth)
    return balanced(place == 0, truth), balanced(place < FIRST_FEW, truth)
