"""Wanted lists, families, capacity, trays, belts, back-pressure and the veto."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from builders import LABELS
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.belt import Belt, BeltReading
from edge.decision import Facts, Verdict, decide_evidence, label_in_question, policy_problems
from edge.domain import NOT_REPORTED
from edge.evidence import Evidence, Trigger
from edge.policy import FamilyRoute, Limit, Mode, Policy, Route, Wanted
from edge.policy_problems import machine_problems
from edge.reasons import Reason
from sorter_firmware_bridge.bins import Bin, Condition, MachineState

BRICKS, PLATES, WANTED, REVIEW, REST = (
    Bin(1, "bricks"),
    Bin(2, "plates"),
    Bin(3, "wanted"),
    Bin(4, "review"),
    Bin(5, "rest"),
)
BINS = (BRICKS, PLATES, WANTED, REVIEW, REST)
NOW_S = 100.2
FACTS = Facts(
    MachineState(Condition.ARMED, "", 7.0, 0), BINS, LABELS, "a" * 64, thresholds=(0.5,) * 4
)
POLICY = Policy(
    mode=Mode.SINGLE,
    bins=BINS,
    routes=(Route("3001", "bricks"),),
    families=(FamilyRoute("brick", "rest"), FamilyRoute("plate", "plates")),
    review_bin="review",
    overflow_bin="rest",
    wanted_bin="wanted",
)
SCOOP = replace(POLICY, mode=Mode.SCOOP, wanted=(Wanted("3001"), Wanted("3020")), rest_bin="rest")


def _seen(
    *chances: float,
    present: Sequence[int] | None = None,
    objects: int | None = None,
    focus: float | None = None,
    agreeing: int = 3,
) -> Evidence:
    chances = chances or (0.9, 0.1, 0.05, 0.02)
    indices = [i for i, p in enumerate(chances) if p >= 0.5] if present is None else present
    ordered = sorted(indices, key=lambda index: -chances[index])
    return Evidence(
        labels=tuple(LABELS[index] for index in ordered),
        probabilities=np.array(chances, np.float32),
        frames=3,
        agreeing=agreeing,
        needed=3,
        started_at_s=99.8,
        newest_at_s=100.0,
        trigger=Trigger.STILL,
        objects=objects,
        focus=focus,
    )


def _verdict(
    evidence: Evidence | None = None, policy: Policy = POLICY, now_s: float = NOW_S, **facts: object
) -> Verdict:
    known = replace(FACTS, **facts)  # type: ignore[arg-type]
    return decide_evidence(evidence or _seen(), policy, known, now_s)


def _where(verdict: Verdict) -> tuple[Bin | None, Reason]:
    return verdict.target, verdict.reason


BRICK_2X4, BRICK_2X2, PLATE_2X4 = (0.9, 0.0, 0.0, 0.0), (0.0, 0.9, 0.0, 0.0), (0.0, 0.0, 0.9, 0.0)


# --- rules: the most specific wins ---


def test_a_label_of_its_own_comes_before_its_family() -> None:
    assert _where(_verdict(_seen(*BRICK_2X4))) == (BRICKS, Reason.SORTED)
    assert _where(_verdict(_seen(*BRICK_2X2))) == (REST, Reason.SORTED)
    assert _where(_verdict(_seen(*PLATE_2X4))) == (PLATES, Reason.SORTED)


def test_without_a_rule_the_overflow_bin_takes_it() -> None:
    none = replace(POLICY, families=())
    assert _where(_verdict(_seen(*BRICK_2X2), none)) == (REST, Reason.NO_ROUTE)


def test_the_wanted_list_comes_before_the_label_until_it_is_complete() -> None:
    policy = replace(POLICY, wanted=(Wanted("3001", 4),))
    verdict = _verdict(policy=policy, delivered={("3001", 3): 3})
    assert _where(verdict) == (WANTED, Reason.WANTED)
    assert "3 of 4 so far" in verdict.text
    assert _where(_verdict(policy=policy, delivered={("3001", 3): 4})) == (BRICKS, Reason.SORTED)


def test_a_wanted_label_without_a_quantity_is_wanted_for_ever() -> None:
    policy = replace(POLICY, wanted=(Wanted("3001", None, "plates"),))
    verdict = _verdict(policy=policy, delivered={("3001", 2): 10**6})
    assert _where(verdict) == (PLATES, Reason.WANTED)


def test_what_was_ordered_comes_to_its_bin_by_no_other_way_either() -> None:
    policy = replace(
        POLICY, wanted=(Wanted("3001", 4),), routes=(Route("3001", "wanted"),), overflow_bin="rest"
    )
    verdict = _verdict(policy=policy, delivered={("3001", 3): 4})
    assert _where(verdict) == (REST, Reason.OVERFLOW)
    assert "Bin 3 'wanted' has its 4 of 3001" in verdict.text


# --- capacity ---

LIMITED = replace(
    POLICY, limits=(Limit("bricks", 50, "plates"), Limit("plates", 20, "rest"), Limit("rest", 9))
)


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        ({1: 49}, (BRICKS, Reason.SORTED)),
        ({1: 50}, (PLATES, Reason.OVERFLOW)),
        ({1: 50, 2: 20}, (REST, Reason.OVERFLOW)),
        ({1: 51, 2: 21, 5: 9}, (REVIEW, Reason.BIN_FULL)),
    ],
)
def test_a_full_bin_gives_to_the_next_of_its_chain(
    contents: dict[int, int], expected: tuple[Bin, Reason]
) -> None:
    assert _where(_verdict(policy=LIMITED, contents=contents)) == expected


def test_when_all_are_full_nothing_moves() -> None:
    full = replace(LIMITED, limits=(*LIMITED.limits, Limit("review", 5)))
    verdict = _verdict(policy=full, contents={1: 50, 2: 20, 5: 9, 4: 5})
    assert _where(verdict) == (None, Reason.BIN_FULL)
    assert "Bin 1 'bricks' is full (50 of 50)" in verdict.text
    assert "not moved" in verdict.text
    assert verdict.reason.needs_person


def test_a_bin_that_names_no_overflow_gives_to_the_overflow_bin() -> None:
    policy = replace(POLICY, limits=(Limit("bricks", 1),))
    assert _where(_verdict(policy=policy, contents={1: 1})) == (REST, Reason.OVERFLOW)


def test_a_doubt_keeps_its_reason_when_its_bin_is_full() -> None:
    policy = replace(POLICY, limits=(Limit("review", 1, "rest"),))
    verdict = _verdict(_seen(0.9, 0.9, 0.0, 0.0), policy, contents={4: 1})
    assert _where(verdict) == (REST, Reason.SEVERAL_LABELS)


# --- two objects ---


def test_two_objects_go_to_a_person_whatever_they_are() -> None:
    assert _where(_verdict(_seen(objects=2))) == (REVIEW, Reason.TWO_OBJECTS)
    assert _where(_verdict(_seen(0.0, 0.0, 0.0, 0.0, objects=2))) == (REVIEW, Reason.TWO_OBJECTS)


@pytest.mark.parametrize("objects", [None, 0, 1])
def test_one_object_or_none_that_could_be_counted_is_sorted(objects: int | None) -> None:
    assert _where(_verdict(_seen(objects=objects))) == (BRICKS, Reason.SORTED)


# --- scoop ---


@pytest.mark.parametrize(
    ("chances", "expected"),
    [
        ((0.9, 0.9, 0.0, 0.9), (WANTED, Reason.WANTED)),
        ((0.0, 0.9, 0.9, 0.9), (WANTED, Reason.WANTED)),
        ((0.2, 0.9, 0.0, 0.9), (REVIEW, Reason.WANTED_DOUBTFUL)),
        ((0.14, 0.9, 0.14, 0.9), (REST, Reason.NOTHING_WANTED)),
    ],
)
def test_a_tray_goes_by_what_is_wanted_on_it(
    chances: tuple[float, ...], expected: tuple[Bin, Reason]
) -> None:
    assert _where(_verdict(_seen(*chances), SCOOP)) == expected


def test_what_is_not_known_of_a_threshold_is_a_doubt() -> None:
    verdict = _verdict(_seen(0.0, 0.9, 0.0, 0.0), SCOOP, thresholds=())
    assert verdict.reason is Reason.WANTED_DOUBTFUL


def test_what_the_model_does_not_report_is_never_surely_absent() -> None:
    thresholds = (NOT_REPORTED, 0.5, 0.5, 0.5)
    verdict = _verdict(_seen(0.0, 0.9, 0.0, 0.0), SCOOP, thresholds=thresholds)
    assert verdict.reason is Reason.WANTED_DOUBTFUL
    assert "3001" in verdict.text


def test_chances_that_are_no_numbers_are_a_doubt() -> None:
    verdict = _verdict(_seen(float("nan"), 0.0, 0.0, 0.0, present=[]), SCOOP)
    assert verdict.reason is Reason.WANTED_DOUBTFUL


def test_a_piece_that_was_found_is_wanted_no_longer() -> None:
    policy = replace(SCOOP, wanted=(Wanted("3001", 1),))
    assert _where(_verdict(_seen(*BRICK_2X4), policy)) == (WANTED, Reason.WANTED)
    after = _verdict(_seen(*BRICK_2X4), policy, delivered={("3001", 3): 1})
    assert _where(after) == (REST, Reason.NOTHING_WANTED)


def test_without_a_wanted_list_a_tray_goes_by_what_is_watched_for() -> None:
    policy = replace(SCOOP, wanted=(), watch_for=("3020",))
    assert _where(_verdict(_seen(*PLATE_2X4), policy)) == (WANTED, Reason.WANTED)
    assert _where(_verdict(_seen(*BRICK_2X4), policy)) == (REST, Reason.NOTHING_WANTED)


# --- time ---

BELT = Belt(tuple((b.name, 300.0 + 100 * b.number) for b in BINS), speed_mm_s=100, camera_mm=100)


def test_the_due_time_follows_from_the_way_to_the_bin() -> None:
    verdict = _verdict(policy=replace(POLICY, belt=BELT, tolerance_s=0.1))
    assert verdict.due_s == pytest.approx(99.8 + 3)
    assert verdict.deadline_s == pytest.approx(99.8 + 3.1)
    # In the overflow it is due later, for that is further.
    full = replace(POLICY, belt=BELT, limits=(Limit("bricks", 1),))
    assert _verdict(policy=full, contents={1: 1}).due_s == pytest.approx(99.8 + 7)


ENCODER = replace(BELT, speed_mm_s=None, sensor="belt", mm_per_tick=5.0)


def test_with_an_encoder_what_it_moved_already_counts() -> None:
    reading = BeltReading(speed_mm_s=50, moved_mm=20, at_s=100.1)
    verdict = _verdict(policy=replace(POLICY, belt=ENCODER), belt=reading)
    assert verdict.due_s == pytest.approx(100.1 + (300 - 20) / 50)


@pytest.mark.parametrize("reading", [None, BeltReading(None, problem="the belt does not tick")])
def test_a_belt_that_stands_still_moves_nothing(reading: BeltReading | None) -> None:
    verdict = _verdict(policy=replace(POLICY, belt=ENCODER), belt=reading)
    assert _where(verdict) == (None, Reason.BELT_STOPPED)


def test_an_item_that_has_passed_its_bin_is_left() -> None:
    reading = BeltReading(speed_mm_s=50, moved_mm=301, at_s=100.1)
    verdict = _verdict(policy=replace(POLICY, belt=ENCODER), belt=reading)
    assert _where(verdict) == (None, Reason.TOO_LATE)


def test_a_machine_with_enough_to_do_is_sent_nothing() -> None:
    verdict = _verdict(hold="6 commands are waiting; it goes on at 1")
    assert _where(verdict) == (None, Reason.QUEUE_FULL)
    assert "6 commands are waiting" in verdict.text


# --- the veto ---

VETO = replace(POLICY, veto_share=0.5)


def test_an_explanation_beside_the_object_goes_to_a_person() -> None:
    verdict = _verdict(_seen(focus=0.49), VETO)
    assert _where(verdict) == (REVIEW, Reason.EXPLANATION_VETO)
    assert "49% of what speaks for Brick 2x4 (3001) lies on the object, 50% is needed" in (
        verdict.text
    )
    assert _where(_verdict(_seen(focus=0.5), VETO)) == (BRICKS, Reason.SORTED)


def test_a_veto_that_is_off_or_cannot_judge_changes_nothing() -> None:
    assert _where(_verdict(_seen(focus=0.0))) == (BRICKS, Reason.SORTED)
    assert _where(_verdict(_seen(focus=None), VETO)) == (BRICKS, Reason.SORTED)


def test_a_veto_moves_nothing_that_would_have_stayed() -> None:
    stays = replace(VETO, routes=(), families=(), overflow_bin=None)
    assert _verdict(_seen(focus=0.0), stays).target is None


def test_only_where_a_movement_rests_on_one_label_its_explanation_is_asked_for() -> None:
    def asked(evidence: Evidence, policy: Policy) -> str | None:
        label = label_in_question(evidence, policy, FACTS, NOW_S)
        return label.id if label else None

    assert asked(_seen(), POLICY) is None
    assert asked(_seen(), VETO) == "3001"
    assert asked(_seen(0.9, 0.9, 0.0, 0.0), VETO) is None
    assert asked(_seen(0.6, 0.9, 0.0, 0.0), replace(SCOOP, veto_share=0.5)) == "3001"
    assert asked(_seen(), replace(VETO, mode=Mode.WATCH)) is None


# --- what is wrong with a policy ---


@pytest.mark.parametrize(
    ("policy", "problem"),
    [
        (
            replace(POLICY, limits=(Limit("bricks", 1, "plates"), Limit("plates", 1, "bricks"))),
            "overflow of bin 'bricks' leads back to it: 'bricks' -> 'plates' -> 'bricks'; let the"
            " chain end in another",
        ),
        (
            replace(POLICY, limits=(Limit("rest", 1, "rest"),)),
            "overflow of bin 'rest' leads back to it: 'rest' -> 'rest'; let the chain end in"
            " another",
        ),
        (
            replace(POLICY, families=(FamilyRoute("brik", "bricks"),)),
            "family 'brik' does not exist; did you mean 'brick'?",
        ),
        (
            replace(POLICY, wanted=(Wanted("3001", 2), Wanted("3001", 3))),
            "label '3001' is wanted 2 times; add up its quantities",
        ),
        (
            replace(POLICY, wanted=(Wanted("3001"),), wanted_bin=None),
            "label '3001' is wanted and has no bin; give it one, or set wanted_bin",
        ),
        (
            replace(POLICY, mode=Mode.SCOOP),
            "mode 'scoop' needs something wanted; add [[wanted]] or watch_for",
        ),
        (
            replace(POLICY, belt=replace(BELT, distances=BELT.distances[:4])),
            "bin 'rest' has no distance_mm, and [belt] needs it to know when an item is there",
        ),
        (
            replace(POLICY, belt=replace(BELT, camera_mm=400.0)),
            "bin 'bricks' is 0 mm before the camera; its distance_mm must be above camera_mm, 400",
        ),
    ],
)
def test_a_problem_of_a_rule_says_what_to_do(policy: Policy, problem: str) -> None:
    assert policy_problems(policy, [label.id for label in LABELS]) == [problem]


def test_a_loop_further_down_the_chain_is_named_once() -> None:
    limits = (
        Limit("rest", 1, "bricks"),
        Limit("bricks", 1, "plates"),
        Limit("plates", 1, "bricks"),
    )
    (problem,) = policy_problems(replace(POLICY, limits=limits), [label.id for label in LABELS])
    assert "'bricks' -> 'plates' -> 'bricks'" in problem


def test_a_bin_that_the_machine_lacks_is_named_with_those_it_has() -> None:
    assert machine_problems(POLICY, BINS[:4]) == [
        "the machine has no bin 5 'rest'; it has bin 1 'bricks', bin 2 'plates', bin 3 'wanted',"
        " bin 4 'review'; correct its number under [[bin]], or set the machine up with it"
    ]
    renamed = (*BINS[:4], Bin(5, "floor"))
    assert machine_problems(POLICY, renamed) == [
        "bin 5 'rest' is bin 5 'floor' at the machine; give it one name"
    ]


def test_all_that_decides_is_in_the_digest() -> None:
    others = [
        replace(POLICY, families=()),
        replace(POLICY, wanted=(Wanted("3001", 4),)),
        replace(POLICY, wanted=(Wanted("3001", 5),)),
        LIMITED,
        VETO,
        SCOOP,
        replace(SCOOP, recall_share=0.2),
        replace(POLICY, belt=BELT),
        replace(POLICY, belt=ENCODER),
        replace(POLICY, wanted_bin=None),
    ]
    assert len({policy.digest for policy in [POLICY, *others]}) == len(others) + 1
    shuffled = replace(BELT, distances=BELT.distances[::-1])
    assert replace(POLICY, belt=shuffled).digest == replace(POLICY, belt=BELT).digest
    assert replace(LIMITED, limits=LIMITED.limits[::-1]).digest == LIMITED.digest


# --- whatever comes ---

NAMES = st.sampled_from([bin_.name for bin_ in BINS])
MAYBE = st.none() | NAMES
IDS = st.sampled_from([label.id for label in LABELS])
POLICIES = st.builds(
    Policy,
    mode=st.sampled_from(Mode),
    bins=st.just(BINS),
    routes=st.dictionaries(IDS, NAMES).map(lambda d: tuple(map(Route, d, d.values()))),
    families=st.dictionaries(st.sampled_from(["brick", "plate"]), NAMES).map(
        lambda d: tuple(map(FamilyRoute, d, d.values()))
    ),
    wanted=st.dictionaries(IDS, st.none() | st.integers(1, 3)).map(
        lambda d: tuple(map(Wanted, d, d.values()))
    ),
    # An overflow always goes to a bin further down the list, so that no chain is a loop.
    limits=st.lists(st.tuples(st.integers(1, 3), st.integers(1, 4)), max_size=4).map(
        lambda found: tuple(
            Limit(BINS[i].name, capacity, BINS[min(4, i + step)].name)
            for i, (capacity, step) in enumerate(found)
        )
    ),
    unknown_bin=MAYBE,
    review_bin=MAYBE,
    overflow_bin=MAYBE,
    wanted_bin=NAMES,
    rest_bin=MAYBE,
    watch_for=st.just(("3001",)),
    margin=st.floats(0, 0.5),
    veto_share=st.none() | st.floats(0, 1),
    travel_s=st.none() | st.floats(0, 3),
    lead_s=st.floats(0, 1),
)
BELTS = st.none() | st.just(BELT) | st.just(ENCODER)
SEEN = st.builds(
    _seen,
    *([st.floats(0, 1)] * 4),
    objects=st.none() | st.integers(0, 3),
    focus=st.none() | st.floats(0, 1),
    agreeing=st.sampled_from([3, 3, 3, 2]),
)
KNOWN = st.builds(
    Facts,
    st.sampled_from(
        [
            FACTS.machine,
            FACTS.machine,
            FACTS.machine,
            None,
            MachineState(Condition.SAFE, "jam", 7.0, 0),
        ]
    ),
    st.just(BINS),
    st.just(LABELS),
    st.just("a" * 64),
    st.just((0.5,) * 4),
    contents=st.dictionaries(st.integers(1, 5), st.integers(0, 4)),
    delivered=st.dictionaries(st.tuples(IDS, st.integers(1, 5)), st.integers(0, 4)),
    belt=st.none()
    | st.builds(BeltReading, st.none() | st.floats(1, 1000), st.floats(0, 900), st.just(100.1)),
    hold=st.sampled_from(["", "", "", "it is full"]),
)


def _on(policy: Policy, belt: Belt | None) -> Policy:
    return policy if belt is None else replace(policy, travel_s=None, belt=belt)


@settings(deadline=None, max_examples=300)
@given(POLICIES, BELTS, SEEN, KNOWN, st.floats(99.9, 101.5))
def test_whatever_comes_a_target_is_safe(
    policy: Policy, belt: Belt | None, seen: Evidence, facts: Facts, now_s: float
) -> None:
    policy = _on(policy, belt)
    verdict = decide_evidence(seen, policy, facts, now_s)
    assert verdict == decide_evidence(seen, policy, facts, now_s)
    target = verdict.target
    if policy.mode is Mode.WATCH or facts.machine is not FACTS.machine or facts.hold:
        assert target is None
    if target is None:
        assert (verdict.due_s, verdict.deadline_s) == (None, None)
        return
    capacity = policy.capacity_of(target.name)
    assert capacity is None or facts.contents.get(target.number, 0) < capacity
    assert (verdict.due_s is None) == (policy.travel_s is None and policy.belt is None)
    if verdict.due_s is not None:
        assert now_s <= verdict.due_s
        assert verdict.due_s <= (verdict.deadline_s or 0)
    assert policy.mode is Mode.SCOOP or (seen.objects or 0) < 2 or verdict.reason.needs_person


@settings(deadline=None, max_examples=300)
@given(POLICIES, BELTS, SEEN, KNOWN)
def test_a_veto_never_adds_a_movement_nor_takes_one_from_a_person(
    policy: Policy, belt: Belt | None, seen: Evidence, facts: Facts
) -> None:
    policy = _on(policy, belt)
    vetoed = decide_evidence(seen, policy, facts, NOW_S)
    plain = decide_evidence(seen, replace(policy, veto_share=None), facts, NOW_S)
    if vetoed != plain:
        assert plain.target is not None
        assert vetoed.target is None or vetoed.reason.needs_person
    if plain.reason.needs_person and plain.target is None:
        assert vetoed.target is None


@settings(deadline=None, max_examples=100)
@given(POLICIES, st.lists(SEEN, max_size=25))
def test_an_order_never_gets_more_and_a_bin_never_overflows(
    policy: Policy, items: list[Evidence]
) -> None:
    contents: Counter[int] = Counter()
    delivered: Counter[tuple[str, int]] = Counter()
    for seen in items:
        facts = replace(FACTS, contents=dict(contents), delivered=dict(delivered))
        verdict = decide_evidence(seen, policy, facts, NOW_S)
        if verdict.target is None:
            continue
        contents[verdict.target.number] += 1
        if verdict.label is not None:
            delivered[verdict.label.id, verdict.target.number] += 1
    for limit in policy.limits:
        bin_ = policy.bin_named(limit.bin)
        assert bin_ is not None
        assert contents[bin_.number] <= limit.capacity
    for line in policy.wanted:
        found = policy.wanted_line(line.label_id)
        assert found is not None
        if line.quantity is not None:
            assert delivered[line.label_id, found[1].number] <= line.quantity
