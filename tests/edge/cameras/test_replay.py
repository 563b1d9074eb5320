"""Pictures and videos shown as if a camera took them."""

from pathlib import Path

import pytest
from camera_streams import number_in, numbered_picture, write_video
from manual_time import ManualTime

from edge.cameras import Camera, CameraSettings, CameraSilent
from edge.cameras.replay import ReplayCamera
from edge.cameras.video import VideoCamera
from edge.errors import CameraEnded, CameraLost, CameraUnavailable
from edge.pictures import write_picture


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(3):
        write_picture(tmp_path / f"{number}.png", numbered_picture(number))
    return tmp_path


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_video(tmp_path_factory.mktemp("video") / "pile.avi", 3)


def shown(camera: Camera, frames: int) -> list[int]:
    return [number_in(camera.next_frame(timeout_s=100.0).image) for _ in range(frames)]


def replay(source: Path, time: ManualTime, **changes: object) -> ReplayCamera:
    return ReplayCamera(CameraSettings(str(source), **changes), time.clock, time.wait)


def play(source: Path, time: ManualTime, **changes: object) -> VideoCamera:
    return VideoCamera(CameraSettings(str(source), **changes), time.clock, time.wait)


def test_pictures_start_again(folder: Path) -> None:
    assert shown(replay(folder, ManualTime()), 7) == [0, 1, 2, 0, 1, 2, 0]


def test_video_starts_again(video: Path) -> None:
    assert shown(play(video, ManualTime()), 7) == [0, 1, 2, 0, 1, 2, 0]


@pytest.mark.parametrize("show", [replay, play])
def test_without_loop_the_last_one_is_the_end(show: object, folder: Path, video: Path) -> None:
    source = folder if show is replay else video
    camera = show(source, ManualTime(), loop=False)  # type: ignore[operator]
    assert shown(camera, 3) == [0, 1, 2]
    with pytest.raises(CameraEnded, match="left to show"):
        camera.next_frame(timeout_s=1.0)


def test_pace_is_kept(folder: Path) -> None:
    time = ManualTime()
    shown(replay(folder, time, fps=4.0), 4)
    assert time.waits_s == pytest.approx([0.25, 0.25, 0.25])


def test_video_keeps_its_own_pace(video: Path) -> None:
    time = ManualTime()
    shown(play(video, time), 3)
    assert time.waits_s == pytest.approx([1 / 30, 1 / 30])


def test_slow_reader_is_not_made_to_wait_nor_flooded(folder: Path) -> None:
    time = ManualTime()
    camera = replay(folder, time, fps=10.0)
    shown(camera, 1)
    time.now_s += 60.0
    shown(camera, 3)
    # One is due at once after the pause; then the pace is the old one, not a burst.
    assert time.waits_s == pytest.approx([0.1], abs=1e-6)


@pytest.mark.parametrize("show", [replay, play])
def test_time_out_before_the_next_frame(show: object, folder: Path, video: Path) -> None:
    time = ManualTime()
    camera = show(folder if show is replay else video, time, fps=1.0)  # type: ignore[operator]
    shown(camera, 1)
    with pytest.raises(CameraSilent, match="not due yet"):
        camera.next_frame(timeout_s=0.4)
    assert time.waits_s == [0.4]
    assert shown(camera, 1) == [1]
    assert time.waits_s == pytest.approx([0.4, 0.6])


def test_unreadable_picture_is_skipped_and_counted(folder: Path) -> None:
    (folder / "1.png").write_text("not a picture")
    camera = replay(folder, ManualTime())
    assert shown(camera, 4) == [0, 2, 0, 2]
    assert camera.skipped == 2


def test_nothing_but_unreadable_pictures_is_a_loss(folder: Path) -> None:
    for path in folder.iterdir():
        path.write_bytes(b"")
    camera = replay(folder, ManualTime())
    with pytest.raises(CameraLost, match=r"3 picture\(s\) of .*no picture left.*2\.png is empty"):
        camera.next_frame(timeout_s=1.0)
    assert camera.skipped == 3


def test_one_picture_is_shown_again_and_again(folder: Path) -> None:
    assert shown(replay(folder / "2.png", ManualTime()), 3) == [2, 2, 2]


def test_folder_without_pictures_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(CameraUnavailable, match="holds no pictures"):
        replay(tmp_path, ManualTime())


def test_file_that_is_no_video_is_unavailable(tmp_path: Path) -> None:
    path = tmp_path / "notes.mp4"
    path.write_text("not a video")
    with pytest.raises(CameraUnavailable, match=r"no video.*Save it as"):
        play(path, ManualTime())


def test_video_that_vanishes_is_a_loss(tmp_path: Path) -> None:
    path = write_video(tmp_path / "pile.avi", 1)
    camera = play(path, ManualTime())
    shown(camera, 1)
    path.unlink()
    with pytest.raises(CameraLost, match="is not there"):
        camera.next_frame(timeout_s=1.0)
