"""Sheets: what is on them, and that nothing is stretched or cut."""

from dataclasses import replace

import numpy as np
import pytest
from builders import LABELS, make_prediction
from numpy.typing import NDArray

from edge.domain import Explanation, Frame
from edge.explain.agreement import agreement
from edge.explain.colours import Scale
from edge.explain.layout import PANEL_PX, captioned, colour_bar
from edge.explain.lime import explanation as lime_explanation
from edge.explain.lime import lime
from edge.explain.selection import select
from edge.explain.sheet import Look, comparison, lime_lines, sheet
from edge.preprocessing import Preprocessing

GRID = 31
CELL_PX = PANEL_PX + 96 + 8
LETTERBOX = Preprocessing(64)

Heat = NDArray[np.float32]


def even(level: int, height: int = 40, width: int = 60) -> NDArray[np.uint8]:
    return np.full((height, width, 3), level, np.uint8)


def hot_cell(row: int, column: int) -> Heat:
    heat = np.zeros((GRID, GRID), np.float32)
    heat[row, column] = 1
    return heat


def explained(image: NDArray[np.uint8], *maps: Heat, method: str = "grad-cam") -> Explanation:
    prediction = replace(make_prediction(), frame=Frame(1, 0.0, image))
    stacked = np.stack(maps).astype(np.float32)
    return Explanation(prediction, method, LABELS[: len(maps)], stacked)


def _panels(drawn: NDArray[np.uint8], width: int) -> int:
    """How many panels of that width lie in a row, each with room for its colour bar."""
    return drawn.shape[1] // (width + 96 + 8)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_sheet_holds_the_pile_and_a_panel_for_each_label(count: int) -> None:
    image = even(200, 300, 400)
    maps = [hot_cell(10 + 3 * k, 10) for k in range(count)]
    drawn = sheet(explained(image, *maps), LETTERBOX)
    assert drawn.dtype == np.uint8
    assert _panels(drawn, PANEL_PX) == 1 + count
    assert (drawn[: PANEL_PX * 3 // 4, :PANEL_PX] == 200).all()
    for k in range(1, count + 1):
        panel = drawn[: PANEL_PX * 3 // 4, k * CELL_PX :][:, :PANEL_PX]
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
    step = max(shown_width, 120) + 96 + 8
    panel = drawn[:shown_height, 2 * step : 2 * step + shown_width].sum(axis=2)
    if max(height, width) > 1:
        row, column = np.argwhere(panel == panel.max()).mean(axis=0)
        assert abs(row - shown_height / 2) <= 12
        assert abs(column - shown_width / 2) <= 12
    # Beside the picture there is only paper.
    beside = drawn[shown_height : max(shown_height, 120), 2 * step : 2 * step + shown_width]
    assert beside.size == 0 or np.ptp(beside.reshape(-1, 3), axis=0).max() == 0


def test_the_colour_bar_goes_from_the_most_to_none() -> None:
    bar = colour_bar(200, Scale(0.5, "this frame"), "inferno")
    assert bar.shape == (200, 96, 3)
    brightness = bar[:, 10].astype(int).sum(axis=1)
    assert brightness[0] > brightness[100] > brightness[-1]


def test_a_signed_bar_has_zero_in_its_middle() -> None:
    bar = colour_bar(201, Scale(0.5, "this frame"), "signed")[:, 10].astype(int)
    assert bar[0, 0] > bar[0, 2]
    assert bar[-1, 2] > bar[-1, 0]
    assert np.ptp(bar[100]) == 0


def test_scales_of_a_look() -> None:
    both = explained(even(0), hot_cell(1, 1), 4 * hot_cell(2, 2))
    weak = both.maps[0]
    assert Look().scale_of(both, weak).maximum == 4
    assert Look(scale="map").scale_of(both, weak).maximum == 1
    fixed = Look(scale=2.5).scale_of(both, weak)
    assert (fixed.maximum, fixed.name) == (2.5, "fixed")


def test_a_row_for_each_label_with_pile_gradcam_and_lime() -> None:
    rng = np.random.default_rng(0)
    model_input = rng.integers(0, 256, (64, 64, 3)).astype(np.uint8)
    prediction = replace(
        make_prediction(), frame=Frame(1, 0.0, model_input), model_input=model_input
    )

    def classify(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        quarters = picture[:32, :32], picture[32:, 32:], picture[:32, 32:], picture[32:, :32]
        return np.array([quarter.mean() for quarter in quarters], np.float32) / 50

    result = lime(model_input, classify)
    labels = LABELS[:2]
    found = lime_explanation(prediction, labels, result)
    cams = Explanation(prediction, "grad-cam", labels, np.stack([hot_cell(3, 3), hot_cell(20, 20)]))
    agreed = [
        agreement(heat, row, result.segments)
        for heat, row in zip(cams.maps, found.details["coefficients"], strict=True)
    ]
    drawn = comparison(cams, found, agreed, LETTERBOX)
    assert _panels(drawn, PANEL_PX) == 3
    assert drawn.shape[0] % 2 == 0
    above, below = np.split(drawn, 2)
    # The same pile, another Grad-CAM, another LIME.
    np.testing.assert_array_equal(above[:PANEL_PX, :PANEL_PX], below[:PANEL_PX, :PANEL_PX])
    for column in (1, 2):
        place = slice(column * CELL_PX, column * CELL_PX + PANEL_PX)
        assert (above[:PANEL_PX, place] != below[:PANEL_PX, place]).any()
    chosen = select(found.details["coefficients"][0], result.segments, positive_only=False)
    said = " ".join(lime_lines(found, 0, Scale(1.0, "this frame"), chosen, agreed[0]))
    known = ("max ", "scale: this frame", f"N {result.samples}", f"K {result.superpixels}", "R2 ")
    for part in (*known, "SE ", "stable ", "hidden: mean", "rank "):
        assert part in said


def nothing_found(**changed: object) -> Explanation:
    values = np.zeros((1, 3), np.float32)
    details = {
        "segments": np.zeros((32, 32), np.int32),
        "coefficients": values,
        "standard_errors": values,
        "r2": np.full(1, np.nan),
        "stability": np.full(1, np.nan),
        "samples": 0,
        "superpixels": 3,
        "hide": "mean",
        "target": "logit",
        "ended": "stable",
    }
    maps = np.zeros((1, 32, 32), np.float32)
    return Explanation(make_prediction(), "lime", LABELS[:1], maps, {**details, **changed})


def said_of(found: Explanation) -> str:
    chosen = select(found.details["coefficients"][0], found.details["segments"])
    return " ".join(lime_lines(found, 0, Scale(0.0, "this frame"), chosen, None))


def test_a_lime_that_says_nothing_is_captioned_so() -> None:
    said = said_of(nothing_found())
    assert "no positive evidence" in said
    assert "hiding changes nothing" in said
    assert "nan" not in said
    assert "cancelled" in said_of(nothing_found(ended="cancelled"))


def test_what_is_not_known_and_a_poor_line_are_captioned_so() -> None:
    said = said_of(nothing_found(samples=8, r2=np.full(1, 0.3)))
    assert "R2 0.3 (low)" in said
    assert "stable unknown" in said


@pytest.mark.parametrize("width", [120, 270, 360])
def test_no_word_of_a_caption_is_cut_off(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []
    monkeypatch.setattr(
        "edge.explain.layout._write", lambda picture, text, *_: written.append(text)
    )
    line = "N 128, K 60, R2 0.81, SE 0.042, stable 0.49, hidden: mean"
    drawn = captioned(np.zeros((10, width, 3), np.uint8), (line, "", "conv7 after leaky ReLU"))
    assert " ".join(written) == f"{line}  conv7 after leaky ReLU"
    assert drawn.shape == (10 + 8 + 18 * len(written), width, 3)
    assert len(written) > 3 or width == 360


def test_a_scale_names_the_unit_of_the_maps() -> None:
    assert Look().scale_of(nothing_found(), np.zeros((2, 2), np.float32)).unit == "logit"
    of_probability = nothing_found(target="probability")
    for scale in ("frame", "map", 2.0):
        look = Look(scale=scale)
        assert look.scale_of(of_probability, np.zeros((2, 2), np.float32)).unit == "probability"
