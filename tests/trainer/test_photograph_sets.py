"""Folders of photographs to judge on: what is read, and what is refused with a reason."""

import json

import cv2
import numpy as np
import pytest

from trainer.errors import DatasetError
from trainer.photograph_sets import (
    named_folders,
    read_calibration_set,
    read_photograph_set,
)

KNOWN = ("3001", "3024", "6141")


def pictures(folder, *names):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        cv2.imwrite(str(folder / name), np.full((20, 30, 3), 90, np.uint8))
    return folder


def csv_folder(folder, *rows):
    pictures(folder, *(row.split(",")[0] for row in rows))
    (folder / "labels.csv").write_text("\n".join(["picture,labels", *rows]) + "\n")
    return folder


def json_folder(folder, **truth):
    pictures(folder, *(f"{name}.jpg" for name in truth))
    values = {f"{name}.jpg": {"present": p, "ignore": i} for name, (p, i) in truth.items()}
    (folder / "labels.json").write_text(json.dumps(values))
    return folder


def refusal(folder, **options):
    with pytest.raises(DatasetError) as refused:
        read_photograph_set("set", folder, KNOWN, **options)
    return str(refused.value)


def test_one_label_each_from_a_csv(tmp_path):
    folder = csv_folder(tmp_path / "own", "a.jpg,3001", "b.jpg,", "c.jpg,6141")
    found = read_photograph_set("own", folder, KNOWN)
    assert [p.present for p in found.photographs] == [{"3001"}, set(), {"6141"}]
    assert found.single
    wanted, ignored = found.matrices(KNOWN)
    assert wanted.tolist() == [[True, False, False], [False] * 3, [False, False, True]]
    assert not ignored.any()
    assert [s.labels for s in found.samples] == [("3001",), (), ("6141",)]


def test_present_and_ignored_from_a_json(tmp_path):
    folder = json_folder(tmp_path / "piles", a=(["3001", "3024"], ["6141", "9999"]), b=([], []))
    found = read_photograph_set("piles", folder, KNOWN)
    assert not found.single
    wanted, ignored = found.matrices(KNOWN)
    assert wanted.tolist() == [[True, True, False], [False] * 3]
    assert ignored.tolist() == [[False, False, True], [False] * 3]


def test_what_is_present_is_not_ignored(tmp_path):
    folder = json_folder(tmp_path / "piles", a=(["3001"], ["3001"]))
    wanted, ignored = read_photograph_set("piles", folder, KNOWN).matrices(KNOWN)
    assert (wanted.sum(), ignored.sum()) == (1, 0)


@pytest.mark.parametrize("kind", ["csv", "json"])
def test_a_label_that_the_bundle_does_not_know_is_refused_or_skipped_and_counted(tmp_path, kind):
    folder = tmp_path / "own"
    if kind == "csv":
        csv_folder(folder, "a.jpg,3001", "b.jpg,3001 9998", "c.jpg,nonsense")
    else:
        json_folder(folder, a=(["3001"], []), b=(["3001", "9998"], []), c=(["nonsense"], []))
    said = refusal(folder)
    assert "2 of 3 pictures have a label that the bundle does not know: 9998, nonsense;" in said
    assert "--skip-unknown" in said
    found = read_photograph_set("own", folder, KNOWN, skip_unknown=True)
    assert [p.picture.name for p in found.photographs] == ["a.jpg"]
    assert found.skipped == 2


def test_a_folder_without_any_label_is_refused(tmp_path):
    folder = csv_folder(tmp_path / "own", "a.jpg,", "b.jpg,")
    assert "none of its 2 pictures has a label" in refusal(folder)
    unknown = csv_folder(tmp_path / "other", "a.jpg,", "b.jpg,9998")
    said = refusal(unknown, skip_unknown=True)
    assert "all 1 that have one show an unknown type" in said


def test_folders_that_are_no_photographs_are_refused(tmp_path):
    assert "no such folder" in refusal(tmp_path / "none")
    bare = pictures(tmp_path / "bare", "a.jpg")
    assert "neither labels.csv nor labels.json" in refusal(bare)
    both = json_folder(csv_folder(tmp_path / "both", "a.jpg,3001"), a=(["3001"], []))
    assert "labels.csv and labels.json" in refusal(both)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{}", "names no picture"),
        ("[1]", "expected file names"),
        ("no json", "expected file names"),
        ('{"a.jpg": {"present": []}}', "ignore"),
        ('{"a.jpg": {"present": "3001", "ignore": []}}', "list of ids"),
        ('{"gone.jpg": {"present": ["3001"], "ignore": []}}', "gone.jpg: no such file"),
    ],
)
def test_a_damaged_json_is_named(tmp_path, content, said):
    folder = pictures(tmp_path / "piles", "a.jpg")
    (folder / "labels.json").write_text(content)
    message = refusal(folder)
    assert "labels.json" in message
    assert said in message


def test_only_a_csv_is_calibrated_on(tmp_path):
    piles = json_folder(tmp_path / "piles", a=(["3001"], []))
    with pytest.raises(DatasetError, match=r"has no labels\.csv.*--photographs"):
        read_calibration_set(piles, KNOWN)
    with pytest.raises(DatasetError, match="no such folder"):
        read_calibration_set(tmp_path / "none", KNOWN)
    own = csv_folder(tmp_path / "own", "a.jpg,3001")
    assert len(read_calibration_set(own, KNOWN).photographs) == 1


def test_folders_go_by_their_names(tmp_path, monkeypatch):
    odd = tmp_path / "a=b"
    odd.mkdir()
    monkeypatch.chdir(tmp_path)
    found = named_folders(["phone=some/where", "piles/real", "a=b", "x=y=z"])
    assert {name: str(folder) for name, folder in found.items()} == {
        "phone": "some/where", "real": "piles/real", "a=b": "a=b", "x": "y=z",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["a=one", "a=two"], "'a' is given twice, for one and two"),
        (["real", "else/real"], "'real' is given twice"),
        (["=one"], "name ''"),
        ([f"{'n' * 41}=one"], "1 to 40 printable"),
        (["a\tb=one"], "printable"),
    ],
)
def test_names_that_cannot_be_told_apart_are_refused(arguments, said):
    with pytest.raises(DatasetError, match="NAME=FOLDER") as refused:
        named_folders(arguments)
    assert said in str(refused.value)
