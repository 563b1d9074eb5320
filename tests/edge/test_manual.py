"""Moving by hand: one person, as long as the page is there, through the journal like all else."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pipeline_rig import BRICKS, SORTED_INDEX, Rig

from edge.board import ArmRequest, StopRequest
from edge.bundle import Bundle
from edge.decision import Reason
from edge.faults import FaultKind
from edge.journal import Outcome
from edge.journal_reader import JournalReader
from edge.manual import BEAT_S, GONE, LATE, BeatByHand, BeginByHand, EndByHand, MoveByHand
from sorter_firmware_bridge.bins import Condition
from sorter_firmware_bridge.drivers.simulated import Fault, SimulatedSettings
from sorter_firmware_bridge.drivers.simulated import FaultKind as Injected

PAGE = "page-one"
Build = Callable[..., Rig]


@pytest.fixture
def rig(tmp_path: Path, shipped: Bundle) -> Rig:
    built = Rig(tmp_path, shipped)
    built.run(0.5)
    return built


def ask(rig: Rig, *requests: object) -> None:
    for request in requests:
        rig.requests.put(request)  # type: ignore[arg-type]
    rig.step()


def begin(rig: Rig, who: str = "tess", page: str = PAGE) -> None:
    ask(rig, BeginByHand(who, page))


def beat_for(rig: Rig, for_s: float) -> None:
    for _ in range(round(for_s / 0.1)):
        ask(rig, BeatByHand("tess", PAGE))


def condition(rig: Rig) -> Condition:
    assert rig.shown.machine is not None
    return rig.shown.machine.condition


def test_one_move_is_written_down_sent_and_answered(rig: Rig) -> None:
    begin(rig)
    assert (rig.shown.by_hand.who, rig.shown.by_hand.page) == ("tess", PAGE)
    ask(rig, MoveByHand("tess", PAGE, "request-1", BRICKS.number))
    beat_for(rig, 1)
    assert rig.log[:2] == ["intent", "move"]
    assert rig.fired == [1]
    newest = rig.newest()
    assert (newest.reason, newest.label_ids, newest.bin) == ("by_hand", (), BRICKS)
    assert "tess moved it by hand" in newest.explanation
    assert newest.outcome is Outcome.CONFIRMED
    assert rig.balance().seen == 1
    assert rig.shown.line.contents == {BRICKS.number: 1}
    (moved,) = rig.shown.by_hand.moves
    assert moved.sent
    assert moved.bin == BRICKS


def test_the_same_request_acts_once(rig: Rig) -> None:
    begin(rig)
    again = MoveByHand("tess", PAGE, "request-1", BRICKS.number)
    ask(rig, again, again)
    ask(rig, again)
    beat_for(rig, 1)
    assert rig.fired == [1]
    assert rig.balance().seen == 1


def test_without_a_beat_the_machine_is_made_safe(rig: Rig) -> None:
    begin(rig)
    rig.run(BEAT_S - 0.2)
    assert condition(rig) is Condition.ARMED
    rig.run(0.4)
    assert condition(rig) is Condition.SAFE
    assert rig.shown.machine is not None
    assert rig.shown.machine.reason == GONE
    assert rig.shown.by_hand.who is None
    assert rig.shown.by_hand.ended == GONE
    assert [fault.kind for fault in rig.shown.faults] == [FaultKind.SAFE]
    ask(rig, MoveByHand("tess", PAGE, "request-1", BRICKS.number))
    assert rig.balance().seen == 0


def test_beats_keep_it_going(rig: Rig) -> None:
    begin(rig)
    beat_for(rig, 3 * BEAT_S)
    assert rig.shown.by_hand.who == "tess"
    assert condition(rig) is Condition.ARMED


def test_a_pipeline_that_was_held_up_does_not_blame_the_page(rig: Rig) -> None:
    begin(rig)
    rig.requests.put(BeatByHand("tess", PAGE))
    rig.step(after_s=10)
    assert rig.shown.by_hand.who == "tess"


def test_a_move_that_waited_in_a_pipeline_that_was_held_up_is_not_made(rig: Rig) -> None:
    begin(rig)
    rig.requests.put(BeatByHand("tess", PAGE))
    rig.requests.put(MoveByHand("tess", PAGE, "request-1", BRICKS.number))
    rig.step(after_s=BEAT_S + 0.1)
    assert rig.balance().seen == 0
    (moved,) = rig.shown.by_hand.moves
    assert (moved.sent, moved.text) == (False, LATE)
    ask(rig, MoveByHand("tess", PAGE, "request-1", BRICKS.number))
    assert rig.balance().seen == 0


def test_only_one_person_and_only_their_page(rig: Rig) -> None:
    begin(rig)
    begin(rig, "ada", "page-two")
    assert rig.shown.by_hand.who == "tess"
    for who, page in (("ada", PAGE), ("tess", "page-two"), ("ada", "page-two")):
        ask(rig, MoveByHand(who, page, f"request-{who}-{page}", 1), EndByHand(who, page))
    assert rig.shown.by_hand.who == "tess"
    assert rig.balance().seen == 0


def test_beats_of_somebody_else_keep_nothing_going(rig: Rig) -> None:
    begin(rig)
    for _ in range(30):
        ask(rig, BeatByHand("ada", PAGE))
    assert rig.shown.by_hand.who is None
    assert condition(rig) is Condition.SAFE


def test_items_seen_meanwhile_stay_and_say_why(rig: Rig) -> None:
    begin(rig)
    rig.requests.put(BeatByHand("tess", PAGE))
    rig.item(60, (SORTED_INDEX,))
    assert rig.shown.decision is not None
    assert rig.shown.decision.reason is Reason.MANUAL_MODE
    assert "tess" in rig.shown.decision.explanation
    assert rig.fired == []
    assert rig.balance().unmoved == 1
    ask(rig, EndByHand("tess", PAGE, go_on=True))
    rig.item(160)
    rig.run(1)
    assert rig.fired == [1]
    # What it rested on is in the journal, so that it comes out the same again.
    with JournalReader(rig.path) as reader:
        cases = [entry.case for entry in reader.story()]  # type: ignore[union-attr]
    assert [case.facts.by_hand for case in cases if case] == ["tess", ""]


def test_what_is_shown_as_the_decision_is_not_the_move(rig: Rig) -> None:
    rig.item(60)
    decided = rig.shown.entry
    assert decided is not None
    begin(rig)
    ask(rig, MoveByHand("tess", PAGE, "request-1", 2))
    assert rig.shown.recent[0].reason == "by_hand"
    assert rig.shown.entry is not None
    assert rig.shown.entry.item_id == decided.item_id


def test_ending_stops_and_is_no_fault(rig: Rig) -> None:
    begin(rig)
    ask(rig, EndByHand("tess", PAGE))
    assert condition(rig) is Condition.SAFE
    assert rig.shown.faults == ()
    ask(rig, ArmRequest())
    assert condition(rig) is Condition.ARMED


def test_stop_ends_it_and_nothing_asked_with_it_moves(rig: Rig) -> None:
    begin(rig)
    rig.requests.put(MoveByHand("tess", PAGE, "request-1", 1))
    rig.requests.put(BeginByHand("tess", PAGE))
    rig.requests.put(StopRequest(), urgent=True)
    rig.step()
    assert rig.shown.by_hand.who is None
    assert "STOP" in rig.shown.by_hand.ended
    assert condition(rig) is Condition.SAFE
    assert rig.balance().seen == 0
    assert rig.shown.faults == ()


def test_a_machine_that_is_not_armed_is_not_moved(rig: Rig) -> None:
    rig.requests.put(StopRequest(), urgent=True)
    rig.step()
    begin(rig)
    assert rig.shown.by_hand.who is None


def test_a_bin_that_is_not_there_is_not_moved_to(rig: Rig) -> None:
    begin(rig)
    ask(rig, MoveByHand("tess", PAGE, "request-1", 77))
    (moved,) = rig.shown.by_hand.moves
    assert not moved.sent
    assert "no bin 77" in moved.text
    assert rig.balance().seen == 0


def test_a_machine_lost_meanwhile_ends_it(tmp_path: Path, shipped: Bundle) -> None:
    rig = Rig(tmp_path, shipped, SimulatedSettings(faults=(Fault(Injected.UNPLUG),)))
    rig.run(0.5)
    begin(rig)
    ask(rig, MoveByHand("tess", PAGE, "request-1", 1))
    beat_for(rig, 1)
    assert rig.shown.by_hand.who is None
    assert FaultKind.LOST in [fault.kind for fault in rig.shown.faults]
    assert rig.balance().seen == 1
    rig.pipeline.close()
    assert rig.journal.balance().pending == 0


def test_nothing_arms_before_faults_are_acknowledged(tmp_path: Path, shipped: Bundle) -> None:
    rig = Rig(tmp_path, shipped, SimulatedSettings(faults=(Fault(Injected.JAM),)))
    rig.item(20)
    rig.run(1)
    assert rig.shown.faults
    ask(rig, ArmRequest())
    assert condition(rig) is Condition.SAFE
    rig.acknowledge()
    ask(rig, ArmRequest())
    assert condition(rig) is Condition.ARMED
    assert {fault.seen_by for fault in rig.shown.faults} == {"ada"}


def test_a_second_wish_to_arm_does_not_run_over_a_fault_of_a_moment_ago(rig: Rig) -> None:
    ask(rig, StopRequest())
    assert not rig.shown.faults
    rig.requests.put(ArmRequest())
    rig.pipeline.serve()
    rig.drivers[-1].stop("jam at the gate")
    ask(rig, ArmRequest())
    assert condition(rig) is Condition.SAFE
    assert [fault.kind for fault in rig.shown.faults] == [FaultKind.JAM]
