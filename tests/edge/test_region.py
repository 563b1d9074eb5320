"""The part of a picture that is looked at."""

import numpy as np
import pytest

from edge.domain import Frame
from edge.errors import ConfigError
from edge.region import Region


def frame() -> Frame:
    image = np.arange(10 * 20 * 3, dtype=np.uint8).reshape(10, 20, 3)
    return Frame(3, 7.0, image)


def test_the_whole_picture_is_the_same_frame() -> None:
    whole = frame()
    assert Region().cut(whole) is whole


def test_a_region_is_the_image_of_its_frame() -> None:
    whole = frame()
    cut = Region(0.25, 0.1, 0.5, 0.4).cut(whole)
    assert (cut.sequence, cut.captured_at_s) == (3, 7.0)
    assert np.array_equal(cut.image, whole.image[1:5, 5:15])
    assert not cut.image.flags.writeable
    assert cut.image.base is None


def test_the_least_region_of_a_tiny_picture_is_a_pixel() -> None:
    tiny = Frame(0, 0.0, np.zeros((1, 3, 3), np.uint8))
    assert Region(0.95, 0.95, 0.05, 0.05).cut(tiny).image.shape == (1, 1, 3)


@pytest.mark.parametrize(
    ("shares", "said"),
    [
        ((0.5, 0, 0.6, 1), "ends at 1.1"),
        ((0, 0.5, 1, 0.6), "y 0.5 and height 0.6"),
        ((-0.1, 0, 1, 1), "x: found -0.1"),
        ((0, 0, 0.01, 1), "width: found 0.01"),
        ((float("nan"), 0, 1, 1), "found nan"),
    ],
)
def test_a_region_outside_the_picture_is_refused(shares: tuple[float, ...], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Region(*shares)


def test_thirds_end_at_the_edge() -> None:
    assert Region(1 / 3, 0.7, 2 / 3, 0.3).cut(frame()).image.shape == (3, 13, 3)
