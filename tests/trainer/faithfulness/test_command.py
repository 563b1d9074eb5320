"""The whole command on a few pictures, with the shipped bundle."""

import json
import os
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from trainer.against_float import float_network
from trainer.cli import app
from trainer.dataset import read_ids, read_image, read_index
from trainer.errors import DatasetError, ExportError
from trainer.faithfulness import evaluation, run
from trainer.faithfulness.attributions import Attributions, centre_map
from trainer.faithfulness.counterfactual import Redrawn, effects
from trainer.faithfulness.evaluation import Asked, evaluate
from trainer.faithfulness.networks import Networks, build, layers_of
from trainer.faithfulness.picture import Examiner
from trainer.faithfulness.rows import RowFile
from trainer.faithfulness.settings import Settings

QUIET = Console(quiet=True)


class Links(HTMLParser):
    """Collects what a page would fetch."""

    def __init__(self):
        super().__init__()
        self.fetched = []

    def handle_starttag(self, tag, attributes):
        self.fetched += [v for k, v in attributes if k in ("src", "href") and tag != "use"]


@pytest.fixture(scope="module")
def done(shipped, told, tmp_path_factory):
    """The command's answer and folder; networks are built, LIME and all methods run."""
    out = tmp_path_factory.mktemp("evaluated")
    asked = ["explain-eval", str(shipped.folder), str(told), "--out", str(out), "--limit", "1"]
    found = CliRunner().invoke(app, [*asked, "--lime-runs", "2", "--workers", "1", "--json"])
    assert found.exit_code == 0, found.output
    return found, out


def test_everything_is_strict_json(done):
    def refuse(constant):
        raise AssertionError(constant)

    found = json.loads(done[0].stdout, parse_constant=refuse)
    assert found["pictures"] == 1
    assert all(found["explanations"][outcome] for outcome in ("tp", "fn", "fp"))
    right = found["figures"]["tp"]
    assert list(right) == ["grad-cam", "grad-cam-max", "hirescam", "lime", "centre"]
    assert right["lime"]["stability"]["count"] > 0
    assert right["lime"]["max_sensitivity"]["count"] == 0
    assert right["centre"]["random_logit"]["mean"] == pytest.approx(1)
    assert found["figures"]["fp"]["grad-cam"]["pointing"]["count"] == 0
    assert "not asked for" in found["counterfactual"]["skipped"]


def test_random_layers_change_grad_cam(done, shipped):
    depths = json.loads(done[0].stdout)["randomisation"]["grad-cam"]
    assert depths[0]["random"] == ["logits"]
    layers = layers_of(float_network(shipped))
    assert [depth["random"] for depth in depths] == [
        list(layers[:count]) for count in range(1, len(layers) + 1)
    ]
    assert all(depth["mean"] is None or depth["mean"] < 0.6 for depth in depths)


def test_the_budget_adds_up(done):
    for methods in json.loads(done[0].stdout)["budget"].values():
        for shares in methods.values():
            total = [shares[s]["mean"] for s in ("own", "other", "background")]
            assert None in total or sum(total) == pytest.approx(1, abs=1e-5)


def test_page_needs_nothing_else(done):
    text = (done[1] / "explain.html").read_text()
    links = Links()
    links.feed(text)
    assert links.fetched
    assert all(link.startswith(("data:", "#")) for link in links.fetched)
    assert "<script" not in text
    assert not re.search(r"url\((?!#)", text)
    assert text.count("<figure>") >= 6 + 3 * 5
    assert "rightly reported" in text


def evaluated(shipped, told, out, monkeypatch, **others):
    """The cheapest method, without networks, which take TensorFlow to build."""
    monkeypatch.setattr(evaluation, "build", lambda *_: Networks())
    return evaluate(
        Asked(shipped.folder, told, out, methods=("centre",), workers=1, **others), QUIET
    )


def test_a_stopped_evaluation_goes_on(shipped, told, tmp_path, monkeypatch):
    whole = evaluated(shipped, told, tmp_path / "a", monkeypatch)
    examine, asked = Examiner.examine, []

    def stopped(self, sample, number):
        asked.append(sample.seed)
        if len(asked) == 2:
            raise KeyboardInterrupt
        return examine(self, sample, number)

    monkeypatch.setattr(Examiner, "examine", stopped)
    with pytest.raises(KeyboardInterrupt):
        evaluated(shipped, told, tmp_path / "b", monkeypatch)
    resumed = evaluated(shipped, told, tmp_path / "b", monkeypatch)
    assert len(asked) == len(set(asked)) + 1
    np.testing.assert_equal(resumed, whole)


def test_a_cut_row_is_made_again(shipped, told, tmp_path, monkeypatch):
    whole = evaluated(shipped, told, tmp_path, monkeypatch, limit=2)
    rows = tmp_path / "rows.jsonl"
    rows.write_bytes(rows.read_bytes()[:-100])
    np.testing.assert_equal(evaluated(shipped, told, tmp_path, monkeypatch, limit=2), whole)


def test_other_settings_are_refused(shipped, told, tmp_path, monkeypatch):
    evaluated(shipped, told, tmp_path, monkeypatch, limit=1)
    with pytest.raises(DatasetError, match="other settings"):
        evaluated(shipped, told, tmp_path, monkeypatch, limit=1, seed=1)


def test_two_processes_find_the_same(shipped, told, tmp_path):
    opening = run.Opening(shipped.folder, Networks(), Settings(("centre",)))
    samples = read_index(told)
    one, two = (
        run.examine_all(opening, samples, RowFile(tmp_path / f"{n}.jsonl", {}), n, QUIET)
        for n in (1, 2)
    )
    assert one == two


def test_a_rendered_data_set_is_needed_to_leave_bricks_out(shipped, told, tmp_path, monkeypatch):
    found = evaluated(shipped, told, tmp_path, monkeypatch, limit=1, counterfactuals=2)
    assert "no data set of" in found["counterfactual"]["skipped"]


def refused(*arguments):
    found = CliRunner().invoke(app, ["explain-eval", *map(str, arguments)])
    assert isinstance(found.exception, DatasetError)
    return str(found.exception)


def test_a_method_that_is_none(shipped, told, tmp_path):
    said = refused(shipped.folder, told, "--out", tmp_path, "--methods", "lime,shap")
    assert "found shap; allowed: grad-cam" in said


def test_a_split_that_is_none_or_empty(shipped, told, tmp_path):
    said = refused(shipped.folder, told, "--out", tmp_path, "--split", "all")
    assert "allowed: train, validation, test" in said
    assert "no picture is in split" in refused(
        shipped.folder, told, "--out", tmp_path, "--split", "train"
    )


def test_photographs_have_no_masks(shipped, told, tmp_path):
    folder = tmp_path / "data"
    shutil.copytree(told, folder)
    rows = [json.loads(line) for line in (folder / "index.jsonl").read_text().splitlines()]
    for row in rows:
        del row["ids"]
    (folder / "index.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert "has no instance maps" in refused(shipped.folder, folder, "--out", tmp_path / "out")


def test_a_bundle_without_float_weights(shipped, tmp_path):
    manifest = shipped.manifest
    files = {role: entry for role, entry in manifest.files.items() if role != "weights"}
    bare = type(shipped)(
        shipped.folder, manifest.model_copy(update={"files": files}), shipped.labels,
        shipped.thresholds, shipped.slopes, shipped.offsets, shipped.preprocessing, shipped.sha256,
    )  # fmt: skip
    with pytest.raises(ExportError, match="holds no float weights"):
        build(bare, tmp_path, 0, False)


def test_leaving_a_brick_out_is_compared_with_the_mass_on_it(shipped, told):
    sample = read_index(told)[0]
    picture, ids = read_image(sample), read_ids(sample)
    bare = np.full_like(picture, 128)
    methods = Attributions(shipped, ("grad-cam", "centre"), Networks())
    rows = effects(Redrawn(picture, ids, (picture, bare)), methods)
    said, without = methods.classify(picture), methods.classify(bare)
    assert [row["part"] for row in rows] == [label.id for label in said.present]
    for row, label in zip(rows, said.present, strict=True):
        lost = said.logits[label.index] - without.logits[label.index]
        assert row["drop"] == pytest.approx([0, lost], abs=1e-5)
        assert set(row["mass"]) == {"grad-cam", "centre"}
        assert 0 <= sum(row["mass"]["centre"]) <= 1


class Superpixels:
    """What LIME would answer: four quarters, of which the first speaks for every label."""

    def __init__(self, picture, labels):
        self.segments = np.zeros(picture.shape[:2], int)
        self.segments[: picture.shape[0] // 2] = 1
        self.coefficients = np.tile(np.array([-1.0, 2.0], np.float32), (labels, 1))
        self.r2 = np.full(labels, 0.75)

    def map_of(self, index):
        return self.coefficients[index][self.segments]


def test_lime_is_averaged_to_the_grid_and_told_what_matters(shipped):
    asked = []

    def stand_in(picture, classify, seed, indices):
        asked.append((seed, list(indices), classify(picture).shape))
        return Superpixels(picture, len(shipped.labels))

    methods = Attributions(shipped, ("lime",), Networks(), stand_in)
    prediction = methods.classify(np.full((64, 64, 3), 99, np.uint8))
    found = methods.explain(prediction, [3, 5], 7, strangers=[0])["lime"]
    assert asked == [(7, [3, 5], (len(shipped.labels),))]
    assert found.maps.shape == (3, *shipped.manifest.companion.grid)
    half = found.maps.shape[1] // 2
    assert (found.maps[:, :half] == 2).all()
    assert (found.maps[:, half:] == -1).all()
    np.testing.assert_array_equal(found.r2, [0.75] * 3)


def test_the_centre_knows_nothing_but_the_middle():
    heat = centre_map((4, 6))
    assert heat.shape == (4, 6)
    np.testing.assert_allclose(heat, heat[::-1, ::-1])
    assert heat[1, 2] == heat.max()


def test_a_folder_that_cannot_be_made_is_refused_before_any_work(shipped, told, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DatasetError, match="--out: no folder can be made"):
        evaluate(Asked(shipped.folder, told, tmp_path / "file"), QUIET)


INTERRUPTED = """
import os, signal, sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from edge.explain.worker.process import interrupts_held_back
from trainer.faithfulness.run import _ignore_interrupt

if __name__ == "__main__":
    signal.signal(signal.SIGINT, lambda *_: None)
    spawned = get_context("spawn")
    with ProcessPoolExecutor(2, spawned, initializer=_ignore_interrupt) as pool:
        with interrupts_held_back():
            waiting = [pool.submit(abs, -n) for n in (1, 2)]
        os.killpg(0, signal.SIGINT)
        print([one.result() for one in waiting])
"""


def test_an_interrupt_while_processes_start_leaves_no_trace(tmp_path):
    script = tmp_path / "interrupted.py"
    script.write_text(INTERRUPTED)
    done = subprocess.run(
        [sys.executable, script],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        timeout=120,
        start_new_session=True,
    )
    assert done.stdout == "[1, 2]\n"
    assert "Traceback" not in done.stderr
