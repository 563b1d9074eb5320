"""Exact tests of choices between two."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

MAX_SUMS = 200_000
"""Different sums that are counted; with more, signs are drawn at random."""
DRAWS = 100_000
_AT_ONCE = 2_000
HALF = Fraction(1, 2)


@dataclass(frozen=True, slots=True)
class SignFlip:
    """How often chance alone takes shares as far from one half as they were.

    If neither method is preferred, each person's distance from one half may as well have had the
    other sign; all these ways are counted.

    Attributes:
        people: How many shares there were.
        mean: Of the shares.
        two_sided: As far from one half in either direction.
        one_sided: As far, or farther, above one half.
        draws: 0 where every way was counted; else how many were drawn at random, and then
            p = (hits + 1) / (draws + 1).
    """

    people: int
    mean: float
    two_sided: float
    one_sided: float
    draws: int = 0

    @property
    def least(self) -> float:
        """The least two-sided p that so many people can give."""
        return min(1.0, 2.0 ** (1 - self.people))


def sign_flip(shares: Sequence[Fraction], seed: int = 0) -> SignFlip:
    """Test whether shares lie around one half, one person one share.

    Every assignment of signs is counted, by its sum; only where the sums are too many are signs
    drawn at random, which `draws` tells.

    Args:
        shares: In 0..1, one for each person.
        seed: Of the draws.

    Raises:
        ValueError: There are no shares.

    Example:
        >>> sign_flip([Fraction(1)] * 8 + [Fraction(0)] * 2).two_sided
        0.109375
    """
    if not shares:
        raise ValueError("found no shares; at least one person is needed")
    steps = _whole([share - HALF for share in shares])
    mean = float(sum(shares) / len(shares))
    counted = _sums(steps)
    if counted is None:
        return _drawn(steps, mean, seed)
    found, ways = sum(steps), 2 ** len(steps)
    beyond = sum(count for total, count in counted.items() if abs(total) >= abs(found))
    above = sum(count for total, count in counted.items() if total >= found)
    return SignFlip(len(shares), mean, float(Fraction(beyond, ways)), float(Fraction(above, ways)))


def binomial_above(hits: int, trials: int, chance: Fraction = HALF) -> float:
    """P(X >= hits) of so many trials, exactly."""
    return float(
        sum(
            (
                math.comb(trials, k) * chance**k * (1 - chance) ** (trials - k)
                for k in range(max(hits, 0), trials + 1)
            ),
            Fraction(0),
        )
    )


def binomial_two_sided(hits: int, trials: int) -> float:
    """How often a fair coin lands as far from even as so many hits, exactly."""
    far = max(hits, trials - hits)
    if 2 * far == trials:
        return 1.0
    ways = 2 * sum(math.comb(trials, k) for k in range(far, trials + 1))
    return float(Fraction(ways, 2**trials))


def _whole(distances: Sequence[Fraction]) -> list[int]:
    """The same distances in steps so small that all are whole."""
    step = math.lcm(*(distance.denominator for distance in distances))
    return [int(distance * step) for distance in distances]


def _sums(steps: Sequence[int]) -> dict[int, int] | None:
    """Each sum that signs can give and in how many ways; None where there are too many."""
    ways = {0: 1}
    for step in steps:
        grown: dict[int, int] = {}
        for total, count in ways.items():
            for signed in (step, -step):
                grown[total + signed] = grown.get(total + signed, 0) + count
        if len(grown) > MAX_SUMS:
            return None
        ways = grown
    return ways


def _drawn(steps: Sequence[int], mean: float, seed: int) -> SignFlip:
    # Whole steps may be large; as doubles, sums of them that are equal might come out unequal.
    found = float(sum(steps))
    values = np.array(steps, np.float64)
    slack = 1e-9 * float(np.abs(values).sum())
    random = np.random.default_rng(seed)
    beyond = above = 0
    for _ in range(DRAWS // _AT_ONCE):
        sums = random.choice((-1.0, 1.0), (_AT_ONCE, len(steps))) @ values
        beyond += int((np.abs(sums) >= abs(found) - slack).sum())
        above += int((sums >= found - slack).sum())
    two_sided, one_sided = ((hits + 1) / (DRAWS + 1) for hits in (beyond, above))
    return SignFlip(len(steps), mean, two_sided, one_sided, DRAWS)
