"""Exact tests and intervals, against hand values, tables and another implementation."""

import itertools
import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.study import exact
from edge.study.exact import binomial_above, binomial_two_sided, sign_flip
from edge.study.intervals import clopper_pearson, clustering, incomplete_beta, wilson

EIGHT_OF_TEN = [Fraction(1)] * 8 + [Fraction(0)] * 2


# --- sign-flip ---


def test_eight_of_ten_people_are_no_proof() -> None:
    # 2 (1 + 10 + 45) / 1024, by hand.
    found = sign_flip(EIGHT_OF_TEN)
    assert found.two_sided == 112 / 1024
    assert found.one_sided == 56 / 1024
    assert (found.people, found.draws) == (10, 0)


def test_ten_people_who_all_lean_one_way_are_as_much_as_ten_can_say() -> None:
    found = sign_flip([Fraction(8, 10)] * 10)
    assert found.two_sided == found.least == 2 / 1024


def test_people_at_one_half_say_nothing() -> None:
    assert sign_flip([Fraction(1, 2)] * 5).two_sided == 1.0


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=1, max_size=9),
)
@settings(max_examples=60, deadline=None)
def test_counting_sums_is_counting_every_way(pairs: list[tuple[int, int]]) -> None:
    shares = [Fraction(min(hits, count), count) for hits, count in pairs]
    distances = [share - Fraction(1, 2) for share in shares]
    ways = [
        sum((sign * d for sign, d in zip(signs, distances, strict=True)), Fraction(0))
        for signs in itertools.product((1, -1), repeat=len(distances))
    ]
    found = sum(distances, Fraction(0))
    tested = sign_flip(shares)
    assert tested.two_sided == pytest.approx(sum(abs(w) >= abs(found) for w in ways) / len(ways))
    assert tested.one_sided == pytest.approx(sum(w >= found for w in ways) / len(ways))


def test_too_many_ways_are_drawn_and_said_to_be(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = sign_flip(EIGHT_OF_TEN)
    monkeypatch.setattr(exact, "MAX_SUMS", 3)
    drawn = sign_flip(EIGHT_OF_TEN)
    assert drawn.draws == exact.DRAWS
    # Four standard errors of so many draws.
    slack = 4 * math.sqrt(counted.two_sided * (1 - counted.two_sided) / exact.DRAWS)
    assert drawn.two_sided == pytest.approx(counted.two_sided, abs=slack)
    assert drawn == sign_flip(EIGHT_OF_TEN)


def test_a_p_that_was_drawn_is_never_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact, "MAX_SUMS", 3)
    assert sign_flip([Fraction(1)] * 60).two_sided == 1 / (exact.DRAWS + 1)


def test_nobody_cannot_be_tested() -> None:
    with pytest.raises(ValueError, match="at least one person"):
        sign_flip([])


# --- binomial ---


def test_the_paper_as_a_hundred_independent_answers() -> None:
    assert binomial_two_sided(80, 100) == pytest.approx(1.1159e-9, rel=1e-4)
    assert binomial_two_sided(20, 100) == binomial_two_sided(80, 100)


def test_binomials_of_few_by_hand() -> None:
    assert binomial_two_sided(8, 10) == 112 / 1024
    assert binomial_two_sided(5, 10) == binomial_two_sided(0, 0) == 1.0
    assert binomial_above(2, 2, Fraction(1, 4)) == 1 / 16
    assert binomial_above(0, 7, Fraction(1, 4)) == 1.0


# --- intervals ---


@pytest.mark.parametrize(
    ("hits", "answers", "low", "high"),
    [
        # Tables of exact 95 % limits (for example Documenta Geigy).
        (8, 10, 0.4439, 0.9748),
        (0, 10, 0.0, 0.3085),
        (10, 10, 0.6915, 1.0),
        (5, 10, 0.1871, 0.8129),
        (80, 100, 0.7082, 0.8733),
    ],
)
def test_clopper_pearson_is_that_of_the_tables(
    hits: int, answers: int, low: float, high: float
) -> None:
    found = clopper_pearson(hits, answers)
    assert found.low == pytest.approx(low, abs=5e-5)
    assert found.high == pytest.approx(high, abs=5e-5)


@given(st.integers(1, 60), st.data())
@settings(max_examples=60, deadline=None)
def test_clopper_pearson_leaves_a_fortieth_on_each_side(answers: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, answers))
    found = clopper_pearson(hits, answers)
    if hits:
        low = Fraction(found.low).limit_denominator(10**9)
        assert binomial_above(hits, answers, low) == pytest.approx(0.025, rel=1e-5)
    if hits < answers:
        high = Fraction(found.high).limit_denominator(10**9)
        below = 1 - binomial_above(hits + 1, answers, high)
        assert below == pytest.approx(0.025, rel=1e-5)


def test_wilson_by_hand() -> None:
    # z^2 = 3.8415: centre (0.8 + 0.19207) / 1.38415, reach 1.96 / 1.38415 sqrt(.016 + .0096037).
    found = wilson(0.8, 10)
    assert found.low == pytest.approx(0.4902, abs=1e-4)
    assert found.high == pytest.approx(0.9433, abs=1e-4)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_intervals_stay_between_nothing_and_all(share: float) -> None:
    for found in (wilson(share, 3.5), clopper_pearson(3.5 * share, 3.5)):
        assert 0 <= found.low <= share <= found.high <= 1


def test_the_incomplete_beta_of_whole_numbers_is_a_binomial_sum() -> None:
    for a, b, x in [(3, 5, 0.2), (8, 3, 0.7), (1, 1, 0.4), (40, 61, 0.4)]:
        trials = a + b - 1
        terms = [
            math.comb(trials, k) * x**k * (1 - x) ** (trials - k) for k in range(a, trials + 1)
        ]
        assert incomplete_beta(x, a, b) == pytest.approx(sum(terms), rel=1e-12)
    assert (incomplete_beta(0, 2, 3), incomplete_beta(1, 2, 3)) == (0.0, 1.0)


# --- design effect ---


def test_people_who_always_say_the_same_count_once() -> None:
    found = clustering([(10, 10)] * 8 + [(0, 10)] * 2)
    assert found.correlation == 1.0
    assert (found.effect, found.worth) == (10.0, 10.0)


def test_answers_that_differ_within_people_as_between_them_all_count() -> None:
    found = clustering([(8, 10)] * 10)
    assert (found.correlation, found.worth) == (0.0, 100.0)


def test_the_correlation_by_hand() -> None:
    # Shares 1, 1/2, 0 of 4: MSB = 4 (1/4 + 0 + 1/4) / 2 = 1, MSW = 1 / 9.
    found = clustering([(4, 4), (2, 4), (0, 4)])
    assert found.correlation == pytest.approx((1 - 1 / 9) / (1 + 3 / 9))
    assert found.effect == pytest.approx(1 + 3 * 2 / 3)


def test_people_with_more_answers_weigh_more() -> None:
    assert clustering([(1, 2), (3, 6)]).size == (4 + 36) / 8


@pytest.mark.parametrize("groups", [[(10, 10)] * 5, [(3, 10)], [(1, 1), (0, 1)]])
def test_a_correlation_that_cannot_be_told_is_taken_on_the_careful_side(
    groups: list[tuple[int, int]],
) -> None:
    found = clustering(groups)
    assert found.correlation is None
    assert found.worth == pytest.approx(len(groups))


def test_the_pooled_test_is_wrong_where_answers_of_a_person_are_alike() -> None:
    """Ten people with ten answers and a correlation of .3: far more than one in twenty."""
    random = np.random.default_rng(5)
    # Beta(a, a) with 1 / (2 a + 1) = .3.
    a = (1 / 0.3 - 1) / 2
    hits = random.binomial(10, random.beta(a, a, (400, 10)))
    pooled = sum(binomial_two_sided(int(total), 100) < 0.05 for total in hits.sum(1))
    by_person = sum(sign_flip([Fraction(int(h), 10) for h in row]).two_sided < 0.05 for row in hits)
    assert pooled > 80
    assert by_person < 36
