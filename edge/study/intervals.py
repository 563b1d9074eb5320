"""Intervals of a share, and how far answers of the same person are worth less than others'."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Z_95 = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""
ALPHA = 0.05
_TINY = 1e-300
_FRACTIONS = 500
_HALVINGS = 200


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95 % interval of a share, both ends in 0..1."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Clustering:
    """How alike the answers of one person are.

    Attributes:
        correlation: The intraclass correlation, 0..1, by analysis of variance; None where it
            cannot be told, and then 1 is taken for it, which is the careful side.
        size: Answers of a person that the design effect reckons with: sum(m^2) / sum(m).
        effect: The design effect, 1 + (size - 1) * correlation; at least 1.
        worth: Independent answers that all of them are worth: their number / effect.
    """

    correlation: float | None
    size: float
    effect: float
    worth: float


def clustering(groups: Sequence[tuple[int, int]]) -> Clustering:
    """Estimate how alike answers are within each person.

    The estimate is the one-way analysis of variance of answers 0 and 1 (Donner and Koval 1980),
    held in 0..1.

    Args:
        groups: Hits and answers of each person; nobody without an answer.

    Raises:
        ValueError: There is nobody.
    """
    if not groups:
        raise ValueError("found nobody; at least one person is needed")
    answers = sum(count for _, count in groups)
    size = sum(count**2 for _, count in groups) / answers
    correlation = _correlation(groups)
    effect = 1 + (size - 1) * (1.0 if correlation is None else correlation)
    return Clustering(correlation, size, effect, answers / effect)


def _correlation(groups: Sequence[tuple[int, int]]) -> float | None:
    people, answers = len(groups), sum(count for _, count in groups)
    if people < 2 or answers <= people:
        return None
    overall = sum(hits for hits, _ in groups) / answers
    between = sum(count * (hits / count - overall) ** 2 for hits, count in groups)
    within = sum(hits * (count - hits) / count for hits, count in groups)
    between /= people - 1
    within /= answers - people
    usual = (answers - sum(count**2 for _, count in groups) / answers) / (people - 1)
    total = between + (usual - 1) * within
    # All answers are the same: nothing tells a person from another.
    if total <= 0:
        return None
    return min(1.0, max(0.0, (between - within) / total))


def wilson(share: float, answers: float, z: float = Z_95) -> Interval:
    """The interval of Wilson (1927).

    Args:
        share: In 0..1.
        answers: Above 0; need not be whole, as with a design effect.
        z: Quantile of the normal distribution.
    """
    grown = 1 + z * z / answers
    centre = (share + z * z / (2 * answers)) / grown
    reach = z / grown * math.sqrt(share * (1 - share) / answers + z * z / (4 * answers**2))
    # At nothing and at all, rounding would leave the share itself outside.
    return Interval(max(0.0, min(share, centre - reach)), min(1.0, max(share, centre + reach)))


def clopper_pearson(hits: float, answers: float, alpha: float = ALPHA) -> Interval:
    """The exact interval of Clopper and Pearson (1934), by quantiles of the beta distribution.

    Args:
        hits: 0..answers; need not be whole, as with a design effect.
        answers: Above 0.
        alpha: How often it may miss the share.
    """
    misses = answers - hits
    low = 0.0 if hits <= 0 else _quantile(alpha / 2, hits, misses + 1)
    high = 1.0 if misses <= 0 else _quantile(1 - alpha / 2, hits + 1, misses)
    return Interval(low, high)


def incomplete_beta(x: float, a: float, b: float) -> float:
    """The regularised incomplete beta function I_x(a, b).

    Its continued fraction (DLMF 8.17.22), by the method of Lentz.

    Args:
        x: In 0..1.
        a, b: Above 0.
    """
    if x <= 0 or x >= 1:
        return float(x >= 1)
    # The fraction converges fast on this side of the mean only.
    if x > (a + 1) / (a + b + 2):
        return 1 - incomplete_beta(1 - x, b, a)
    logarithm = math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    logarithm += a * math.log(x) + b * math.log1p(-x)
    return math.exp(logarithm) / (a * _fraction(lambda k: _term(k, x, a, b)))


def _term(k: int, x: float, a: float, b: float) -> float:
    """The k-th numerator of the fraction, k from 1."""
    m = k // 2
    if k % 2:
        return -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
    return m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))


def _fraction(term: Callable[[int], float]) -> float:
    """1 + term(1) / (1 + term(2) / (1 + ...))."""
    value, above, below = 1.0, 1.0, 0.0
    for k in range(1, _FRACTIONS):
        numerator = term(k)
        below = 1 / _not_zero(1 + numerator * below)
        above = _not_zero(1 + numerator / above)
        value *= above * below
        if abs(above * below - 1) < 1e-15:
            break
    return value


def _not_zero(value: float) -> float:
    return value if abs(value) > _TINY else _TINY


def _quantile(probability: float, a: float, b: float) -> float:
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if middle in (low, high):
            break
        if incomplete_beta(middle, a, b) < probability:
            low = middle
        else:
            high = middle
    return (low + high) / 2
