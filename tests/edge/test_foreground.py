"""What lies in a scene that was empty before."""

import numpy as np
import pytest

from edge.foreground import changed_cells, count_objects, focus_of

EMPTY = np.full((8, 8), 100, np.float32)


def _with(*places: tuple[int, int], grey: float = 180, light: float = 0) -> np.ndarray:
    seen = EMPTY + light
    for place in places:
        seen[place] = grey
    return seen.astype(np.float32)


def test_things_that_do_not_touch_are_counted() -> None:
    cells = changed_cells(EMPTY, _with((1, 1), (1, 2), (5, 5)), 16)
    assert count_objects(cells, 0.01) == 2


def test_things_that_touch_at_a_corner_are_one() -> None:
    assert count_objects(changed_cells(EMPTY, _with((1, 1), (2, 2)), 16), 0.01) == 1


def test_a_thing_too_small_is_none() -> None:
    cells = changed_cells(EMPTY, _with((1, 1), (1, 2), (5, 5)), 16)
    assert count_objects(cells, 2 / 64) == 1
    assert count_objects(cells, 3 / 64) == 0


@pytest.mark.parametrize("light", [-40, 0, 40])
def test_other_light_is_no_thing(light: float) -> None:
    cells = changed_cells(EMPTY, _with((3, 3), grey=220, light=light), 16)
    assert np.argwhere(cells).tolist() == [[3, 3]]


def test_a_dark_thing_is_a_thing_and_a_faint_one_is_not() -> None:
    assert count_objects(changed_cells(EMPTY, _with((3, 3), grey=20), 16), 0.01) == 1
    assert count_objects(changed_cells(EMPTY, _with((3, 3), grey=110), 16), 0.01) == 0


def test_focus_is_the_share_of_heat_on_things() -> None:
    cells = np.zeros((8, 8), bool)
    cells[:4, :4] = True  # the upper left of a 2 x 2 map
    heat = np.array([[3.0, 1.0], [-9.0, 0.0]], np.float32)
    assert focus_of(heat, cells) == pytest.approx(0.75)
    assert focus_of(heat, ~cells) == pytest.approx(0.25)
    assert focus_of(heat, np.ones((8, 8), bool)) == 1
    assert focus_of(np.zeros((2, 2), np.float32), cells) == 0


def test_a_position_that_a_thing_touches_counts_whole() -> None:
    cells = np.zeros((8, 8), bool)
    cells[0, 2] = True  # of 3 columns of a map it lies on the first (0..2.67) and second
    heat = np.array([[1, 1, 1], [1, 1, 1], [1, 1, 1]], np.float32)
    assert focus_of(heat, cells) == pytest.approx(2 / 9)
