"""Parts of a frame that the model is shown by themselves: where they lie, and what they say."""

import cv2
import numpy as np
import pytest
from builders import LABELS
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.bundle import Bundle
from edge.classifier import Classifier
from edge.domain import Frame, PixelWindow, Prediction
from edge.explain.gradcam import GradCam
from edge.explain.lime import lime
from edge.explain.lime_result import LimeSettings, explanation
from edge.explain.overlay import map_on_picture, segments_on_picture
from edge.foreground import box_of, cells_in_window
from edge.pictures import read_picture
from edge.preprocessing import Preprocessing, object_window, prepare, tile_windows, tiles_gain

HOW = Preprocessing(256)
CORNER = PixelWindow(512, 352, 640, 480)
SIDES = st.integers(1, 3000)


@pytest.fixture(scope="module")
def classifier(shipped: Bundle) -> Classifier:
    return Classifier(shipped)


def noise(height: int = 480, width: int = 640) -> NDArray[np.uint8]:
    cells = np.random.default_rng(4).integers(0, 256, (height // 20, width // 20, 3))
    return cells.astype(np.uint8).repeat(20, 0).repeat(20, 1)


def bricks(bundle: Bundle) -> NDArray[np.uint8]:
    """The pictures of the self-test in the four quarters of one (480, 640, 3)."""
    roles = [picture.role for picture in bundle.manifest.self_test.pictures]
    small = [cv2.resize(read_picture(bundle.path(role)), (320, 240)) for role in roles[:4]]
    return np.vstack([np.hstack(small[:2]), np.hstack(small[2:])])


def corners(window: PixelWindow) -> tuple[int, int, int, int]:
    return window.left, window.top, window.right, window.bottom


# --- geometry ---


def test_tiles_are_the_whole_and_quarters_of_six_tenths() -> None:
    assert [corners(window) for window in tile_windows(480, 640, 256)] == [
        (0, 0, 640, 480),
        (0, 0, 384, 288),
        (256, 0, 640, 288),
        (0, 192, 384, 480),
        (256, 192, 640, 480),
    ]


@given(SIDES, SIDES)
def test_quarters_cover_every_pixel_and_stay_inside(height: int, width: int) -> None:
    whole, *quarters = tile_windows(height, width, 1)
    assert corners(whole) == (0, 0, width, height)
    columns, rows = np.zeros(width, bool), np.zeros(height, bool)
    for quarter in quarters:
        assert quarter.right <= width
        assert quarter.bottom <= height
        columns[quarter.left : quarter.right] = True
        rows[quarter.top : quarter.bottom] = True
    # They are all pairs of two stretches along each side.
    assert len({(q.left, q.right) for q in quarters}) * len(
        {(q.top, q.bottom) for q in quarters}
    ) == len(set(quarters))
    assert columns.all()
    assert rows.all()


def test_quarters_of_less_than_half_the_input_gain_nothing() -> None:
    # 0.6 of 213 are 128 pixels, half of 256; of 212 they are 127.
    assert tiles_gain(10, 213, 256)
    assert not tiles_gain(10, 212, 256)
    assert tile_windows(212, 212, 256) == (PixelWindow(0, 0, 212, 212),)


def test_a_window_has_a_margin_of_the_objects_longer_side() -> None:
    # On the picture: x 160..320, y 160..240; 160 and twice 24 are 208.
    found = object_window(PixelWindow(64, 96, 128, 128), 480, 640, HOW)
    assert found == PixelWindow(136, 96, 344, 304)


def test_a_small_object_in_a_corner_gets_a_window_of_half_the_input_inside_the_picture() -> None:
    # On the picture: x 560..640, y 400..480.
    assert object_window(PixelWindow(224, 192, 256, 224), 480, 640, HOW) == CORNER


def test_what_lies_on_a_bar_beside_the_picture_is_no_object() -> None:
    assert object_window(PixelWindow(0, 0, 256, 32), 480, 640, HOW) is None


@settings(deadline=None)
@given(st.integers(20, 400), st.integers(20, 400), st.data())
def test_a_window_holds_the_object_and_stays_inside(
    height: int, width: int, data: st.DataObject
) -> None:
    how = Preprocessing(256, data.draw(st.sampled_from(["letterbox", "crop"])))
    left, top = data.draw(st.integers(0, 255)), data.draw(st.integers(0, 255))
    box = PixelWindow(
        left, top, data.draw(st.integers(left + 1, 256)), data.draw(st.integers(top + 1, 256))
    )
    window = object_window(box, height, width, how)
    if window is None:
        return
    assert window.right <= width
    assert window.bottom <= height
    assert window.width == window.height or min(window.width, window.height) == min(height, width)
    assert max(window.width, window.height) >= min(128, max(height, width))
    # Every pixel of the box that shows the picture is in the window.
    marks = np.zeros((256, 256), np.float32)
    box.cut(marks)[:] = 1
    seen = map_on_picture(marks, np.zeros((height, width, 3), np.uint8), how) > 0.6
    assert window.cut(seen).sum() == seen.sum()


def test_the_box_is_around_all_that_is_large_enough() -> None:
    cells = np.zeros((32, 32), bool)
    cells[4:6, 10:12] = cells[20:23, 2:4] = True
    cells[31, 31] = True
    assert box_of(cells, 4 / 1024, 256) == PixelWindow(16, 32, 96, 184)
    assert box_of(cells, 7 / 1024, 256) is None


def test_cells_of_the_whole_are_laid_over_a_window() -> None:
    cells = np.random.default_rng(0).random((8, 8)) < 0.5
    how = Preprocessing(64)
    found = cells_in_window(cells, (64, 64, 3), PixelWindow(32, 32, 64, 64), how)
    np.testing.assert_array_equal(found, cells[4:, 4:].repeat(2, 0).repeat(2, 1))
    # 64 x 32 pixels lie between bars of two cells; their left half fills the input.
    found = cells_in_window(cells, (32, 64, 3), PixelWindow(0, 0, 32, 32), how)
    np.testing.assert_array_equal(found, cells[2:6, :4].repeat(2, 0).repeat(2, 1))
    # What is shown on a bar of the window is nothing.
    found = cells_in_window(np.ones((8, 8), bool), (64, 64, 3), PixelWindow(0, 0, 64, 32), how)
    assert found.sum(axis=1).tolist() == [0, 0, 8, 8, 8, 8, 0, 0]


def test_a_window_on_a_smaller_copy_of_its_picture() -> None:
    assert CORNER.scaled((480, 640, 3), (240, 320, 3)) == PixelWindow(256, 176, 320, 240)
    assert PixelWindow(639, 479, 640, 480).scaled((480, 640), (3, 4)) == PixelWindow(3, 2, 4, 3)


@pytest.mark.parametrize("wrong", [(0, 0, 0, 1), (-1, 0, 1, 1), (2, 2, 1, 3), (0, 4, 1, 4)])
def test_a_window_without_a_pixel_is_refused(wrong: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="begins at 0 or later"):
        PixelWindow(*wrong)


# --- what the model is shown ---


def test_a_window_is_shown_at_its_own_magnification(
    classifier: Classifier, shipped: Bundle
) -> None:
    image = noise()
    seen = classifier.classify(Frame(0, 0.0, image), [CORNER])
    np.testing.assert_array_equal(
        seen.model_input, prepare(image[352:480, 512:640], shipped.preprocessing)
    )
    assert seen.window == CORNER
    assert seen.parts == ()


def test_a_window_that_is_the_whole_frame_is_none(classifier: Classifier) -> None:
    frame = Frame(0, 0.0, noise())
    seen = classifier.classify(frame, [PixelWindow(0, 0, 640, 480)])
    assert seen.window is None
    np.testing.assert_array_equal(seen.logits, classifier.classify(frame).logits)


def test_a_window_beyond_the_frame_is_refused(classifier: Classifier) -> None:
    with pytest.raises(ValueError, match="reaches beyond a picture of"):
        classifier.classify(Frame(0, 0.0, noise(100, 100)), [CORNER])


def test_of_tiles_the_strongest_evidence_counts(classifier: Classifier, shipped: Bundle) -> None:
    frame = Frame(0, 0.0, bricks(shipped))
    seen = classifier.classify_tiles(frame)
    windows = tile_windows(480, 640, shipped.preprocessing.size_px)
    alone = np.stack([classifier.classify(frame, [window]).logits for window in windows])
    np.testing.assert_array_equal(seen.logits, alone.max(axis=0))
    np.testing.assert_array_equal(seen.probabilities, shipped.probabilities(alone.max(axis=0)))
    speaking = [windows[place] for place in alone.argmax(axis=0)]
    whole = windows[0]
    assert [seen.part_of(label).window or whole for label in shipped.labels] == speaking
    assert len(set(speaking)) > 1
    np.testing.assert_array_equal(seen.whole, prepare(frame.image, shipped.preprocessing))


def test_a_tiny_frame_is_seen_as_a_whole(classifier: Classifier) -> None:
    frame = Frame(0, 0.0, noise(60, 80))
    seen = classifier.classify_tiles(frame)
    assert seen.parts == ()
    assert seen.window is None
    np.testing.assert_array_equal(seen.logits, classifier.classify(frame).logits)


# --- maps lie where they were computed ---


def test_a_map_lies_on_its_window_alone() -> None:
    heat = np.zeros((16, 16), np.float32)
    heat[15, 15] = 1  # the last 8 x 8 pixels of the window, the picture's lower right corner
    laid = map_on_picture(heat, noise(), HOW, CORNER)
    assert laid.shape == (480, 640)
    row, column = np.unravel_index(int(laid.argmax()), laid.shape)
    assert row >= 472
    assert column >= 632
    assert laid[CORNER.top :, CORNER.left :].sum() == laid.sum()


def test_superpixels_lie_on_their_window_alone() -> None:
    laid = segments_on_picture(np.full((256, 256), 7, np.int32), noise(), HOW, CORNER)
    assert (laid[352:, 512:] == 7).all()
    assert (laid == 7).sum() == 128 * 128
    assert (laid == -1).sum() == 640 * 480 - 128 * 128


def test_gradcam_and_lime_of_a_window_know_it(classifier: Classifier, shipped: Bundle) -> None:
    seen = classifier.classify(Frame(0, 0.0, noise()), [CORNER])
    labels = shipped.labels[:2]
    for explained in GradCam(shipped).explain_all(seen, labels).values():
        assert explained.windows == (CORNER, CORNER)
    few = LimeSettings(samples=8)
    result = lime(seen.model_input, classifier.logits, few, wanted=[0, 1])
    assert explanation(seen, labels, result).windows == (CORNER, CORNER)
    small = np.zeros((240, 320, 3), np.uint8)
    assert explained.window_on(1, small) == PixelWindow(256, 176, 320, 240)


def test_each_label_is_explained_on_the_window_it_speaks_from(
    classifier: Classifier, shipped: Bundle
) -> None:
    seen = classifier.classify_tiles(Frame(0, 0.0, bricks(shipped)))
    gradcam = GradCam(shipped)
    for method, explained in gradcam.explain_all(seen, shipped.labels).items():
        assert explained.prediction is seen
        for place in (0, 1, 40, 84):
            label = shipped.labels[place]
            part = seen.part_of(label)
            alone = gradcam.explain(part, [label], method)
            np.testing.assert_allclose(explained.maps[place], alone.maps[0], atol=1e-5)
            assert explained.windows[place] == part.window
    assert len(set(explained.windows)) > 1


def test_some_labels_of_an_explanation(classifier: Classifier, shipped: Bundle) -> None:
    seen = classifier.classify_tiles(Frame(0, 0.0, bricks(shipped)))
    explained = GradCam(shipped).explain(seen, shipped.labels)
    found = explained.only([40, 3])
    assert found.labels == (shipped.labels[40], shipped.labels[3])
    assert found.windows == (explained.windows[40], explained.windows[3])
    np.testing.assert_array_equal(found.maps[1], explained.maps[3])


def test_a_prediction_of_one_window_speaks_for_all_its_labels() -> None:
    zeros = np.zeros(4, np.float32)
    seen = Prediction(Frame(0, 0.0, noise()), np.zeros((4, 4, 3), np.uint8), zeros, zeros, ())
    assert seen.by_part(LABELS) == [(seen, [0, 1, 2, 3])]
