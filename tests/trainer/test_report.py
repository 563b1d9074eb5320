"""Strata, sizes and the HTML page of an evaluation, on a bundle of the tiny recipe."""

import json
import re
import shutil
from html.parser import HTMLParser

import pytest
from typer.testing import CliRunner

from trainer.cli import app
from trainer.dataset import read_index
from trainer.evaluate import judge, strata_of, summary
from trainer.export import export
from trainer.report import write_report


@pytest.fixture(scope="module")
def tagged_piles(piles, tmp_path_factory):
    """The small data set with what scenes say of themselves."""
    folder = tmp_path_factory.mktemp("tagged") / "data"
    shutil.copytree(piles, folder)
    rows = [json.loads(line) for line in (folder / "index.jsonl").read_text().splitlines()]
    for number, row in enumerate(rows):
        row |= {"ground": ("wood", "tiles")[number % 2], "elevation_deg": 35.0 + number % 3 * 20}
    (folder / "index.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.fixture(scope="module")
def bundle(trained_run, piles, console, tmp_path_factory):
    return export(trained_run, piles, tmp_path_factory.mktemp("out") / "tiny", "tiny", console)


@pytest.fixture(scope="module")
def judged(bundle, tagged_piles, console):
    return judge(bundle, tagged_piles, "train", console)


def test_strata_are_told_from_what_the_data_set_says(tagged_piles):
    known = strata_of(read_index(tagged_piles)[1])
    assert known["ground"] == "tiles"
    assert known["elevation"] == "40-60 deg"
    assert known["bricks"] in {"1", "2"}


def test_strata_add_up_to_all_pictures(bundle, judged):
    found = summary(bundle, judged)
    for stratum in ("ground", "bricks", "elevation"):
        assert sum(p["pictures"] for p in found["strata"][stratum].values()) == found["pictures"]
    assert sum(size["bricks"] for size in found["size"].values()) == judged.wanted.sum()


def test_labels_have_all_their_figures(bundle, judged):
    rows = summary(bundle, judged)["labels"]
    assert set(rows) == {"3001", "3024", "6141"}
    for row in rows.values():
        assert set(row) == {
            "precision", "recall", "f1", "average_precision", "threshold", "support",
        }  # fmt: skip
        p, r = row["precision"], row["recall"]
        assert row["f1"] == pytest.approx(2 * p * r / (p + r) if p + r else 0, abs=1e-3)


class Links(HTMLParser):
    """Collects what a page would fetch."""

    def __init__(self):
        super().__init__()
        self.fetched = []

    def handle_starttag(self, tag, attributes):
        self.fetched += [v for k, v in attributes if k in ("src", "href") and tag != "use"]


def test_page_needs_nothing_else(bundle, judged, tmp_path):
    found = summary(bundle, judged)
    write_report(tmp_path / "report.html", bundle, judged, found)
    text = (tmp_path / "report.html").read_text()
    links = Links()
    links.feed(text)
    assert links.fetched
    assert all(link.startswith(("data:", "#")) for link in links.fetched)
    assert "<script" not in text
    assert not re.search(r"url\((?!#)", text)
    assert f"{found['mean_average_precision']:.4f}" in text
    assert "Brick 2x4" in text
    assert text.count("<figure>") >= 6


def test_command_writes_page_and_json(bundle, tagged_piles, tmp_path):
    out = tmp_path / "evaluated"
    done = CliRunner().invoke(
        app, ["evaluate", str(bundle.folder), str(tagged_piles), "--out", str(out)]
    )
    assert done.exit_code == 0, done.output
    assert "mean_average_precision" in done.output
    found = json.loads((out / "evaluation.json").read_text())
    assert found["test"]["pictures"] > 0
    assert 0 <= found["int8 against float"]["same_label_set"] <= 1
    assert "Int8 against float" in (out / "report.html").read_text()
    assert (out / "report.html").stat().st_size > 20_000
