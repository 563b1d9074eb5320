"""A journal decided again: the same under its own policy, and what moves under another."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline_rig import BINS, BRICKS, REST, REVIEW, SORTED_INDEX, Rig

from edge.board import ArmRequest, EmptyBinRequest, NewOrderRequest, StopRequest
from edge.bundle import Bundle
from edge.decision import Mode, Policy, Route
from edge.journal_reader import JournalReader, Record
from edge.policy import Limit, Wanted
from edge.replay import Replayed, policy_misfits, replay
from edge.replay_report import as_json
from sorter_firmware_bridge.bins import Bin
from sorter_firmware_bridge.drivers.simulated import Fault, FaultKind, SimulatedSettings

OTHER_INDEX = 9


def policy(shipped: Bundle, **changes: object) -> Policy:
    values: dict[str, object] = {
        "mode": Mode.SINGLE,
        "bins": BINS,
        "routes": (Route(shipped.labels[SORTED_INDEX].id, BRICKS.name),),
        "unknown_bin": REST.name,
        "review_bin": REVIEW.name,
    }
    return Policy(**{**values, **changes})  # type: ignore[arg-type]


def changes_of(policy_: Policy) -> dict[str, object]:
    return {name: getattr(policy_, name) for name in policy_.__dataclass_fields__}


def decided_again(rig: Rig, other: Policy) -> Replayed:
    with JournalReader(rig.path) as reader:
        assert policy_misfits(other, reader) == []
        return replay(reader.story(), other)


def assert_same(rig: Rig, same: Policy) -> Replayed:
    """Every decision comes out as it was, to the word."""
    found = decided_again(rig, same)
    assert found.moved == []
    assert found.reworded == []
    assert found.before == found.after
    assert found.items == rig.journal.balance().seen
    return found


ACTIONS = st.lists(
    st.one_of(
        st.sampled_from(["stop", "arm", "empty", "order", "none", "two", "other"]),
        st.integers(0, 5),
    ),
    max_size=14,
)
POLICIES = st.sampled_from(
    [
        {},
        {"limits": (Limit(BRICKS.name, 2, REST.name),)},
        {"mode": Mode.WATCH},
        {"mode": Mode.SCOOP, "wanted_bin": BRICKS.name, "rest_bin": REST.name, "wanted": "some"},
        {"wanted": "some", "wanted_bin": REST.name},
        {"travel_s": 0.3},
    ]
)
FAULTS = st.lists(
    st.builds(Fault, st.sampled_from(FaultKind), st.integers(1, 6), st.integers(1, 2)), max_size=2
)


@settings(max_examples=15, deadline=None)
@given(actions=ACTIONS, values=POLICIES, faults=FAULTS)
def test_under_its_own_policy_nothing_changes(
    tmp_path_factory: pytest.TempPathFactory,
    shipped: Bundle,
    actions: list[str | int],
    values: dict[str, object],
    faults: list[Fault],
) -> None:
    ids = [shipped.labels[index].id for index in (SORTED_INDEX, OTHER_INDEX)]
    wanted = (Wanted(ids[0], 2), Wanted(ids[1]))
    values = values | ({"wanted": wanted} if values.get("wanted") else {})
    same = policy(shipped, **values)
    home = tmp_path_factory.mktemp("replay")
    rig = Rig(home, shipped, SimulatedSettings(faults=tuple(faults)), policy=changes_of(same))
    requests = {
        "stop": StopRequest(),
        "arm": ArmRequest(),
        "empty": EmptyBinRequest(BRICKS.number),
        "order": NewOrderRequest(),
    }
    present = {"none": (), "two": (SORTED_INDEX, 8), "other": (OTHER_INDEX,)}
    for number, action in enumerate(actions):
        if action in requests:
            rig.acknowledge()
            rig.requests.put(requests[str(action)])
            rig.step()
        else:
            rig.item(20 + 40 * (number % 6), present.get(str(action), (SORTED_INDEX,)))
    assert_same(rig, same)
    rig.pipeline.close()
    assert_same(rig, same)


@pytest.fixture
def rig(tmp_path: Path, shipped: Bundle) -> Iterator[Rig]:
    """Three to bin 1, one that is not recognised, one without a bin, one for a person."""
    made = Rig(tmp_path, shipped)
    seen = [(SORTED_INDEX,)] * 3 + [(), (OTHER_INDEX,), (SORTED_INDEX, 8)]
    for number, present in enumerate(seen):
        made.item(20 + 35 * number, present)
        made.run(0.5)
    yield made
    made.pipeline.close()


def test_what_would_move_is_told_with_its_counts(rig: Rig, shipped: Bundle) -> None:
    other = policy(shipped, routes=(Route(shipped.labels[OTHER_INDEX].id, REST.name),))
    found = decided_again(rig, other)
    # Bin 1 has no rule any more and there is no overflow: its three stay; the other one moves.
    assert [(move.record.item_id, move.verdict.target) for move in found.moved] == [
        (1, None),
        (2, None),
        (3, None),
        (5, REST),
    ]
    assert found.before.bins == {BRICKS: 3, REST: 1, None: 1, REVIEW: 1}
    assert found.after.bins == {REST: 2, None: 3, REVIEW: 1}
    assert found.before.review_rate == found.after.review_rate == pytest.approx(1 / 6)
    assert as_json(found)["after"]["bins"] == {"2 rest": 2, "3 review": 1, "not moved": 3}


def test_what_would_move_is_kept_without_its_evidence(rig: Rig, shipped: Bundle) -> None:
    """A long journal would not fit into the memory of a small computer."""
    found = decided_again(rig, policy(shipped, mode=Mode.WATCH))
    assert found.moved
    assert {move.record.case for move in (*found.moved, *found.reworded)} == {None}


def test_a_model_is_read_once_for_all_its_items(rig: Rig) -> None:
    with JournalReader(rig.path) as reader:
        cases = [record.case for record in reader.story() if isinstance(record, Record)]
    assert len({id(case.facts.labels) for case in cases if case is not None}) == 1


def test_a_stricter_margin_sends_more_to_a_person(rig: Rig, shipped: Bundle) -> None:
    found = decided_again(rig, policy(shipped, margin=0.95))
    assert [move.record.item_id for move in found.moved] == [1, 2, 3, 5]
    assert (found.before.review_rate, found.after.review_rate) == (
        pytest.approx(1 / 6),
        pytest.approx(5 / 6),
    )


def test_a_bin_that_would_be_full_gives_to_the_next(rig: Rig, shipped: Bundle) -> None:
    full = policy(shipped, limits=(Limit(BRICKS.name, 2, REST.name),))
    found = decided_again(rig, full)
    assert [(move.record.item_id, move.verdict.target) for move in found.moved] == [(3, REST)]
    # Emptied in between, it takes them all.
    rig.requests.put(EmptyBinRequest(BRICKS.number))
    rig.step()
    for grey in (25, 65, 105):
        rig.item(grey)
        rig.run(0.5)
    found = decided_again(rig, full)
    assert [move.record.item_id for move in found.moved] == [3, 9]


def test_what_goes_elsewhere_fills_the_bin_there(rig: Rig, shipped: Bundle) -> None:
    label = shipped.labels[SORTED_INDEX].id
    swapped = policy(
        shipped, routes=(Route(label, REVIEW.name),), limits=(Limit(REVIEW.name, 2, REST.name),)
    )
    found = decided_again(rig, swapped)
    targets = [move.verdict.target for move in found.moved]
    # The third finds two there already; so does the sixth, which is for a person.
    assert targets == [REVIEW, REVIEW, REST, REST]
    assert found.moved[-1].record.item_id == 6


def test_a_wanted_quantity_is_counted_anew(rig: Rig, shipped: Bundle) -> None:
    wanted = (Wanted(shipped.labels[SORTED_INDEX].id, 2, REST.name),)
    found = decided_again(rig, policy(shipped, wanted=wanted))
    assert [(move.record.item_id, move.verdict.target) for move in found.moved] == [
        (1, REST),
        (2, REST),
    ]


def test_a_bin_the_machine_had_not_is_taken_to_be_there(rig: Rig, shipped: Bundle) -> None:
    new = Bin(9, "new")
    label = shipped.labels[SORTED_INDEX].id
    found = decided_again(rig, policy(shipped, bins=(*BINS, new), routes=(Route(label, "new"),)))
    assert found.new_bins == {new}
    assert found.after.bins[new] == 3


def test_a_policy_for_other_labels_is_refused(rig: Rig, shipped: Bundle) -> None:
    with JournalReader(rig.path) as reader:
        (found,) = policy_misfits(policy(shipped, routes=(Route("77", BRICKS.name),)), reader)
    assert "label '77' does not exist in this model" in found


def test_rows_without_evidence_are_counted_and_left_out(rig: Rig, shipped: Bundle) -> None:
    decision = rig.shown.decision
    assert decision is not None
    rig.journal.record_decision(decision, 0.0)
    found = decided_again(rig, policy(shipped))
    assert (found.items, found.without_evidence) == (6, [7])
