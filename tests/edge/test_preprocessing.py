"""The one way a picture becomes the model's input, with geometry worked out by hand."""

import ast
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.preprocessing import PADDING, Placement, Preprocessing, place, prepare

LETTERBOX, CROP = Preprocessing(64), Preprocessing(64, "crop")
RED, BLUE = (200, 30, 60), (20, 90, 220)
SIDES = st.integers(1, 3000)


def halves(height: int, width: int) -> NDArray[np.uint8]:
    """Red on the left, blue on the right."""
    image = np.empty((height, width, 3), np.uint8)
    image[:, : width // 2], image[:, width // 2 :] = RED, BLUE
    return image


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [
        (64, 64, Placement(0, 0, 64, 64)),
        (480, 640, Placement(0, 8, 64, 48)),
        (640, 480, Placement(8, 0, 48, 64)),
        (32, 16, Placement(16, 0, 32, 64)),
        (1, 1000, Placement(0, 31, 64, 1)),
    ],
)
def test_letterbox_keeps_the_whole_picture(height: int, width: int, expected: Placement) -> None:
    assert place(height, width, LETTERBOX) == expected


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [
        (64, 64, Placement(0, 0, 64, 64)),
        (48, 96, Placement(-32, 0, 128, 64)),
        (96, 48, Placement(0, -32, 64, 128)),
        # 640 * 64 / 480 = 85.33, of which 21 are too many.
        (480, 640, Placement(-11, 0, 85, 64)),
    ],
)
def test_crop_keeps_the_largest_square(height: int, width: int, expected: Placement) -> None:
    assert place(height, width, CROP) == expected


@given(SIDES, SIDES, st.sampled_from([64, 192, 256, 97]))
def test_a_letterboxed_picture_stays_inside_and_in_shape(
    height: int, width: int, size: int
) -> None:
    spot = place(height, width, Preprocessing(size))
    assert spot.left >= 0
    assert spot.top >= 0
    assert spot.left + spot.width <= size
    assert spot.top + spot.height <= size
    assert size in (spot.width, spot.height)
    # To within half a pixel of rounding, or the one pixel that is always left.
    assert abs(spot.width - width * size / max(height, width)) <= 0.5 or spot.width == 1
    assert abs(spot.height - height * size / max(height, width)) <= 0.5 or spot.height == 1
    assert abs((size - spot.width) - 2 * spot.left) <= 1
    assert abs((size - spot.height) - 2 * spot.top) <= 1


@given(SIDES, SIDES, st.sampled_from([64, 192, 97]))
def test_a_cropped_picture_fills_the_square(height: int, width: int, size: int) -> None:
    spot = place(height, width, Preprocessing(size, "crop"))
    assert spot.left <= 0
    assert spot.top <= 0
    assert spot.left + spot.width >= size
    assert spot.top + spot.height >= size
    assert size in (spot.width, spot.height)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 300), st.integers(1, 300), st.sampled_from(["letterbox", "crop"]))
def test_any_picture_becomes_the_models_input(height: int, width: int, resize: str) -> None:
    image = np.full((height, width, 3), 77, np.uint8)
    shown = prepare(image, Preprocessing(64, resize))  # type: ignore[arg-type]
    assert shown.shape == (64, 64, 3)
    assert shown.dtype == np.uint8
    assert shown.flags.c_contiguous
    assert not np.shares_memory(shown, image)
    assert set(np.unique(shown)) <= {77, PADDING}


def test_bars_are_grey_and_the_picture_is_between_them() -> None:
    shown = prepare(halves(240, 320), LETTERBOX)
    assert (shown[:8] == PADDING).all()
    assert (shown[56:] == PADDING).all()
    assert (shown[8:56, :31] == RED).all()
    assert (shown[8:56, 33:] == BLUE).all()


def test_a_crop_loses_the_sides_alone() -> None:
    image = np.zeros((100, 300, 3), np.uint8)
    image[:, 100:200] = RED
    shown = prepare(image, Preprocessing(50, "crop"))
    assert (shown[:, 1:-1] == RED).all()


def test_shrinking_averages_areas() -> None:
    image = np.zeros((256, 256, 3), np.uint8)
    image[::4, ::4] = 160
    # Each 4 x 4 block holds one pixel of 160.
    assert (prepare(image, LETTERBOX) == 10).all()


def test_a_picture_of_the_right_size_stays_as_it_is() -> None:
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    shown = prepare(image, LETTERBOX)
    np.testing.assert_array_equal(shown, image)
    assert not np.shares_memory(shown, image)


@pytest.mark.parametrize("preprocessing", [LETTERBOX, CROP])
def test_views_and_read_only_pictures_give_the_same(preprocessing: Preprocessing) -> None:
    large = np.random.default_rng(0).integers(0, 256, (300, 400, 6)).astype(np.uint8)
    view = large[20:260:2, 340:20:-2, 4:1:-1]
    assert not view.flags.c_contiguous
    whole = np.ascontiguousarray(view)
    whole.flags.writeable = False
    np.testing.assert_array_equal(prepare(view, preprocessing), prepare(whole, preprocessing))


@pytest.mark.parametrize("module", ["pictures.py", "export.py"])
def test_the_trainer_prepares_pictures_with_this_very_function(module: str) -> None:
    # Read, not imported: a device has nothing of what the trainer needs.
    tree = ast.parse((Path(__file__).parents[2] / "trainer" / module).read_text(encoding="utf-8"))
    imported = [
        (node.module, name.name, name.asname)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    ]
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    assert ("edge.preprocessing", "prepare", None) in imported
    assert any(isinstance(call, ast.Name) and call.id == "prepare" for call in calls)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 1), np.uint8),
        np.zeros((1, 4, 4, 3), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((4, 4, 3), np.uint16),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 0, 3), np.uint8),
    ],
    ids=lambda image: f"{image.shape} {image.dtype}",
)
def test_what_is_no_rgb_picture_is_refused(image: NDArray[np.uint8]) -> None:
    with pytest.raises(ValueError, match=r"\(height, width, 3\) uint8 RGB; found") as refused:
        prepare(image, LETTERBOX)
    assert str(image.shape) in str(refused.value)
