"""What people said: nothing lost, nothing rewritten, two people at once told of each other."""

import errno
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from corrections_rig import jpeg, say, subject

from edge.corrections.corrections import Corrections
from edge.errors import CorrectionConflict, CorrectionsError, CorrectionsFull


def of(corrections: Corrections, item_id: int) -> str:
    return subject(item_id, jpeg(item_id)).picture_sha256


def test_before_the_first_there_is_nothing_and_no_file(corrections: Corrections) -> None:
    assert corrections.newest(1, of(corrections, 1)) is None
    assert corrections.history(1, of(corrections, 1)) == ()
    assert corrections.of({1: of(corrections, 1)}) == {}
    assert corrections.standing() == ()
    assert not corrections.path.exists()


def test_the_newest_word_counts_and_all_are_kept(corrections: Corrections) -> None:
    first = say(corrections, labels=("3001",))
    second = say(corrections, labels=("3003", "3020"), seen=first.version, who="bob")
    assert corrections.newest(1, of(corrections, 1)) == second
    assert [one.labels for one in corrections.history(1, of(corrections, 1))] == [
        ("3003", "3020"),
        ("3001",),
    ]
    assert first.confirms
    assert not second.confirms
    assert corrections.standing() == (second,)
    assert corrections.path.name == "journal.sqlite.corrections.sqlite"


def test_nothing_is_rewritten(corrections: Corrections) -> None:
    say(corrections)
    with sqlite3.connect(corrections.path) as db:
        for act in ("UPDATE corrections SET who = 'x'", "DELETE FROM corrections"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                db.execute(act)


def test_undo_says_again_what_counted_before(corrections: Corrections) -> None:
    sha256 = of(corrections, 1)
    first = say(corrections, labels=("3003",))
    second = say(corrections, labels=("3020",), seen=first.version)
    undone = corrections.undo(1, sha256, "bob", second.version)
    assert undone.labels == ("3003",)
    assert corrections.undo(1, sha256, "bob", undone.version).labels == ("3020",)


def test_the_only_word_can_be_taken_back(corrections: Corrections) -> None:
    first = say(corrections)
    back = corrections.undo(1, of(corrections, 1), "tess", first.version)
    assert back.labels is None
    assert corrections.standing() == ()
    assert corrections.of({1: of(corrections, 1)}) == {}
    assert len(corrections.history(1, of(corrections, 1))) == 2


def test_where_nothing_was_said_there_is_nothing_to_undo(corrections: Corrections) -> None:
    with pytest.raises(CorrectionConflict, match="nothing was corrected"):
        corrections.undo(1, of(corrections, 1), "tess", 0)


def test_who_saw_something_else_is_told_what_counts(corrections: Corrections) -> None:
    say(corrections, labels=("3003",), who="ada")
    with pytest.raises(CorrectionConflict, match="ada said 3003 meanwhile"):
        say(corrections, labels=("3020",), seen=0, who="bob")
    assert len(corrections.history(1, of(corrections, 1))) == 1


def test_of_many_at_once_one_is_first_and_the_others_are_told(corrections: Corrections) -> None:
    outcomes: list[str] = []

    def one(name: str) -> None:
        try:
            say(corrections, labels=(name,), who=name)
            outcomes.append("kept")
        except CorrectionConflict:
            outcomes.append("told")

    threads = [threading.Thread(target=one, args=[f"t{n}"]) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["kept"] + ["told"] * 7
    assert len(corrections.history(1, of(corrections, 1))) == 1


def test_items_of_a_new_journal_are_others(corrections: Corrections) -> None:
    old, new = jpeg(1), jpeg(2)
    say(corrections, item_id=1, picture=old)
    sha256 = subject(1, new).picture_sha256
    assert corrections.newest(1, sha256) is None
    assert corrections.of({1: sha256}) == {}
    say(corrections, item_id=1, picture=new)
    assert len(corrections.standing()) == 2


def test_the_picture_is_kept_whatever_becomes_of_the_journal(corrections: Corrections) -> None:
    content = jpeg(1)
    say(corrections, picture=content)
    sha256 = subject(1, content).picture_sha256
    assert corrections.pictures.read(sha256) == content
    corrections.pictures.path_of(sha256).write_bytes(b"something else")
    assert corrections.pictures.read(sha256) is None


def test_a_full_disk_keeps_nothing_of_it(
    corrections: Corrections, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: Path, __: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(CorrectionsFull, match="free space on the disk"):
        say(corrections)
    monkeypatch.undo()
    assert list(corrections.pictures.folder.rglob("*.*")) == []
    assert corrections.standing() == ()


def test_without_its_row_the_picture_goes_again(corrections: Corrections) -> None:
    say(corrections, item_id=1)
    with pytest.raises(CorrectionConflict, match="nothing counts of it by now"):
        say(corrections, item_id=2, seen=7)
    assert not corrections.pictures.path_of(of(corrections, 2)).exists()
    assert corrections.pictures.path_of(of(corrections, 1)).exists()


def test_who_cannot_write_is_told_and_the_picture_stays(
    corrections: Corrections, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(corrections, item_id=1)
    monkeypatch.setattr("edge.corrections.database.BUSY_S", 0.05)
    with closing(sqlite3.connect(corrections.path)) as db:
        db.execute("BEGIN EXCLUSIVE")
        with pytest.raises(CorrectionsError, match="somebody else is writing it"):
            say(corrections, item_id=2)
    # Whether another correction speaks of it cannot be known then.
    assert corrections.pictures.path_of(of(corrections, 2)).exists()
    assert len(corrections.standing()) == 1


DAMAGES: list[tuple[Callable[[Path], object], str]] = [
    (
        lambda path: path.write_bytes(b"no database at all, but long enough for a header" * 9),
        "no d",
    ),
    (lambda path: sqlite3.connect(path).executescript("CREATE TABLE x (y)"), "another program"),
    (
        lambda path: sqlite3.connect(path).executescript(
            "CREATE TABLE x (y); PRAGMA application_id = 1114794819; PRAGMA user_version = 9"
        ),
        "found version 9, expected 1",
    ),
]


@pytest.mark.parametrize(("damage", "said"), DAMAGES)
def test_a_file_that_is_not_ours_is_left_alone(
    corrections: Corrections, damage: Callable[[Path], object], said: str
) -> None:
    damage(corrections.path)
    before = corrections.path.read_bytes()
    with pytest.raises(CorrectionsError, match=said):
        corrections.standing()
    with pytest.raises(CorrectionsError, match=said):
        say(corrections)
    assert corrections.path.read_bytes() == before


def test_a_row_that_no_release_writes_is_an_error_of_ours(corrections: Corrections) -> None:
    say(corrections)
    with sqlite3.connect(corrections.path) as db:
        db.execute("INSERT INTO corrections SELECT 9, 7, 'x', 'm', '{', '[]', '', 'w', 1 ")
    with pytest.raises(CorrectionsError, match="no release writes"):
        corrections.standing()


@pytest.mark.parametrize("sha256", ["", "../../etc/passwd", "A" * 64, "0" * 63])
def test_only_a_hash_names_a_picture(corrections: Corrections, sha256: str) -> None:
    with pytest.raises(ValueError, match="expected the SHA-256"):
        corrections.pictures.path_of(sha256)


def test_what_was_half_written_when_the_power_went_is_taken_back_by_who_reads(
    corrections: Corrections, tmp_path: Path
) -> None:
    made = say(corrections, 1)
    left = Corrections(tmp_path / "left" / "journal.sqlite")
    left.path.parent.mkdir()
    insert = (
        "INSERT INTO corrections SELECT NULL, item_id, picture_sha256, model_sha256, recognised,"
        " NULL, note, who, at_s FROM corrections"
    )
    with closing(sqlite3.connect(corrections.path, isolation_level=None)) as db:
        db.execute("PRAGMA cache_size = 1")  # So that pages reach the file before the end.
        db.execute("BEGIN IMMEDIATE")
        for _ in range(12):
            db.execute(insert)
        for ending in ("", "-journal"):
            name = f"{corrections.path.name}{ending}"
            shutil.copy(corrections.path.with_name(name), left.path.with_name(name))
        db.execute("ROLLBACK")
    assert left.standing() == (made,)
