"""Whether another seed would name the same superpixels."""

import numpy as np
from numpy.typing import NDArray

DRAWS = 40
"""Pairs of imagined runs; they settle a label's stability to about 0.02."""
DRAW_SEED = 0


def top_stability(
    coefficients: NDArray[np.float64], standard_errors: NDArray[np.float64], top: int
) -> NDArray[np.float32]:
    """Expected overlap of the strongest superpixels between two runs with other seeds.

    The coefficients are taken as normal around zero with errors of the given size; what they
    would be without error follows by shrinking (empirical Bayes), and pairs of runs are drawn
    from that.

    Args:
        coefficients: (n, L).
        standard_errors: (n, L); a row with NaN gives NaN.
        top: How many superpixels, by absolute coefficient.

    Returns:
        (n,) float32 in 0..1, the mean Jaccard index of the two top sets; 1 where they hold
        every superpixel.
    """
    labels, superpixels = coefficients.shape
    if top >= superpixels:
        return np.ones(labels, np.float32)
    chance = np.random.Generator(np.random.PCG64(DRAW_SEED))
    draws = chance.standard_normal((3, DRAWS, superpixels), np.float32)
    pairs = zip(coefficients, standard_errors, strict=True)
    return np.array([_overlap(mean, error, draws, top) for mean, error in pairs], np.float32)


def _overlap(
    mean: NDArray[np.float64],
    error: NDArray[np.float64],
    draws: NDArray[np.float32],
    top: int,
) -> float:
    if np.isnan(error).any():
        return float("nan")
    found = float((mean**2).mean())
    signal = max(0.0, 1.0 - float((error**2).mean()) / found) if found > 0 else 0.0
    true = signal * mean + np.sqrt(signal) * error * draws[0]
    first, second = (_strongest(true + error * draws[i], top) for i in (1, 2))
    both = (first & second).sum(axis=1)
    return float((both / (2 * top - both)).mean())


def _strongest(values: NDArray[np.float64], top: int) -> NDArray[np.bool_]:
    """(draws, L) bool, the `top` largest absolute values of each row."""
    order = np.argpartition(-np.abs(values), top - 1, axis=1)[:, :top]
    chosen = np.zeros(values.shape, bool)
    np.put_along_axis(chosen, order, True, axis=1)
    return chosen
