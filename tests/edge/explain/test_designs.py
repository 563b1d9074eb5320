"""Designs: seeded, the same however much is taken, and as balanced as they say."""

from typing import Any

import numpy as np
import pytest

from edge.explain.designs import DESIGNS, PAIRED, Design, first_rows, hadamard, rows_of

EVERY: Any = pytest.mark.parametrize("design", DESIGNS)


@pytest.mark.parametrize("columns", range(1, 130))
def test_hadamard_matrices_are_orthogonal_and_not_much_too_large(columns: int) -> None:
    matrix = hadamard(columns).astype(np.int64)
    order = len(matrix)
    assert set(np.unique(matrix)) <= {-1, 1}
    np.testing.assert_array_equal(matrix @ matrix.T, order * np.eye(order, dtype=np.int64))
    assert columns <= order <= max(4, columns + 12)


@EVERY
def test_fewer_rows_are_the_beginning_of_more(design: Design) -> None:
    many = first_rows(design, 21, 5, 200)
    for count in (0, 1, 2, 63, 64, 65, 199):
        np.testing.assert_array_equal(first_rows(design, 21, 5, count), many[:count])


@EVERY
def test_the_seed_decides(design: Design) -> None:
    first = first_rows(design, 30, 1, 100)
    np.testing.assert_array_equal(first_rows(design, 30, 1, 100), first)
    assert (first_rows(design, 30, 2, 100) != first).any()


def test_random_begins_with_everything_shown() -> None:
    rows = first_rows("random", 40, 0, 2000)
    assert rows[0].all()
    assert abs(rows[1:].mean() - 0.5) < 0.01


@pytest.mark.parametrize("design", PAIRED)
@pytest.mark.parametrize("superpixels", [1, 2, 3, 57])
def test_rows_come_with_their_complements(design: Design, superpixels: int) -> None:
    rows = first_rows(design, superpixels, 3, 120)
    np.testing.assert_array_equal(rows[0::2], ~rows[1::2])


@pytest.mark.parametrize("superpixels", [1, 2, 7, 44, 57, 64, 100])
@pytest.mark.parametrize("block", [0, 1, 2])
def test_a_whole_hadamard_block_is_balanced_and_uncorrelated(superpixels: int, block: int) -> None:
    size = 2 * len(hadamard(superpixels + 8))
    rows = first_rows("hadamard", superpixels, 4, 3 * size)[block * size : (block + 1) * size]
    signs = rows.astype(np.int64) * 2 - 1
    np.testing.assert_array_equal(signs.sum(axis=0), 0)
    np.testing.assert_array_equal(signs.T @ signs, size * np.eye(superpixels, dtype=np.int64))


def test_blocks_differ() -> None:
    size = 2 * len(hadamard(20 + 8))
    rows = first_rows("hadamard", 20, 0, 2 * size)
    first, second = ({row.tobytes() for row in part} for part in (rows[:size], rows[size:]))
    assert len(first & second) < size / 10


@EVERY
def test_each_superpixel_is_shown_half_the_time_and_with_any_other(design: Design) -> None:
    # Over seeds: all designs estimate the same coefficients.
    rows = np.vstack([first_rows(design, 6, seed, 41)[1:] for seed in range(400)])
    together = rows.astype(float).T @ rows / len(rows)
    expected = np.full((6, 6), 0.25) + 0.25 * np.eye(6)
    np.testing.assert_allclose(together, expected, atol=0.02)


@pytest.mark.parametrize(("design", "superpixels"), [("grid", 4), ("random", 0)])
def test_what_cannot_be_is_refused(design: Any, superpixels: int) -> None:
    with pytest.raises(ValueError, match="found"):
        next(rows_of(design, superpixels, 0))
