"""Kinds of kernels on kernels made by hand."""

import numpy as np
import pytest

from trainer.figures.kernels import (
    as_rgb,
    as_signed,
    direction_share,
    grid,
    kinds,
    mean_share,
    principal,
)

SOBEL = np.array([[1, 0, -1], [2, 0, -2], [1, 0, -1]], float)
BAR = np.array([[0, 0, 0, 0, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1], [0] * 5, [0] * 5], float)
CHECKER = np.indices((5, 5)).sum(axis=0) % 2 * 2.0 - 1
SPOT = np.pad(np.ones((1, 1)), 2)
BOX = np.ones((5, 5))


def turned(degrees: float, side: int = 7) -> np.ndarray:
    """A wave along one direction."""
    rows, columns = np.mgrid[:side, :side] - side // 2
    along = np.cos(np.radians(degrees)) * columns + np.sin(np.radians(degrees)) * rows
    return np.sin(1.2 * along)


def stack(*kernels: np.ndarray) -> np.ndarray:
    """Kernels (h, w) of one channel as (h, w, 3, out), grey."""
    return np.stack([np.repeat(k[..., None], 3, axis=2) for k in kernels], axis=-1)


@pytest.mark.parametrize("degrees", range(0, 180, 15))
def test_a_wave_has_one_direction_whichever_it_is(degrees: int) -> None:
    assert direction_share(turned(degrees)) > 0.9


@pytest.mark.parametrize(("kernel", "least"), [(SOBEL, 0.85), (BAR, 0.95)])
def test_edges_and_bars_have_a_direction(kernel: np.ndarray, least: float) -> None:
    assert direction_share(kernel) >= least


@pytest.mark.parametrize("kernel", [CHECKER, SPOT])
def test_spots_and_checkers_have_none(kernel: np.ndarray) -> None:
    assert direction_share(kernel) < 0.3


def test_the_share_of_an_edge_by_hand() -> None:
    # Columns 1 0 -1 times rows 1 2 1: the rows' mean 4/3 explains 3 * (16/9) * 2 of 12.
    assert direction_share(SOBEL) == pytest.approx(8 / 9)


def test_what_does_not_change_has_no_direction() -> None:
    assert direction_share(BOX) == 0
    assert direction_share(np.zeros((3, 3))) == 0
    assert direction_share(np.full((3, 3), 0.1)) == 0


def test_share_of_the_mean_by_hand() -> None:
    assert mean_share(BOX[..., None]) == pytest.approx(1)
    # 1, 1, 0, 0: the mean .5 has energy 4 * .25 of 2.
    assert mean_share(np.array([[1.0, 1.0], [0.0, 0.0]])[..., None]) == pytest.approx(0.5)
    assert mean_share(SOBEL[..., None]) == pytest.approx(0)
    assert mean_share(np.zeros((3, 3, 2))) == 0


def test_an_edge_between_colours_is_an_edge() -> None:
    red_to_green = np.stack([SOBEL, -SOBEL, np.zeros((3, 3))], axis=-1)
    assert np.abs(red_to_green.sum(axis=2)).max() == 0  # grey sees nothing of it
    assert direction_share(principal(red_to_green)) == pytest.approx(direction_share(SOBEL))


def test_every_kernel_is_counted_once() -> None:
    found = kinds(stack(turned(30, 5), BOX, SPOT, np.zeros((5, 5)), BAR))
    assert found.kernels == 5
    assert (found.edge_like, found.uniform, found.dead) == pytest.approx((0.4, 0.2, 0.2))


def test_noise_is_seldom_edge_like() -> None:
    noise = np.random.default_rng(0).standard_normal((5, 5, 3, 400))
    found = kinds(noise)
    assert found.edge_like < 0.05
    assert found.edge_like == pytest.approx(found.chance, abs=0.04)
    assert found.uniform == 0


def test_chance_is_told_for_small_kernels() -> None:
    assert kinds(stack(SOBEL)).chance > 0.05


def test_a_kernel_of_one_position_is_of_no_kind() -> None:
    found = kinds(np.ones((1, 1, 8, 4)))
    assert (found.edge_like, found.chance, found.uniform, found.dead) == (None, None, None, 0)


def test_colours_share_one_scale_around_grey() -> None:
    shown = as_rgb(stack(SOBEL, SOBEL / 10))
    assert shown.shape == (2, 3, 3, 3)
    assert (shown[0, 1, 0, 0], shown[0, 1, 1, 0], shown[0, 1, 2, 0]) == (255, 128, 0)
    assert abs(int(shown[1, 1, 0, 0]) - 128) < 20


def test_signed_kernels_are_orange_and_blue_strongest_first() -> None:
    kernel = stack(SOBEL / 10, SOBEL)
    shown = as_signed(kernel, outputs=1, inputs=2).astype(int)
    assert shown.shape == (1, 2, 3, 3, 3)
    plus, minus = shown[0, 0, 1, 0], shown[0, 0, 1, 2]
    assert plus[0] > plus[2]
    assert minus[2] > minus[0]


def test_tiles_lie_side_by_side() -> None:
    tiles = np.zeros((3, 2, 2, 3), np.uint8)
    tiles[1] = 90
    sheet = grid(tiles, columns=2, side_px=4, gap_px=1)
    assert sheet.shape == (11, 11, 3)
    assert (sheet[1:5, 6:10] == 90).all()
    assert (sheet[6:10, 1:5] == 0).all()
    assert (sheet[6:10, 6:10] == 255).all()
