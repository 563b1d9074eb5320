"""edge.toml changed from the page: tried first, compared and set, what people wrote kept."""

import os
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from edge.bundle import Bundle
from edge.config import read_config
from edge.errors import ConfigError, TuningConflict, TuningError
from edge.region import Region
from edge.tuning.checking import check_text, checked
from edge.tuning.file import SettingsFile
from edge.tuning.settings import MOST_CHANGES, SETTINGS, change_of
from edge.tuning.writing import lines_of, rewritten

TEXT = """\
# The sorter in the cellar.
[camera]
source = "pictures"   # a folder

[sorting]
mode = "single"
margin = 0.2          # as we like it
unknown_bin = "rest"

[belt]
speed_mm_s = 120.0

[[bin]]
number = 1
name = "rest"
labels = ["3001"]
distance_mm = 400.0
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "edge.toml"
    found.write_text(TEXT, encoding="utf-8")
    return found


@pytest.fixture
def file(path: Path, shipped: Bundle) -> SettingsFile:
    return opened(path, shipped)


def opened(path: Path, bundle: Bundle) -> SettingsFile:
    return SettingsFile(path, partial(check_text, path, bundle), checked(read_config(path), bundle))


# --- which keys ---


@pytest.mark.parametrize(
    "key",
    [
        "camera.source",
        "journal.path",
        "bundle.path",
        "dashboard.host",
        "dashboard.port",
        "machine.driver",
        "machine.settings",
        "belt.sensor",
        "sorting.mode",
        "sorting",
        "",
        "thresholds",
        "thresholds.",
        "thresholds." + "x" * 41,
        "sorting.margin.deep",
    ],
)
def test_every_other_key_is_refused(key: str) -> None:
    with pytest.raises(TuningError, match="cannot be changed from the page; allowed: sorting"):
        change_of({key: 0.5})


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), "0.3", True, [1], {}, 10**400],
)
def test_a_value_that_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(TuningError, match="expected a number"):
        change_of({"sorting.margin": value})
    with pytest.raises(TuningError, match="expected a number"):
        change_of({"thresholds.3001": value})


@pytest.mark.parametrize("value", [[0, 0, 1], [0, 0, 1, None], "whole", None, {}, [0, 0, 1, 1, 1]])
def test_a_region_that_is_none_is_refused(value: object) -> None:
    with pytest.raises(TuningError, match="each a share of the picture"):
        change_of({"camera.roi": value})


def test_too_many_at_once_are_refused() -> None:
    with pytest.raises(TuningError, match="at most"):
        change_of({f"thresholds.{n}": 0.5 for n in range(MOST_CHANGES + 1)})


def test_every_setting_is_what_the_device_reads(path: Path, file: SettingsFile) -> None:
    for setting in SETTINGS:
        if setting.key == "mm_per_tick":
            continue  # Not beside a speed.
        change = change_of({setting.path: setting.high})
        if setting.key in ("camera_mm",):
            with pytest.raises(ConfigError, match="before the camera"):
                file.proposed(change)
        else:
            file.proposed(change)
        with pytest.raises(ConfigError, match=setting.key):
            file.proposed(change_of({setting.path: setting.high + 1}))


# --- the text ---


def test_what_people_wrote_stays(path: Path, file: SettingsFile) -> None:
    change = change_of({"sorting.margin": 0.35, "thresholds.3001": 0.6, "thresholds.3023b": 0.5})
    file.apply(change, file.standing().sha256)
    text = path.read_text(encoding="utf-8")
    assert "# The sorter in the cellar.\n" in text
    assert 'source = "pictures"   # a folder\n' in text
    assert "margin = 0.35          # as we like it\n" in text
    config = read_config(path)
    assert config.policy.margin == 0.35
    assert config.thresholds == {"3001": 0.6, "3023b": 0.5}


def test_null_goes_back_to_the_default(path: Path, file: SettingsFile) -> None:
    file.apply(change_of({"sorting.margin": None}), file.standing().sha256)
    assert "margin" not in path.read_text(encoding="utf-8")
    assert file.standing().numbers["sorting.margin"] is None
    text = rewritten(TEXT, change_of({"thresholds.3001": None, "sorting.lead_s": None}))
    assert text == TEXT


def test_the_whole_picture_needs_no_key(path: Path, file: SettingsFile) -> None:
    file.apply(change_of({"camera.roi": [0.1, 0.2, 0.5, 0.6]}), file.standing().sha256)
    assert read_config(path).region == Region(0.1, 0.2, 0.5, 0.6)
    file.apply(change_of({"camera.roi": [0, 0, 1, 1]}), file.standing().sha256)
    assert "roi" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("before", ["\ufeff", ""])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_marks_and_line_ends_of_other_systems_stay(
    path: Path, shipped: Bundle, before: str, ends: str
) -> None:
    path.write_bytes((before + TEXT.replace("\n", ends)).encode())
    file = opened(path, shipped)
    file.apply(change_of({"sorting.margin": 0.4}), file.standing().sha256)
    data = path.read_bytes().decode()
    assert data.startswith(before + "# The")
    assert data.count(ends) == TEXT.count("\n")
    assert read_config(path).policy.margin == 0.4
    file.apply(change_of({"thresholds.3002": 0.4, "sorting.lead_s": 1}), file.standing().sha256)
    data = path.read_bytes().decode()
    assert data.count(ends) == data.count("\n")
    assert read_config(path).thresholds["3002"] == 0.4


# --- tried first ---


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"sorting.margin": 1.5}, "sorting.margin: found 1.5"),
        ({"thresholds.3001": -0.1}, "thresholds.3001: found -0.1"),
        ({"thresholds.30001": 0.5}, "'30001' does not exist in this model; did you mean '3001'"),
        ({"belt.mm_per_tick": 5}, "an encoder needs sensor and mm_per_tick"),
        ({"belt.camera_mm": 500}, "before the camera"),
    ],
)
def test_what_the_device_would_refuse_is_not_written(
    path: Path, file: SettingsFile, values: dict[str, object], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        file.apply(change_of(values), file.standing().sha256)
    assert path.read_text(encoding="utf-8") == TEXT
    assert sorted(p.name for p in path.parent.iterdir()) == ["edge.toml"]


def test_what_would_hold_is_told_without_writing(path: Path, file: SettingsFile) -> None:
    then = file.proposed(change_of({"thresholds.3001": 0.75, "sorting.margin": 0.1}))
    assert then.thresholds["3001"] == 0.75
    assert then.policy.margin == 0.1
    others = {key for key in then.thresholds if then.thresholds[key] != file.now.thresholds[key]}
    assert others == {"3001"}
    assert path.read_text(encoding="utf-8") == TEXT


# --- two at once, and disks that refuse ---


def test_the_second_of_two_is_told(path: Path, file: SettingsFile) -> None:
    seen = file.standing().sha256
    file.apply(change_of({"sorting.margin": 0.3}), seen)
    with pytest.raises(TuningConflict, match="changed since this page was loaded"):
        file.apply(change_of({"sorting.margin": 0.4}), seen)
    with pytest.raises(TuningConflict, match="changed since this page was loaded"):
        file.undo(seen)
    assert read_config(path).policy.margin == 0.3


def test_of_many_at_once_one_wins(path: Path, file: SettingsFile) -> None:
    seen = file.standing().sha256
    won: list[float] = []

    def try_it(margin: float) -> None:
        try:
            file.apply(change_of({"sorting.margin": margin}), seen)
        except TuningConflict:
            return
        won.append(margin)

    threads = [threading.Thread(target=try_it, args=(n / 100,)) for n in range(30, 38)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert read_config(path).policy.margin == won[0]


def test_the_last_change_is_undone_and_brought_back(path: Path, file: SettingsFile) -> None:
    assert not file.standing().undo
    with pytest.raises(TuningConflict, match="no change to undo"):
        file.undo(file.standing().sha256)
    file.apply(change_of({"sorting.margin": 0.3}), file.standing().sha256)
    assert file.standing().undo
    file.undo(file.standing().sha256)
    assert path.read_text(encoding="utf-8") == TEXT
    file.undo(file.standing().sha256)
    assert read_config(path).policy.margin == 0.3


def test_a_disk_that_refuses_says_what_to_write(
    path: Path, file: SettingsFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(TuningConflict) as caught:
        file.apply(
            change_of({"sorting.margin": 0.3, "thresholds.3001": 0.5}), file.standing().sha256
        )
    said = str(caught.value)
    assert "Read-only file system" in said
    assert '[sorting] margin = 0.3; [thresholds] "3001" = 0.5' in said
    assert path.read_text(encoding="utf-8") == TEXT


def test_a_link_is_followed(path: Path, shipped: Bundle, tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    link = tmp_path / "etc" / "edge.toml"
    link.symlink_to(path)
    file = opened(link, shipped)
    file.apply(change_of({"sorting.margin": 0.3}), file.standing().sha256)
    assert link.is_symlink()
    assert read_config(path).policy.margin == 0.3


def test_rights_stay(path: Path, file: SettingsFile) -> None:
    path.chmod(0o640)
    file.apply(change_of({"sorting.margin": 0.3}), file.standing().sha256)
    assert path.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    "break_it",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b"\xff\xfe"),
        lambda path: path.write_text("[sorting", encoding="utf-8"),
    ],
)
def test_a_file_that_is_gone_or_broken_is_a_clear_answer(
    path: Path, file: SettingsFile, break_it: Callable[[Path], object]
) -> None:
    break_it(path)
    with pytest.raises(TuningConflict, match=r"edge\.toml"):
        file.standing()


def test_a_file_that_is_gone_names_no_folder(path: Path, file: SettingsFile) -> None:
    path.unlink()
    with pytest.raises(TuningConflict) as caught:
        file.standing()
    assert str(path.parent) not in str(caught.value)


def test_what_is_refused_names_no_folder(path: Path, file: SettingsFile) -> None:
    for values in ({"sorting.margin": 1.5}, {"thresholds.nope": 0.5}):
        with pytest.raises(ConfigError) as caught:
            file.proposed(change_of(values))
        assert str(caught.value).startswith("edge.toml")


def test_a_number_without_end_is_not_shown(path: Path, file: SettingsFile) -> None:
    endless = "9" * 400
    path.write_text(f"[sorting]\nmargin = {endless}\n[thresholds]\n3001 = {endless}\n")
    standing = file.standing()
    assert standing.numbers["sorting.margin"] is None
    assert standing.thresholds == {}


def test_a_dotted_key_is_taken_out() -> None:
    dotted = 'sorting.mode = "single"\nsorting.margin = 0.1\ncamera.source = "x"\n'
    text = rewritten(dotted, change_of({"sorting.margin": None}))
    assert text == 'sorting.mode = "single"\ncamera.source = "x"\n'


def test_nothing_to_change_is_refused(file: SettingsFile) -> None:
    with pytest.raises(TuningError, match="nothing is to change"):
        file.apply(change_of({}), file.standing().sha256)


def test_lines_for_a_person() -> None:
    change = change_of({"sorting.margin": None, "camera.roi": [0, 0, 0.5, 1]})
    assert lines_of(change) == "[sorting] without margin; [camera] roi = [0.0, 0.0, 0.5, 1.0]"
