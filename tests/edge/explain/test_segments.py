"""Superpixels: numbered without gaps, the same every time, on any picture."""

from typing import Any

import numpy as np
import pytest
from known_models import mosaic

from edge.bundle import Bundle
from edge.explain.segments import SegmentSettings, segment
from edge.pictures import read_picture

METHODS = [SegmentSettings(), SegmentSettings(method="slic")]
SIZES = [(1, 1), (1, 2), (2, 1), (1, 40), (3, 2), (5, 5), (17, 33), (64, 64)]


@pytest.mark.parametrize("settings", METHODS, ids=lambda s: s.method)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_every_number_occurs_on_pictures_of_any_size(
    settings: SegmentSettings, size: tuple[int, int]
) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype(np.uint8)
    segments = segment(picture, settings)
    assert segments.shape == size
    assert segments.dtype == np.int32
    np.testing.assert_array_equal(np.unique(segments), np.arange(segments.max() + 1))


@pytest.mark.parametrize("settings", METHODS, ids=lambda s: s.method)
def test_one_colour_can_be_cut(settings: SegmentSettings) -> None:
    segments = segment(np.full((40, 40, 3), 128, np.uint8), settings)
    np.testing.assert_array_equal(np.unique(segments), np.arange(segments.max() + 1))


@pytest.mark.parametrize("settings", METHODS, ids=lambda s: s.method)
def test_the_same_picture_is_cut_the_same_way(settings: SegmentSettings) -> None:
    picture = mosaic()
    np.testing.assert_array_equal(segment(picture, settings), segment(picture, settings))


def test_two_plain_halves_are_never_mixed() -> None:
    picture = np.zeros((40, 40, 3), np.uint8)
    picture[:, 20:] = (255, 240, 0)
    segments = segment(picture)
    assert not set(segments[:, :20].flat) & set(segments[:, 20:].flat)


def test_at_full_scale_it_is_what_the_lime_package_does() -> None:
    from lime.wrappers.scikit_image import SegmentationAlgorithm

    picture = mosaic(1)
    stock = SegmentationAlgorithm("quickshift", kernel_size=4, max_dist=200, ratio=0.2)
    stock.target_params["rng"] = 0
    expected = stock(picture)
    found = segment(picture, SegmentSettings(scale=1.0))
    pairs = {(int(a), int(b)) for a, b in zip(expected.flat, found.flat, strict=True)}
    assert len(pairs) == expected.max() + 1 == found.max() + 1


def test_half_the_scale_finds_about_as_many_superpixels(shipped: Bundle) -> None:
    picture = read_picture(shipped.path("self_test_0"))
    half, whole = (int(segment(picture, SegmentSettings(scale=s)).max()) + 1 for s in (0.5, 1.0))
    assert 0.6 < half / whole < 1.6


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"method": "grid"}, "quickshift, slic"),
        ({"scale": 0.0}, "scale"),
        ({"scale": 1.5}, "scale"),
        ({"ratio": -0.1}, "ratio"),
        ({"kernel_size": 0.0}, "kernel_size"),
        ({"max_dist": float("nan")}, "max_dist"),
        ({"pieces": 0}, "pieces"),
        ({"compactness": float("inf")}, "compactness"),
    ],
)
def test_wrong_settings_are_refused_by_name(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        SegmentSettings(**wrong)


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)],
)
def test_what_is_no_picture_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="uint8 RGB"):
        segment(wrong)
