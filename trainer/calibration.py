"""Thresholds and calibration, from validation pictures only."""

import numpy as np

from trainer.metrics import counts, f1

SUPPORT_MIN = 5
"""Labels seen less often in validation take the threshold that is best for all labels together."""
NEWTON_STEPS = 100
F1_SLACK = 0.05
"""Thresholds whose F1 is within this share of the best are equals: with a few dozen positives the
difference is chance, and the highest of them reports the fewest wrong labels."""


def fit_platt(logits: np.ndarray, target: np.ndarray) -> tuple[float, float]:
    """Fit p = sigmoid(slope * logit + offset) by maximum likelihood (Platt 1999).

    Args:
        logits: Any shape; the shift by the training weight is already removed.
        target: 0 or 1, same shape.

    Returns:
        Slope and offset.

    Raises:
        ValueError: Larger logits do not mean more bricks; there is nothing to calibrate.
    """
    x, t = logits.ravel().astype(np.float64), target.ravel().astype(np.float64)
    # Platt's smoothed targets keep the fit finite when the classes separate.
    high, low = (t.sum() + 1) / (t.sum() + 2), 1 / (len(t) - t.sum() + 2)
    t = np.where(t > 0, high, low)
    design = np.stack([x, np.ones_like(x)])
    weights = np.array([1.0, 0.0])
    for _ in range(NEWTON_STEPS):
        p = 0.5 * (1 + np.tanh(0.5 * (weights @ design)))
        gradient = design @ (p - t)
        hessian = (design * (p * (1 - p))) @ design.T + 1e-6 * np.eye(2)
        step = np.linalg.solve(hessian, gradient)
        weights = weights - step * min(1.0, 2.0 / np.abs(step).max())
        if np.abs(step).max() < 1e-9:
            break
    if not weights[0] > 0:
        raise ValueError(
            f"found a slope of {weights[0]:.3g}; expected more evidence at larger logits"
        )
    return float(weights[0]), float(weights[1])


def choose_thresholds(probability: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The threshold of largest F1 for each label, up to `F1_SLACK`.

    Args:
        probability: (pictures, n) in 0..1.
        target: (pictures, n), 0 or 1.

    Returns:
        (n,) thresholds strictly between 0 and 1; half-way between two neighbouring
        probabilities, so that rounding on another device changes little.
    """
    together = best_threshold(probability.ravel(), target.ravel())
    return np.array(
        [
            best_threshold(p, t) if t.sum() >= SUPPORT_MIN else together
            for p, t in zip(probability.T, target.T, strict=True)
        ]
    )


def best_threshold(probability: np.ndarray, target: np.ndarray) -> float:
    """The threshold of largest F1 for one label; the highest of those within `F1_SLACK`."""
    values = np.unique(probability)
    borders = np.concatenate([(values[1:] + values[:-1]) / 2, [(values[-1] + 1) / 2]])
    borders = borders[::-1][:: max(1, len(borders) // 2000)]
    scores = np.array(
        [
            float(f1(*counts(target[:, None], (probability >= border)[:, None]))[0])
            for border in borders
        ]
    )
    # Borders fall, so the first one that is good enough is the highest.
    chosen = int(np.argmax(scores >= (1 - F1_SLACK) * scores.max()))
    return float(np.clip(borders[chosen], 1e-6, 1 - 1e-6))
