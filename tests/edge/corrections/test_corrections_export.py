"""The data set: whole or not at all, and near-duplicates on one side."""

import errno
import json
from pathlib import Path
from typing import Any

import pytest
from corrections_rig import jpeg, say
from typer.testing import CliRunner

from edge.cli import app
from edge.corrections.corrections import Corrections
from edge.corrections.export import export
from edge.errors import ConfigError, CorrectionsError, CorrectionsFull, EdgeError


def rows(out: Path) -> list[dict[str, Any]]:
    lines = (out / "index.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_each_corrected_picture_is_there_once(corrections: Corrections, tmp_path: Path) -> None:
    say(corrections, 1, ("3001",))
    say(corrections, 2, ("3020", "3003"))
    say(corrections, 3, ())
    taken_back = say(corrections, 4)
    corrections.undo(4, taken_back.subject.picture_sha256, "tess", taken_back.version)
    found = export(corrections, tmp_path / "out")
    assert (found.pictures, found.groups, found.confirmed, found.gone) == (3, 3, 1, ())
    assert found.labels == {"3001": 1, "3003": 1, "3020": 1}
    written = rows(tmp_path / "out")
    assert [row["labels"] for row in written] == [["3001"], ["3003", "3020"], []]
    assert [row["said"] for row in written] == ["confirmed", "corrected", "corrected"]
    assert [(tmp_path / "out" / row["picture"]).read_bytes() for row in written] == [
        jpeg(1),
        jpeg(2),
        jpeg(3),
    ]
    assert sorted(path.name for path in tmp_path.iterdir() if "out" in path.name) == ["out"]


def test_near_duplicates_have_one_seed_also_in_the_next_export(
    corrections: Corrections, tmp_path: Path
) -> None:
    say(corrections, 1, ("3001",))
    say(corrections, 2, ("3001",), picture=jpeg(1, noise=5.0))
    say(corrections, 3, ("3001",))
    assert export(corrections, tmp_path / "a").groups == 2
    before = [row["seed"] for row in rows(tmp_path / "a")]
    assert before[0] == before[1] != before[2]
    say(corrections, 4, ("3001",), picture=jpeg(3, noise=4.0))
    export(corrections, tmp_path / "b")
    assert [row["seed"] for row in rows(tmp_path / "b")] == [*before, before[2]]


def test_the_same_picture_of_two_items_counts_once_as_was_said_last(
    corrections: Corrections, tmp_path: Path
) -> None:
    say(corrections, 1, ("3001",), picture=jpeg(5))
    say(corrections, 2, ("3003",), picture=jpeg(5))
    assert export(corrections, tmp_path / "out").pictures == 1
    assert rows(tmp_path / "out")[0]["labels"] == ["3003"]


def test_the_last_word_on_a_picture_counts_whichever_item_was_corrected_first(
    corrections: Corrections, tmp_path: Path
) -> None:
    first = say(corrections, 1, ("3001",), picture=jpeg(5))
    say(corrections, 2, ("3003",), picture=jpeg(5))
    say(corrections, 1, ("3020",), seen=first.version, picture=jpeg(5))
    export(corrections, tmp_path / "out")
    assert [row["labels"] for row in rows(tmp_path / "out")] == [["3020"]]


def test_pictures_that_are_gone_are_left_out_and_named(
    corrections: Corrections, tmp_path: Path
) -> None:
    first, second = say(corrections, 1), say(corrections, 2)
    corrections.pictures.forget(first.subject.picture_sha256)
    found = export(corrections, tmp_path / "out")
    assert (found.pictures, found.gone) == (1, (1,))
    corrections.pictures.forget(second.subject.picture_sha256)
    with pytest.raises(CorrectionsError, match="none of the 2 pictures"):
        export(corrections, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_the_folder_one_stands_in_is_filled(
    corrections: Corrections, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(corrections, 1)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    export(corrections, Path())
    assert len(rows(tmp_path / "here")) == 1


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_nothing_is_written_over(corrections: Corrections, tmp_path: Path, kind: str) -> None:
    say(corrections)
    out = tmp_path / "out"
    if kind == "file":
        out.write_text("mine")
    else:
        out.mkdir()
        (out / "index.jsonl").write_text("mine")
    with pytest.raises(EdgeError, match="is not written over"):
        export(corrections, out)
    assert "mine" in (out if kind == "file" else out / "index.jsonl").read_text()


def test_an_empty_folder_is_filled(corrections: Corrections, tmp_path: Path) -> None:
    say(corrections)
    (tmp_path / "out").mkdir()
    assert export(corrections, tmp_path / "out").pictures == 1


def test_a_full_disk_leaves_nothing(
    corrections: Corrections, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(corrections)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(CorrectionsFull, match="out: there is no room"):
        export(corrections, tmp_path / "out")
    assert not [path for path in tmp_path.iterdir() if "out" in path.name]


# --- the commands ---


def call(*arguments: object) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["corrections", *map(str, arguments)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.output


def test_the_command_says_what_it_wrote(corrections: Corrections, tmp_path: Path) -> None:
    say(corrections, 1, ("3001",))
    say(corrections, 2, ("3003",))
    code, said = call("export", tmp_path / "out", "--journal", tmp_path / "journal.sqlite")
    assert code == 0
    assert "2 pictures in 2 groups of near-duplicates: 1 confirmed, 1 corrected." in said
    assert "3003" in said
    assert len(rows(tmp_path / "out")) == 2


def test_the_list_says_who_said_what(corrections: Corrections, tmp_path: Path) -> None:
    say(corrections, 1, ("3003",), who="tess [bold]")
    code, said = call("list", "--journal", tmp_path / "journal.sqlite")
    assert code == 0
    assert "tess [bold]" in said
    assert "3003" in said
    code, said = call("list", "--journal", tmp_path / "journal.sqlite", "--json")
    assert json.loads(said)["labels"] == ["3003"]


def test_the_journal_is_found_by_the_configuration(
    corrections: Corrections, tmp_path: Path
) -> None:
    say(corrections)
    (tmp_path / "edge.toml").write_text(
        f'[camera]\nsource = "{tmp_path}"\n[journal]\npath = "{tmp_path / "journal.sqlite"}"\n'
    )
    code, said = call("list", "--config", tmp_path / "edge.toml")
    assert code == 0
    assert "as recognised" in said


@pytest.mark.parametrize("arguments", [[], ["--config", "a", "--journal", "b"]])
def test_one_of_both_says_whose_they_are(arguments: list[str]) -> None:
    with pytest.raises(ConfigError, match="either --config FILE or --journal FILE"):
        call("list", *arguments)


def test_a_journal_without_corrections_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing was corrected yet"):
        call("list", "--journal", tmp_path / "other.sqlite")
