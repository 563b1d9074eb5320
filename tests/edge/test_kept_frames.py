"""Pictures of items, as far as a quota goes."""

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from pipeline_rig import Rig

from edge.bundle import Bundle
from edge.domain import Frame
from edge.errors import ConfigError
from edge.journal_reader import JournalReader
from edge.kept_frames import MB, FrameSettings, KeptFrames, folder_of, path_of


def noise(seed: int, side: int = 800) -> Frame:
    """A picture that makes a JPEG of some 400 kB."""
    image = np.random.default_rng(seed).integers(0, 256, (side, side, 3)).astype(np.uint8)
    return Frame(seed, 0.0, image)


def kept_in(folder: Path) -> list[int]:
    return sorted(int(path.stem) for path in folder.glob("*/*.jpg"))


def test_a_picture_is_what_was_seen(tmp_path: Path) -> None:
    image = np.zeros((40, 60, 3), np.uint8)
    image[:, :30] = (200, 30, 40)
    kept = KeptFrames(tmp_path, FrameSettings(min_free_mb=0)).keep(1234, Frame(0, 0.0, image))
    path = tmp_path / "001" / "1234.jpg"
    assert kept is not None
    assert hashlib.sha256(path.read_bytes()).hexdigest() == kept.sha256
    assert path.stat().st_size == kept.size_bytes
    again = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    assert np.abs(again.astype(int)[:, :20] - image[:, :20]).max() < 12


def test_the_oldest_make_room_also_after_a_restart(tmp_path: Path) -> None:
    settings = FrameSettings(mb=1, min_free_mb=0)
    for begun in (0, 5):
        keeper = KeptFrames(tmp_path, settings)
        for number in range(begun, begun + 5):
            assert keeper.keep(number, noise(number)) is not None
    assert kept_in(tmp_path)[-1] == 9
    assert kept_in(tmp_path) == list(range(kept_in(tmp_path)[0], 10))
    assert 0 < sum(path.stat().st_size for path in tmp_path.glob("*/*.jpg")) <= MB


def test_a_new_journal_writes_over_the_pictures_of_the_old(tmp_path: Path) -> None:
    for _ in range(2):
        keeper = KeptFrames(tmp_path, FrameSettings(mb=1, min_free_mb=0))
        assert keeper.keep(1, noise(1)) is not None
        assert keeper.keep(2, noise(2)) is not None
    assert kept_in(tmp_path) == [1, 2]


def test_none_are_kept_where_none_are_wanted(tmp_path: Path) -> None:
    assert KeptFrames(tmp_path, FrameSettings(mb=0)).keep(1, noise(1)) is None
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_room_is_left_alone(tmp_path: Path) -> None:
    keeper = KeptFrames(tmp_path, FrameSettings(min_free_mb=1_000_000))
    assert keeper.keep(1, noise(1)) is None
    assert keeper.failed == 1
    assert kept_in(tmp_path) == []


def test_a_folder_that_takes_none_stops_nothing(tmp_path: Path, shipped: Bundle) -> None:
    rig = Rig(tmp_path, shipped, frames=FrameSettings(min_free_mb=0))
    folder_of(rig.path).write_text("in the way")
    rig.item(60)
    rig.run(1)
    assert rig.fired == [1]
    assert rig.shown.machine_problem is None
    rig.pipeline.close()


def test_the_journal_knows_the_picture_of_an_item(tmp_path: Path, shipped: Bundle) -> None:
    rig = Rig(tmp_path, shipped, frames=FrameSettings(min_free_mb=0))
    rig.item(60)
    rig.item(160)
    rig.pipeline.close()
    with JournalReader(rig.path) as reader:
        frames = reader.kept_frames()
        assert reader.verify().problem is None
    assert sorted(frames) == [1, 2]
    for item_id, sha256 in frames.items():
        path = path_of(folder_of(rig.path), item_id)
        assert hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    assert folder_of(rig.path).name == "journal.sqlite.frames"


@pytest.mark.parametrize("key", ["mb", "min_free_mb"])
def test_a_setting_out_of_range_is_named(key: str) -> None:
    with pytest.raises(ConfigError, match=rf"journal\.frames_{key}: found -1"):
        FrameSettings(**{key: -1})
