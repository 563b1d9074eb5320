"""The whole way of the trainer on a tiny data set: train, stop, go on, export, evaluate."""

import json
import re
import shutil

import keras
import numpy as np
import pytest
from families import shaken_model
from typer.testing import CliRunner

from edge.bundle import read_bundle
from edge.classifier import Classifier
from edge.domain import Frame
from edge.errors import BundleError, ExplainError
from edge.explain.gradcam import GradCam
from edge.pictures import read_picture
from trainer import export as exporting
from trainer.cli import app
from trainer.errors import DatasetError, RecipeError
from trainer.export import export, read_run
from trainer.recipe import read_recipe
from trainer.train import learning_rate, train


class Killed(Exception):
    """Stands in for a kill after the first epoch was written."""


@pytest.fixture(scope="module")
def bundle(trained_run, piles, console, tmp_path_factory):
    return export(trained_run, piles, tmp_path_factory.mktemp("out") / "tiny", "tiny", console)


def history(run):
    return [json.loads(line) for line in (run / "history.jsonl").read_text().splitlines()]


def test_run_folder_holds_recipe_history_weights_and_commit(trained_run, recipe_path):
    facts = json.loads((trained_run / "run.json").read_text())
    assert facts["labels"] == ["3001", "3024", "6141"]
    assert facts["seed"] == 3
    assert facts["commit"]
    assert (trained_run / "recipe.toml").read_text() == recipe_path.read_text()
    assert [row["epoch"] for row in history(trained_run)] == [1, 2, 3]
    assert read_run(trained_run).settings.size_px == 96


def test_training_lowers_the_loss(trained_run):
    rows = history(trained_run)
    assert rows[1]["loss"] < rows[0]["loss"]


def test_stopped_run_goes_on_and_ends_where_an_unbroken_one_does(
    trained_run, piles, recipe_path, console, tmp_path, monkeypatch
):
    import trainer.train as training

    run = tmp_path / "run"
    record = training.record

    def record_and_die(*args):
        record(*args)
        raise Killed

    monkeypatch.setattr(training, "record", record_and_die)
    with pytest.raises(Killed):
        train(recipe_path, piles, run, console)
    assert json.loads((run / "state.json").read_text()) == {"epochs_done": 1}
    monkeypatch.undo()
    train(recipe_path, piles, run, console)
    assert [row["epoch"] for row in history(run)] == [1, 2, 3]
    one, other = (
        keras.saving.load_model(folder / "final.keras", compile=False).get_weights()
        for folder in (run, trained_run)
    )
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_finished_run_is_left_alone(trained_run, piles, recipe_path, console):
    before = (trained_run / "final.keras").stat().st_mtime_ns
    train(recipe_path, piles, trained_run, console)
    assert (trained_run / "final.keras").stat().st_mtime_ns == before


def test_run_of_another_recipe_is_refused(trained_run, recipe_path, piles, console, tmp_path):
    other = tmp_path / "other.toml"
    other.write_text(recipe_path.read_text().replace("seed = 3", "seed = 4"))
    with pytest.raises(RecipeError, match="another recipe"):
        train(other, piles, trained_run, console)


def test_cosine_falls_from_one_rate_to_the_other(trained_run):
    stage = read_run(trained_run).recipe.stage[0]
    rates = [learning_rate(stage, p) for p in (0.0, 0.5, 1.0)]
    assert rates == [pytest.approx(3e-3), pytest.approx(1.5e-3), pytest.approx(0.0)]


def test_exported_bundle_reads_back_with_everything(bundle):
    read = read_bundle(bundle.folder)
    assert [label.id for label in read.labels] == ["3001", "3024", "6141"]
    assert read.manifest.labels[0].name == "Brick 2x4"
    evaluation = json.loads(read.path("evaluation").read_text())
    assert 0 <= evaluation["test"]["micro_f1"] <= 1
    assert evaluation["checks"]["map_difference_trained"] <= 1e-4
    assert evaluation["checks"]["map_difference_random"] <= 1e-4
    card = read.path("model_card").read_text()
    assert f"{evaluation['test']['mean_average_precision']:.4f}" in card


def test_device_explains_with_the_exported_bundle(bundle, piles):
    read = read_bundle(bundle.folder)
    prediction = Classifier(read).classify(Frame(0, 0.0, read_picture(piles / "images" / "0.jpg")))
    explained = GradCam(read).explain(prediction, read.labels)
    assert explained.maps.shape == (3, *read.manifest.companion.grid)
    np.testing.assert_allclose(explained.details["logits"], prediction.logits, atol=1.0)


def test_weight_shift_is_removed_before_calibration(bundle):
    read = read_bundle(bundle.folder)
    calibration = read.manifest.labels[0].calibration
    logit = np.full(3, 1.3, np.float32)
    expected = 1 / (1 + np.exp(-(calibration.slope * (1.3 - np.log(3.0)) + calibration.offset)))
    np.testing.assert_allclose(read.probabilities(logit), expected, rtol=1e-5)


@pytest.fixture
def flat_run(trained_run, tmp_path, monkeypatch):
    """The run with the flatten head instead, and weights as they come: they tell labels apart by
    chance only, which cannot be calibrated."""
    monkeypatch.setattr(exporting, "fit_platt", lambda *shifted_and_wanted: (1.0, 0.0))
    run = tmp_path / "flat"
    shutil.copytree(trained_run, run)
    recipe = run / "recipe.toml"
    described = recipe.read_text()
    assert 'head = "positions"' in described
    flat = described.replace('head = "positions"', 'head = "flatten"')
    flat = re.sub(r"(position|ground)_weight = .*", r"\1_weight = 0", flat)
    recipe.write_text(re.sub(r"side_px = \d+", "side_px = 96", flat))
    settings = read_recipe(recipe).network.settings(3)
    shaken_model(settings).save(run / "final.keras")
    return run


def test_variants_of_a_flatten_head_are_an_extra_file(flat_run, piles, console, tmp_path):
    plain = GradCam(export(flat_run, piles, tmp_path / "plain", "plain", console))
    seen = Classifier(plain.bundle).classify(
        Frame(0, 0.0, read_picture(piles / "images" / "0.jpg"))
    )
    assert plain.methods == ("grad-cam",)
    with pytest.raises(ExplainError, match=r"no 'hirescam'.*it has grad-cam.*--variants"):
        plain.explain(seen, plain.bundle.labels, "hirescam")
    more = export(flat_run, piles, tmp_path / "more", "more", console, add_variants=True)
    checks = json.loads(more.path("evaluation").read_text())["checks"]
    assert checks["variant_difference_trained"] <= 1e-4
    gradcam = GradCam(more)
    found = gradcam.explain_all(seen, more.labels)
    assert tuple(found) == gradcam.methods == ("grad-cam", "hirescam", "grad-cam-max")
    for explained in found.values():
        assert explained.maps.shape == (3, *more.manifest.companion.grid)
    assert gradcam.explain(seen, more.labels, "hirescam").maps.min() < 0


def test_a_bundle_with_the_positions_head_has_every_method(bundle):
    assert GradCam(bundle).methods == ("grad-cam", "hirescam", "grad-cam-max")


def test_unfinished_run_is_not_exported(trained_run, piles, console, tmp_path):
    half = tmp_path / "half"
    shutil.copytree(trained_run, half)
    (half / "final.keras").unlink()
    with pytest.raises(RecipeError, match="let the run finish"):
        export(half, piles, tmp_path / "out", "half", console)
    assert not (tmp_path / "out").exists()


def test_commands_train_export_evaluate(trained_run, piles, recipe_path, tmp_path):
    runner = CliRunner()
    done = runner.invoke(
        app, ["train", str(recipe_path), "--data", str(piles), "--run", str(trained_run)]
    )
    assert done.exit_code == 0, done.output
    assert "next: bricksight-trainer export" in done.output
    out = tmp_path / "bundle"
    done = runner.invoke(app, ["export", str(trained_run), "--data", str(piles), "--out", str(out)])
    assert done.exit_code == 0, done.output
    done = runner.invoke(app, ["evaluate", str(out), str(piles), "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["test"]["pictures"] > 0


def test_evaluate_needs_something_to_evaluate_on(bundle):
    done = CliRunner().invoke(app, ["evaluate", str(bundle.folder)])
    assert done.exit_code == 2
    assert "DATASET" in done.output


def test_existing_bundle_survives_a_failed_export(bundle, monkeypatch, tmp_path):
    from edge import bundle as contract

    out = tmp_path / "kept"
    shutil.copytree(bundle.folder, out)
    values = json.loads((out / "manifest.json").read_text())
    files = {
        role: (entry["path"], (out / entry["path"]).read_bytes())
        for role, entry in values.pop("files").items()
    }
    values["labels"][0]["threshold"] = 2.0
    with pytest.raises(BundleError, match="threshold"):
        contract.write_bundle(out, values, files)
    assert read_bundle(out).sha256 == bundle.sha256
    assert [p.name for p in tmp_path.iterdir()] == ["kept"]


def test_export_never_replaces_what_is_no_bundle(trained_run, piles, console, tmp_path):
    precious = tmp_path / "documents"
    precious.mkdir()
    (precious / "thesis.txt").write_text("years of work")
    with pytest.raises(BundleError, match=r"holds .thesis\.txt."):
        export(trained_run, piles, precious, "tiny", console)
    assert (precious / "thesis.txt").read_text() == "years of work"
    with pytest.raises(BundleError, match="is a file"):
        export(trained_run, piles, precious / "thesis.txt", "tiny", console)


def test_export_looks_at_every_path_before_the_slow_work(trained_run, piles, console, tmp_path):
    out = tmp_path / "out"
    with pytest.raises(DatasetError, match="none: no such folder"):
        export(trained_run, piles, out, "tiny", console, photographs={"own": tmp_path / "none"})
    with pytest.raises(DatasetError, match="none: no such folder"):
        export(trained_run, piles, out, "tiny", console, calibrate_on=[tmp_path / "none"])
    assert not out.exists()


def test_run_goes_on_only_with_the_labels_it_began_with(
    recipe_path, piles, console, tmp_path, monkeypatch
):
    import trainer.train as training

    run, other = tmp_path / "run", tmp_path / "other"
    shutil.copytree(piles, other)
    index = (other / "index.jsonl").read_text().replace("6141", "9999")
    (other / "index.jsonl").write_text(index)

    def killed(*_):
        raise Killed

    monkeypatch.setattr(training, "_fit", killed)
    with pytest.raises(Killed):
        train(recipe_path, piles, run, console)
    before = (run / "run.json").read_text()
    with pytest.raises(RecipeError, match="was begun with 3 labels"):
        train(recipe_path, other, run, console)
    assert (run / "run.json").read_text() == before


def test_killed_between_history_and_state_does_that_epoch_again(
    recipe_path, piles, console, tmp_path, monkeypatch
):
    from trainer import runs

    run = tmp_path / "run"
    write = runs.write_atomically

    def killed_before_state(path, text):
        if path.name == "state.json" and '"epochs_done": 2' in text:
            raise Killed
        write(path, text)

    monkeypatch.setattr(runs, "write_atomically", killed_before_state)
    with pytest.raises(Killed):
        train(recipe_path, piles, run, console)
    assert len(history(run)) == 2
    monkeypatch.undo()
    train(recipe_path, piles, run, console)
    assert [row["epoch"] for row in history(run)] == [1, 2, 3]


@pytest.mark.parametrize(
    ("name", "content", "named"),
    [
        ("run.json", "{", "damaged"),
        ("state.json", "nothing", "damaged"),
        ("epoch-1.keras", "", r"epoch-1\.keras: cannot be read"),
    ],
)
def test_damaged_run_is_named(
    recipe_path, piles, console, tmp_path, monkeypatch, name, content, named
):
    import trainer.train as training

    run = tmp_path / "run"

    def killed(*_):
        raise Killed

    monkeypatch.setattr(training, "_fit", killed)
    with pytest.raises(Killed):
        train(recipe_path, piles, run, console)
    (run / "state.json").write_text('{"epochs_done": 1}')
    (run / name).write_text(content)
    with pytest.raises(RecipeError, match=named):
        train(recipe_path, piles, run, console)


def test_data_set_without_a_split_is_refused(recipe_path, piles, console, tmp_path):
    few = tmp_path / "few"
    shutil.copytree(piles, few)
    lines = (few / "index.jsonl").read_text().splitlines(keepends=True)
    (few / "index.jsonl").write_text(lines[0])
    with pytest.raises(DatasetError, match="no picture is in split 'validation'"):
        train(recipe_path, few, tmp_path / "run", console)
