"""Hidden superpixels, against pictures put together pixel by pixel."""

from typing import Any

import numpy as np
import pytest
from known_models import mosaic
from numpy.typing import NDArray

from edge.explain.hiding import HideSettings, Veil, hidden
from edge.explain.segments import segment

WAYS = [HideSettings("mean"), HideSettings("blur"), HideSettings("colour", (1, 2, 250))]


def numbered(height: int, width: int, many: int) -> NDArray[np.int32]:
    """(height, width) int32, `many` superpixels scattered pixel by pixel."""
    every = np.arange(height * width) % many
    return np.random.default_rng(1).permutation(every).reshape(height, width).astype(np.int32)


def test_the_mean_colour_is_each_superpixels_own() -> None:
    picture = np.array([[[0, 10, 255], [1, 20, 255]], [[3, 30, 0], [90, 0, 7]]], np.uint8)
    segments = np.array([[0, 0], [0, 1]], np.int32)
    flat = hidden(picture, segments, HideSettings())
    # Means (4/3, 20, 170), rounded down.
    np.testing.assert_array_equal(flat[segments == 0], [[1, 20, 170]] * 3)
    np.testing.assert_array_equal(flat[1, 1], [90, 0, 7])


def test_blur_and_colour() -> None:
    picture = mosaic(side_px=48)
    segments = segment(picture)
    steps = [
        np.abs(np.diff(x.astype(int), axis=1)).mean()
        for x in (hidden(picture, segments, WAYS[1]), picture)
    ]
    assert steps[0] < 0.3 * steps[1]
    assert (hidden(picture, segments, WAYS[2]) == (1, 2, 250)).all()


@pytest.mark.parametrize("settings", WAYS, ids=lambda w: w.method)
@pytest.mark.parametrize("many", [1, 2, 9, 255, 256, 257, 600])
def test_a_perturbed_picture_is_put_together_from_both(settings: HideSettings, many: int) -> None:
    picture = mosaic(side_px=48)
    segments = numbered(48, 48, many)
    veil = Veil(picture, segments, settings)
    away = hidden(picture, segments, settings)
    chance = np.random.default_rng(0)
    for _ in range(5):
        shown = chance.random(len(veil.live)) < 0.5
        off = np.isin(segments, veil.live[~shown])
        expected = np.where(off[..., None], away, picture)
        np.testing.assert_array_equal(veil.perturbed(shown), expected)


def test_all_shown_is_the_picture_and_all_hidden_the_hidden_one() -> None:
    picture = mosaic(side_px=48)
    segments = segment(picture)
    veil = Veil(picture, segments, HideSettings())
    everything = np.ones(len(veil.live), bool)
    np.testing.assert_array_equal(veil.perturbed(everything), picture)
    away = hidden(picture, segments, HideSettings())
    np.testing.assert_array_equal(veil.perturbed(~everything), away)


def test_a_row_after_its_complement_is_right_too() -> None:
    picture, segments = mosaic(side_px=48), numbered(48, 48, 9)
    veil = Veil(picture, segments, HideSettings())
    shown = np.arange(9) % 2 == 0
    for row in (shown, ~shown, ~shown, shown):
        expected = Veil(picture, segments, HideSettings()).perturbed(row)
        np.testing.assert_array_equal(veil.perturbed(row), expected)


def test_what_looks_the_same_hidden_is_inert() -> None:
    picture = mosaic(side_px=48)
    picture[:12] = 128
    segments = numbered(48, 48, 6) + 2
    segments[:6], segments[6:12] = 0, 1
    assert Veil(picture, segments, HideSettings()).live.tolist() == [2, 3, 4, 5, 6, 7]
    plain = np.full((8, 8, 3), 40, np.uint8)
    assert not len(Veil(plain, numbered(8, 8, 4), HideSettings()).live)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"method": "noise"}, "mean, blur, colour"),
        ({"colour": (0, 0, 256)}, "colour"),
        ({"colour": (0, 0)}, "colour"),
        ({"blur": 0.0}, "blur"),
    ],
)
def test_wrong_settings_are_refused_by_name(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        HideSettings(**wrong)
