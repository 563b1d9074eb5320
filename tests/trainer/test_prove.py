"""The verdict of `python -m tests.prove`, and what its trainings differ in; nothing is timed."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from edge.bundle import read_bundle
from edge.config import SHIPPED_BUNDLE
from tests.bench.needs import CannotMeasure
from tests.bench.table import Reach, Row, as_json
from tests.prove import __main__ as command
from tests.prove.__main__ import FIGURES
from tests.prove.ablations import NEEDS_DATA, Trained, ablations, best
from tests.prove.context import RECIPES, Proof
from tests.prove.drawing import piles_recipe, steady_rate
from tests.prove.feeding import waiting_percent
from tests.prove.ledger import UNKNOWN, Ledger
from tests.prove.measuring import Figure
from tests.prove.paper import not_run, rows_of
from tests.prove.photographs import sealed_rows
from tests.prove.photographs import variant as photograph_variant
from tests.prove.probing import balanced_rates, ridge_scores
from tests.prove.shipped import rows_of as shipped_rows
from tests.prove.training import budget_of, decisions, run_folder
from tests.prove.variants import (
    Budget,
    chosen_types,
    drawn_pictures,
    seen_pixels,
    shared_out,
    variant,
    write_recipe,
)
from trainer.dataset import read_dataset
from trainer.errors import RenderError
from trainer.recipe import read_recipe
from trainer.scenes.parts import parts

QUICK_ENOUGH = Reach("at most", 1.5, " s")
BUDGET = Budget(pixels=1.4e9, pictures=1920, types=chosen_types(20))
VARIANTS = ("best", "compact", "without-dense", "without-curriculum", "with-raster")
ALL_VARIANTS = (*VARIANTS, "without-raster")


@pytest.fixture(scope="module")
def shipped_recipes():
    return read_recipe(RECIPES / "best.toml"), read_recipe(RECIPES / "compact.toml")


@pytest.fixture
def proof(tmp_path):
    return Proof(tmp_path, "1234567")


# ---- rows and the command ------------------------------------------------------------------------


class Taken:
    """A figure that counts how often it is taken."""

    def __init__(self, *rows):
        self.rows, self.times = list(rows), 0

    def __call__(self, proof):
        self.times += 1
        return self.rows


KEPT, SHORT = Row("kept", QUICK_ENOUGH, 1.5), Row("short", QUICK_ENOUGH, 1.6)
TOLD, NOTHING = Row("only told", None, 9.9), Row("missing", None, None, "needs --data DIR")


def run(monkeypatch, folder, figures, *arguments):
    monkeypatch.setattr(command, "FIGURES", figures)
    monkeypatch.setattr(command, "FOLDER", folder)
    monkeypatch.setattr(command, "code_mark", lambda: "1234567")
    return CliRunner().invoke(command.app, arguments)


def test_every_figure_of_the_issue_is_there():
    assert tuple(FIGURES) == (
        *("rendering", "raster", "workers", "feed", "shipped", "device"),
        *("best", "ablations", "photographs", "paper"),
    )


def test_exit_code_is_0_when_all_holds_and_what_has_no_reach_is_reported(monkeypatch, tmp_path):
    result = run(monkeypatch, tmp_path, {"all": Figure(Taken(KEPT, TOLD, NOTHING))})
    assert result.exit_code == 0
    lines = {name: line for line in result.stdout.splitlines() for name in line.split("  ")[0:1]}
    (told,) = (line for line in lines.values() if "only told" in line)
    (missing,) = (line for line in lines.values() if "missing" in line)
    assert "reported" in told
    assert "needs --data DIR" in missing
    assert "reported" not in missing
    assert "nan" not in result.stdout


def test_exit_code_is_1_when_a_row_falls_short_but_not_on_tiny_settings(monkeypatch, tmp_path):
    figures = {"all": Figure(Taken(KEPT, SHORT))}
    assert run(monkeypatch, tmp_path, figures).exit_code == 1
    assert run(monkeypatch, tmp_path, figures, "--quick").exit_code == 0


def test_exit_code_is_2_when_a_figure_cannot_be_taken_and_the_others_are(monkeypatch, tmp_path):
    def without_blender(proof):
        raise RenderError("the blender engine needs bpy")

    figures = {"rendering": Figure(without_blender), "kept": Figure(Taken(KEPT))}
    result = run(monkeypatch, tmp_path, figures)
    assert result.exit_code == 2
    assert "cannot measure rendering: the blender engine needs bpy" in result.stderr
    assert "kept" in result.stdout


def test_a_value_that_is_not_there_holds_nothing():
    assert replace(KEPT, measured=None).holds is None
    assert as_json(replace(KEPT, measured=None))["measured"] is None


def test_a_finished_row_is_not_measured_again_by_the_same_code(monkeypatch, tmp_path):
    figure = Taken(KEPT, TOLD, NOTHING)
    first = run(monkeypatch, tmp_path, {"all": Figure(figure)})
    second = run(monkeypatch, tmp_path, {"all": Figure(figure)})
    assert figure.times == 1
    assert second.stdout == first.stdout
    run(monkeypatch, tmp_path, {"all": Figure(figure)}, "--again")
    assert figure.times == 2


def test_what_is_sealed_elsewhere_is_read_every_time(monkeypatch, tmp_path):
    figure = Taken(KEPT)
    for _ in range(2):
        run(monkeypatch, tmp_path, {"shipped": Figure(figure, kept=False)})
    assert figure.times == 2


def test_a_call_that_was_stopped_goes_on_behind_what_is_done(monkeypatch, tmp_path):
    def stopped(proof):
        raise KeyboardInterrupt

    first, last = Taken(KEPT), Taken(TOLD)
    figures = {"first": Figure(first), "long": Figure(stopped)}
    assert run(monkeypatch, tmp_path, figures).exit_code == 130
    figures["long"] = Figure(last)
    result = run(monkeypatch, tmp_path, figures)
    assert (first.times, last.times) == (1, 1)
    assert "kept" in result.stdout
    assert "only told" in result.stdout


def test_what_takes_hours_is_trained_only_when_named(monkeypatch, tmp_path):
    figure = Taken(TOLD)
    figures = {"kept": Figure(Taken(KEPT)), "paper": Figure(figure, otherwise=not_run)}
    assert "not run" in run(monkeypatch, tmp_path, figures).stdout
    assert figure.times == 0
    run(monkeypatch, tmp_path, figures, "--only", "paper")
    assert figure.times == 1
    later = run(monkeypatch, tmp_path, figures, "--again")
    assert figure.times == 1
    assert "only told" in later.stdout


def test_again_forgets_the_runs_of_what_is_measured(monkeypatch, tmp_path):
    for name in ("best-1", "paper-1"):
        (tmp_path / "runs" / name).mkdir(parents=True)
    figures = {
        "best": Figure(Taken(KEPT), runs=("best-",)),
        "paper": Figure(Taken(TOLD), runs=("paper-",), otherwise=not_run),
    }
    run(monkeypatch, tmp_path, figures, "--again")
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["paper-1"]


def test_json_has_rows_and_problems(monkeypatch, tmp_path):
    file = tmp_path / "found.json"
    run(monkeypatch, tmp_path, {"all": Figure(Taken(KEPT, NOTHING))}, "--json", str(file))
    found = json.loads(file.read_text())
    assert found == {"rows": [as_json(KEPT), as_json(NOTHING)], "problems": []}


def test_unknown_figure_is_refused_with_the_known_ones(monkeypatch, tmp_path):
    result = run(monkeypatch, tmp_path, {"kept": Figure(Taken(KEPT))}, "--only", "speed")
    assert result.exit_code == 2
    assert "allowed: kept" in result.stderr


# ---- the ledger ----------------------------------------------------------------------------------


def test_rows_come_back_as_they_were(tmp_path):
    rows = [KEPT, SHORT, TOLD, NOTHING]
    Ledger(tmp_path / "rows.json").keep("all", "1234567", {"types": 20}, rows)
    again = Ledger(tmp_path / "rows.json")
    assert again.rows("all", "1234567", {"types": 20}) == rows
    assert again.last("all") == rows
    assert again.rows("all", "7654321", {"types": 20}) is None
    assert again.rows("all", "1234567", {"types": 30}) is None
    assert again.rows("other", "1234567", {}) is None


def test_code_that_has_no_commit_is_measured_every_time(tmp_path):
    ledger = Ledger(tmp_path / "rows.json")
    ledger.keep("all", UNKNOWN, {}, [KEPT])
    assert ledger.rows("all", UNKNOWN, {}) is None
    assert ledger.last("all") == [KEPT]


@pytest.mark.parametrize("text", ["{", "[1]", '{"all": {"rows": [{"figure": 1}]}}'])
def test_a_damaged_ledger_says_what_to_do(tmp_path, text):
    (tmp_path / "rows.json").write_text(text)
    with pytest.raises(CannotMeasure, match=r"rows\.json: damaged .*remove it"):
        Ledger(tmp_path / "rows.json")


# ---- the variants --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ALL_VARIANTS)
def test_a_variant_is_a_valid_recipe_within_the_budget(shipped_recipes, tmp_path, name):
    made = variant(name, *shipped_recipes, BUDGET)
    assert read_recipe(write_recipe(made, tmp_path / f"{name}.toml")) == made
    assert made.name == name
    assert seen_pixels(made) == pytest.approx(BUDGET.pixels, rel=0.01)
    assert drawn_pictures(made) == BUDGET.pictures
    assert sum(stage.epochs for stage in made.stage) == BUDGET.epochs
    assert made.scenes.parts == BUDGET.types
    assert made.validation_scenes == BUDGET.validation_scenes
    assert 0 <= made.ema <= max(recipe.ema for recipe in shipped_recipes)


def differences(one: dict, other: dict, at: str = "") -> set[str]:
    """Names of what differs, "loss.position_weight" for example."""
    found = set()
    for key in one.keys() | other.keys():
        here, there = one.get(key), other.get(key)
        if isinstance(here, dict) and isinstance(there, dict):
            found |= differences(here, there, f"{at}{key}.")
        elif here != there:
            found.add(at + key)
    return found


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("without-dense", {"name", "loss.position_weight"}),
        ("without-curriculum", {"name", "stage", "ema"}),
        ("with-raster", {"name", "stage"}),
        ("without-raster", {"name", "stage"}),
    ],
)
def test_a_variant_differs_from_best_only_where_it_should(shipped_recipes, name, where):
    ours = variant("best", *shipped_recipes, BUDGET)
    other = variant(name, *shipped_recipes, BUDGET)
    assert differences(ours.model_dump(), other.model_dump()) == where


@pytest.mark.parametrize(("name", "source"), [("with-raster", "both"), ("without-raster", "data")])
def test_raster_pictures_are_all_that_is_left_out(shipped_recipes, name, source):
    ours = variant("best", *shipped_recipes, BUDGET)
    other = variant(name, *shipped_recipes, BUDGET)
    assert {stage.source for stage in ours.stage} == {"endless"}
    for one, two in zip(ours.stage, other.stage, strict=True):
        assert differences(one.model_dump(), two.model_dump()) == {"source"}
        assert two.source == source


def test_without_a_curriculum_whole_piles_are_all_there_is(shipped_recipes):
    (stage,) = variant("without-curriculum", *shipped_recipes, BUDGET).stage
    last = variant("best", *shipped_recipes, BUDGET).stage[-1]
    assert differences(stage.model_dump(), last.model_dump()) == {"epochs", "windows_per_epoch"}


def test_best_keeps_what_the_shipped_recipe_says(shipped_recipes):
    shipped, _ = shipped_recipes
    ours = variant("best", *shipped_recipes, BUDGET)
    changed = {"ema", "stage", "scenes.parts", "validation_scenes"}
    assert differences(shipped.model_dump(), ours.model_dump()) <= changed
    for one, two in zip(shipped.stage, ours.stage, strict=True):
        found = differences(one.model_dump(), two.model_dump())
        assert found <= {"source", "epochs", "windows_per_epoch", "fresh_per_epoch"}


def test_averaging_spans_the_same_share_of_the_last_stage(shipped_recipes):
    shipped, _ = shipped_recipes
    ours = variant("best", *shipped_recipes, BUDGET)

    def share(recipe):
        last = recipe.stage[-1]
        return 1 / (1 - recipe.ema) / (last.epochs * (last.windows_per_epoch // last.batch_size))

    assert share(ours) == pytest.approx(share(shipped), rel=0.01)


def test_epochs_are_shared_out_by_what_the_stages_see():
    assert shared_out(8, [1.0]) == [8]
    assert shared_out(8, [0.49, 0.18, 0.33]) == [4, 1, 3]
    assert shared_out(3, [100, 1, 1]) == [1, 1, 1]
    with pytest.raises(ValueError, match="2 cannot be shared out among 3"):
        shared_out(2, [1, 1, 1])


def test_types_are_spread_over_the_families():
    chosen = chosen_types(20)
    known = parts()
    assert len(set(chosen)) == 20
    assert {known[part].family for part in chosen} == {part.family for part in known.values()}
    assert set(chosen_types(85)) == set(known)


def test_a_data_set_says_the_types_and_how_many_pictures(piles, proof):
    samples = read_dataset(piles)
    budget = budget_of(replace(proof, data=piles), samples)
    assert budget.types == ("3001", "3024", "6141")
    assert budget.pictures == sum(sample.split == "train" for sample in samples)
    assert budget_of(proof, []).types == chosen_types(proof.types)


def test_other_code_and_another_data_set_train_elsewhere(shipped_recipes, proof):
    made = variant("best", *shipped_recipes, BUDGET)
    proofs = (proof, replace(proof, code="7654321"), replace(proof, data=Path("/data/cycles")))
    assert len({run_folder(each, made) for each in proofs}) == 3


# ---- what becomes of measurements ----------------------------------------------------------------


def given(monkeypatch, precisions):
    from tests.prove import ablations as module

    def trained(function, name, proof):
        return Trained(precisions[name], "300 held-out raster scenes", 20, 1920, 1400.0)

    monkeypatch.setattr(module, "in_child", trained)


def test_best_is_held_against_compact(monkeypatch, proof):
    given(monkeypatch, {"best": 0.41, "compact": 0.32})
    (row,) = best(proof)
    assert row.measured == pytest.approx(0.09)
    assert row.holds is True
    assert "0.410 against 0.320; 20 part types, 1920 source pictures, 1400 Mpx" in row.note
    given(monkeypatch, {"best": 0.41, "compact": 0.34})
    assert best(proof)[0].holds is False


def test_ablations_are_reported_and_one_needs_a_data_set(monkeypatch, proof):
    scores = {"best": 0.4, "without-dense": 0.3, "without-curriculum": 0.35}
    given(monkeypatch, scores)
    dense, curriculum, raster = ablations(proof)
    assert dense.measured == pytest.approx(0.1)
    assert curriculum.measured == pytest.approx(0.05)
    assert raster.measured is None
    assert raster.shown == NEEDS_DATA
    given(monkeypatch, {**scores, "with-raster": 0.5, "without-raster": 0.2})
    assert ablations(replace(proof, data=Path("data")))[2].measured == pytest.approx(0.3)


def test_waiting_is_the_share_that_a_cached_batch_saves():
    assert waiting_percent([0.10, 0.10], [0.09, 0.09]) == pytest.approx(10)
    assert waiting_percent([0.10], [0.10]) == 0


@pytest.mark.parametrize(
    ("ends_s", "workers", "rate"),
    [
        # One worker, a task a second; the first starts the clock.
        ([10, 11, 12, 13, 14], 1, 1.0),
        # Two that are done at different times, and one that runs on alone at the end.
        ([10, 10.5, 11, 11.5, 12, 12.5, 20], 2, 2.0),
        ([12, 10.5, 11, 20, 11.5, 10, 12.5], 2, 2.0),
    ],
)
def test_only_the_time_when_all_workers_are_busy_counts(ends_s, workers, rate):
    assert steady_rate(ends_s, workers) == pytest.approx(rate)


def test_the_paper_is_judged_as_it_judges_itself():
    wanted = np.array([[1, 0, 0, 0], [0, 1, 0, 0]], np.float32)
    logits = np.array([[2.0, 1.0, -1.0, -2.0], [-1.0, -1.0, -1.0, -1.0]])
    found = decisions(wanted, logits, positive_weight=22.0)
    assert found["binary_accuracy"] == pytest.approx(6 / 8)
    assert found["all_absent_accuracy"] == pytest.approx(6 / 8)
    assert found["reported"] == 1.0
    assert found["mean_average_precision"] == pytest.approx((1 + 0.5) / 2)
    assert found["chance_precision"] == pytest.approx(0.5)
    softplus = np.log1p(np.exp([-2.0, 1.0, -1.0, -2.0, -1.0, 1.0, -1.0, -1.0]))
    weights = [22, 1, 1, 1, 1, 22, 1, 1]
    assert found["loss_sum"] == pytest.approx(np.dot(weights, softplus) / 2)
    rows = rows_of({"epochs": 40, "scenes": 300, "commit": "abc", **found})
    assert [row.holds for row in rows] == [None] * 4
    assert rows[0].shown.startswith("75.00  (the paper has 84.71; threshold 0.5; 40 epochs")


def test_the_shipped_bundle_is_taken_at_its_word():
    bundle = read_bundle(SHIPPED_BUNDLE)
    test = {"mean_average_precision": 0.8, "micro_f1": 0.74, "calibration_error": 0.03}
    photographs = {"pictures": 12.0, "micro_precision": 0.2, "micro_recall": 0.3, "micro_f1": 0.24}
    rows = shipped_rows(bundle, {"test": {**test, "pictures": 500.0}, "photographs": photographs})
    assert [row.holds for row in rows] == [True, False, True, None, None, None]
    assert all(f"as sealed in bundle {bundle.manifest.name}" in row.note for row in rows)
    with pytest.raises(CannotMeasure, match=r"test\.mean_average_precision is missing"):
        shipped_rows(bundle, {"checks": {}})


def test_the_recipe_of_piles_is_what_is_drawn():
    assert piles_recipe("blender", 256).samples == 8
    assert (piles_recipe("raster", 224).engine, piles_recipe("raster", 224).size_px) == (
        "raster",
        224,
    )


def test_drawing_processes_start_without_tensorflow():
    # A new process imports the command's module before anything else.
    code = (
        "import sys, tests.prove.__main__;"
        "sys.exit(any(name in sys.modules for name in ('tensorflow', 'keras', 'moderngl')))"
    )
    root = Path(__file__).parents[2]
    assert subprocess.run([sys.executable, "-c", code], cwd=root, check=False).returncode == 0


# ---- photographs ---------------------------------------------------------------------------------


def evaluation():
    """The smallest evaluation.json that has every figure."""
    sets = {
        "validation": {"pictures": 681.0, "right_first": 0.91},
        "real-piles": {"pictures": 12.0, "micro_f1": 0.4, "micro_precision": 0.8},
    }
    test = {"pictures": 500.0, "mean_average_precision": 0.6, "micro_f1": 0.66}
    int8 = {"map_float": 0.6, "map_int8": 0.593, "same_label_set": 0.92}
    return {"photographs": sets, "test": test, "int8_against_float": int8}


def test_sealed_figures_are_held_against_what_was_promised():
    rows = sealed_rows(read_bundle(SHIPPED_BUNDLE), evaluation())
    found = {row.figure: (round(row.measured, 4), row.holds) for row in rows}
    assert found == {
        "validation: right first": (0.91, True),
        "real-piles: micro f1": (0.4, False),
        "real-piles: micro precision": (0.8, True),
        "held out: mean average precision": (0.6, False),
        "held out: micro f1": (0.66, True),
        "int8 against float: mAP that is lost": (0.007, True),
        "int8 against float: same label set": (92.0, True),
    }


def test_an_evaluation_without_these_photographs_is_refused():
    found = evaluation()
    del found["photographs"]["real-piles"]
    with pytest.raises(CannotMeasure, match=r"real-piles\.micro_f1 is missing; export"):
        sealed_rows(read_bundle(SHIPPED_BUNDLE), found)


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("all-trained", {"name", "network.frozen_blocks"}),
        ("without-photographs", {"name", "stage"}),
    ],
)
def test_a_short_training_differs_only_where_it_should(name, where, tmp_path):
    ours, other = photograph_variant("best", 960), photograph_variant(name, 960)
    assert differences(ours.model_dump(), other.model_dump()) == where
    assert read_recipe(write_recipe(other, tmp_path / "recipe.toml")) == other


def test_compact_sees_as_many_windows(tmp_path):
    made = photograph_variant("compact", 960)
    assert made.stage[0].windows_per_epoch == 960
    assert read_recipe(write_recipe(made, tmp_path / "recipe.toml")) == made


def test_the_probe_learns_what_ridge_regression_can():
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1, 2], [60, 30, 10])
    features = np.eye(3)[truth] * 4 + rng.normal(0, 0.3, (100, 3))
    scores = ridge_scores(features, truth, features, 3)
    assert balanced_rates(scores, truth) == (1.0, 1.0)


def test_rates_weigh_types_alike():
    scores = np.array([[3.0, 1, 2], [3, 1, 2], [3, 1, 2], [1, 3, 2]])
    # Type 0: two of two; type 1: one of two.
    assert balanced_rates(scores, np.array([0, 0, 1, 1]))[0] == 0.75
