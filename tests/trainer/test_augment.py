import numpy as np
import pytest

from trainer.augment import (
    WindowSettings,
    draw_window,
    window_labels,
    window_positions,
)
from trainer.disturb import disturb
from trainer.labelled import LabelledPicture, labelled_picture
from trainer.model import Grid, alexnet, positions_of

NETWORK = alexnet(stem_kernel=7, stem_stride=2, second_kernel=3, head="positions")


def one_brick(side: int = 128, part: int = 1) -> LabelledPicture:
    """A bright square of 40 px in the middle of a dark picture; the map is half as large."""
    image = np.full((side, side, 3), 40, np.uint8)
    middle = side // 2
    image[middle - 20 : middle + 20, middle - 20 : middle + 20] = 220
    ids = np.zeros((side // 2, side // 2), np.uint8)
    ids[middle // 2 - 10 : middle // 2 + 10, middle // 2 - 10 : middle // 2 + 10] = 1
    pixels = np.array([400.0])
    return labelled_picture(image, ids, np.array([part]), pixels, pixels, np.array([True]))


def test_boxes_are_in_picture_pixels():
    np.testing.assert_allclose(one_brick().boxes, [[44, 44, 84, 84]])


def test_window_around_a_brick_shows_and_labels_it():
    settings = WindowSettings("brick", 64, (0.6, 0.6), positions_of(NETWORK, 64), shift=0.0)
    for seed in range(8):
        window = draw_window(one_brick(), settings, 3, np.random.default_rng(seed))
        assert window.image.shape == (64, 64, 3)
        np.testing.assert_array_equal(window.labels, [0, 1, 0])
        assert window.positions[1, 1] == 1
        assert window.image[32, 32, 0] > 200


def test_picture_and_map_turn_together():
    settings = WindowSettings("picture", 128, (1.0, 1.0), positions_of(NETWORK, 128))
    for seed in range(8):
        window = draw_window(one_brick(), settings, 3, np.random.default_rng(seed))
        for row, column in np.argwhere(window.positions == 1):
            cell = window.image[7 + 16 * row : 23 + 16 * row, 7 + 16 * column : 23 + 16 * column]
            assert (cell > 120).mean() > 0.15


def test_brick_that_shows_too_little_does_not_count_either_way():
    parts = np.array([0, 1, 2])
    seen, full = np.array([100, 20, 0]), np.array([100.0, 100.0, 100.0])
    np.testing.assert_array_equal(window_labels(seen, full, parts, 4, 64), [1, -1, 0, 0])


def test_positions_name_brick_ground_and_doubt():
    ids = np.zeros((64, 64), np.uint8)
    ids[7:23, 7:23] = 1  # fills the first cell
    ids[7:9, 39:41] = 2  # a corner of the third, 4 of its 100 pixels
    grid = positions_of(NETWORK, 64)
    assert grid == Grid(3, 16, 15.5)
    positions = window_positions(ids, np.array([256, 100]), np.array([5, 6]), 9, grid)
    np.testing.assert_array_equal(positions, [[5, 9, -1], [9, 9, 9], [9, 9, 9]])


def test_cells_lie_around_the_positions_and_end_at_the_border():
    ids = np.zeros((10, 10), np.uint8)
    ids[0:2, 0:2] = 1  # all that a cell has of the picture
    ids[8:10, 4:6] = 2  # all of a small brick
    ids[4:6, 8:9] = 3  # a little of a large one
    seen, parts = np.array([4, 4, 100]), np.array([5, 6, 7])
    before = window_positions(ids, seen, parts, 9, Grid(3, 4, 0.0))  # -2..2, 2..6, 6..10
    np.testing.assert_array_equal(before, [[5, 9, 9], [9, 9, -1], [9, 6, 9]])
    after = window_positions(ids, seen, parts, 9, Grid(3, 4, 4.0))  # 2..6, 6..10, 10..14
    np.testing.assert_array_equal(after, [[9, -1, 9], [6, 9, 9], [9, 9, 9]])


def test_disturbing_keeps_shape_and_changes_values():
    image = one_brick().image
    changed = disturb(image, np.random.default_rng(0))
    assert changed.shape == image.shape
    assert changed.dtype == np.uint8
    assert not np.array_equal(changed, image)


@pytest.mark.parametrize("around", ["brick", "picture"])
def test_same_seed_gives_the_same_window(around):
    settings = WindowSettings(around, 64, (0.5, 0.9), positions_of(NETWORK, 64))
    one, two = (draw_window(one_brick(), settings, 3, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(one.image, two.image)
    np.testing.assert_array_equal(one.positions, two.positions)
