import keras
import numpy as np
import pytest
from piles import STACK_RECIPE

from trainer.augment import WindowSettings
from trainer.dataset import of_split, part_ids, read_index
from trainer.errors import RecipeError
from trainer.ground_prior import apply_ground_prior, brick_direction
from trainer.model import positions_of
from trainer.recipe import read_recipe
from trainer.runs import read_history
from trainer.train import train
from trainer.windows import load_picture


def test_direction_is_one_on_bricks_and_nothing_on_ground():
    rng = np.random.default_rng(0)
    # Bricks light the first two features, ground the third; a fifth of all positions are bricks.
    bricks = rng.random(2000) < 0.2
    features = rng.normal(0, 0.05, (2000, 6))
    features[bricks, :2] += 1
    features[~bricks, 2] += 1
    found = features @ brick_direction(features, bricks)
    assert found[bricks].mean() == pytest.approx(1, abs=0.1)
    assert found[~bricks].mean() == pytest.approx(0, abs=0.1)


def recipe_file(folder, extra):
    path = folder / "recipe.toml"
    path.write_text(STACK_RECIPE.replace("seed = 3", f"seed = 3\n{extra}"))
    return path


def biases(run):
    model = keras.saving.load_model(run / "final.keras", compile=False)
    return model.get_layer("logits").get_weights()[1]


def test_fresh_network_begins_with_every_label_held_back(piles, console, tmp_path):
    text = recipe_file(tmp_path, "ground_prior = 3.0")
    text.write_text(text.read_text().replace("3e-3", "1e-30").replace("1e-3", "1e-30"))
    train(text, piles, tmp_path / "run", console)
    np.testing.assert_allclose(biases(tmp_path / "run"), -3, atol=1e-5)


def test_taught_network_keeps_what_it_says_of_bricks(piles, console, tmp_path):
    train(recipe_file(tmp_path, ""), piles, tmp_path / "run", console)
    samples = read_index(piles)
    labels = part_ids(samples)
    pictures = [load_picture(s, labels) for s in of_split(samples, "train", piles)]
    settings = read_recipe(tmp_path / "run" / "recipe.toml").network.settings(len(labels))
    windows = WindowSettings("picture", 96, (1.0, 1.0), positions_of(settings, 96), 0.0)
    model = keras.saving.load_model(tmp_path / "run" / "final.keras", compile=False)
    images = np.stack([p.image for p in pictures]).astype(np.float32) / 255
    before = np.asarray(model.predict_on_batch(images)["logits"])
    kernel, bias = model.get_layer("logits").get_weights()
    apply_ground_prior(model, 2.0, pictures, windows, len(labels), seed=1)
    after = np.asarray(model.predict_on_batch(images)["logits"])
    changed, lowered = model.get_layer("logits").get_weights()
    np.testing.assert_allclose(lowered, bias - 2.0, atol=1e-6)
    # The same vector for every label: what tells labels apart is as it was.
    added = changed - kernel
    np.testing.assert_allclose(added, np.repeat(added[:, :1], len(labels), axis=1), atol=1e-6)
    assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.8
    assert len(read_history(tmp_path / "run")) == 3


def test_flatten_head_has_no_ground(tmp_path):
    text = recipe_file(tmp_path, "ground_prior = 3.0")
    text.write_text(
        text.read_text()
        .replace('head = "positions"', 'head = "flatten"')
        .replace("position_weight = 1.0", "")
        .replace("side_px = 64", "side_px = 96")
    )
    with pytest.raises(RecipeError, match="ground_prior is"):
        read_recipe(text)
