"""`bricksight-edge replay`, `export` and `check-journal`, beside a device that writes."""

import csv
import io
import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from pipeline_rig import SORTED_INDEX, Rig
from typer.testing import CliRunner, Result

import edge.cli
from edge.board import EmptyBinRequest
from edge.bundle import Bundle
from edge.errors import EdgeError
from edge.kept_frames import FrameSettings, folder_of, path_of
from sorter_firmware_bridge.drivers.simulated import Fault, FaultKind, SimulatedSettings

ROOT = Path(__file__).resolve().parents[2]
POLICY = """
[sorting]
mode = "single"
unknown_bin = "rest"
review_bin = "review"
margin = {margin}

[[bin]]
number = 1
name = "bricks"
labels = ["{label}"]

[[bin]]
number = 2
name = "rest"

[[bin]]
number = 3
name = "review"
"""


@pytest.fixture
def rig(tmp_path: Path, shipped: Bundle) -> Iterator[Rig]:
    """A running device; two bricks in bin 1, one unanswered there, one unrecognised in bin 2."""
    settings = SimulatedSettings(faults=(Fault(FaultKind.SILENCE, 3),))
    made = Rig(tmp_path, shipped, settings, frames=FrameSettings(min_free_mb=0))
    for number, present in enumerate([(SORTED_INDEX,), (SORTED_INDEX,), (SORTED_INDEX,), ()]):
        made.item(20 + 40 * number, present)
        made.run(0.5)
    yield made
    made.pipeline.close()


def call(*arguments: object) -> Result:
    return CliRunner().invoke(edge.cli.app, list(map(str, arguments)))


def said(*arguments: object) -> str:
    """What a command that has to work prints."""
    result = call(*arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def error(*arguments: object) -> str:
    """What a command that has to fail says."""
    result = call(*arguments)
    assert isinstance(result.exception, EdgeError), result.output
    return str(result.exception)


def changed(path: Path, statement: str) -> None:
    """Change a journal as somebody would who knows SQLite."""
    with closing(sqlite3.connect(path)) as db:
        triggers = db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:
            db.execute(f"DROP TRIGGER {name}")
        db.execute(statement)
        db.commit()


def policy(rig: Rig, margin: float, label: str | None = None) -> Path:
    path = rig.path.with_name("new.toml")
    own = rig.label(SORTED_INDEX).id
    path.write_text(POLICY.format(margin=margin, label=label or own))
    return path


# --- replay ---


def test_replay_prints_what_would_move(rig: Rig) -> None:
    text = said("replay", rig.path, "--policy", policy(rig, 0.97))
    label = rig.label(SORTED_INDEX)
    assert "4 seen = 3 confirmed + 0 fired + 0 missed + 0 review + 1 unknown" in text
    assert "would go elsewhere" in text
    assert "sorted → small_margin" in text
    assert label.id in text
    assert "For a person: 0.0% before, 75.0% after (+75.0 points)." in text


def test_replay_as_json_lists_every_item(rig: Rig) -> None:
    found = json.loads(said("replay", rig.path, "--policy", policy(rig, 0.97), "--json"))
    assert [(move["from"], move["to"]) for move in found["moved"]] == [("bricks", "review")] * 3
    assert found["after"]["bins"] == {"2 rest": 1, "3 review": 3}


def test_long_lists_end_unless_all_is_asked_for(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.replay_report.ROWS", 2)
    path = policy(rig, 0.97)
    assert "1 more; --all lists them" in said("replay", rig.path, "--policy", path)
    assert "more; --all" not in said("replay", rig.path, "--policy", path, "--all")


def test_replay_says_what_is_wrong_with_a_policy(rig: Rig) -> None:
    wrong = policy(rig, 0.2, label="4711")
    assert "new.toml, line 11: label '4711' does not exist in this model" in error(
        "replay", rig.path, "--policy", wrong
    )
    assert "cannot be read" in error(
        "replay", rig.path, "--policy", rig.path.with_name("none.toml")
    )


def test_replay_prints_names_as_they_are(rig: Rig) -> None:
    path = policy(rig, 0.97)
    path.write_text(path.read_text().replace('"review"', '"[/b]look"'))
    text = said("replay", rig.path, "--policy", path)
    assert "The machine is taken to have bin 3 '[/b]look'" in text
    assert "3 [/b]look" in text


def test_replay_lists_bins_by_their_number(rig: Rig) -> None:
    path = policy(rig, 0.97)
    path.write_text(path.read_text().replace("number = 3", "number = 20"))
    text = said("replay", rig.path, "--policy", path)
    assert text.index("1 bricks") < text.index("2 rest") < text.index("20 review")


# --- export ---


def test_export_counts_what_surely_lies_there(rig: Rig) -> None:
    label = rig.label(SORTED_INDEX)
    rows = list(csv.DictReader(io.StringIO(said("export", rig.path, "--format", "csv"))))
    assert [(row["bin_name"], row["ldraw_id"], row["quantity"]) for row in rows] == [
        ("bricks", label.id, "2"),
        ("rest", "", "1"),
    ]
    with_unknown = said("export", rig.path, "--format", "csv", "--with-unknown")
    assert f"bricks,{label.id},{label.name},3," in with_unknown


def test_export_begins_anew_where_a_bin_was_emptied(rig: Rig) -> None:
    rig.requests.put(EmptyBinRequest(1))
    rig.step()
    text = said("export", rig.path, "--format", "csv")
    assert ",bricks," not in text
    assert ",rest," in text


def test_export_of_one_bin_by_name_or_number(rig: Rig) -> None:
    by_name = said("export", rig.path, "--format", "bricklink", "--bin", "bricks")
    assert by_name == said("export", rig.path, "--format", "bricklink", "--bin", "1")
    assert "<QTY>2</QTY>" in by_name
    assert "there are bin 1 'bricks', bin 2 'rest'" in error(
        "export", rig.path, "--format", "csv", "--bin", "9"
    )
    assert "choose one with --bin" in error("export", rig.path, "--format", "bsx")


def test_export_writes_a_file_for_each_bin(rig: Rig, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    result = call("export", rig.path, "--format", "bsx", "--out", folder)
    assert result.exit_code == 0, result.output
    assert sorted(file.name for file in folder.iterdir()) == ["bin-1-bricks.bsx", "bin-2-rest.bsx"]
    assert "1 of 1 ids are assumed" in result.stderr
    assert "left out, because no one brick type was recognised: 1 item" in result.stderr
    assert "4 seen = 3 confirmed + 0 fired + 0 missed + 0 review + 1 unknown" in result.stderr


def test_export_takes_ids_and_a_colour_from_the_user(rig: Rig, tmp_path: Path) -> None:
    ids = tmp_path / "ids.csv"
    ids.write_text(f"ldraw_id,bricklink_id\n{rig.label(SORTED_INDEX).id},my-id\n")
    arguments = ["--format", "bricklink", "--bin", "1", "--ids", ids, "--colour", 5]
    result = call("export", rig.path, *arguments)
    assert "<ITEMID>my-id</ITEMID>" in result.stdout
    assert "<COLOR>5</COLOR>" in result.stdout
    assert "assumed" not in result.stderr


def test_export_to_a_place_that_takes_no_file_is_an_error(rig: Rig) -> None:
    assert "it cannot be written" in error(
        "export", rig.path, "--format", "csv", "--bin", "1", "--out", "/proc/none/x.csv"
    )


def test_a_bin_that_was_renamed_is_one_bin(rig: Rig) -> None:
    rig.pipeline.close()
    changed(rig.path, "UPDATE intents SET bin_name = 'old bricks' WHERE command_id = 1")
    rows = list(csv.DictReader(io.StringIO(said("export", rig.path, "--format", "csv"))))
    assert [(row["bin_name"], row["quantity"]) for row in rows] == [("bricks", "2"), ("rest", "1")]
    assert "<QTY>2</QTY>" in said("export", rig.path, "--format", "bricklink", "--bin", "1")


def test_a_bin_of_which_all_rows_were_pruned_is_told_of(rig: Rig) -> None:
    rig.pipeline.close()
    changed(rig.path, "INSERT INTO carried VALUES (7, '', 5)")
    result = call("export", rig.path, "--format", "csv")
    assert "bin 7 'bin 7': 5 items more, whose rows were pruned" in result.stderr


# --- check-journal ---


def test_a_journal_that_is_whole_says_its_head(rig: Rig) -> None:
    text = said("check-journal", rig.path)
    assert f"head: {rig.journal.head}" in text
    assert "pictures: 4 there, 0 gone, none changed" in text
    assert said("check-journal", rig.path, "--head", rig.journal.head)
    assert "is no record of it" in error("check-journal", rig.path, "--head", "0" * 64)
    assert "expected the 64 hex digits" in error("check-journal", rig.path, "--head", "12")


def test_a_picture_that_was_changed_shows(rig: Rig) -> None:
    path_of(folder_of(rig.path), 2).write_bytes(b"another")
    path_of(folder_of(rig.path), 1).unlink()
    assert "3 there, 1 gone, 1 CHANGED: [2]" in said("check-journal", rig.path)


def test_a_record_that_was_changed_is_named(rig: Rig) -> None:
    rig.pipeline.close()
    changed(rig.path, "UPDATE items SET reason = 'wanted' WHERE id = 3")
    assert "(item 3) was changed" in error("check-journal", rig.path)


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        (
            "UPDATE receipts SET state = 'vanished' WHERE state = 'confirmed'",
            "confirmed) was removed",
        ),
        ("UPDATE items SET label_ids = 'none' WHERE id = 2", "(item 2) was changed"),
        ("UPDATE items SET label_ids = '[\"zzz\"]' WHERE id = 2", "(item 2) was changed"),
        ("UPDATE items SET seen_at_s = 'once' WHERE id = 2", "(item 2) was changed"),
        ("UPDATE evidence SET facts = x'0011' WHERE item_id = 2", "(evidence 2) was changed"),
        ("UPDATE evidence SET probabilities = x'00112233'", "(evidence 1) was changed"),
        ("UPDATE evidence SET begun_by = 'zz' WHERE item_id = 2", "(evidence 2) was changed"),
        ("UPDATE models SET labels = 'none'", " was changed"),
        ("UPDATE intents SET bin_number = 999 WHERE item_id = 2", "(intent 2) was changed"),
        ("INSERT INTO pruned VALUES ('vanished', 0)", "holds what no release writes"),
    ],
)
def test_what_no_release_writes_is_one_message(rig: Rig, statement: str, named: str) -> None:
    rig.pipeline.close()
    changed(rig.path, statement)
    assert named in error("check-journal", rig.path)
    said_ = error("replay", rig.path, "--policy", policy(rig, 0.97))
    assert "a record holds what no release writes" in said_
    assert "compare it with a copy you trust" in said_


def test_a_time_that_cannot_be_is_said_to_be_none(rig: Rig) -> None:
    rig.pipeline.close()
    changed(rig.path, "UPDATE items SET seen_at_s = 1e300")
    assert "no such time" in said("replay", rig.path, "--policy", policy(rig, 0.97))


# --- standard output ---


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no disk that is always full")
@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("command", ["replay", "replay --json", "export", "check-journal"])
def test_an_output_that_takes_nothing_is_no_trace(rig: Rig, command: str, closed: bool) -> None:
    more = {"replay": ["--policy", str(policy(rig, 0.97))], "export": ["--format", "csv"]}
    name, *options = command.split()
    call = [sys.executable, "-c", "from edge.cli import main; main()", name, str(rig.path)]
    shell = f'"$@" >{"&-" if closed else "/dev/full"}'
    done = subprocess.run(
        ["sh", "-c", shell, "sh", *call, *options, *more.get(name, [])],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == (0 if closed else 1), done.stderr
    assert closed or "error: standard output cannot be written (No space left" in done.stderr


# --- files that are none ---


@pytest.mark.parametrize("command", ["check-journal", "export"])
def test_what_is_no_journal_is_an_error(tmp_path: Path, command: str) -> None:
    more = ["--format", "csv"] if command == "export" else []
    assert "there is none" in error(command, tmp_path / "none.sqlite", *more)
    text = tmp_path / "list.txt"
    text.write_text("a shopping list, and more than one page of it\n" * 100)
    assert "this is no journal" in error(command, text, *more)
    empty = tmp_path / "empty.sqlite"
    empty.touch()
    assert "nothing was recorded yet" in error(command, empty, *more)


def test_a_damaged_journal_is_an_error(rig: Rig) -> None:
    rig.pipeline.close()
    content = bytearray(rig.path.read_bytes())
    content[8192:] = b"\xa5" * (len(content) - 8192)
    rig.path.write_bytes(bytes(content))
    assert "the file is damaged; move it away" in error("check-journal", rig.path)
