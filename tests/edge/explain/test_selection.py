"""The selection, held against the `lime` package's own."""

from typing import Any

import numpy as np
import pytest

from edge.explain.selection import select

SEGMENTS = np.arange(48).reshape(6, 8).astype(np.int32) % 12


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("signs", [(True, False), (False, True), (False, False)])
@pytest.mark.parametrize("top", [0, 1, 5, 12, 100])
@pytest.mark.parametrize("min_weight", [0.0, 0.3, 5.0])
def test_it_chooses_what_the_lime_package_chooses(
    seed: int, signs: tuple[bool, bool], top: int, min_weight: float
) -> None:
    from lime.lime_image import ImageExplanation

    coefficients = np.random.default_rng(seed).normal(size=12).astype(np.float32)
    stock = ImageExplanation(np.zeros((6, 8, 3), np.uint8), SEGMENTS)
    pairs = list(enumerate(coefficients.tolist()))
    stock.local_exp[0] = sorted(pairs, key=lambda pair: abs(pair[1]), reverse=True)
    asked: dict[str, Any] = {"positive_only": signs[0], "negative_only": signs[1]}
    _, mask = stock.get_image_and_mask(0, num_features=top, min_weight=min_weight, **asked)
    found = select(coefficients, SEGMENTS, top=top, min_weight=min_weight, **asked)
    expected = -mask if signs[1] else mask
    np.testing.assert_array_equal(found.mask, expected)
    assert found.chosen == len(np.unique(SEGMENTS[mask != 0]))
    assert found.share == pytest.approx((mask != 0).mean())


def test_it_says_how_much_it_chose() -> None:
    coefficients = np.array([3, -2, 1, 0], np.float32)
    segments = np.array([[0, 0, 1, 2, 3]], np.int32)
    found = select(coefficients, segments, positive_only=False, top=2)
    assert found.mask.tolist() == [[1, 1, -1, 0, 0]]
    assert found.mask.dtype == np.int8
    assert str(found) == "2 of 4, 60 % of the area"


def test_nothing_is_chosen_where_nothing_counts() -> None:
    found = select(np.zeros(4, np.float32), np.array([[0, 1, 2, 3]], np.int32), positive_only=False)
    assert (found.chosen, found.share) == (0, 0.0)
    assert not found.mask.any()


def test_the_request_is_checked() -> None:
    segments = np.zeros((1, 1), np.int32)
    with pytest.raises(ValueError, match="choose one"):
        select(np.ones(1, np.float32), segments, negative_only=True)
    with pytest.raises(ValueError, match="top"):
        select(np.ones(1, np.float32), segments, top=-1)
