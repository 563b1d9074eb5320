"""Photographs in `evaluate`, `export`, the page and the card, on a bundle of the tiny recipe."""

import json
import shutil
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from edge.bundle import read_bundle
from edge.errors import PictureError
from trainer import export as exporting
from trainer.card import TRUNK_CREDIT, model_card
from trainer.card_photographs import coverage, expectation, not_reported
from trainer.cli import app
from trainer.dataset import of_split, read_index
from trainer.errors import DatasetError
from trainer.export import export, read_run
from trainer.photograph_figures import judge_photographs
from trainer.photograph_sets import read_photograph_set

IDS = ("3001", "3024", "6141")


@pytest.fixture(scope="module")
def singles(piles, tmp_path_factory):
    """Pictures with one label each, and one without."""
    folder = tmp_path_factory.mktemp("photographs") / "singles"
    folder.mkdir()
    rows = ["picture,labels"]
    for number, sample in enumerate(read_index(piles)[:12]):
        shutil.copy(sample.picture, folder / f"{number}.jpg")
        rows.append(f"{number}.jpg,{IDS[number % 3] if number else ''}")
    (folder / "labels.csv").write_text("\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def real_piles(piles, tmp_path_factory):
    """Pictures with several labels, some of them to be ignored."""
    folder = tmp_path_factory.mktemp("photographs") / "real"
    folder.mkdir()
    truth = {}
    for number, sample in enumerate(read_index(piles)[:4]):
        shutil.copy(sample.picture, folder / f"{number}.jpg")
        truth[f"{number}.jpg"] = {"present": ["3001", "3024"], "ignore": ["6141"]}
    (folder / "labels.json").write_text(json.dumps(truth))
    return folder


@pytest.fixture(scope="module")
def bundle(trained_run, piles, singles, real_piles, console, tmp_path_factory):
    return export(
        trained_run,
        piles,
        tmp_path_factory.mktemp("out") / "tiny",
        "tiny",
        console,
        photographs={"singles": singles, "piles": real_piles},
        calibrate_on=[singles],
    )


def evaluate(bundle, *arguments):
    return CliRunner().invoke(app, ["evaluate", str(bundle.folder), *map(str, arguments)])


def test_a_bundle_is_calibrated_on_renders_and_photographs_together(bundle, piles, singles):
    renders = of_split(read_index(piles), "validation", piles)
    found = json.loads(bundle.path("evaluation").read_text())
    assert found["calibration"] == {
        "renders": len(renders), "photographs": 12, "skipped_photographs": 0,
    }  # fmt: skip
    for column, part in enumerate(IDS):
        # Eleven photographs have a label: 3001 is on the 4th, 7th and 10th.
        photographs = {"3001": 3, "3024": 4, "6141": 4}[part]
        there = sum(part in sample.labels for sample in renders)
        assert bundle.manifest.labels[column].support == there + photographs


def test_a_bundle_says_on_which_photographs_it_was_judged(bundle):
    found = json.loads(bundle.path("evaluation").read_text())["photographs"]
    assert list(found) == ["singles", "piles"]
    assert (found["singles"]["calibrated_on"], found["piles"]["calibrated_on"]) == (True, False)
    assert 0 <= found["singles"]["right_first"] <= found["singles"]["right_in_five"] == 1
    assert "right_first" not in found["piles"]
    card = bundle.path("model_card").read_text()
    first = card.split("\n\n")[1:3]
    assert first[0].startswith("**On a photograph**")
    assert "the right type comes first on" in " ".join(first[1].split())
    assert "Its thresholds were chosen on these pictures" in " ".join(first[1].split())
    assert "| piles: labels found |" in card
    silent = [entry for entry in bundle.manifest.labels if not entry.reported]
    for entry in silent:
        assert f"- {entry.id} {entry.name}" in card.split("not reported")[1]
    assert read_bundle(bundle.folder).manifest == bundle.manifest


def test_labels_without_a_trusted_threshold_are_not_reported(
    trained_run, piles, console, tmp_path, monkeypatch
):
    monkeypatch.setattr(
        exporting,
        "choose_thresholds",
        lambda p, t: [SimpleNamespace(threshold=0.25, reported=i != 1) for i in range(3)],
    )
    made = export(trained_run, piles, tmp_path / "out", "quiet", console)
    assert [entry.reported for entry in made.manifest.labels] == [True, False, True]
    manifest = json.loads((made.folder / "manifest.json").read_text())
    assert [label.get("reported") for label in manifest["labels"]] == [None, False, None]
    card = made.path("model_card").read_text()
    assert "- 3024 Plate 1x1" in card
    rows = json.loads(made.path("evaluation").read_text())["test"]["labels"]
    assert rows["3024"]["threshold"] is None
    done = evaluate(made, piles, "--out", tmp_path / "report")
    assert done.exit_code == 0, done.output
    assert "Not reported, because" in (tmp_path / "report" / "report.html").read_text()


def test_the_command_judges_photographs_alone(bundle, singles, real_piles, tmp_path):
    out = tmp_path / "report"
    done = evaluate(
        bundle, "--photographs", f"one={singles}", "--photographs", real_piles, "--out", out
    )
    assert done.exit_code == 0, done.output
    assert "photographs: one" in done.output
    assert "photographs: real" in done.output
    assert "covered" in done.output
    found = json.loads((out / "evaluation.json").read_text())
    assert list(found["photographs"]) == ["one", "real"]
    assert found["photographs"]["one"]["pictures"] == 12
    page = (out / "report.html").read_text()
    assert "Photographs: one" in page
    assert page.count("Taken for one another") == 1
    # Each picture of the piles, and at least the examples of the other set.
    assert page.count("data:image/jpeg;base64,") >= 16
    assert "Figures on renders" not in page


def test_renders_and_photographs_stand_on_one_page(bundle, piles, real_piles, tmp_path):
    out = tmp_path / "report"
    done = evaluate(bundle, piles, "--photographs", real_piles, "--out", out, "--json")
    assert done.exit_code == 0, done.output
    page = (out / "report.html").read_text()
    assert "Photographs: real" in page
    assert "Figures on renders" in page
    assert "neither right nor wrong" in page


def test_unknown_labels_are_refused_or_skipped_with_a_count(bundle, singles, tmp_path):
    folder = tmp_path / "more"
    shutil.copytree(singles, folder)
    cv2.imwrite(str(folder / "car.jpg"), np.zeros((30, 30, 3), np.uint8))
    with (folder / "labels.csv").open("a") as file:
        file.write("car.jpg,3003\n")
    refused = evaluate(bundle, "--photographs", folder)
    assert isinstance(refused.exception, DatasetError)
    assert "1 of 13 pictures have a label that the bundle does not know: 3003" in str(
        refused.exception
    )
    done = evaluate(bundle, "--photographs", folder, "--skip-unknown", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)["photographs"]["more"]
    assert (found["pictures"], found["skipped_pictures"]) == (12, 1)


def test_a_picture_that_cannot_be_read_is_named(bundle, singles, console, tmp_path):
    folder = tmp_path / "damaged"
    shutil.copytree(singles, folder)
    (folder / "3.jpg").write_bytes(b"no picture")
    one = read_photograph_set("damaged", folder, IDS)
    with pytest.raises(PictureError, match=r"3\.jpg"):
        judge_photographs(bundle, one, console)


def test_one_name_twice_is_refused(bundle, singles):
    done = evaluate(bundle, "--photographs", singles, "--photographs", f"singles={singles}")
    assert isinstance(done.exception, DatasetError)
    assert "'singles' is given twice" in str(done.exception)


# --- the card ---

CURVE = [
    {"threshold": 0.9, "coverage": 0.1, "precision": 1.0},
    {"threshold": 0.2, "coverage": 1.0, "precision": 0.4},
]
SINGLES = {
    "pictures": 200.0, "skipped_pictures": 3.0, "labels_reported": 50.0, "types": 19.0,
    "right_first": 0.823, "right_in_five": 0.951, "micro_precision": 0.84, "micro_recall": 0.2,
    "micro_f1": 0.3, "answered": 0.61, "calibrated_on": True, "curve": CURVE,
    "curve_of": "pictures answered by their strongest label",
}  # fmt: skip
PILES = {
    "pictures": 12.0, "skipped_pictures": 0.0, "labels_present": 44.0, "labels_reported": 26.0,
    "micro_precision": 0.72, "micro_recall": 0.45, "micro_f1": 0.553, "answered": 0.9,
    "calibrated_on": False, "curve": CURVE, "curve_of": "labels found",
}  # fmt: skip


def flat(text):
    return " ".join(text.split())


def test_the_card_says_what_to_expect_on_a_photograph():
    said = flat(expectation({"photographs": {"machine": SINGLES, "floor": PILES}}))
    assert (
        "One brick a picture (machine: 200 photographs, 19 types): the right type comes first on"
        " 82 % and is among the first five on 95 %, every type weighing alike. It reports a type on"
        ' 61 % of them and says "not sure" on the rest; 84 % of the 50 labels that it reports are'
        " right. Its thresholds were chosen on these pictures, so expect a little less elsewhere."
        " 3 more show a type that it does not know and were left out."
    ) in said
    assert (
        "Several bricks a picture (floor: 12 photographs, 44 labels): 72 % of the 26 labels that it"
        " reports are right, and 45 % of what is there is found (F1 0.553)."
    ) in said
    assert "it reports nothing at all" in expectation(
        {"photographs": {"floor": PILES | {"labels_reported": 0.0}}}
    )
    assert "nobody has measured it" in expectation({})


def test_the_card_gives_a_few_points_of_each_curve():
    table = coverage({"test": {"curve": CURVE}, "photographs": {"floor": PILES}}).splitlines()
    assert table[2:] == [
        "| renders: labels found | 10 % | 100 % | 0.900 |",
        "| renders: labels found | 100 % | 40 % | 0.200 |",
        "| floor: labels found | 10 % | 100 % | 0.900 |",
        "| floor: labels found | 100 % | 40 % | 0.200 |",
    ]


def test_the_card_lists_what_is_not_reported():
    labels = [
        {"id": "3001", "name": "Brick 2x4"},
        {"id": "3024", "name": "Plate 1x1", "reported": False},
    ]
    said = not_reported({"labels": labels})
    assert said.startswith("1 of 2 labels were never right")
    assert said.endswith("\n\n- 3024 Plate 1x1")
    assert not_reported({"labels": labels[:1]}) == "Every label is reported."


@pytest.mark.parametrize("family", ["stack", "lite"])
def test_the_card_credits_what_others_made(bundle, trained_run, family):
    run = read_run(trained_run)
    credits = ("LEGO brick sorting image recognition, pacogarciam3, CC BY-SA 3.0",)
    recipe = SimpleNamespace(
        name="r", start=None, stage=run.recipe.stage, loss=run.recipe.loss, credits=credits,
        network=SimpleNamespace(family=family),
    )  # fmt: skip
    manifest = json.loads((bundle.folder / "manifest.json").read_text())
    evaluation = json.loads(bundle.path("evaluation").read_text())
    told = SimpleNamespace(recipe=recipe, labels=run.labels)
    card = flat(model_card("tiny", told, manifest, evaluation, 60))
    assert f"## Credits It learned from what others made: - {credits[0]}" in card
    assert (TRUNK_CREDIT in card) == (family == "lite")
    recipe.credits = ()
    assert ("## Credits" in model_card("tiny", told, manifest, evaluation, 60)) == (
        family == "lite"
    )
