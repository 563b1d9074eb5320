"""Maps of items: kept within the quota, read again as they were, of their own picture only."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders import LABELS, make_prediction
from numpy.typing import NDArray
from pipeline_rig import Rig

from edge.bundle import Bundle
from edge.domain import Explanation, Frame, PixelWindow, Prediction
from edge.errors import ExplainError
from edge.explain.lime_result import LimeResult, LimeSettings
from edge.explain.lime_result import explanation as lime_explanation
from edge.explain.worker.progress import ExplainRequest, ExplainState, Progress
from edge.journal_reader import JournalReader
from edge.kept_frames import GRADCAM, LIME, MB, FrameSettings, KeptFrames, folder_of, path_of
from edge.kept_maps import KeptMaps, read_maps
from edge.pictures import read_picture
from edge.preprocessing import Preprocessing

HOW = Preprocessing(64, "crop")
K = 300


class Keeper:
    """Keeps pictures and maps of items in a folder."""

    def __init__(self, folder: Path, **settings: int) -> None:
        self.folder = folder
        self.frames = KeptFrames(folder, FrameSettings(**{"min_free_mb": 0, **settings}))
        self.maps = KeptMaps(self.frames, HOW, "m" * 64)
        self.sha256: dict[int, str] = {}

    def item(self, item_id: int, image: NDArray[np.uint8] | None = None) -> Prediction:
        seen = make_prediction(sequence=item_id)
        if image is not None:
            seen = replace(seen, frame=Frame(item_id, 0.0, image))
        kept = self.frames.keep(item_id, seen.frame)
        assert kept is not None
        self.sha256[item_id] = kept.sha256
        self.maps.remember(item_id, seen.frame, kept.sha256)
        return seen

    def read(self, item_id: int, suffix: str = GRADCAM) -> Explanation | None:
        path = path_of(self.folder, item_id)
        image = read_picture(path)
        found = read_maps(
            path_of(self.folder, item_id, suffix), image, self.sha256[item_id], LABELS
        )
        if found is None:
            return None
        assert found[1] == HOW
        return found[0]


@pytest.fixture
def keeper(tmp_path: Path) -> Keeper:
    return Keeper(tmp_path)


def gradcam(seen: Prediction) -> Explanation:
    maps = np.linspace(0, 0.9, 2 * 14 * 14, dtype=np.float32).reshape(2, 14, 14)
    details = {"layer": "conv5", "grid": (14, 14), "disagrees": ("3003",), "logits": maps}
    return Explanation(seen, "grad-cam", LABELS[:2], maps, details)


def lime(seen: Prediction, samples: int = 128, state: ExplainState = ExplainState.DONE) -> Progress:
    values = np.random.default_rng(samples).normal(size=(4, K)).astype(np.float32)
    result = LimeResult(
        segments=(np.arange(64 * 64, dtype=np.int32) % K).reshape(64, 64),
        coefficients=values,
        intercepts=np.zeros(4, np.float32),
        whole=np.ones(4, np.float32),
        standard_errors=np.abs(values) / 9,
        r2=np.array([0.9, 0.4, np.nan, 0.7], np.float32),
        stability=np.full(4, 0.8, np.float32),
        samples=samples,
        budget=256,
        ended="budget",
        milliseconds=1200.0,
        segment_ms=80.0,
        settings=LimeSettings(),
    )
    explained = lime_explanation(seen, LABELS[:3], result)
    return Progress(ExplainRequest(1, seen, LABELS[:3]), state, samples, 256, None, explained)


def test_a_gradcam_is_read_as_it_was_to_half_precision(keeper: Keeper) -> None:
    told = gradcam(keeper.item(7))
    keeper.maps.gradcam(told)
    found = keeper.read(7)
    assert found is not None
    assert found.labels == told.labels
    assert np.allclose(found.maps, told.maps, rtol=2**-10)
    assert found.details["layer"] == "conv5"
    assert found.details["disagrees"] == ["3003"]
    assert np.array_equal(found.prediction.probabilities, told.prediction.probabilities)
    assert found.prediction.present == told.prediction.present
    assert path_of(keeper.folder, 7, GRADCAM).stat().st_size < 4000


def test_a_lime_is_read_to_the_last_digit(keeper: Keeper) -> None:
    told = lime(keeper.item(7))
    keeper.maps.limes([told])
    found, wanted = keeper.read(7, LIME), told.explanation
    assert found is not None
    assert wanted is not None
    assert np.array_equal(found.maps, wanted.maps)
    for name in ("segments", "coefficients", "standard_errors", "r2", "stability"):
        assert np.array_equal(found.details[name], wanted.details[name], equal_nan=True)
    assert found.details["warnings"] == list(wanted.details["warnings"])
    assert (found.details["samples"], found.details["hide"]) == (128, "mean")


def test_what_is_of_no_item_or_not_over_is_not_kept(keeper: Keeper) -> None:
    seen, other = keeper.item(7), make_prediction(sequence=99)
    keeper.maps.gradcam(gradcam(other))
    keeper.maps.limes([lime(other), lime(seen, state=ExplainState.SAMPLING)])
    nothing = replace(lime(seen), explanation=None, state=ExplainState.CANCELLED)
    keeper.maps.limes([nothing])
    assert [path.name for path in keeper.folder.glob("*/*")] == ["7.jpg"]


def test_the_first_gradcam_and_the_lime_of_most_samples_stay(keeper: Keeper) -> None:
    seen = keeper.item(7)
    told = gradcam(seen)
    keeper.maps.gradcam(told)
    keeper.maps.gradcam(replace(told, labels=LABELS[2:]))
    for samples in (64, 256, 128):
        keeper.maps.limes([lime(seen, samples)])
    first, most = keeper.read(7), keeper.read(7, LIME)
    assert first is not None
    assert first.labels == LABELS[:2]
    assert most is not None
    assert most.details["samples"] == 256


def test_maps_go_with_their_picture_and_count_in_the_quota(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path, mb=1)
    noise = np.random.default_rng(1).integers(0, 256, (700, 700, 3)).astype(np.uint8)
    for number in range(8):
        seen = keeper.item(number, noise)
        keeper.maps.gradcam(gradcam(seen))
        keeper.maps.limes([lime(seen)])
        files = [*tmp_path.glob("*/*")]
        assert sum(path.stat().st_size for path in files) <= MB
        assert {path.name.split(".")[0] for path in tmp_path.glob("*/*.npz")} == {
            path.stem for path in tmp_path.glob("*/*.jpg")
        }
    again = KeptFrames(tmp_path, FrameSettings(mb=1, min_free_mb=0))
    assert again._bytes == sum(path.stat().st_size for path in tmp_path.glob("*/*"))


def test_a_map_finds_no_room_where_its_picture_had_to_go(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path, mb=1)
    keeper.item(1)
    assert not keeper.frames.keep_beside(1, LIME, bytes(MB))
    assert [*tmp_path.glob("*/*")] == []
    assert not keeper.frames.keep_beside(2, LIME, b"without its picture")


def test_a_new_journal_has_no_maps_of_the_old(keeper: Keeper) -> None:
    keeper.maps.gradcam(gradcam(keeper.item(7)))
    keeper.item(7)
    assert keeper.read(7) is None


def test_maps_of_another_picture_are_not_shown(keeper: Keeper) -> None:
    keeper.maps.gradcam(gradcam(keeper.item(7)))
    keeper.sha256[7] = "0" * 64
    assert keeper.read(7) is None


DAMAGES: list[Callable[[bytes], bytes]] = [
    lambda content: b"",
    lambda content: content[: len(content) // 2],
    lambda content: b"no archive at all",
    lambda content: content.replace(b"about", b"abuse"),
    lambda content: content + bytes(9_000_000),
    lambda content: content[:200] + bytes(40) + content[240:],
]


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("suffix", [GRADCAM, LIME])
def test_damage_is_an_error_of_ours(
    keeper: Keeper, suffix: str, damage: Callable[[bytes], bytes]
) -> None:
    seen = keeper.item(7)
    keeper.maps.gradcam(gradcam(seen))
    keeper.maps.limes([lime(seen)])
    path = path_of(keeper.folder, 7, suffix)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ExplainError, match=r"7\.\w+\.npz: .*remove it"):
        keeper.read(7, suffix)


def test_a_disk_that_takes_none_stops_nothing(keeper: Keeper) -> None:
    seen = keeper.item(7)
    path_of(keeper.folder, 7, GRADCAM).with_name("7.cam.npz.part").mkdir()
    keeper.maps.gradcam(gradcam(seen))
    assert keeper.frames.failed == 1
    keeper.maps.limes([lime(seen)])
    assert keeper.read(7, LIME) is not None


def test_the_pipeline_keeps_the_gradcam_of_every_item(tmp_path: Path, shipped: Bundle) -> None:
    rig = Rig(tmp_path, shipped, frames=FrameSettings(min_free_mb=0))
    rig.item(60, present=(3, 9))
    rig.item(160)
    rig.pipeline.close()
    folder = folder_of(rig.path)
    with JournalReader(rig.path) as reader:
        for item_id, sha256 in reader.kept_frames().items():
            image = read_picture(path_of(folder, item_id))
            found = read_maps(path_of(folder, item_id, GRADCAM), image, sha256, shipped.labels)
            assert found is not None
            assert [label.index for label in found[0].labels] == [[3, 9], [3]][item_id - 1]
            assert found[1] == shipped.preprocessing


def test_the_windows_of_maps_are_kept(keeper: Keeper) -> None:
    window = PixelWindow(2, 3, 10, 11)
    seen = keeper.item(7)
    keeper.maps.gradcam(replace(gradcam(seen), windows=(None, window)))
    found = keeper.read(7)
    assert found is not None
    assert found.windows == (None, window)


def test_a_window_beyond_its_picture_is_damage(keeper: Keeper) -> None:
    # The pictures of the builders have 16 x 12 pixels.
    seen = keeper.item(7)
    keeper.maps.gradcam(replace(gradcam(seen), windows=(None, PixelWindow(8, 8, 17, 12))))
    with pytest.raises(ExplainError, match=r"it is damaged .*reaches beyond"):
        keeper.read(7)
