import builtins

import pytest
from piles import TINY_RECIPE

from trainer.errors import RecipeError
from trainer.recipe import read_recipe
from trainer.tracking import open_tracker


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text(TINY_RECIPE)
    return read_recipe(path)


ROW = {"epoch": 1, "stage": "bricks", "loss": 2.5, "validation_map": 0.25}


def test_tensorboard_holds_what_was_logged(tmp_path, recipe):
    import tensorflow as tf

    with open_tracker("tensorboard", tmp_path, recipe) as tracker:
        tracker.log(ROW)
    (events,) = (tmp_path / "tensorboard").iterdir()
    found = {
        value.tag: float(tf.make_ndarray(value.tensor))
        for event in tf.compat.v1.train.summary_iterator(str(events))
        for value in event.summary.value
    }
    assert found == {"loss": 2.5, "validation_map": 0.25}


def test_wandb_works_offline(tmp_path, recipe, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    with open_tracker("wandb", tmp_path, recipe) as tracker:
        tracker.log(ROW)
    (run,) = (tmp_path / "wandb").glob("offline-run-*")
    assert list(run.glob("*.wandb"))


def test_wandb_that_is_not_installed_says_how(tmp_path, recipe, monkeypatch):
    plain = builtins.__import__

    def without_wandb(name, *arguments, **options):
        if name == "wandb":
            raise ImportError("No module named 'wandb'")
        return plain(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without_wandb)
    with (
        pytest.raises(RecipeError, match="pip install wandb"),
        open_tracker("wandb", tmp_path, recipe),
    ):
        pass


def test_unknown_tracker_is_named(tmp_path, recipe):
    with (
        pytest.raises(RecipeError, match="allowed: none, tensorboard, wandb"),
        open_tracker("mlflow", tmp_path, recipe),
    ):
        pass
