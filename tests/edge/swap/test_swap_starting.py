"""What the device begins with, and when it goes back by itself."""

import logging
import shutil
from pathlib import Path

import pytest
from bundle_copies import edit_manifest
from swap_rig import damage, device, make_live, places_of, record_of, stage, standing_of, swapper_of

from edge.errors import BundleError, ConfigError, InterpreterError, TuningConflict
from edge.swap.places import CONFIGURED
from edge.swap.settings import refuse_pending
from edge.swap.starting import GOOD_FRAMES, HEALTHY_S, Trial, live_folder, open_live


@pytest.fixture
def swapped(tmp_path: Path) -> Path:
    """A device on which "new" was made live."""
    config = device(tmp_path, "new")
    make_live(config, "new")
    return config


def test_without_a_swap_nothing_is_written(tmp_path: Path) -> None:
    config = device(tmp_path, "new")
    live = open_live(places_of(config))
    assert live.entry.id == CONFIGURED
    assert live.notice == ""
    live.trial.look(1)
    live.trial.ended(of_the_model=True)
    assert not places_of(config).record.exists()


def test_settings_wait_for_a_model_that_was_made_live_and_does_not_run_yet(tmp_path: Path) -> None:
    config = device(tmp_path, "new")
    places = places_of(config)
    running = open_live(places).bundle.folder
    refuse_pending(places, running)
    make_live(config, "new")
    with pytest.raises(TuningConflict, match="start the device anew first"):
        refuse_pending(places, running)
    refuse_pending(places, open_live(places).bundle.folder)


def test_the_swapped_model_is_what_it_begins_with(swapped: Path) -> None:
    live = open_live(places_of(swapped))
    assert live.bundle.manifest.name == "new"
    assert live_folder(places_of(swapped)) == live.bundle.folder
    assert standing_of(swapped).starts == 1


def test_a_model_broken_after_it_was_staged_is_gone_back_from_at_once(
    swapped: Path, caplog: pytest.LogCaptureFixture
) -> None:
    damage(swapped.parent / "models" / "new")
    with caplog.at_level(logging.ERROR):
        live = open_live(places_of(swapped))
    assert live.entry.id == CONFIGURED
    assert "new was given up" in live.notice
    assert "SHA-256" in live.notice
    assert str(swapped.parent) not in live.notice
    assert live.notice in caplog.text
    assert standing_of(swapped).notice == live.notice


def test_the_notice_stays_until_somebody_has_seen_it(swapped: Path) -> None:
    damage(swapped.parent / "models" / "new")
    notice = open_live(places_of(swapped)).notice
    assert open_live(places_of(swapped)).notice == notice
    swapper_of(swapped).dismiss()
    assert open_live(places_of(swapped)).notice == ""


def test_a_model_whose_folder_is_gone_is_gone_back_from(swapped: Path) -> None:
    shutil.rmtree(swapped.parent / "models")
    live = open_live(places_of(swapped))
    assert live.entry.id == CONFIGURED
    assert "no such folder" in live.notice


def test_a_model_that_was_replaced_in_its_folder_is_not_taken_for_the_tried_one(
    swapped: Path,
) -> None:
    edit_manifest(swapped.parent / "models" / "new", lambda values: values.update(name="sly"))
    live = open_live(places_of(swapped))
    assert live.entry.id == CONFIGURED
    assert "another model than the one that was tried" in live.notice


def test_it_goes_back_as_far_as_it_has_to(tmp_path: Path) -> None:
    config = device(tmp_path, "new", "newer")
    make_live(config, "new")
    make_live(config, "newer")
    damage(tmp_path / "models" / "new")
    damage(tmp_path / "models" / "newer")
    live = open_live(places_of(config))
    assert live.entry.id == CONFIGURED
    assert "newer was given up" in live.notice
    assert "new was given up" in live.notice
    assert standing_of(config).previous is None


def test_where_the_model_of_the_settings_is_broken_too_it_says_so(swapped: Path) -> None:
    text = swapped.read_text(encoding="utf-8")
    swapped.write_text(f'{text}\n[bundle]\npath = "mine"\n', encoding="utf-8")
    damage(stage(swapped.parent, "new2"))
    shutil.copytree(swapped.parent / "models" / "new2", swapped.parent / "mine", symlinks=True)
    with pytest.raises(BundleError, match="SHA-256"):
        open_live(places_of(swapped))


def test_dying_three_times_on_it_brings_the_one_before_back(swapped: Path) -> None:
    for starts in (1, 2, 3):
        assert open_live(places_of(swapped)).entry.id == "new"
        assert standing_of(swapped).starts == starts
    live = open_live(places_of(swapped))
    assert live.entry.id == CONFIGURED
    assert "ended 3 times before it was healthy" in live.notice


def test_frames_make_it_healthy(swapped: Path) -> None:
    for _ in range(10):
        trial = open_live(places_of(swapped)).trial
        for sequence in range(GOOD_FRAMES):
            trial.look(sequence)
        assert standing_of(swapped).starts == 0


def test_the_same_frame_again_and_no_frame_are_no_frames(swapped: Path) -> None:
    trial = open_live(places_of(swapped)).trial
    for _ in range(GOOD_FRAMES * 2):
        trial.look(7)
        trial.look(None)
    assert standing_of(swapped).starts == 1


def test_a_minute_without_a_failure_makes_it_healthy_too(swapped: Path) -> None:
    now = [0.0]
    open_live(places_of(swapped))
    trial = Trial(record_of(swapped), standing_of(swapped).live, True, lambda: now[0])
    now[0] = HEALTHY_S - 1
    trial.look(None)
    assert standing_of(swapped).starts == 1
    now[0] = HEALTHY_S
    trial.look(None)
    assert standing_of(swapped).starts == 0


def test_ending_on_purpose_is_not_counted(swapped: Path) -> None:
    for _ in range(5):
        live = open_live(places_of(swapped))
        live.trial.ended(of_the_model=False)
        live.trial.ended(of_the_model=False)
    assert standing_of(swapped).starts == 0


@pytest.mark.parametrize(
    ("error", "starts"),
    [(ConfigError("port"), 0), (InterpreterError("model"), 1), (MemoryError(), 1)],
)
def test_what_cannot_be_built_counts_only_where_it_may_be_the_models_fault(
    swapped: Path, error: Exception, starts: int
) -> None:
    live = open_live(places_of(swapped))
    live.trial.left(type(error), error, None)
    assert standing_of(swapped).starts == starts


def test_a_swap_meanwhile_keeps_its_own_count(swapped: Path) -> None:
    trial = open_live(places_of(swapped)).trial
    stage(swapped.parent, "newer")
    make_live(swapped, "newer")
    after = open_live(places_of(swapped))
    trial.ended(of_the_model=False)
    assert after.entry.id == "newer"
    assert standing_of(swapped).starts == 1


def test_a_damaged_record_runs_the_model_of_the_settings_and_says_so(swapped: Path) -> None:
    places_of(swapped).record.write_text("{")
    live = open_live(places_of(swapped))
    assert live.entry.id == CONFIGURED
    assert "remove it" in live.notice
    assert live_folder(places_of(swapped)) == places_of(swapped).configured


def test_a_disk_that_takes_nothing_does_not_keep_it_from_beginning(
    swapped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "replace", fail)
    assert open_live(places_of(swapped)).entry.id == "new"
    damage(swapped.parent / "models" / "new")
    live = open_live(places_of(swapped))
    assert live.entry.id == CONFIGURED
    live.trial.ended(of_the_model=False)
