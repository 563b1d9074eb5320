"""Labels that a model does not report: said by the bundle, kept by the device, told to people."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bundle_copies import Values, edit_manifest, report_every_label
from PIL import Image
from typer.testing import CliRunner

import edge.cli
from edge.bundle import Bundle, read_bundle, with_thresholds
from edge.check import check_all
from edge.dashboard.model.figures import tiles_of
from edge.dashboard.model.tables import all_else, label_rows
from edge.dashboard.values import threshold_of
from edge.domain import NOT_REPORTED
from edge.manifest import read_manifest
from edge.swap.candidates import differences


def silence(folder: Path, *indices: int) -> None:
    def edit(values: Values) -> None:
        for index in indices or range(len(values["labels"])):
            values["labels"][index]["reported"] = False

    edit_manifest(folder, edit)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "pile.png"
    Image.fromarray(np.full((64, 64, 3), 90, np.uint8)).save(path)
    return path


def labelled(*arguments: object) -> str:
    done = CliRunner().invoke(edge.cli.app, ["label", *map(str, arguments)])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_a_label_that_is_not_reported_has_a_threshold_that_no_probability_reaches(
    copied: Path, shipped: Bundle
) -> None:
    silence(copied, 3)
    bundle = read_bundle(copied)
    assert bundle.thresholds[3] == NOT_REPORTED > 1
    assert bundle.probabilities(np.full(85, 1e6, np.float32)).max() < NOT_REPORTED
    others = np.arange(85) != 3
    np.testing.assert_array_equal(bundle.thresholds[others], shipped.thresholds[others])
    json.dumps(bundle.thresholds.tolist(), allow_nan=False)


def test_a_bundle_that_does_not_say_reports_every_label(copied: Path) -> None:
    edit_manifest(copied, lambda values: [e.pop("reported", None) for e in values["labels"]])
    bundle = read_bundle(copied)
    assert all(entry.reported for entry in bundle.manifest.labels)
    assert (bundle.thresholds < NOT_REPORTED).all()


def test_the_settings_turn_a_label_on_again(copied: Path, shipped: Bundle) -> None:
    silence(copied, 3)
    bundle = with_thresholds(read_bundle(copied), {shipped.labels[3].id: 0.5})
    assert bundle.thresholds[3] == 0.5


def test_not_sure_is_an_answer_with_the_strongest_candidates(copied: Path, picture: Path) -> None:
    silence(copied)
    (found,) = [
        json.loads(line) for line in labelled("--json", "--bundle", copied, picture).split("\n")[:1]
    ]
    assert found["labels"] == []
    ranked = sorted(found["probabilities"].values(), reverse=True)
    assert [one["confidence"] for one in found["not_sure"]] == ranked[:3]
    assert all(one["threshold"] is None for one in found["not_sure"])
    line = labelled("--bundle", copied, picture)
    assert line.startswith(f"{picture}: not sure; the strongest candidates are ")
    assert all(f"{one['id']} {one['name']} " in line for one in found["not_sure"])


def test_who_is_sure_does_not_say_that_it_is_not(copied: Path, picture: Path) -> None:
    edit_manifest(copied, report_every_label)
    assert "not_sure" not in json.loads(labelled("--json", "--bundle", copied, picture))
    assert "not sure" not in labelled("--bundle", copied, picture)


def test_check_names_bins_whose_labels_are_not_reported(copied: Path, tmp_path: Path) -> None:
    silence(copied, 0, 1)
    first, second = (entry.id for entry in read_manifest(copied).labels[:2])
    config = tmp_path / "edge.toml"
    config.write_text(
        f'[camera]\nsource = "pile.mp4"\n[bundle]\npath = "{copied}"\n'
        f'[thresholds]\n"{second}" = 0.4\n'
        f'[[bin]]\nnumber = 1\nname = "one"\nlabels = ["{first}", "{second}"]\n',
        encoding="utf-8",
    )
    (found,) = [row for row in check_all(config) if row.what == "bins against labels"]
    assert found.ok, found.found
    assert f"does not report {first}, so nothing" in found.found.replace("\\", "")


def test_what_another_model_does_not_report_is_among_its_differences(
    copied: Path, shipped: Bundle
) -> None:
    edit_manifest(copied, report_every_label)
    running, label = read_manifest(copied), shipped.labels[5].id
    silence(copied, 5)
    other = read_manifest(copied)
    assert differences(running, other) == (f"does not report {label}",)
    assert differences(other, running) == (f"also reports {label}",)


def test_the_page_says_not_reported(copied: Path, shipped: Bundle) -> None:
    silence(copied, 0)
    bundle = read_bundle(copied)
    assert label_rows(bundle, {})[0].threshold is None
    assert label_rows(bundle, {})[0].own is None
    set_here = label_rows(with_thresholds(bundle, {bundle.labels[0].id: 0.25}), {})[0]
    assert (set_here.threshold, set_here.own) == (0.25, "not reported")
    assert [threshold_of(value) for value in (None, 0.5, NOT_REPORTED)] == [None, 0.5, None]


def test_each_set_of_photographs_has_its_tiles() -> None:
    one: dict[str, Any] = {
        "pictures": 12.0, "micro_f1": 0.5, "micro_precision": 0.6, "micro_recall": 0.4,
    }  # fmt: skip
    two = one | {"right_first": 0.9, "right_in_five": 0.95, "labels": {"3001": {"first": 1.0}}}
    values = {"photographs": {"piles": one, "singles": two}}
    tiles = {tile.name: (tile.value, tile.beside) for tile in tiles_of(values)}
    assert tiles == {
        "F1 on photographs: piles": ("0.500", "12 real pictures; precision 0.600, recall 0.400"),
        "Right first: singles": ("90.0 %", "of 12 photographs; 95.0 % among the first five"),
        "F1 on photographs: singles": ("0.500", "12 real pictures; precision 0.600, recall 0.400"),
    }
    assert not any("labels" in way for way, _ in all_else(values))
