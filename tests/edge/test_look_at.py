"""What of a frame the device looks at: the object alone, or tiles; and its maps lie there."""

import hashlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from pipeline_rig import BRICKS, Rig

from edge.bundle import Bundle, read_bundle
from edge.classifier import Classifier
from edge.config import SHIPPED_BUNDLE
from edge.dashboard.items.pictures import Drawable, draw_gradcam
from edge.dashboard.live.pictures import ExplainedPictures
from edge.domain import Explanation, Frame, PixelWindow, Prediction
from edge.explain.gradcam import GradCam
from edge.explain.sheet import PLAIN, map_panel, sheet
from edge.items import Item, ItemAssembler, ItemSettings, Trigger
from edge.journal_reader import JournalReader
from edge.kept_frames import GRADCAM, FrameSettings, folder_of, path_of
from edge.kept_maps import read_maps
from edge.look_at import FrameLabeller, LookAt
from edge.pictures import read_picture
from edge.pipeline import LimeOf
from edge.preprocessing import prepare
from edge.veto import focused

EMPTY = np.full((480, 640, 3), 20, np.uint8)
CORNER = PixelWindow(432, 272, 640, 480)
"""Around what `with_object` lays there: 160 pixels and a margin of 24 on each side, shifted."""


def with_object() -> NDArray[np.uint8]:
    """160 x 160 pixels in the lower right corner that show bricks."""
    bundle = read_bundle(SHIPPED_BUNDLE)
    bricks = read_picture(bundle.path(bundle.manifest.self_test.pictures[0].role))
    image = EMPTY.copy()
    image[320:, 480:] = cv2.resize(bricks, (160, 160), interpolation=cv2.INTER_AREA)
    return image


Build = Callable[..., Rig]


@pytest.fixture
def build(tmp_path: Path, shipped: Bundle) -> Iterator[Build]:
    rigs: list[Rig] = []

    def make(look_at: LookAt, **values: Any) -> Rig:
        rigs.append(Rig(tmp_path, shipped, look_at=look_at, **values))
        return rigs[-1]

    yield make
    for rig in rigs:
        rig.pipeline.close()


def explained(rig: Rig) -> Explanation:
    found = rig.shown.explanation
    assert found is not None
    return found


def assert_only_in(window: PixelWindow, drawn: NDArray[np.uint8], plain: NDArray[np.uint8]) -> None:
    """Something is lit in the window, and all around is as dark as without evidence."""
    dark = 0.35 * plain.astype(float)
    lit = np.abs(drawn - dark).max(axis=2) > 12
    margin = PixelWindow(
        max(window.left - 4, 0),
        max(window.top - 4, 0),
        min(window.right + 4, plain.shape[1]),
        min(window.bottom + 4, plain.shape[0]),
    )
    assert window.cut(lit).any()
    assert margin.cut(lit).sum() == lit.sum()


def decoded(jpeg: bytes | None) -> NDArray[np.uint8]:
    assert jpeg is not None
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    return np.asarray(image[..., ::-1], np.uint8)


# --- the object ---


def test_what_lies_there_is_looked_at_and_the_empty_place_as_a_whole(build: Build) -> None:
    rig = build(LookAt.OBJECT, empty_at_start=True)
    seen = []
    for image in (EMPTY, with_object(), EMPTY):
        rig.step(image)
        seen.append(rig.shown.prediction)
    windows = [prediction.window if prediction else None for prediction in seen]
    assert windows == [None, CORNER, None]
    shown = seen[1]
    assert shown is not None
    how = rig.classifier.bundle.preprocessing
    np.testing.assert_array_equal(shown.model_input, prepare(CORNER.cut(with_object()), how))
    np.testing.assert_array_equal(shown.whole, prepare(with_object(), how))


def test_without_an_empty_place_the_whole_frame_is_looked_at(build: Build) -> None:
    rig = build(LookAt.OBJECT)
    rig.step(EMPTY)
    rig.step(with_object())
    assert rig.shown.prediction is not None
    assert rig.shown.prediction.window is None


def test_an_item_is_still_an_item_and_moves_once(build: Build) -> None:
    rig = build(LookAt.OBJECT, empty_at_start=True)
    rig.step(EMPTY)
    for _ in range(6):
        rig.step(with_object())
    assert rig.newest().bin == BRICKS
    assert len(rig.fired) == 1


def test_its_maps_are_drawn_on_the_object(build: Build, tmp_path: Path, shipped: Bundle) -> None:
    rig = build(LookAt.OBJECT, empty_at_start=True, frames=FrameSettings(min_free_mb=0))
    rig.classifier.present = tuple(range(0, 85, 7))
    rig.step(EMPTY)
    for _ in range(6):
        rig.step(with_object())
    found, how = explained(rig), shipped.preprocessing
    assert set(found.windows) == {CORNER}
    strongest = int(found.maps.max(axis=(1, 2)).argmax())
    assert found.maps[strongest].max() > 0
    label = found.labels[strongest]

    live = ExplainedPictures(how)
    live.note(found)
    drawn = decoded(live.drawn(found.prediction.frame.sequence, label.index))
    assert_only_in(CORNER, drawn, with_object())

    small = np.ascontiguousarray(with_object()[::2, ::2])
    panel = map_panel(small, found, strongest, how, PLAIN)
    assert_only_in(PixelWindow(216, 136, 320, 240), panel.picture, small)
    assert "window 208 x 208 px at 432, 272" in panel.lines
    assert sheet(found, how).ndim == 3

    rig.pipeline.close()
    with JournalReader(rig.path) as reader:
        (record,) = [entry for entry in reader.story() if hasattr(entry, "item_id")]
    picture = path_of(folder_of(rig.path), record.item_id)
    kept = read_maps(
        path_of(folder_of(rig.path), record.item_id, GRADCAM),
        read_picture(picture),
        sha256_of(picture),
        shipped.labels,
    )
    assert kept is not None
    assert set(kept[0].windows) == {CORNER}
    assert_only_in(CORNER, decoded(draw_gradcam(Drawable(*kept), label.index)), with_object())


def sha256_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


class Even:
    """Grad-CAM that finds evidence everywhere."""

    def __init__(self, bundle: Bundle) -> None:
        self.bundle = bundle

    def explain(self, prediction: Prediction, labels: Any) -> SimpleNamespace:
        return SimpleNamespace(maps=np.ones((1, 16, 16), np.float32))


def test_the_veto_knows_where_the_object_is_in_its_window(shipped: Bundle) -> None:
    items = ItemAssembler(ItemSettings())
    classifier = Classifier(shipped)
    labeller = FrameLabeller(LookAt.OBJECT, classifier, items)
    items.learn_empty(labeller.label(Frame(0, 0.0, EMPTY)))
    seen = labeller.label(Frame(1, 0.1, with_object()))
    item = Item(1, (seen,), (), 1, 1, 0.0, Trigger.STILL)
    found = focused(item, shipped.labels[0], Even(shipped), items)  # type: ignore[arg-type]
    # It covers the last 160 of the window's 208 pixels each way: it touches 13 of 16 positions.
    assert found.focus == pytest.approx((13 / 16) ** 2)


def test_other_light_makes_no_window(shipped: Bundle) -> None:
    items = ItemAssembler(ItemSettings())
    labeller = FrameLabeller(LookAt.OBJECT, Classifier(shipped), items)
    items.learn_empty(labeller.label(Frame(0, 0.0, EMPTY)))
    # Bars beside a letterboxed picture keep their grey in any light.
    brighter = labeller.label(Frame(1, 0.1, EMPTY + np.uint8(40)))
    assert brighter.window is None
    assert items.object_cells(brighter) is not None
    assert not np.any(items.object_cells(brighter))


# --- tiles ---


def test_tiles_are_looked_at_and_each_map_lies_on_its_own(build: Build, shipped: Bundle) -> None:
    rig = build(LookAt.TILES)
    rig.classifier.present = tuple(range(0, 85, 7))
    rig.step(with_object())
    found = explained(rig)
    assert len(found.prediction.parts) == 5
    assert list(found.windows) == [found.prediction.part_of(x).window for x in found.labels]
    np.testing.assert_array_equal(
        found.maps, GradCam(shipped).explain(found.prediction, found.labels).maps
    )


def test_frames_too_small_for_tiles_are_told_of_once(
    build: Build, caplog: pytest.LogCaptureFixture
) -> None:
    rig = build(LookAt.TILES)
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            rig.step(np.zeros((96, 128, 3), np.uint8))
    assert caplog.messages == [
        "camera.tiles: frames of 128 x 96 pixels are too small for tiles; the model is shown the"
        " whole of them"
    ]
    assert rig.shown.prediction is not None
    assert rig.shown.prediction.parts == ()


def test_lime_is_of_one_window(build: Build) -> None:
    offered: list[tuple[Prediction, tuple[Any, ...], Explanation | None]] = []
    listener = SimpleNamespace(offer=lambda *told: offered.append(told) or 1, current=tuple)
    rig = build(LookAt.TILES, explainer=listener, lime_of=LimeOf.EVERYTHING)
    rig.classifier.present = tuple(range(0, 85, 7))
    rig.step(with_object())
    ((part, labels, hires),) = offered
    whole = explained(rig).prediction
    assert part in whole.parts
    assert part is whole.part_of(whole.present[0])
    assert labels == tuple(x for x in whole.present if whole.part_of(x) is part)
    assert hires is not None
    assert hires.labels == labels
