"""One frame from start to end: seen, shown, decided, written down, moved, explained."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline_rig import BINS, BRICKS, REST, REVIEW, SORTED_INDEX, Rig, scene

from edge.board import ArmRequest, ExplainRequest, StopRequest
from edge.bundle import Bundle
from edge.classifier import Classifier
from edge.decision import Mode, Reason
from edge.domain import Frame
from edge.errors import JournalError
from edge.explain.gradcam import GradCam
from edge.items import Trigger
from edge.journal import Journal, JournalSettings, Outcome
from edge.pipeline import CameraReport
from sorter_firmware_bridge.bins import Bin, Condition
from sorter_firmware_bridge.drivers.simulated import Fault, FaultKind, SimulatedSettings

Build = Callable[..., Rig]


@pytest.fixture
def build(tmp_path: Path, shipped: Bundle) -> Iterator[Build]:
    """Builds pipelines, and closes them after the test."""
    rigs: list[Rig] = []

    def make(**values: object) -> Rig:
        home = tmp_path / str(len(rigs))
        home.mkdir()
        rigs.append(Rig(home, shipped, **values))  # type: ignore[arg-type]
        return rigs[-1]

    yield make
    for rig in rigs:
        rig.pipeline.close()


@pytest.fixture
def rig(build: Build) -> Rig:
    return build()


# --- what is shown ---


def test_labels_are_shown_before_they_are_explained(rig: Rig) -> None:
    rig.step(scene(60))
    with_prediction = [s for s in rig.board.shown if s.prediction is not None]
    labels_first, explained = with_prediction[0], with_prediction[-1]
    assert labels_first.explanation is None
    assert set(labels_first.stage_ms) == {"label"}
    assert explained.explanation is not None
    assert explained.explanation.prediction is labels_first.prediction
    assert set(explained.stage_ms) == {"label", "decide", "explain"}
    assert all(time >= 0 for time in explained.stage_ms.values())


def test_versions_count_up_with_every_snapshot(rig: Rig) -> None:
    rig.item(60)
    versions = [snapshot.version for snapshot in rig.board.shown]
    assert versions == list(range(len(versions)))


def test_what_is_shown_is_what_the_models_say(build: Build, shipped: Bundle) -> None:
    """Not what the rig tells its classifier, which only the decision needs."""
    rig = build()
    image = np.random.default_rng(0).integers(0, 256, (90, 120, 3)).astype(np.uint8)
    rig.step(image)
    seen, explained = rig.shown.prediction, rig.shown.explanation
    assert seen is not None
    assert explained is not None
    alone = Classifier(shipped).classify(Frame(0, 0.0, image))
    np.testing.assert_array_equal(seen.logits, alone.logits)
    maps = GradCam(shipped).explain(alone, [rig.label(SORTED_INDEX)]).maps
    np.testing.assert_allclose(explained.maps, maps, atol=1e-7)


def test_frames_are_counted_and_so_are_those_replaced(rig: Rig) -> None:
    for sequence in range(3):
        rig.frames.put(Frame(sequence, rig.now_s, scene(10)))
    rig.step()
    rig.step(scene(10))
    assert (rig.shown.frames_seen, rig.shown.frames_replaced) == (2, 2)


def test_a_camera_that_changes_is_shown_without_a_frame(rig: Rig) -> None:
    rig.step()
    rig.camera = CameraReport("reconnecting", "the cable is out")
    rig.step()
    assert (rig.shown.camera_state, rig.shown.camera_problem) == (
        "reconnecting",
        "the cable is out",
    )
    rig.camera = CameraReport("live", None)
    rig.step()
    assert rig.shown.camera_state == "live"


def test_nothing_new_is_not_shown_again(rig: Rig) -> None:
    rig.run(1)
    version = rig.shown.version
    rig.run(5)
    assert rig.shown.version == version


def test_frames_may_change_their_size(rig: Rig) -> None:
    for height, width in [(96, 128), (96, 128), (480, 640), (128, 96), (7, 900), (96, 128)]:
        rig.step(scene(60, height, width))
        seen, explained = rig.shown.prediction, rig.shown.explanation
        assert seen is not None
        assert explained is not None
        assert seen.frame.image.shape[:2] == (height, width)
        assert explained.prediction is seen


# --- explanations ---


def test_present_labels_are_explained(rig: Rig) -> None:
    rig.classifier.present = (40, 2)
    rig.step(scene(60))
    assert rig.shown.explanation is not None
    assert [label.index for label in rig.shown.explanation.labels] == [40, 2]


def test_without_labels_the_most_likely_one_is_explained(build: Build, shipped: Bundle) -> None:
    rig = build()
    rig.classifier.present = ()
    rig.step(scene(60))
    assert rig.shown.explanation is not None
    assert rig.shown.prediction is not None
    likely = int(rig.shown.prediction.probabilities.argmax())
    assert rig.shown.explanation.labels == (shipped.labels[likely],)


def test_an_absent_label_is_explained_when_somebody_asks(rig: Rig) -> None:
    rig.step(scene(60))
    rig.requests.put(ExplainRequest(70))
    for _ in range(2):
        rig.step(scene(60))
        assert rig.shown.explanation is not None
        labels = [label.index for label in rig.shown.explanation.labels]
        assert labels == [SORTED_INDEX, 70]
    rig.requests.put(ExplainRequest(SORTED_INDEX))
    rig.step(scene(60))
    assert rig.shown.explanation is not None
    assert [label.index for label in rig.shown.explanation.labels] == [SORTED_INDEX]


# --- decisions ---


def test_an_intent_is_on_the_disk_before_its_command_is_sent(rig: Rig) -> None:
    rig.item(60)
    assert rig.log == ["intent", "move", "receipt accepted"]
    rig.run(1)
    assert rig.log[3:] == ["receipt fired", "receipt confirmed"]


def test_an_item_is_decided_shown_moved_and_accounted_for(rig: Rig) -> None:
    rig.item(60)
    decision, entry = rig.shown.decision, rig.shown.entry
    assert decision is not None
    assert entry is not None
    assert (decision.target, decision.reason) == (BRICKS, Reason.SORTED)
    assert decision.label == rig.label(SORTED_INDEX)
    assert decision.model_sha256 == rig.classifier.bundle.sha256
    assert entry.outcome is Outcome.PENDING
    rig.run(1)
    assert rig.shown.entry is not None
    assert rig.shown.entry.outcome is Outcome.CONFIRMED
    assert rig.shown.recent[0] == rig.shown.entry
    assert rig.shown.balance == rig.balance()
    assert rig.balance().confirmed == 1
    (pulse,) = rig.driver.pulses
    assert (pulse.command_id, pulse.bin) == (entry.command_id, BRICKS)


@pytest.mark.parametrize(
    ("present", "target", "reason", "outcome"),
    [
        ((), REST, Reason.NO_LABEL, Outcome.CONFIRMED),
        ((SORTED_INDEX, 9), REVIEW, Reason.SEVERAL_LABELS, Outcome.REVIEW),
        ((9,), None, Reason.NO_ROUTE, Outcome.UNMOVED),
    ],
)
def test_an_item_without_its_own_bin_goes_where_the_policy_says(
    rig: Rig, present: tuple[int, ...], target: Bin | None, reason: Reason, outcome: Outcome
) -> None:
    rig.item(60, present)
    assert rig.shown.decision is not None
    assert (rig.shown.decision.target, rig.shown.decision.reason) == (target, reason)
    rig.run(1)
    assert rig.newest().outcome is outcome
    assert [pulse.bin for pulse in rig.driver.pulses] == ([target] if target else [])
    rig.balance()


def test_each_object_is_one_item(rig: Rig) -> None:
    for grey in (20, 90, 160):
        rig.item(grey)
        rig.item(grey)
    rig.run(2)
    assert (rig.balance().seen, rig.balance().confirmed) == (3, 3)
    assert rig.fired == [1, 2, 3]


def test_watching_moves_nothing(build: Build) -> None:
    rig = build(policy={"mode": Mode.WATCH})
    rig.item(60)
    rig.run(1)
    assert rig.log == ["decision"]
    assert rig.shown.decision is not None
    assert rig.shown.decision.reason is Reason.WATCHED
    assert rig.fired == []


def test_without_a_machine_everything_else_works(build: Build) -> None:
    rig = build(machine=False)
    rig.item(60)
    assert rig.shown.machine is None
    assert rig.shown.machine_problem == "no machine is configured"
    assert rig.shown.decision is not None
    assert rig.shown.decision.reason is Reason.NOT_ARMED
    assert rig.shown.explanation is not None
    assert rig.balance().unmoved == 1


def test_an_old_frame_moves_nothing(rig: Rig) -> None:
    rig.step(scene(60))
    rig.step(scene(60))
    rig.frames.put(Frame(9, rig.now_s - 1.5, scene(60)))
    rig.step(after_s=0)
    assert rig.shown.decision is not None
    assert rig.shown.decision.reason is Reason.STALE_FRAME
    assert rig.log == ["decision"]


def test_a_sensor_begins_an_item(build: Build) -> None:
    rig = build(trigger=Trigger.SENSOR)
    rig.item(60)
    assert rig.log == []
    rig.driver.trip("gate")
    rig.step()
    rig.item(60)
    assert rig.log[:2] == ["intent", "move"]
    # One that saw too few frames before the next is still accounted for.
    rig.driver.trip("gate")
    rig.step()
    rig.step(scene(60))
    rig.driver.trip("gate")
    rig.step()
    assert rig.shown.decision is not None
    assert rig.shown.decision.reason is Reason.FRAMES_DISAGREE
    assert rig.balance().seen == 2


def test_what_cannot_be_written_down_is_not_sent(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise JournalError("the disk is full")

    monkeypatch.setattr(rig.journal, "record_decision", full)
    rig.item(60)
    rig.run(1)
    assert "move" not in rig.log
    assert rig.fired == []
    assert rig.shown.machine is not None
    assert rig.shown.machine.reason == "the journal cannot be written"


# --- STOP ---


def test_stop_makes_the_machine_safe_and_shows_it(rig: Rig) -> None:
    rig.run(0.5)
    rig.requests.put(StopRequest(), urgent=True)
    rig.step()
    assert rig.shown.machine is not None
    assert rig.shown.machine.condition is Condition.SAFE
    assert "STOP was pressed" in rig.shown.machine.reason


def test_stop_beats_what_was_asked_with_it(rig: Rig) -> None:
    rig.run(0.5)
    for request in (ArmRequest(), ExplainRequest(70)):
        rig.requests.put(request)
    rig.requests.put(StopRequest(), urgent=True)
    rig.requests.put(ArmRequest())
    rig.step()
    assert rig.driver.state().condition is Condition.SAFE
    rig.run(2)
    assert rig.driver.state().condition is Condition.SAFE
    # Arming is not lost for ever: it is asked for anew, by who saw that it stopped.
    rig.requests.put(ArmRequest())
    rig.step()
    assert rig.shown.machine is not None
    assert rig.shown.machine.condition is Condition.ARMED


def test_nothing_moves_after_stop(rig: Rig) -> None:
    rig.item(20)
    rig.run(1)
    rig.requests.put(StopRequest(), urgent=True)
    for grey in (90, 160, 230):
        rig.item(grey)
    rig.run(2)
    assert rig.fired == [1]
    assert rig.shown.decision is not None
    assert rig.shown.decision.reason is Reason.NOT_ARMED
    assert (rig.balance().seen, rig.balance().unmoved) == (4, 3)


def test_stop_while_a_frame_is_looked_at_stops_its_item(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    classify = rig.classifier.classify

    def stopped_meanwhile(frame: Frame) -> object:
        seen = classify(frame)
        rig.requests.put(StopRequest(), urgent=True)
        return seen

    rig.step(scene(60))
    rig.step(scene(60))
    monkeypatch.setattr(rig.classifier, "classify", stopped_meanwhile)
    rig.step(scene(60))
    assert rig.log == ["decision"]
    rig.run(1)
    assert rig.fired == []


def test_stop_drops_what_was_waiting(build: Build) -> None:
    rig = build(policy={"travel_s": 5.0})
    rig.item(60)
    assert rig.newest().outcome is Outcome.PENDING
    rig.requests.put(StopRequest(), urgent=True)
    rig.run(6)
    assert rig.newest().outcome is Outcome.MISSED
    assert rig.fired == []
    rig.balance()


# --- what goes wrong with the machine ---


@pytest.mark.parametrize(
    ("kind", "outcome", "really_moved"),
    [
        (FaultKind.SILENCE, Outcome.UNKNOWN, False),
        (FaultKind.LOST_REPLY, Outcome.FIRED, True),
        (FaultKind.REFUSAL, Outcome.REFUSED, False),
        (FaultKind.JAM, Outcome.MISSED, False),
        (FaultKind.UNPLUG, Outcome.UNKNOWN, False),
    ],
)
def test_a_fault_ends_in_its_outcome(
    build: Build, kind: FaultKind, outcome: Outcome, really_moved: bool
) -> None:
    rig = build(settings=SimulatedSettings(faults=(Fault(kind),)))
    rig.item(60)
    rig.run(1)
    found = rig.newest().outcome
    # Of a reply that was lost nothing may ever be known.
    assert found in ((outcome, Outcome.UNKNOWN) if really_moved else (outcome,))
    assert bool(rig.fired) == really_moved
    assert rig.shown.entry is not None
    assert rig.shown.entry.outcome is found
    assert rig.balance().seen == 1


def test_the_item_after_a_fault_is_moved(build: Build) -> None:
    rig = build(settings=SimulatedSettings(faults=(Fault(FaultKind.REFUSAL),)))
    rig.item(60)
    rig.item(160)
    rig.run(1)
    assert rig.fired == [2]
    assert (rig.balance().refused, rig.balance().confirmed) == (1, 1)


def test_after_a_jam_a_person_arms(build: Build) -> None:
    rig = build(settings=SimulatedSettings(faults=(Fault(FaultKind.JAM),)))
    rig.item(20)
    rig.item(90)
    assert rig.shown.machine is not None
    assert rig.shown.machine.condition is Condition.SAFE
    assert "jam" in rig.shown.machine.reason
    rig.acknowledge()
    rig.requests.put(ArmRequest())
    rig.item(160)
    rig.run(1)
    assert (rig.balance().missed, rig.balance().unmoved, rig.balance().confirmed) == (1, 1, 1)


def test_a_lost_machine_is_shown_and_comes_back_disarmed(build: Build) -> None:
    rig = build(settings=SimulatedSettings(faults=(Fault(FaultKind.UNPLUG),)))
    rig.item(20)
    rig.run(1)
    assert rig.shown.machine is None
    assert "does not answer" in (rig.shown.machine_problem or "")
    rig.settings = SimulatedSettings()
    rig.run(3)
    assert rig.shown.machine is not None
    assert rig.shown.machine.condition is Condition.DISARMED
    rig.item(90)
    assert rig.shown.decision is not None
    assert rig.shown.decision.reason is Reason.NOT_ARMED
    assert rig.fired == []
    rig.balance()


# --- the end ---


def test_closing_stops_the_machine_and_writes_down_what_that_dropped(
    build: Build, tmp_path: Path
) -> None:
    rig = build(policy={"travel_s": 5.0})
    rig.item(60)
    rig.pipeline.close()
    rig.pipeline.close()
    rig.now_s += 10
    assert rig.fired == []
    assert rig.shown.machine is None
    assert rig.shown.entry is not None
    assert rig.shown.entry.outcome is Outcome.MISSED
    with Journal(JournalSettings(tmp_path / "0" / "journal.sqlite"), 0.0) as journal:
        assert journal.interrupted == 0
        assert journal.recent(1)[0].outcome is Outcome.MISSED
        assert journal.balance().reconciles


def test_the_journal_is_closed_also_when_it_cannot_be_written(
    rig: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.item(60)

    def broken(*_: object) -> None:
        raise JournalError("the disk is gone")

    rig.now_s += 1
    monkeypatch.setattr(rig.journal, "record_receipt", broken)
    with pytest.raises(JournalError, match="the disk is gone"):
        rig.pipeline.close()
    # It is free for another one, which knows that the result was never heard of.
    with Journal(JournalSettings(tmp_path / "0" / "journal.sqlite"), 0.0) as journal:
        assert journal.interrupted == 1


ACTIONS = st.lists(
    st.one_of(
        st.sampled_from(["stop", "arm", "wait", "nothing present", "two present"]),
        st.integers(0, 5),
    ),
    max_size=12,
)
FAULTS = st.lists(
    st.builds(Fault, st.sampled_from(FaultKind), st.integers(1, 6), st.integers(1, 2)), max_size=3
)


@settings(max_examples=15, deadline=None)
@given(actions=ACTIONS, faults=FAULTS)
def test_whatever_happens_every_item_is_accounted_for(
    tmp_path_factory: pytest.TempPathFactory,
    shipped: Bundle,
    actions: list[str | int],
    faults: list[Fault],
) -> None:
    rig = Rig(tmp_path_factory.mktemp("any"), shipped, SimulatedSettings(faults=tuple(faults)))
    stopped_with: int | None = None
    for number, action in enumerate(actions):
        if action == "stop":
            rig.requests.put(StopRequest(), urgent=True)
            rig.step()
            stopped_with = len(rig.fired)
        elif action == "arm":
            rig.acknowledge()
            rig.requests.put(ArmRequest())
            rig.step()
            stopped_with = None
        elif action == "wait":
            rig.run(3)
        else:
            present = {"nothing present": (), "two present": (SORTED_INDEX, 8)}
            rig.item(20 + 40 * (number % 6), present.get(str(action), (SORTED_INDEX,)))
        balance = rig.balance()
        assert rig.shown.balance == balance
        if stopped_with is not None:
            assert len(rig.fired) == stopped_with
    assert "move without intent" not in rig.log
    assert len(rig.fired) == len(set(rig.fired))
    assert rig.log.count("move") >= len(rig.fired)
    rig.pipeline.close()
    assert rig.journal.balance().pending == 0
    assert all(bin_ in BINS for bin_ in (p.bin for d in rig.drivers for p in d.pulses))
