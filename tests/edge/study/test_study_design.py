"""Who sees what: balanced, seeded, with what returns and what is plainly right."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from study_builders import first_of, plan

from edge.study.design import MAX_OBJECTIVE, RIGHT, Kind, trials_of
from edge.study.plan import Method

COUNTS = st.integers(4, 60)
SEEDS = st.integers(0, 2**40)
NUMBERS = st.integers(0, 30)
FEW = settings(max_examples=50, deadline=None)


@given(COUNTS, SEEDS, NUMBERS)
@FEW
def test_everybody_sees_every_item_once_with_sides_in_balance(
    count: int, seed: int, number: int
) -> None:
    trials = trials_of(plan(count, seed), number)
    first = first_of(list(trials))
    assert sorted(trial.item.id for trial in first if trial.item) == sorted(
        item.id for item in plan(count).items
    )
    left = Counter(trial.contents[0] for trial in first)
    assert abs(left[Method.GRAD_CAM] - left[Method.LIME]) <= count % 2
    assert [trial.number for trial in trials] == list(range(1, count + 4))


@given(COUNTS, SEEDS, st.integers(0, 15))
@FEW
def test_over_two_people_each_item_has_each_method_on_the_left_once(
    count: int, seed: int, pair: int
) -> None:
    sides: dict[str, set[str]] = {}
    for number in (2 * pair, 2 * pair + 1):
        for trial in first_of(list(trials_of(plan(count, seed), number))):
            assert trial.item is not None
            sides.setdefault(trial.item.id, set()).add(trial.contents[0])
    assert all(found == set(Method) for found in sides.values())


@given(COUNTS, SEEDS, NUMBERS)
@FEW
def test_two_items_return_with_sides_exchanged_and_not_at_once(
    count: int, seed: int, number: int
) -> None:
    trials = trials_of(plan(count, seed), number)
    repeats = [trial for trial in trials if trial.kind is Kind.REPEAT]
    assert len({trial.item.id for trial in repeats if trial.item}) == 2
    for again in repeats:
        before = next(t for t in trials if t.item == again.item and t.kind is Kind.CHOICE)
        assert again.contents == before.contents[::-1]
        assert again.shown == before.shown[::-1]
        assert again.number - before.number >= 2
    assert Counter(trial.contents[0] for trial in repeats) == Counter(Method)


@given(COUNTS, SEEDS, NUMBERS)
@FEW
def test_one_catch_stands_neither_first_nor_last(count: int, seed: int, number: int) -> None:
    trials = trials_of(plan(count, seed), number)
    (catch,) = (trial for trial in trials if trial.kind is Kind.CATCH)
    assert 1 < catch.number < len(trials)
    assert catch.correct == RIGHT
    assert catch.shown[catch.contents.index(RIGHT)] == plan(count).catch.right


def test_what_is_left_and_what_is_shown_belong_together() -> None:
    for trial in trials_of(plan(), 3):
        if trial.item is not None:
            assert [trial.item.maps[Method(method)] for method in trial.contents] == list(
                trial.shown
            )


def test_the_same_seed_asks_the_same_and_another_person_something_else() -> None:
    assert trials_of(plan(), 4) == trials_of(plan(), 4)
    orders = {tuple(t.picture for t in trials_of(plan(), number)) for number in range(12)}
    assert len(orders) == 12
    assert trials_of(plan(seed=8), 4) != trials_of(plan(), 4)


def test_the_catch_is_on_either_side() -> None:
    places = Counter(
        next(t for t in trials_of(plan(), n) if t.kind is Kind.CATCH).contents[0] for n in range(60)
    )
    assert min(places.values()) > 15


@pytest.mark.parametrize("count", [4, 10, 25])
def test_the_objective_block_comes_last_and_halves_the_methods(count: int) -> None:
    asked = plan(count, objective=True)
    shown: dict[str, set[str]] = {}
    for number in (0, 1):
        trials = trials_of(asked, number)
        block = [trial for trial in trials if trial.kind is Kind.OBJECTIVE]
        assert block == list(trials[-len(block) :])
        assert len(block) == min(count, MAX_OBJECTIVE)
        for trial in block:
            assert trial.item is not None
            assert len({option.id for option in trial.options}) == 4
            assert trial.correct == trial.item.brick.id
            assert trial.shown == (trial.item.maps[Method(trial.contents[0])],)
            shown.setdefault(trial.item.id, set()).add(trial.contents[0])
    assert all(found == set(Method) for found in shown.values())


def test_the_right_brick_is_not_always_in_one_place() -> None:
    places = Counter(
        [option.id for option in trial.options].index(trial.correct or "")
        for number in range(10)
        for trial in trials_of(plan(objective=True), number)
        if trial.kind is Kind.OBJECTIVE
    )
    assert len(places) == 4
    assert min(places.values()) > 10
