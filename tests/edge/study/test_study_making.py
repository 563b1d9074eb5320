"""Pictures are made by both methods in one style, in a process that tells how far it is."""

import hashlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from pipeline_rig import SORTED_INDEX, Rig
from study_builders import scene, spot, studies_in

from edge.bundle import Bundle
from edge.config import SHIPPED_BUNDLE
from edge.errors import StudyConflict, StudyError
from edge.kept_frames import FrameSettings, folder_of, path_of
from edge.pictures import write_picture
from edge.study import sources
from edge.study.child import Maker
from edge.study.drawing import catch_pictures, draw_evidence, shown_size
from edge.study.making import make_study
from edge.study.plan import Method
from edge.study.progress import DIED, Held, Making, Stage, Wish, making_of, note
from edge.study.sources import ALIKE, CHANGED, GONE, UNREADABLE, Source
from edge.study.studies import Studies
from edge.study.study import Study
from sorter_firmware_bridge.drivers.simulated import SimulatedSettings

WAIT_S = 120.0


@pytest.fixture
def piles(tmp_path: Path) -> Path:
    """A folder of folders: one with pictures."""
    folder = tmp_path / "sources" / "piles"
    folder.mkdir(parents=True)
    for number in range(5):
        write_picture(folder / f"{number}.png", scene(number))
    return folder


def wish(pictures: Path, **values: object) -> Wish:
    made = Wish(
        title="Trust",
        seed=3,
        count=4,
        pictures=str(pictures),
        bundle=str(SHIPPED_BUNDLE),
        samples=24,
    )
    return made.model_copy(update=values)


@pytest.fixture
def maker(tmp_path: Path, piles: Path) -> Iterator[Maker]:
    made = Maker(studies_in(tmp_path), SHIPPED_BUNDLE, None, piles.parent)
    yield made
    made.close()


# --- making ---


def test_a_study_has_both_maps_of_each_picture_and_a_catch(
    tmp_path: Path, piles: Path, shipped: Bundle
) -> None:
    folder = studies_in(tmp_path).new_folder()
    told: list[tuple[int, int]] = []
    plan = make_study(folder, wish(piles), lambda made, of: told.append((made, of)))
    assert told == [(made, 4) for made in range(5)]
    assert plan.model_sha256 == shipped.sha256
    study = Study(folder)
    assert study.plan == plan
    for item in plan.items:
        pictures = [item.picture, item.maps[Method.GRAD_CAM], item.maps[Method.LIME]]
        decoded = [cv2.imdecode(np.frombuffer(study.picture(s), np.uint8), 1) for s in pictures]
        assert len({image.shape for image in decoded}) == 1
        assert len(set(pictures)) == 3
        assert item.brick not in item.others
        assert len({brick.id for brick in item.others}) == 3


def test_the_same_seed_makes_the_same_pictures(tmp_path: Path, piles: Path) -> None:
    made = [make_study(studies_in(tmp_path).new_folder(), wish(piles)).files for _ in range(2)]
    assert made[0] == made[1]


def test_no_file_or_address_names_a_method(tmp_path: Path, piles: Path) -> None:
    folder = studies_in(tmp_path).new_folder()
    make_study(folder, wish(piles))
    for path in (folder / "pictures").iterdir():
        assert path.stem == hashlib.sha256(path.read_bytes()).hexdigest()
        assert b"LIME" not in path.read_bytes()[:200].upper()


def test_too_few_pictures_say_why(tmp_path: Path, piles: Path) -> None:
    for number in range(3):
        (piles / f"{number}.png").write_bytes(b"\x89PNG")
    folder = studies_in(tmp_path).new_folder()
    with pytest.raises(StudyError, match=r"found 2 pictures.* 4 are needed.*3 left out: .*read"):
        make_study(folder, wish(piles))


def test_a_map_without_evidence_is_never_shown() -> None:
    with pytest.raises(ValueError, match="without evidence"):
        draw_evidence(scene(1), -spot(1, 9.0))


def test_strength_gives_no_method_away() -> None:
    # Logits of Grad-CAM and coefficients of LIME differ a hundredfold.
    strong, weak = (draw_evidence(scene(1), factor * spot(1, 9.0)) for factor in (3.0, 0.03))
    np.testing.assert_array_equal(strong, weak)


def test_the_catch_has_the_light_on_the_brick_or_beside_it() -> None:
    plain, right, wrong = (picture.astype(int) for picture in catch_pictures())
    red = (plain[..., 0] - plain[..., 1]) > 80
    as_it_was = [(np.abs(shown - plain).max(-1) < 60)[red].mean() for shown in (right, wrong)]
    assert as_it_was[0] > 0.4
    assert as_it_was[1] < 0.05


def test_pictures_are_shown_at_one_width_and_never_grown() -> None:
    assert shown_size(np.zeros((1500, 2000, 3), np.uint8)).shape == (480, 640, 3)
    assert shown_size(scene(1)).shape == scene(1).shape


# --- where from ---


@pytest.fixture
def journal(tmp_path: Path, shipped: Bundle, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four items with pictures."""
    # What the rig sees differs less than what a camera does.
    monkeypatch.setattr(sources, "ALIKE_LEVELS", 0.5)
    rig = Rig(tmp_path, shipped, SimulatedSettings(), frames=FrameSettings(min_free_mb=0))
    for number in range(4):
        rig.item(20 + 40 * number, (SORTED_INDEX,))
        rig.run(0.5)
    rig.pipeline.close()
    return next(tmp_path.glob("*.sqlite"))


def test_the_newest_items_come_first(journal: Path) -> None:
    found = [entry.source for entry in Source(journal=journal)]
    assert found == ["item 4", "item 3", "item 2", "item 1"]


def test_pictures_that_are_gone_or_changed_are_left_out_and_counted(journal: Path) -> None:
    path_of(folder_of(journal), 4).unlink()
    path_of(folder_of(journal), 2).write_bytes(b"somebody else's")
    source = Source(journal=journal)
    assert [entry.source for entry in source] == ["item 3", "item 1"]
    assert source.left_out == {GONE: 1, CHANGED: 1}


def test_a_picture_that_looks_like_another_is_left_out(piles: Path) -> None:
    brighter = np.minimum(scene(0).astype(int) + 2, 255).astype(np.uint8)
    write_picture(piles / "0-again.png", brighter)
    (piles / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    source = Source(pictures=piles)
    assert len(list(source)) == 5
    assert source.left_out == {ALIKE: 1, UNREADABLE: 1}


def test_a_source_is_a_journal_or_a_folder() -> None:
    with pytest.raises(StudyError, match="either"):
        Source()


# --- the process ---


def ended(maker: Maker, studies: Studies, study_id: str) -> Making:
    assert maker._process is not None
    maker._process.wait(WAIT_S)
    return studies.listed(study_id).made


def test_a_study_is_made_in_a_process_of_its_own(tmp_path: Path, maker: Maker) -> None:
    studies = studies_in(tmp_path)
    study_id = maker.begin("Trust", 4, "piles", objective=True)
    with pytest.raises(StudyConflict, match="being made already"):
        maker.begin("Another", 4, "piles")
    with pytest.raises(StudyConflict, match="being made"):
        studies.remove(study_id)
    assert ended(maker, studies, study_id).stage is Stage.DONE
    assert len(studies.study(study_id).plan.items) == 4
    assert studies.study(study_id).plan.objective


def test_what_went_wrong_in_the_process_is_told(tmp_path: Path, maker: Maker, piles: Path) -> None:
    for path in list(piles.iterdir())[1:]:
        path.unlink()
    studies = studies_in(tmp_path)
    study_id = maker.begin("Trust", 4, "piles")
    made = ended(maker, studies, study_id)
    assert made.stage is Stage.FAILED
    assert "at least 4 are needed" in str(made.problem)
    assert studies.listed(study_id).title == "Trust"
    studies.remove(study_id)
    assert studies.all() == ()


def test_a_process_that_is_killed_is_told_from_a_slow_one(tmp_path: Path, maker: Maker) -> None:
    studies = studies_in(tmp_path)
    study_id = maker.begin("Trust", 4, "piles")
    process = maker._process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert studies.listed(study_id).problem == DIED


def test_progress_that_is_held_is_running(tmp_path: Path) -> None:
    note(tmp_path, Making(stage=Stage.RUNNING, made=2, of=5))
    assert making_of(tmp_path).problem == DIED
    held = Held(tmp_path)
    assert making_of(tmp_path) == Making(stage=Stage.RUNNING, made=2, of=5)
    with pytest.raises(StudyError, match="cannot be made there"):
        Held(tmp_path)
    held.close()
    held.close()
    assert making_of(tmp_path).stage is Stage.FAILED


def test_closing_ends_what_is_being_made(tmp_path: Path, maker: Maker) -> None:
    study_id = maker.begin("Trust", 4, "piles")
    maker.close()
    maker.close()
    assert studies_in(tmp_path).listed(study_id).problem == DIED


@pytest.mark.parametrize("folder", ["..", "../sources/piles", "/etc", ".hidden", "nothing", ""])
def test_only_a_folder_of_the_list_is_taken(maker: Maker, piles: Path, folder: str) -> None:
    (piles.parent / ".hidden").mkdir()
    (piles.parent / "link").symlink_to("/etc")
    assert maker.folders == ("piles",)
    with pytest.raises(StudyError, match="allowed piles"):
        maker.begin("Trust", 4, folder)
