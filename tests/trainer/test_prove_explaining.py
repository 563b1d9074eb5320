"""The verdict of `python -m tests.prove.explaining`; nothing is timed."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from edge.bundle import read_bundle
from edge.classifier import Classifier
from edge.config import SHIPPED_BUNDLE
from edge.domain import Frame
from tests.bench.needs import CannotMeasure
from tests.bench.table import Reach, Row
from tests.prove.context import Proof
from tests.prove.explaining import __main__ as command
from tests.prove.explaining.faithfulness_figures import rows_of
from tests.prove.explaining.lime_figures import OURS, calls_after_cancel, top_overlap
from tests.prove.explaining.map_figures import correlation, map_rows
from tests.prove.explaining.pictures import Seen, seen_pictures
from tests.prove.measuring import Figure

METHODS = ("grad-cam", "grad-cam-max", "centre")


def interval(mean, low=None, high=None):
    return {"mean": mean, "low": low if low is not None else mean, "high": high or mean}


def evaluation(pointing=(0.9, 0.3, 0.3), low=0.5, random=0.05, pictures=230):
    figures = {
        name: {
            "pointing": interval(value),
            "blank": interval(0.0),
            "energy": interval(0.5),
            "selectivity": interval(None),
        }
        for name, value in zip(METHODS, pointing, strict=True)
    }
    return {
        "pictures": pictures,
        "explanations": {"tp": 300},
        "figures": {"tp": figures},
        "differences": {
            "tp": {
                f"grad-cam minus {rival}": {"pointing": interval(low + 0.1, low, low + 0.2)}
                for rival in METHODS[1:]
            }
        },
        "randomisation": {
            "grad-cam": [{"random": ["logits"], **interval(random)}],
            "grad-cam-max": [{"random": ["logits"], **interval(0.8)}],
        },
        "agreement": {"same_label_set": interval(0.6)},
    }


def judged(found):
    return {row.figure: row.holds for row in rows_of(found, Path("page.html"))}


def test_both_rivals_must_be_beaten_with_the_whole_interval():
    holds = judged(evaluation(low=0.01))
    assert holds["pointing game: Grad-CAM less centre"] is True
    assert holds["pointing game: Grad-CAM less grad-cam-max"] is True
    short = judged(evaluation(low=-0.01))
    assert short["pointing game: Grad-CAM less centre"] is False


def test_only_grad_cam_has_to_change_with_the_weights():
    assert judged(evaluation(random=0.2))["grad-cam: likeness (Spearman) with logits random"]
    changed = judged(evaluation(random=0.21))
    assert changed["grad-cam: likeness (Spearman) with logits random"] is False
    assert changed["grad-cam-max: likeness (Spearman) with logits random"] is None


def test_what_is_undefined_is_left_out():
    assert not any("selectivity" in figure for figure in judged(evaluation()))


def test_too_few_pictures_prove_nothing():
    with pytest.raises(CannotMeasure, match="199 held-out pictures, 200 are needed"):
        rows_of(evaluation(pictures=199), Path("page.html"))


def test_a_model_that_is_never_right_proves_nothing():
    found = evaluation() | {"figures": {}}
    with pytest.raises(CannotMeasure, match="nothing rightly"):
        rows_of(found, Path("page.html"))


def test_overlap_of_the_strongest_by_hand():
    one, other = np.array([5.0, -4, 3, 0, 0]), np.array([5.0, 0, 3, 4, 0])
    # {0, 1, 2} and {0, 2, 3}: two in common of four.
    assert top_overlap(one, other, 3) == pytest.approx(0.5)
    assert top_overlap(one, one, 3) == 1


def test_even_maps_correlate_only_with_even_ones():
    even, ramp = np.zeros((3, 3)), np.arange(9.0).reshape(3, 3)
    assert correlation(even, even) == 1
    assert correlation(ramp, even) == 0
    assert correlation(ramp, 2 * ramp + 1) == pytest.approx(1)


@pytest.fixture(scope="module")
def seen():
    bundle = read_bundle(SHIPPED_BUNDLE)
    image = np.random.default_rng(0).integers(0, 256, (60, 80, 3)).astype(np.uint8)
    return Seen(Classifier(bundle).classify(Frame(0, 0.0, image)), bundle.labels[:2])


def test_a_cancel_is_heard_within_a_batch(seen):
    calls = 0

    def model(picture):
        nonlocal calls
        calls += 1
        return picture[::64, ::64, 0].ravel().astype(np.float32)

    late = calls_after_cancel(seen, model, cancel_at=50)
    assert 0 <= late <= OURS.batch
    assert calls == 50 + late


def test_pictures_and_maps_are_those_of_the_named_data_set(piles, tmp_path, monkeypatch):
    proof = Proof(tmp_path, "1234567", quick=True, data=piles)
    pictures = seen_pictures(proof, read_bundle(SHIPPED_BUNDLE), 2)
    assert len(pictures) == 2
    assert all(picture.labels for picture in pictures)
    rows = map_rows(proof)
    assert [row.holds for row in rows] == [True] * 3


def test_a_row_that_falls_short_is_the_exit_code(monkeypatch, tmp_path):
    short = Row("short", Reach("at most", 1), 2.0)
    monkeypatch.setattr(command, "FIGURES", {"short": Figure(lambda proof: [short])})
    monkeypatch.setattr(command, "FOLDER", tmp_path)
    file = tmp_path / "rows.json.out"
    done = CliRunner().invoke(command.app, ["--json", str(file)])
    assert done.exit_code == 1
    assert "what the explanations promise" in done.stdout
    assert json.loads(file.read_text())["rows"][0]["holds"] is False
    assert CliRunner().invoke(command.app, ["--only", "typo"]).exit_code == 2
