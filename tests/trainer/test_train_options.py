"""Averaged weights, early end, other weights to begin with, several devices, another backend."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest
from piles import STACK_RECIPE, TINY_RECIPE

from trainer.errors import RecipeError
from trainer.runs import read_history
from trainer.train import _is_over, train

ROOT = Path(__file__).parents[2]
TRAIN = """
import sys
from pathlib import Path
from rich.console import Console
{before}
if __name__ == "__main__":
    from trainer.train import train
    recipe, data, run = map(Path, sys.argv[1:4])
    train(recipe, data, run, Console(), devices={devices})
"""


def script(folder: Path, before: str = "", devices: int = 1) -> Path:
    path = folder / "run_training.py"
    path.write_text(TRAIN.format(before=before, devices=devices))
    return path


def run_script(path: Path, *arguments: Path, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, str(path), *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def recipe(folder: Path, text: str) -> Path:
    path = folder / "recipe.toml"
    path.write_text(text)
    return path


def weights(run: Path, name: str = "final.keras") -> list[np.ndarray]:
    return keras.saving.load_model(run / name, compile=False).get_weights()


@pytest.fixture(scope="module")
def tiny_run(piles, console, tmp_path_factory):
    """A finished run of one tiny recipe."""
    folder = tmp_path_factory.mktemp("tiny")
    train(recipe(folder, TINY_RECIPE), piles, folder / "run", console)
    return folder / "run"


def test_final_weights_are_the_averaged_ones_and_training_goes_on_from_the_raw(
    tiny_run, piles, console, tmp_path
):
    path = recipe(tmp_path, TINY_RECIPE.replace("seed = 3", "seed = 3\nema = 0.9"))
    train(path, piles, tmp_path / "run", console)
    raw, final = weights(tmp_path / "run", "epoch-3.keras"), weights(tmp_path / "run")
    assert any(not np.allclose(a, b, atol=1e-5) for a, b in zip(raw, final, strict=True))
    for a, b in zip(raw, weights(tiny_run), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_best_epoch_is_kept(tiny_run):
    maps = [row["validation_map"] for row in read_history(tiny_run)]
    model = keras.saving.load_model(tiny_run / "best.keras", compile=False)
    last = keras.saving.load_model(tiny_run / "final.keras", compile=False)
    same = all(map(np.array_equal, model.get_weights(), last.get_weights()))
    assert same == (maps[-1] > max(maps[:-1]))


@pytest.mark.parametrize(
    ("maps", "patience", "over"),
    [
        ([], 2, False),
        ([0.1, 0.2], 2, False),
        ([0.3, 0.2, 0.1], 2, True),
        ([0.3, 0.2, 0.31], 2, False),
        ([0.3, 0.2, 0.1, 0.1], 0, False),
    ],
)
def test_run_is_over_when_patience_is(maps, patience, over):
    assert _is_over(maps, patience) is over


def test_patience_ends_a_run_early(piles, console, tmp_path):
    # Nothing is learned at this rate, so the first epoch stays the best or all are equal.
    text = TINY_RECIPE.replace("seed = 3", "seed = 3\npatience = 1")
    text = (
        text.replace("epochs = 2", "epochs = 6").replace("3e-3", "1e-30").replace("1e-3", "1e-30")
    )
    train(recipe(tmp_path, text), piles, tmp_path / "run", console)
    assert len(read_history(tmp_path / "run")) < 7
    assert (tmp_path / "run" / "final.keras").is_file()


def test_run_begins_with_the_weights_it_is_given(tiny_run, piles, console, tmp_path):
    text = TINY_RECIPE.replace("seed = 3", f'seed = 3\nstart = "{tiny_run}/final.keras"')
    text = text.replace("3e-3", "1e-30").replace("1e-3", "1e-30")
    train(recipe(tmp_path, text), piles, tmp_path / "run", console)
    for a, b in zip(weights(tmp_path / "run")[:2], weights(tiny_run)[:2], strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)


@pytest.mark.parametrize(
    ("start", "message"), [("nowhere.keras", "no such file"), ("{run}/final.keras", "do not fit")]
)
def test_weights_that_cannot_be_taken_are_named(tiny_run, piles, console, tmp_path, start, message):
    text = STACK_RECIPE.replace("seed = 3", f'seed = 3\nstart = "{start.format(run=tiny_run)}"')
    with pytest.raises(RecipeError, match=message):
        train(recipe(tmp_path, text), piles, tmp_path / "run", console)


def test_two_devices_share_each_batch(piles, tmp_path):
    before = """
import tensorflow as tf
tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)
from trainer import train as training
plain = training._model
def model(*arguments):
    print("replicas", tf.distribute.get_strategy().num_replicas_in_sync)
    return plain(*arguments)
training._model = model
"""
    made = run_script(
        script(tmp_path, before, 2), recipe(tmp_path, TINY_RECIPE), piles, tmp_path / "run"
    )
    assert made.returncode == 0, made.stderr[-2000:]
    assert "replicas 2" in made.stdout
    rows = read_history(tmp_path / "run")
    assert len(rows) == 3
    assert rows[1]["loss"] < rows[0]["loss"]


def test_more_devices_than_there_are(piles, console, tmp_path):
    with pytest.raises(RecipeError, match="found 64; this machine has"):
        train(recipe(tmp_path, TINY_RECIPE), piles, tmp_path / "run", console, devices=64)


def test_jax_trains_the_same_recipe_and_tensorflow_takes_its_weights(piles, tmp_path):
    before = """
import sys
sys.modules["tensorflow"] = None  # a machine that has only JAX
"""
    made = run_script(
        script(tmp_path, before),
        recipe(tmp_path, STACK_RECIPE),
        piles,
        tmp_path / "run",
        KERAS_BACKEND="jax",
        JAX_PLATFORMS="cpu",
    )
    assert made.returncode == 0, made.stderr[-2000:]
    assert json.loads((tmp_path / "run" / "run.json").read_text())["backend"] == "jax"
    rows = read_history(tmp_path / "run")
    assert rows[1]["loss"] < rows[0]["loss"]
    model = keras.saving.load_model(tmp_path / "run" / "final.keras", compile=False)
    assert np.isfinite(model.predict_on_batch(np.zeros((1, 96, 96, 3), np.float32))["logits"]).all()


def test_killed_run_goes_on_without_losing_an_epoch(tiny_run, piles, tmp_path):
    run, path = tmp_path / "run", recipe(tmp_path, TINY_RECIPE)
    # Killed for good after the first epoch is named in state.json, in the middle of the second.
    before = """
import os, signal
import trainer.train as training
fit = training._fit
def die(model, epoch, *others):
    if epoch.number == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return fit(model, epoch, *others)
training._fit = die
"""
    killed = run_script(script(tmp_path, before), path, piles, run)
    assert killed.returncode == -signal.SIGKILL
    assert json.loads((run / "state.json").read_text()) == {"epochs_done": 1}
    finished = run_script(script(tmp_path), path, piles, run)
    assert finished.returncode == 0, finished.stderr[-2000:]
    assert [row["epoch"] for row in read_history(run)] == [1, 2, 3]
    for a, b in zip(weights(run), weights(tiny_run), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_photographs_of_ones_own_train_together_with_renders(piles, console, tmp_path):
    photographs = tmp_path / "photographs"
    photographs.mkdir()
    rng = np.random.default_rng(0)
    rows = ["picture,labels"]
    for number in range(12):
        # Of all sizes, as photographs are.
        shape = (int(rng.integers(60, 200)), int(rng.integers(60, 200)), 3)
        cv2.imwrite(str(photographs / f"{number}.jpg"), rng.integers(0, 256, shape, np.uint8))
        rows.append(f"{number}.jpg,{('3001 3024', '6141', '')[number % 3]}")
    (photographs / "labels.csv").write_text("\n".join(rows) + "\n")
    train(recipe(tmp_path, TINY_RECIPE), [piles, photographs], tmp_path / "run", console)
    facts = json.loads((tmp_path / "run" / "run.json").read_text())
    assert facts["labels"] == ["3001", "3024", "6141"]
    assert facts["data"] == "data + photographs"
    assert len(read_history(tmp_path / "run")) == 3
