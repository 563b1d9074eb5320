"""Which superpixels are shown in which perturbed picture: seeded designs of rows."""

from collections.abc import Iterator
from itertools import islice
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

Design = Literal["random", "antithetic", "hadamard"]
DESIGNS: tuple[str, ...] = get_args(Design)
PAIRED: tuple[str, ...] = ("antithetic", "hadamard")
"""Designs whose rows come in pairs, each row followed by its complement."""
SPARE_COLUMNS = 8
"""Columns of a Hadamard matrix that stay unused, so that one block can tell its own error."""

Row = NDArray[np.bool_]


def rows_of(design: Design, superpixels: int, seed: int) -> Iterator[Row]:
    """Rows of a design, without end.

    Each row alone is uniform over all subsets, so all designs estimate the same coefficients;
    they differ in how far chance drives a few rows away from them. "random" draws every row by
    itself, the first showing everything (the `lime` package). "antithetic" follows every random
    row by its complement, which cancels whatever an even number of superpixels does together.
    "hadamard" takes the rows from a Hadamard matrix, each followed by its complement (foldover:
    Box and Wilson 1951), so that in a whole block the superpixels' effects are also
    uncorrelated; each block has its own columns, signs and order.

    Args:
        design: One of `DESIGNS`.
        superpixels: K, at least one.
        seed: The same seed gives the same rows, however many are taken.

    Yields:
        (K,) bool, True for shown.

    Raises:
        ValueError: The design is unknown or K below one.
    """
    if design not in DESIGNS:
        raise ValueError(f"design: found {design!r}, allowed {', '.join(DESIGNS)}")
    if superpixels < 1:
        raise ValueError(f"superpixels: found {superpixels}, allowed at least 1")
    chance = np.random.Generator(np.random.PCG64(seed))
    if design == "random":
        return _random(superpixels, chance)
    return _folded(_halves(design, superpixels, chance))


def first_rows(design: Design, superpixels: int, seed: int, count: int) -> NDArray[np.bool_]:
    """(count, K) bool, the first rows of a design."""
    rows = list(islice(rows_of(design, superpixels, seed), count))
    return np.array(rows, bool).reshape(count, superpixels)


def _random(superpixels: int, chance: np.random.Generator) -> Iterator[Row]:
    yield np.ones(superpixels, bool)
    while True:
        yield chance.integers(0, 2, superpixels).astype(bool)


def _halves(design: Design, superpixels: int, chance: np.random.Generator) -> Iterator[Row]:
    if design == "antithetic":
        while True:
            yield chance.integers(0, 2, superpixels).astype(bool)
    matrix = hadamard(superpixels + SPARE_COLUMNS)
    while True:
        yield from _block(matrix, superpixels, chance)


def _block(
    matrix: NDArray[np.int8], superpixels: int, chance: np.random.Generator
) -> Iterator[Row]:
    order = len(matrix)
    columns = chance.permutation(order)[:superpixels]
    signs = chance.integers(0, 2, superpixels) * 2 - 1
    yield from (matrix[chance.permutation(order)][:, columns] * signs) > 0


def _folded(rows: Iterator[Row]) -> Iterator[Row]:
    for row in rows:
        yield row
        yield ~row


def hadamard(columns: int) -> NDArray[np.int8]:
    """The smallest Hadamard matrix at hand with so many columns.

    Paley's first construction for q + 1, q a prime of the form 4 m + 3, and Sylvester's doubling
    of any smaller one; the orders 1, 2, 4, 8, 12, 16, 20, 24, 32, 40, 44, 48, 60, 64, 68, 72...

    Args:
        columns: At least one.

    Returns:
        (m, m) int8 of -1 and +1, m >= columns, whose columns are orthogonal.
    """
    order = columns
    while (matrix := _of_order(order)) is None:
        order += 1
    return matrix


def _of_order(order: int) -> NDArray[np.int8] | None:
    if order == 1:
        return np.ones((1, 1), np.int8)
    if order % 4 == 0 and _is_prime(order - 1):
        return _paley(order - 1)
    half = _of_order(order // 2) if order % 2 == 0 else None
    return None if half is None else np.block([[half, half], [half, -half]]).astype(np.int8)


def _is_prime(number: int) -> bool:
    return number > 1 and all(number % d for d in range(2, int(number**0.5) + 1))


def _paley(prime: int) -> NDArray[np.int8]:
    """Order q + 1 from the quadratic residues modulo q (Paley 1933)."""
    character = np.full(prime, -1, np.int8)
    character[np.unique(np.arange(1, prime) ** 2 % prime)] = 1
    character[0] = 0
    numbers = np.arange(prime)
    matrix = np.ones((prime + 1, prime + 1), np.int8)
    matrix[1:, 0] = -1
    matrix[1:, 1:] = character[(numbers[None] - numbers[:, None]) % prime]
    np.fill_diagonal(matrix, 1)
    return matrix
