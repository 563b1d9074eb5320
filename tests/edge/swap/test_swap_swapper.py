"""Which models may be made live, and how one is."""

import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from bundle_copies import edit_manifest, replace_file, write
from swap_rig import damage, device, places_of, stage, standing_of, swapper_of

from edge.bundle import Bundle
from edge.config import SHIPPED_BUNDLE
from edge.errors import SwapError, SwapUnknown
from edge.manifest import read_manifest
from edge.swap import verifying
from edge.swap.candidates import differences
from edge.swap.places import CONFIGURED
from edge.swap.standing import Entry

TRICKS = (
    "..",
    ".",
    "",
    "../models/new",
    "new/../new",
    "/etc",
    ".new-1234",
    "new\n",
    "new\0",
    "n" * 65,
    "@shipped",
    "<b>",
)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return device(tmp_path, "new")


# --- what may be made live ---


def test_the_configured_model_and_whole_folders_are_listed(config: Path, shipped: Bundle) -> None:
    found = {one.id: one for one in swapper_of(config).candidates(shipped.manifest)}
    assert set(found) == {CONFIGURED, "new"}
    assert found[CONFIGURED].differences == ("the same model",)
    assert found["new"].problem is None
    evaluation = json.loads((shipped.folder / "evaluation.json").read_text(encoding="utf-8"))
    known = evaluation["test"]["mean_average_precision"]
    assert found["new"].mean_average_precision == pytest.approx(known)


def test_hidden_folders_files_and_links_are_not_listed(config: Path) -> None:
    models = config.parent / "models"
    (models / ".new-copying").mkdir()
    (models / "readme.txt").write_text("")
    (models / "elsewhere").symlink_to(SHIPPED_BUNDLE)
    assert places_of(config).staged_ids() == ("new",)


def test_a_folder_that_is_still_copied_is_refused_by_name(config: Path) -> None:
    bundle = config.parent / "models" / "new"
    write(bundle / "companion.float.tflite", b"half")
    (found,) = [one for one in swapper_of(config).candidates() if one.id == "new"]
    assert found.problem is not None
    assert "has 4 of" in found.problem
    (bundle / "companion.float.tflite").unlink()
    (found,) = [one for one in swapper_of(config).candidates() if one.id == "new"]
    assert found.problem is not None
    assert "is not there yet" in found.problem
    with pytest.raises(SwapError, match=r"companion\.float\.tflite"):
        swapper_of(config).swap("new", "ada")


def test_what_a_manifest_says_of_other_files_is_not_read(config: Path) -> None:
    bundle = config.parent / "models" / "new"
    edit_manifest(bundle, lambda v: v["files"]["evaluation"].update(path="../../edge.toml"))
    (found,) = [one for one in swapper_of(config).candidates() if one.id == "new"]
    assert found.problem == "files.evaluation: its path leads out of the bundle"
    assert found.mean_average_precision is None


def test_a_folder_without_a_manifest_says_what_is_missing_without_its_path(config: Path) -> None:
    (config.parent / "models" / "empty").mkdir()
    (found,) = [one for one in swapper_of(config).candidates() if one.id == "empty"]
    assert found.manifest is None
    assert found.problem is not None
    assert str(config.parent) not in found.problem


def test_differences_are_said_in_words(config: Path, shipped: Bundle) -> None:
    bundle = stage(config.parent, "other")

    def edit(values: dict[str, object]) -> None:
        labels = values["labels"]
        assert isinstance(labels, list)
        labels[0]["threshold"] = 0.9
        labels[1]["id"] = "brandnew"
        values["preprocessing"] = {"size_px": 128, "resize": "crop", "colour": "rgb"}

    edit_manifest(bundle, edit)
    gone = shipped.labels[1].id
    assert differences(shipped.manifest, read_manifest(bundle)) == (
        f"without {gone}",
        "also knows brandnew",
        "1 of 85 thresholds differ",
        f"input: 128 px, crop instead of {shipped.preprocessing.size_px} px, letterbox",
    )


# --- swapping ---


def test_a_model_that_passes_is_live_and_the_device_begins_anew(config: Path) -> None:
    begun: list[str] = []
    swapper = swapper_of(config)
    swapper._restart = lambda: begun.append(standing_of(config).live.id)
    found = swapper.swap("new", "ada")
    assert (found.name, found.labels, len(found.pictures)) == ("new", 85, 4)
    assert begun == ["new"]
    standing = standing_of(config)
    assert (standing.live.id, standing.previous, standing.by) == ("new", Entry(), "ada")


@pytest.mark.parametrize("model_id", TRICKS)
def test_ids_that_are_no_folder_there_are_refused(config: Path, model_id: str) -> None:
    with pytest.raises(SwapUnknown, match="there are @configured, new"):
        swapper_of(config).swap(model_id, "ada")
    assert not places_of(config).record.exists()


def test_a_damaged_model_is_refused_and_nothing_changes(config: Path) -> None:
    damage(config.parent / "models" / "new")
    with pytest.raises(SwapError, match="SHA-256") as refused:
        swapper_of(config).swap("new", "ada")
    assert str(config.parent) not in str(refused.value)
    assert not places_of(config).record.exists()


def test_a_model_that_answers_otherwise_than_in_training_is_refused(config: Path) -> None:
    def edit(values: dict[str, dict[str, list[dict[str, list[float]]]]]) -> None:
        logits = values["self_test"]["pictures"][0]["logits"]
        values["self_test"]["pictures"][0]["logits"] = logits[::-1]

    edit_manifest(config.parent / "models" / "new", edit)
    with pytest.raises(SwapError, match="self-test: found logits off by"):
        swapper_of(config).swap("new", "ada")


def test_a_model_that_does_not_fit_the_bins_is_refused(config: Path) -> None:
    def edit(values: dict[str, list[dict[str, str]]]) -> None:
        next(entry for entry in values["labels"] if entry["id"] == "3001")["id"] = "3001x"

    edit_manifest(config.parent / "models" / "new", edit)
    with pytest.raises(SwapError, match="3001"):
        swapper_of(config).swap("new", "ada")


def test_a_companion_that_is_no_model_is_refused(config: Path) -> None:
    replace_file(config.parent / "models" / "new", "companion", b"TFL3" * 100)
    # tflite-runtime does not refuse it but dies of it, and only who tried it with it.
    with pytest.raises(SwapError, match=r"companion\.float\.tflite|ended with signal 11"):
        swapper_of(config).swap("new", "ada")


def test_a_model_that_kills_who_tries_it_is_refused(
    config: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "dies.py").write_text("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(verifying, "MODULE", "dies")
    with pytest.raises(SwapError, match="ended with signal 11"):
        swapper_of(config).swap("new", "ada")


def test_a_model_that_never_answers_is_given_up(
    config: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with _hanging(monkeypatch, tmp_path):
        monkeypatch.setattr(verifying, "TIMEOUT_S", 0.2)
        with pytest.raises(SwapError, match="no answer"):
            swapper_of(config).swap("new", "ada")


def test_one_model_is_tried_at_a_time_and_closing_ends_it(
    config: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    swapper, said = swapper_of(config), []
    with _hanging(monkeypatch, tmp_path) as begun:

        def first() -> None:
            try:
                swapper.swap("new", "ada")
            except SwapError as error:
                said.append(str(error))

        thread = threading.Thread(target=first)
        thread.start()
        with begun.open("rb") as pipe:
            assert pipe.read(1) == b"x"
        with pytest.raises(SwapError, match="another model is being tried"):
            swapper.swap("new", "tess")
        swapper.close()
        thread.join()
    assert said == ["the process that tried the model ended with signal 9"]
    assert not places_of(config).record.exists()


def test_what_is_live_is_not_made_live_again(config: Path) -> None:
    swapper_of(config).swap("new", "ada")
    before = standing_of(config)
    with pytest.raises(SwapError, match="live already"):
        swapper_of(config).swap("new", "ada")
    assert standing_of(config) == before


# --- going back ---


def test_a_person_goes_back_and_forth(config: Path) -> None:
    swapper = swapper_of(config)
    with pytest.raises(SwapError, match="no model to go back to"):
        swapper.roll_back("ada")
    swapper.swap("new", "ada")
    swapper.roll_back("tess")
    standing = standing_of(config)
    assert (standing.live.id, standing.previous, standing.by) == (CONFIGURED, None, "tess")
    swapper.swap("new", "ada")
    swapper.swap(CONFIGURED, "ada")
    swapper.roll_back("ada")
    assert standing_of(config).live.id == "new"


def test_going_back_to_a_broken_model_is_refused(config: Path) -> None:
    stage(config.parent, "newer")
    swapper = swapper_of(config)
    swapper.swap("new", "ada")
    swapper.swap("newer", "ada")
    damage(config.parent / "models" / "new")
    with pytest.raises(SwapError, match="SHA-256"):
        swapper.roll_back("ada")
    assert standing_of(config).live.id == "newer"


@contextmanager
def _hanging(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[Path]:
    """Whoever tries a model says so through a pipe, and never ends."""
    pipe = folder / "begun"
    os.mkfifo(pipe)
    (folder / "hangs.py").write_text(
        f"import os, signal\nos.write(os.open({str(pipe)!r}, os.O_RDWR), b'x')\nsignal.pause()\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(folder))
    monkeypatch.setattr(verifying, "MODULE", "hangs")
    yield pipe
