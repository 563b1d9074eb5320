"""Maps are drawn where the model looked, and more evidence never looks like less."""

from dataclasses import replace

import numpy as np
import pytest
from builders import LABELS, make_prediction
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.domain import Explanation, Frame
from edge.explain.overlay import (
    PANEL_PX,
    Scale,
    colour_bar,
    frame_scale,
    heat_colours,
    map_on_picture,
    overlay,
    sheet,
)
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


@pytest.mark.parametrize("level", [0, 40, 128, 200, 255])
def test_more_evidence_moves_farther_from_the_grey_beneath(level: int) -> None:
    ramp = np.linspace(0, 1, 256, dtype=np.float32)[None]
    drawn = overlay(even(level, 1, 256), ramp, 1.0).astype(float)[0]
    moved = np.linalg.norm(drawn - drawn[0], axis=1)
    # Each channel is rounded to a whole level.
    assert (np.maximum.accumulate(moved) - moved).max() <= 2.5
    assert moved[-1] > 60


def test_colours_rise_in_brightness() -> None:
    ramp = heat_colours(np.linspace(0, 1, 256, dtype=np.float32)[None])[0].astype(float)
    brightness = ramp @ [0.299, 0.587, 0.114]
    assert (np.diff(brightness) >= -1).all()
    assert brightness[-1] - brightness[0] > 200


def test_a_map_without_evidence_shows_the_plain_picture() -> None:
    image = np.random.default_rng(0).integers(0, 256, (40, 60, 3)).astype(np.uint8)
    for maximum in (0.0, 1.0):
        drawn = overlay(image, np.zeros((40, 60), np.float32), maximum)
        np.testing.assert_array_equal(drawn, image)
        assert not np.shares_memory(drawn, image)


def test_ten_times_the_evidence_looks_different_on_a_fixed_scale() -> None:
    heat = np.full((40, 60), 0.1, np.float32)
    weak, strong = overlay(even(90), heat, 1.0), overlay(even(90), 10 * heat, 1.0)
    assert np.abs(weak.astype(int) - strong).max() > 60


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


# --- sheets ---


def _panels(drawn: NDArray[np.uint8], width: int) -> int:
    """How many panels of that width lie in the first row, the colour bar left out."""
    return (drawn.shape[1] - 96) // (width + 8)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_sheet_holds_the_pile_and_a_panel_for_each_label(count: int) -> None:
    image = even(200, 300, 400)
    maps = [hot_cell(10 + 3 * k, 10) for k in range(count)]
    drawn = sheet(explained(image, *maps), LETTERBOX)
    assert drawn.dtype == np.uint8
    assert _panels(drawn, PANEL_PX) == 1 + count
    assert (drawn[: PANEL_PX * 3 // 4, :PANEL_PX] == 200).all()
    for k in range(1, count + 1):
        panel = drawn[: PANEL_PX * 3 // 4, k * (PANEL_PX + 8) :][:, :PANEL_PX]
        assert (panel != 200).any()


def test_many_labels_go_on_in_the_next_row() -> None:
    four = sheet(explained(even(200, 300, 400), *[hot_cell(9, 9)] * 4), LETTERBOX)
    one = sheet(explained(even(200, 300, 400), hot_cell(9, 9)), LETTERBOX)
    assert _panels(four, PANEL_PX) == 4
    assert four.shape[0] == 2 * one.shape[0]


@pytest.mark.parametrize(("height", "width"), [(60, 900), (900, 60), (1, 400), (1, 1)])
def test_the_map_of_a_very_long_picture_is_not_stretched(height: int, width: int) -> None:
    """It was laid over the panel that such a picture is padded to."""
    heat = np.zeros((GRID, GRID), np.float32)
    heat[15, 15] = 1
    drawn = sheet(explained(even(0, height, width), 0 * heat, heat), LETTERBOX).astype(int)
    scale = PANEL_PX / max(height, width)
    shown_height, shown_width = max(1, round(height * scale)), max(1, round(width * scale))
    step = max(shown_width, 120) + 8
    panel = drawn[:shown_height, 2 * step : 2 * step + shown_width].sum(axis=2)
    if max(height, width) > 1:
        row, column = np.argwhere(panel == panel.max()).mean(axis=0)
        assert abs(row - shown_height / 2) <= 12
        assert abs(column - shown_width / 2) <= 12
    # Beside the picture there is only paper.
    beside = drawn[shown_height : max(shown_height, 120), 2 * step : 2 * step + shown_width]
    assert beside.size == 0 or np.ptp(beside.reshape(-1, 3), axis=0).max() == 0


def test_the_colour_bar_goes_from_the_most_to_none() -> None:
    bar = colour_bar(200, Scale(0.5, "this frame"))
    assert bar.shape == (200, 96, 3)
    assert tuple(bar[0, 10]) == (252, 255, 164)
    assert tuple(bar[-1, 10]) == (0, 0, 4) or bar[-1, 10].sum() < 8
