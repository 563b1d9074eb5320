"""Maps are drawn where the model looked, and more evidence never looks like less."""

from dataclasses import replace

import numpy as np
import pytest
from builders import LABELS, make_prediction
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.domain import Explanation, Frame
from edge.explain.colours import (
    STYLES,
    Style,
    fixed_scale,
    frame_scale,
    heat_colours,
    map_scale,
)
from edge.explain.overlay import draw, map_on_picture, overlay, segments_on_picture
from edge.preprocessing import Preprocessing

GRID = 31
LETTERBOX, CROP = Preprocessing(256), Preprocessing(256, "crop")

Heat = NDArray[np.float32]


def even(level: int, height: int = 40, width: int = 60) -> NDArray[np.uint8]:
    return np.full((height, width, 3), level, np.uint8)


def hot_cell(row: int, column: int) -> Heat:
    heat = np.zeros((GRID, GRID), np.float32)
    heat[row, column] = 1
    return heat


def explained(image: NDArray[np.uint8], *maps: Heat) -> Explanation:
    prediction = replace(make_prediction(), frame=Frame(1, 0.0, image))
    stacked = np.stack(maps).astype(np.float32)
    return Explanation(prediction, "grad-cam", LABELS[: len(maps)], stacked)


# --- where ---


def _expected(place: float, length: int, reach: int) -> float:
    """Where on a side of the picture a place 0..1 of the model's square is."""
    return (place - 0.5) * reach + length / 2


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([(480, 640), (640, 480), (300, 300), (200, 780), (780, 200)]),
    st.floats(0.05, 0.95),
    st.floats(0.05, 0.95),
    st.sampled_from([LETTERBOX, CROP]),
)
def test_a_hot_cell_lands_where_the_model_looked(
    shape: tuple[int, int], x: float, y: float, preprocessing: Preprocessing
) -> None:
    height, width = shape
    reach = max(shape) if preprocessing.resize == "letterbox" else min(shape)
    # The middle of a cell that lies on the picture, and on which the model looked.
    inside = min(shape) / reach * 0.8 if preprocessing.resize == "letterbox" else 0.9
    column = int((0.5 + (x - 0.5) * (inside if width < height else 0.9)) * GRID)
    row = int((0.5 + (y - 0.5) * (inside if height < width else 0.9)) * GRID)
    found = map_on_picture(hot_cell(row, column), even(0, height, width), preprocessing)
    assert found.shape == shape
    assert found.dtype == np.float32
    rows, columns = np.mgrid[0:height, 0:width]
    centre_x = (found * (columns + 0.5)).sum() / found.sum()
    centre_y = (found * (rows + 0.5)).sum() / found.sum()
    cell = reach / GRID
    assert abs(centre_x - _expected((column + 0.5) / GRID, width, reach)) < 0.5 * cell
    assert abs(centre_y - _expected((row + 0.5) / GRID, height, reach)) < 0.5 * cell
    # A cell spreads to its neighbours by interpolation, and no farther.
    warm = np.argwhere(found > 0.01)
    assert np.ptp(warm, axis=0).max() <= 2.3 * cell


def test_heat_on_the_grey_bars_is_not_on_the_picture() -> None:
    bars = np.zeros((GRID, GRID), np.float32)
    bars[:3], bars[-3:] = 1, 1
    assert not map_on_picture(bars, even(0, 480, 640), LETTERBOX).any()
    assert map_on_picture(bars, even(0, 640, 640), LETTERBOX).any()


def test_a_cropped_picture_has_no_heat_where_the_model_did_not_look() -> None:
    found = map_on_picture(np.ones((GRID, GRID), np.float32), even(0, 100, 300), CROP)
    assert (found[:, 102:198] > 0.99).all()
    assert not found[:, :98].any()
    assert not found[:, 202:].any()


# --- how strong ---


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("level", [0, 40, 128, 200, 255])
def test_more_evidence_moves_farther_from_what_none_looks_like(level: int, style: Style) -> None:
    brick = np.tile(np.array([level, 255 - level, 60], np.uint8), (1, 256, 1))
    ramp = np.linspace(0, 1, 256, dtype=np.float32)[None]
    drawn = draw(brick, ramp, 1.0, style).astype(float)[0]
    moved = np.linalg.norm(drawn - drawn[0], axis=1)
    # Each channel is rounded to a whole level.
    assert (np.maximum.accumulate(moved) - moved).max() <= 2.5
    assert moved[-1] > 60


@pytest.mark.parametrize("style", ["signed", "paper"])
def test_evidence_against_a_label_has_another_colour_and_zero_has_none(style: Style) -> None:
    ramp = np.linspace(-1, 1, 201, dtype=np.float32)[None]
    drawn = draw(even(120, 1, 201), ramp, 1.0, style).astype(float)[0]
    zero = drawn[100]
    assert np.ptp(zero) == 0
    moved = np.linalg.norm(drawn - zero, axis=1)
    assert (np.diff(moved[100:]) >= -2.5).all()
    assert (np.diff(moved[100::-1]) >= -2.5).all()
    assert np.linalg.norm(drawn[0] - drawn[-1]) > 150


def test_evidence_against_a_label_is_left_out_where_a_style_has_no_colour_for_it() -> None:
    values = np.array([[-1.0, 0.0, 1.0]], np.float32)
    for style in ("spotlight", "inferno", "viridis", "cividis"):
        drawn = draw(even(120, 1, 3), values, 1.0, style)
        np.testing.assert_array_equal(drawn[0, 0], drawn[0, 1])


@pytest.mark.parametrize("palette", ["inferno", "viridis", "cividis"])
def test_colours_rise_in_brightness(palette: str) -> None:
    ramp = np.linspace(0, 1, 256, dtype=np.float32)[None]
    brightness = heat_colours(ramp, palette)[0].astype(float) @ [0.299, 0.587, 0.114]
    assert (np.diff(brightness) >= -1).all()
    assert brightness[-1] - brightness[0] > 100


def test_a_spotlight_shows_the_picture_itself_where_the_evidence_is() -> None:
    image = np.random.default_rng(0).integers(0, 256, (4, 6, 3)).astype(np.uint8)
    heat = np.zeros((4, 6), np.float32)
    heat[:, :3] = 2
    drawn = draw(image, heat, 2.0)
    np.testing.assert_array_equal(drawn[:, :3], image[:, :3])
    # Elsewhere it is dim, and without colour.
    assert np.ptp(drawn[:, 3:], axis=2).max() == 0
    assert drawn[:, 3:].max() < 100


@pytest.mark.parametrize("style", STYLES)
def test_a_map_without_evidence_shows_the_plain_picture(style: Style) -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3)).astype(np.uint8)
    for maximum in (0.0, 1.0):
        drawn = draw(image, np.zeros((40, 60), np.float32), maximum, style)
        np.testing.assert_array_equal(drawn, image)
        assert not np.shares_memory(drawn, image)


@pytest.mark.parametrize("style", STYLES)
def test_ten_times_the_evidence_looks_different_on_a_fixed_scale(style: Style) -> None:
    # Min-max scaling of each map by itself would draw the two alike.
    heat = np.full((40, 60), 0.1, np.float32)
    maximum = fixed_scale(1.0).maximum
    weak, strong = (draw(even(90), values, maximum, style) for values in (heat, 10 * heat))
    assert np.abs(weak.astype(int) - strong).max() >= 40


@pytest.mark.parametrize("maximum", [0.0, -1.0, float("inf"), float("nan")])
def test_a_fixed_scale_is_above_zero(maximum: float) -> None:
    with pytest.raises(ValueError, match="a number above 0; found"):
        fixed_scale(maximum)


def test_evidence_above_the_scale_is_drawn_as_the_most() -> None:
    most = overlay(even(90), np.full((40, 60), 1, np.float32), 1.0)
    beyond = overlay(even(90), np.full((40, 60), 50, np.float32), 1.0)
    np.testing.assert_array_equal(most, beyond)


def test_a_picture_is_not_changed_by_drawing_on_it() -> None:
    image = even(90)
    overlay(image, np.ones((40, 60), np.float32), 1.0)
    assert (image == 90).all()


def test_one_scale_for_all_maps_of_a_frame() -> None:
    assert frame_scale(explained(even(0), hot_cell(1, 1), 3 * hot_cell(2, 2))).maximum == 3
    assert frame_scale(explained(even(0), 0 * hot_cell(1, 1))).maximum == 0
    assert frame_scale(explained(even(0), -5 * hot_cell(1, 1))).maximum == 5
    assert map_scale(3 * hot_cell(2, 2)).name == "this map"


def test_signed_maps_keep_their_signs_on_the_picture() -> None:
    laid = map_on_picture(-hot_cell(15, 15), even(0, 256, 256), LETTERBOX)
    assert laid.min() < -0.85
    assert laid.max() == 0


def test_superpixels_are_laid_whole_and_end_where_the_model_did_not_look() -> None:
    halves = np.zeros((64, 64), np.int32)
    halves[:, 32:] = 1
    laid = segments_on_picture(halves, even(0, 100, 300), Preprocessing(64, "crop"))
    assert set(np.unique(laid)) == {-1, 0, 1}
    assert (laid[:, 105:149] == 0).all()
    assert (laid[:, 151:195] == 1).all()
    assert (laid[:, :95] == -1).all()
