"""Near-duplicates are near, different piles are not."""

import cv2
import numpy as np
import pytest
from corrections_rig import jpeg
from hypothesis import given
from hypothesis import strategies as st

from edge.corrections.groups import groups_of
from edge.corrections.likeness import Likeness, likeness_of, likeness_of_jpeg
from edge.errors import PictureError
from edge.pictures import decode_picture


def of(content: bytes) -> Likeness:
    return likeness_of_jpeg(content, "a picture")


@pytest.mark.parametrize("seed", range(6))
def test_noise_and_a_small_shift_change_little(seed: int) -> None:
    same = of(jpeg(seed))
    assert same.bits_to(same) == 0
    for other in (jpeg(seed, noise=6.0), jpeg(seed, shift=1)):
        assert same.nearly(of(other))
        assert of(other).nearly(same)


def test_light_changes_little() -> None:
    image = decode_picture(jpeg(3), "a picture")
    darker = np.asarray(image * 0.8, np.uint8)
    assert likeness_of(image).nearly(likeness_of(darker))


def test_other_piles_are_far() -> None:
    seen = [of(jpeg(seed)) for seed in range(40)]
    pairs = [(a, b) for i, a in enumerate(seen) for b in seen[:i]]
    assert not any(a.nearly(b) for a, b in pairs)
    assert np.median([a.bits_to(b) for a, b in pairs]) > 24


def test_one_brick_of_another_colour_in_the_same_place_is_another() -> None:
    images = []
    for colour in ((200, 30, 30), (30, 60, 200)):
        image = np.full((240, 320, 3), 150, np.uint8)
        cv2.rectangle(image, (120, 90), (210, 150), colour, -1)
        images.append(likeness_of(image))
    assert not images[0].nearly(images[1])


def test_even_pictures_have_a_likeness() -> None:
    for grey in (0, 128, 255):
        even = likeness_of(np.full((48, 64, 3), grey, np.uint8))
        assert even.nearly(even)
        assert 0 <= even.hash < 2**64


@pytest.mark.parametrize("content", [b"", b"no picture", jpeg()[:200]])
def test_what_is_no_picture_is_named(content: bytes) -> None:
    with pytest.raises(PictureError, match="a picture is damaged"):
        likeness_of_jpeg(content, "a picture")


def dot(number: int) -> Likeness:
    return Likeness((1 << number) - 1, np.zeros((16, 16, 3), np.float32))


ANY = frozenset({"3001"})


def test_a_chain_of_near_ones_is_one_group_named_by_its_oldest() -> None:
    chain = [(dot(bits), ANY) for bits in (40, 0, 16, 8)]
    assert groups_of(chain) == [0, 1, 1, 1]


def test_other_labels_are_another_group() -> None:
    alike = [(dot(0), ANY), (dot(0), frozenset()), (dot(0), ANY)]
    assert groups_of(alike) == [0, 1, 0]


@given(st.lists(st.integers(0, 64), max_size=12), st.integers(0, 64))
def test_no_two_near_ones_are_ever_apart(bits: list[int], more: int) -> None:
    found = groups_of([(dot(one), ANY) for one in bits])
    for i, one in enumerate(bits):
        assert found[found[i]] == found[i] <= i
        for j, other in enumerate(bits[:i]):
            if abs(one - other) <= 10:
                assert found[i] == found[j]
    grown = groups_of([(dot(one), ANY) for one in [*bits, more]])
    far = [i for i in range(len(bits)) if grown[i] != grown[-1]]
    assert [grown[i] for i in far] == [found[i] for i in far]
