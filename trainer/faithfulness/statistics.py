"""Figures of maps alone and of two maps together; numpy only."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from edge.explain.agreement import rank_correlation
from trainer.faithfulness.maps import NOTHING, positive


def gini(heat: np.ndarray) -> float:
    """Sparseness as the Gini index (Chalasani et al. 2020): 0 even, (n - 1) / n all in one cell.

    Returns:
        0..1; NaN for a blank map.
    """
    values = np.sort(positive(heat).ravel())
    if values.sum() <= 0:
        return NOTHING
    n = len(values)
    ranks = np.arange(1, n + 1)
    return float(((2 * ranks - n - 1) * values).sum() / (n * values.sum()))


def entropy(heat: np.ndarray) -> float:
    """Entropy of a map's mass over the logarithm of its cells: 0 one cell, 1 even.

    Returns:
        0..1; NaN for a blank map.
    """
    values = positive(heat).ravel()
    if values.sum() <= 0:
        return NOTHING
    share = values[values > 0] / values.sum()
    return max(0.0, float(-(share * np.log(share)).sum() / np.log(len(values))))


def spearman(a: np.ndarray, b: np.ndarray) -> float:
    """Rank correlation of two arrays of one shape, ties by mean ranks.

    Returns:
        -1..1; NaN if one of them is all one value.
    """
    return rank_correlation(np.ravel(a), np.ravel(b))


def strongest(coefficients: np.ndarray, count: int) -> frozenset[int]:
    """Indices of the `count` values farthest from zero; of equal ones the first."""
    order = np.argsort(-np.abs(coefficients), kind="stable")
    return frozenset(int(i) for i in order[:count])


def jaccard(a: frozenset[int], b: frozenset[int]) -> float:
    """Shared over all; NaN of two empty sets."""
    return len(a & b) / len(a | b) if a | b else NOTHING


def stability(runs: Sequence[np.ndarray], count: int) -> float:
    """Mean Jaccard index of the `count` strongest coefficients over all pairs of runs.

    Args:
        runs: Coefficients (k,) of each run, on the same superpixels.
        count: How many are compared; at most k.

    Returns:
        0..1; NaN for fewer than two runs.
    """
    chosen = [strongest(run, min(count, len(run))) for run in runs]
    pairs = [jaccard(a, b) for a, b in combinations(chosen, 2)]
    return float(np.mean(pairs)) if pairs else NOTHING
