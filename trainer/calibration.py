"""Thresholds and calibration, from validation pictures only."""

from dataclasses import dataclass

import numpy as np

from trainer.metrics import counts, f1

PRECISION_MIN = 0.8
"""A label is reported where it is right at least four times in five."""
WRONG_ADDED = 1
"""Wrong decisions counted beside those that were seen, as the lowest good one of many thresholds is
partly luck: chosen on half of 1,100 renders, precision on the other half was .79 with it and .72
without. Three hits alone are too few then."""
SUPPORT_MIN = 10
"""Labels seen less often in validation take the threshold of all labels together."""
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


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """Where a label begins to be reported.

    Attributes:
        threshold: Strictly between 0 and 1, on the calibrated probability.
        reported: Whether the label is right often enough there; if not, the threshold is the one of
            largest F1, for whoever wants the label reported all the same.
    """

    threshold: float
    reported: bool


def choose_thresholds(probability: np.ndarray, target: np.ndarray) -> list[OperatingPoint]:
    """The lowest threshold of each label at which it is right at least four times in five.

    Args:
        probability: (pictures, n) in 0..1.
        target: (pictures, n), 0 or 1.

    Returns:
        A point for each label. Labels on fewer than `SUPPORT_MIN` pictures share the one of all
        decisions together. A label that is never right often enough is not reported.
    """
    together = trusted_threshold(probability.ravel(), target.ravel())
    found = []
    for p, t in zip(probability.T, target.T, strict=True):
        threshold = trusted_threshold(p, t) if t.sum() >= SUPPORT_MIN else together
        reported = threshold is not None
        found.append(OperatingPoint(threshold if reported else best_threshold(p, t), reported))
    return found


def trusted_threshold(probability: np.ndarray, target: np.ndarray) -> float | None:
    """The lowest threshold at or above which `PRECISION_MIN` of the decisions are right.

    Args:
        probability: (k,) in 0..1.
        target: (k,), 0 or 1.

    Returns:
        Half-way between two neighbouring probabilities, so that rounding on another device changes
        little; None where none has that precision with `WRONG_ADDED` counted in.

    Example:
        >>> trusted_threshold(np.arange(10) / 10, np.array([0, 1, 0, 0, 0, 1, 1, 1, 1, 1]))
        0.45
    """
    order = np.argsort(-probability, kind="stable")
    ranked, hits = probability[order].astype(np.float64), target[order].cumsum()
    said = np.arange(1, len(ranked) + 1)
    # A threshold cannot tell equal probabilities apart.
    last_of_tie = np.append(np.diff(ranked) != 0, True)
    good = last_of_tie & (hits / (said + WRONG_ADDED) >= PRECISION_MIN)
    if not good.any():
        return None
    lowest = int(np.flatnonzero(good)[-1])
    below = ranked[lowest + 1] if lowest + 1 < len(ranked) else 0.0
    return _inside((ranked[lowest] + below) / 2)


def _inside(threshold: float) -> float:
    return float(np.clip(threshold, 1e-6, 1 - 1e-6))


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
    return _inside(borders[chosen])
