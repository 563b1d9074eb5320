"""An item, a policy and the facts become a decision."""

import math
from dataclasses import replace

import pytest
from builders import LABELS, make_item, make_prediction
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.decision import (
    Facts,
    Mode,
    Policy,
    Reason,
    Route,
    SortDecision,
    command_for,
    decide,
    policy_problems,
)
from edge.errors import ConfigError
from edge.items import Item
from sorter_firmware_bridge.bins import Bin, Condition, MachineState

BRICKS, PLATES, UNKNOWN, REVIEW, REST = (
    Bin(1, "bricks"),
    Bin(2, "plates"),
    Bin(3, "unknown"),
    Bin(4, "review"),
    Bin(5, "rest"),
)
BINS = (BRICKS, PLATES, UNKNOWN, REVIEW, REST)
ARMED = MachineState(Condition.ARMED, "", clock_s=7.0, queued=0)
FACTS = Facts(ARMED, BINS, LABELS, model_sha256="a" * 64)
POLICY = Policy(
    mode=Mode.SINGLE,
    bins=BINS,
    routes=(Route("3001", "bricks"), Route("3003", "bricks"), Route("3020", "plates")),
    unknown_bin="unknown",
    review_bin="review",
    overflow_bin="rest",
)
NOW_S = 100.2
IDS = [label.id for label in LABELS]


def _decide(
    item: Item | None = None, policy: Policy = POLICY, facts: Facts = FACTS, now_s: float = NOW_S
) -> SortDecision:
    return decide(item or make_item(), policy, facts, now_s)


# --- single ---


def test_one_label_with_a_route_goes_to_its_bin() -> None:
    decision = _decide()
    assert (decision.target, decision.reason) == (BRICKS, Reason.SORTED)
    assert decision.label == LABELS[0]
    assert decision.explanation == "Brick 2x4 (3001) at 90%: bin 1 'bricks'."
    assert decision.model_sha256 == "a" * 64
    assert decision.policy_sha256 == POLICY.digest
    assert decision.due_s is None


def test_alternatives_are_the_other_labels_with_their_bins() -> None:
    decision = _decide()
    assert [(a.label.id, a.bin) for a in decision.alternatives] == [
        ("3003", BRICKS),
        ("3020", PLATES),
        ("3710", None),
    ]
    assert decision.alternatives[0].probability == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("item", "target", "reason", "says"),
    [
        (make_item(make_prediction((0.1, 0.1, 0.1, 0.1))), UNKNOWN, Reason.NO_LABEL, "threshold"),
        (
            make_item(make_prediction((0.9, 0.1, 0.8, 0.1))),
            REVIEW,
            Reason.SEVERAL_LABELS,
            "2 brick types at once (Brick 2x4 (3001), Plate 2x4 (3020))",
        ),
        (
            make_item(make_prediction((0.6, 0.45, 0.0, 0.0))),
            REVIEW,
            Reason.SMALL_MARGIN,
            "leads by 0.15, 0.2 is needed",
        ),
        (
            make_item(agreeing=2),
            REVIEW,
            Reason.FRAMES_DISAGREE,
            "2 of 3 frames agree, 3 are needed",
        ),
        (
            make_item(make_prediction((0.0, 0.0, 0.0, 0.9))),
            REST,
            Reason.NO_ROUTE,
            "Plate 1x4 (3710) at 90% has no bin of its own: bin 5 'rest'",
        ),
    ],
)
def test_a_doubt_goes_to_its_own_bin(item: Item, target: Bin, reason: Reason, says: str) -> None:
    decision = _decide(item)
    assert (decision.target, decision.reason) == (target, reason)
    assert says in decision.explanation


def test_without_a_bin_for_it_the_overflow_takes_it_and_without_that_nothing_moves() -> None:
    nothing = make_item(make_prediction((0.1, 0.1, 0.1, 0.1)))
    no_bins = replace(POLICY, unknown_bin=None, review_bin=None)
    assert _decide(nothing, no_bins).target == REST
    assert _decide(make_item(agreeing=0), no_bins).target == REST
    left = _decide(nothing, replace(no_bins, overflow_bin=None))
    assert (left.target, left.reason) == (None, Reason.NO_LABEL)
    assert "it is not moved" in left.explanation


@pytest.mark.parametrize(
    ("machine", "says"),
    [
        (None, "there is no machine"),
        (MachineState(Condition.DISARMED, "", 0.0, 0), "the machine is disarmed"),
        (MachineState(Condition.SAFE, "jam", 0.0, 0), "the machine is safe (jam)"),
    ],
)
def test_nothing_moves_on_a_machine_that_is_not_armed(
    machine: MachineState | None, says: str
) -> None:
    decision = _decide(facts=replace(FACTS, machine=machine))
    assert (decision.target, decision.reason) == (None, Reason.NOT_ARMED)
    assert says in decision.explanation


@pytest.mark.parametrize(
    ("policy", "facts", "says"),
    [
        (POLICY, replace(FACTS, bins=BINS[:4]), "the machine has no bin 5 'rest'"),
        (POLICY, replace(FACTS, labels=LABELS[1:]), "label '3001' does not exist"),
        (replace(POLICY, review_bin="revue"), FACTS, "did you mean 'review'?"),
    ],
)
def test_nothing_moves_when_bins_labels_and_machine_do_not_fit(
    policy: Policy, facts: Facts, says: str
) -> None:
    decision = _decide(policy=policy, facts=facts)
    assert (decision.target, decision.reason) == (None, Reason.BINS_MISMATCH)
    assert says in decision.explanation


@pytest.mark.parametrize(
    ("age_s", "fresh"), [(0.0, True), (1.0, True), (1.01, False), (-0.1, False)]
)
def test_nothing_moves_on_an_old_frame_or_one_from_the_future(age_s: float, fresh: bool) -> None:
    item = make_item(make_prediction(captured_at_s=0.0))
    decision = _decide(item, now_s=age_s)
    assert (decision.reason is Reason.SORTED) == fresh
    assert fresh or (decision.target, decision.reason) == (None, Reason.STALE_FRAME)


def test_probabilities_that_are_no_numbers_go_to_a_person() -> None:
    for broken in ((math.nan, 0.1, 0.0, 0.0), (0.9, 0.0, math.nan, 0.0)):
        decision = _decide(make_item(make_prediction(broken, present=[0])))
        assert (decision.target, decision.reason) == (REVIEW, Reason.SMALL_MARGIN)


def test_the_earlier_check_decides() -> None:
    """Each item or fact fails all checks from its own on; the first of them is the reason."""
    disarmed = replace(FACTS, machine=None, bins=())
    old = make_item(agreeing=0, labels=())
    assert _decide(old, facts=disarmed, now_s=500.0).reason is Reason.NOT_ARMED
    assert _decide(old, facts=replace(FACTS, bins=()), now_s=500.0).reason is Reason.BINS_MISMATCH
    assert _decide(old, now_s=500.0).reason is Reason.STALE_FRAME
    assert _decide(old).reason is Reason.FRAMES_DISAGREE
    assert _decide(make_item(labels=())).reason is Reason.NO_LABEL
    close = make_prediction((0.6, 0.59, 0.0, 0.0))
    assert _decide(make_item(close)).reason is Reason.SEVERAL_LABELS
    alone = make_prediction((0.45, 0.4, 0.0, 0.6), present=[3])
    assert _decide(make_item(alone)).reason is Reason.SMALL_MARGIN
    late = replace(POLICY, travel_s=0.1)
    ahead = make_item(make_prediction((0.0, 0.0, 0.0, 0.9)))
    assert _decide(ahead).reason is Reason.NO_ROUTE
    assert _decide(ahead, late).reason is Reason.TOO_LATE


# --- time ---


def test_the_due_time_is_counted_from_the_start_of_the_item() -> None:
    decision = _decide(policy=replace(POLICY, travel_s=1.5, tolerance_s=0.1))
    assert decision.due_s == pytest.approx(99.8 + 1.5)
    assert decision.deadline_s == pytest.approx(99.8 + 1.6)


def test_an_item_that_cannot_be_reached_in_time_is_not_moved() -> None:
    decision = _decide(policy=replace(POLICY, travel_s=0.43, lead_s=0.05))
    assert (decision.target, decision.reason, decision.due_s) == (None, Reason.TOO_LATE, None)
    assert "due in 0.030 s, 0.05 s are needed" in decision.explanation
    assert _decide(policy=replace(POLICY, travel_s=0.46, lead_s=0.05)).reason is Reason.SORTED


def test_a_command_speaks_in_the_machines_time() -> None:
    decision = _decide(policy=replace(POLICY, travel_s=1.5, tolerance_s=0.1))
    command = command_for(decision, 12, ARMED, NOW_S)  # our 100.2 s are its 7.0 s
    assert (command.id, command.bin) == (12, BRICKS)
    assert command.due_s == pytest.approx(7.0 + 1.1)
    assert command.deadline_s == pytest.approx(7.0 + 1.2)


def test_an_item_that_waits_needs_no_time() -> None:
    command = command_for(_decide(), 1, ARMED, NOW_S)
    assert (command.due_s, command.deadline_s) == (None, None)


def test_without_a_target_there_is_no_command() -> None:
    with pytest.raises(ValueError, match="nothing to send: Nothing is moved"):
        command_for(_decide(facts=replace(FACTS, machine=None)), 1, ARMED, NOW_S)


# --- watch ---

WATCH = replace(POLICY, mode=Mode.WATCH, watch_for=("3020",))


def test_watch_tells_what_is_wanted_and_moves_nothing() -> None:
    decision = _decide(make_item(make_prediction((0.9, 0.0, 0.8, 0.0))), WATCH)
    assert (decision.target, decision.reason) == (None, Reason.WATCHED)
    assert decision.explanation == "Watched for and recognised: Plate 2x4 (3020)."
    assert decision.label == LABELS[2]


def test_watch_says_when_nothing_wanted_is_there() -> None:
    assert _decide(policy=WATCH).reason is Reason.NOTHING_WATCHED


def test_watch_without_a_list_is_for_any_label_and_needs_no_machine() -> None:
    any_label = Policy(mode=Mode.WATCH)
    decision = _decide(policy=any_label, facts=replace(FACTS, machine=None, bins=()))
    assert decision.reason is Reason.WATCHED


def test_watch_does_not_trust_old_or_disagreeing_frames() -> None:
    assert _decide(policy=WATCH, now_s=500.0).reason is Reason.STALE_FRAME
    doubt = _decide(make_item(agreeing=1), WATCH)
    assert (doubt.target, doubt.reason) == (None, Reason.FRAMES_DISAGREE)


# --- whatever comes ---

NAMES = st.sampled_from(["bricks", "plates", "unknown", "review", "rest", "nowhere", None])
CHANCES = st.lists(st.floats(0, 1) | st.just(math.nan), min_size=4, max_size=4)
POLICIES = st.builds(
    Policy,
    mode=st.sampled_from(Mode),
    bins=st.sets(st.sampled_from(BINS)).map(tuple),
    routes=st.lists(
        st.builds(Route, st.sampled_from([*IDS, "9999"]), NAMES.map(str)), max_size=5
    ).map(tuple),
    unknown_bin=NAMES,
    review_bin=NAMES,
    overflow_bin=NAMES,
    margin=st.floats(0, 1),
    travel_s=st.none() | st.floats(0, 600),
)
MACHINES = st.none() | st.builds(
    MachineState, st.sampled_from(Condition), st.just("why"), st.floats(0, 9), st.integers(0, 3)
)


@settings(deadline=None)
@given(
    POLICIES,
    CHANCES,
    st.sets(st.integers(0, 3)),
    st.integers(0, 3),
    MACHINES,
    st.sets(st.sampled_from(BINS)).map(tuple),
    st.floats(99, 110),
)
def test_a_target_is_always_a_bin_of_policy_and_machine_and_never_in_watch(
    policy: Policy,
    chances: list[float],
    present: set[int],
    agreeing: int,
    machine: MachineState | None,
    bins: tuple[Bin, ...],
    now_s: float,
) -> None:
    item = make_item(make_prediction(chances, present=sorted(present)), agreeing)
    decision = decide(item, policy, Facts(machine, bins, LABELS, "a" * 64), now_s)
    assert decision.explanation
    assert decision.reason.describe
    if policy.mode is Mode.WATCH or machine is None or not machine.armed:
        assert decision.target is None
    if decision.target is None:
        assert decision.due_s is None
    else:
        assert decision.target in policy.bins
        assert decision.target in bins
        assert decision.item.agreed or decision.reason is Reason.FRAMES_DISAGREE
    if decision.reason is Reason.SORTED:
        assert decision.target == policy.route_of(item.labels[0].id)
        assert len(item.labels) == 1


# --- the policy ---


def test_a_good_policy_has_no_problems() -> None:
    assert policy_problems(POLICY, IDS) == []


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"bins": (*BINS, Bin(1, "more"))},
            "bin number 1 is used twice, by 'bricks' and 'more'; give each its own",
        ),
        (
            {"bins": (*BINS, Bin(9, "Rest"))},
            "bin name 'Rest' is used twice, by number 5 and 9; give each its own",
        ),
        (
            {"routes": (Route("3002", "bricks"),)},
            "label '3002' does not exist in this model; did you mean '3020', '3003', '3001'?",
        ),
        (
            {"routes": (Route("x", "bricks"),)},
            "label 'x' does not exist in this model; there are '3001', '3003', '3020', '3710'",
        ),
        (
            {"routes": (Route("3001", "bricks"), Route("3001", "rest"))},
            "label '3001' goes to 2 bins, 'bricks', 'rest'; keep one",
        ),
        (
            {"routes": (Route("3001", "brick"),)},
            "label '3001' goes to bin 'brick', which does not exist; did you mean 'bricks'?",
        ),
        (
            {"overflow_bin": "floor"},
            "overflow_bin is 'floor', which does not exist; "
            "there are 'bricks', 'plates', 'unknown', 'review', 'rest'",
        ),
        (
            {"watch_for": ("37100",)},
            "label '37100' does not exist in this model; did you mean '3710', '3020', '3003'?",
        ),
    ],
)
def test_a_problem_says_what_was_found_and_what_there_is(
    changes: dict[str, object], problem: str
) -> None:
    assert policy_problems(replace(POLICY, **changes), IDS) == [problem]  # type: ignore[arg-type]


def test_single_needs_bins_and_watch_does_not() -> None:
    assert policy_problems(Policy(Mode.SINGLE), IDS) == ["mode 'single' needs bins; none is listed"]
    assert policy_problems(Policy(Mode.WATCH), IDS) == []


def test_with_many_labels_only_a_few_are_named() -> None:
    (problem,) = policy_problems(replace(WATCH, routes=(), watch_for=("?",)), map(str, range(85)))
    assert "there are 85, for example '0', '1', '2'" in problem


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("margin", 1.5),
        ("margin", math.nan),
        ("max_age_s", 0.0),
        ("travel_s", -1.0),
        ("lead_s", -0.1),
        ("tolerance_s", 61.0),
    ],
)
def test_a_policy_value_out_of_range_is_named(key: str, value: float) -> None:
    with pytest.raises(ConfigError, match=rf"policy\.{key}: found .*, expected"):
        replace(POLICY, **{key: value})  # type: ignore[arg-type]


def test_the_digest_changes_with_what_decides_and_not_with_the_order() -> None:
    assert len(POLICY.digest) == 64
    assert replace(POLICY, routes=POLICY.routes[::-1], bins=BINS[::-1]).digest == POLICY.digest
    others = {
        replace(POLICY, mode=Mode.WATCH).digest,
        replace(POLICY, margin=0.21).digest,
        replace(POLICY, routes=POLICY.routes[:2]).digest,
        replace(POLICY, review_bin=None).digest,
        replace(POLICY, watch_for=("3001",)).digest,
    }
    assert len(others | {POLICY.digest}) == 6


def test_every_reason_has_a_sentence_of_its_own() -> None:
    sentences = [reason.describe for reason in Reason]
    assert len(set(sentences)) == len(Reason)
    assert all(sentence.endswith(".") for sentence in sentences)
