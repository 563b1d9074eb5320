"""The pipeline on a whole sorting line: orders, full bins, a belt, drops, the veto."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pipeline_rig import BINS, BRICKS, REST, REVIEW, SORTED_INDEX, Rig, scene

from edge.arrival import Arrival
from edge.belt import Belt
from edge.board import EmptyBinRequest, NewOrderRequest
from edge.bundle import Bundle
from edge.decision import Reason, SortDecision
from edge.domain import Explanation, Label, Prediction
from edge.explain.gradcam import GradCam
from edge.items import Trigger
from edge.policy import Backpressure, Limit, Wanted
from sorter_firmware_bridge.bins import Bin
from sorter_firmware_bridge.drivers.simulated import SimulatedSettings

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


def decided(rig: Rig) -> SortDecision:
    assert rig.shown.decision is not None
    return rig.shown.decision


def where(rig: Rig) -> tuple[Bin | None, Reason]:
    return decided(rig).target, decided(rig).reason


def items(rig: Rig, count: int) -> list[tuple[Bin | None, Reason]]:
    """Where so many items in a row go."""
    found = []
    for number in range(count):
        rig.item(20 + 60 * (number % 4))
        found.append(where(rig))
    return found


# --- orders and full bins ---


def test_an_item_on_its_way_counts_for_an_order(build: Build, shipped: Bundle) -> None:
    line = Wanted(shipped.labels[SORTED_INDEX].id, 2, REST.name)
    rig = build(policy={"wanted": (line,), "travel_s": 50.0})
    assert items(rig, 3) == [
        (REST, Reason.WANTED),
        (REST, Reason.WANTED),
        (BRICKS, Reason.SORTED),
    ]
    rig.requests.put(NewOrderRequest())
    rig.run(55)
    rig.requests.put(NewOrderRequest())
    rig.step()
    assert items(rig, 1) == [(REST, Reason.WANTED)]


def test_a_full_bin_overflows_until_it_is_emptied(build: Build) -> None:
    rig = build(policy={"limits": (Limit("bricks", 2, "rest"),)})
    assert [reason for _, reason in items(rig, 3)] == [
        Reason.SORTED,
        Reason.SORTED,
        Reason.OVERFLOW,
    ]
    rig.run(1)
    assert rig.shown.line.contents == {BRICKS.number: 2, REST.number: 1}
    rig.requests.put(EmptyBinRequest(BRICKS.number))
    rig.step()
    assert rig.shown.line.contents[REST.number] == 1
    assert items(rig, 1) == [(BRICKS, Reason.SORTED)]


def test_the_feeder_waits_for_a_full_bin(build: Build) -> None:
    rig = build(policy={"limits": (Limit("bricks", 1),)})
    rig.run(0.5)
    assert rig.shown.line.feeding.ok
    assert items(rig, 2)[1] == (REVIEW, Reason.BIN_FULL)
    rig.run(1)
    feeding = rig.shown.line.feeding
    assert not feeding.ok
    assert "bin 1 'bricks' is full" in feeding.reason


# --- back-pressure ---


def test_with_enough_waiting_nothing_is_sent_until_little_waits(build: Build) -> None:
    rig = build(policy={"backpressure": Backpressure(2, 0), "travel_s": 5.0})
    assert [reason for _, reason in items(rig, 3)] == [
        Reason.SORTED,
        Reason.SORTED,
        Reason.QUEUE_FULL,
    ]
    assert not rig.shown.line.feeding.ok
    rig.run(6)
    assert rig.shown.line.feeding.ok
    assert items(rig, 1) == [(BRICKS, Reason.SORTED)]
    assert rig.balance().refused == 0


def test_a_queue_that_was_full_is_not_pressed(build: Build) -> None:
    rig = build(settings=SimulatedSettings(queue_depth=1), policy={"travel_s": 5.0})
    reasons = [reason for _, reason in items(rig, 3)]
    assert reasons == [Reason.SORTED, Reason.SORTED, Reason.QUEUE_FULL]
    assert rig.balance().refused == 1


# --- the belt ---

PLACES = tuple((bin_.name, 100.0 * bin_.number) for bin_ in BINS)
SENSORS = SimulatedSettings(sensors=("gate", "belt"))
ENCODER = Belt(PLACES, sensor="belt", mm_per_tick=10.0)


def test_on_a_belt_a_command_fires_when_the_item_is_there(build: Build) -> None:
    rig = build(policy={"belt": Belt(PLACES, speed_mm_s=50.0)})
    rig.item(60)
    began_s = decided(rig).item.started_at_s
    assert decided(rig).due_s == pytest.approx(began_s + 2)
    rig.run(3)
    (pulse,) = rig.driver.pulses
    assert pulse.clock_s + 1000.1 == pytest.approx(began_s + 2, abs=0.11)


def test_the_encoder_says_when_the_item_is_there(build: Build) -> None:
    rig = build(settings=SENSORS, policy={"belt": ENCODER}, trigger=Trigger.SENSOR)
    rig.step()
    for _ in range(20):  # a tick every 0.1 s: 100 mm/s
        rig.driver.trip("belt")
        rig.step()
    rig.driver.trip("gate")
    gate_s = rig.now_s
    rig.classifier.present = (SORTED_INDEX,)
    for _ in range(3):
        rig.driver.trip("belt")
        rig.step(scene(60))
    assert where(rig) == (BRICKS, Reason.SORTED)
    assert decided(rig).item.started_at_s == pytest.approx(gate_s)
    assert decided(rig).due_s == pytest.approx(gate_s + 1.0, abs=0.05)


def test_ticks_of_the_belt_begin_no_item(build: Build) -> None:
    rig = build(settings=SENSORS, policy={"belt": ENCODER}, trigger=Trigger.SENSOR)
    rig.step()
    for _ in range(5):
        rig.driver.trip("belt")
        rig.step(scene(60))
    assert rig.balance().seen == 0


def test_on_a_belt_that_stands_still_nothing_is_sent(build: Build) -> None:
    rig = build(settings=SENSORS, policy={"belt": ENCODER})
    rig.item(60)
    assert where(rig) == (None, Reason.BELT_STOPPED)
    assert rig.fired == []


# --- drops ---


def test_drops_are_counted_as_they_arrive(build: Build) -> None:
    rig = build(settings=SimulatedSettings(confirm_after_s=2.0))
    rig.item(60)
    rig.run(3)
    assert rig.shown.line.arrivals[Arrival.LATE] == 1


def test_a_drop_that_never_comes_is_shown_as_lost(build: Build) -> None:
    rig = build(settings=SimulatedSettings(confirm_after_s=60.0))
    rig.item(60)
    rig.run(5)
    assert rig.shown.line.arrivals[Arrival.LOST] == 1


# --- the veto ---


class Told(GradCam):
    """A Grad-CAM with all its heat in the middle, that counts how often it is asked."""

    asked = 0

    def explain(
        self, prediction: Prediction, labels: list[Label], method: str = "grad-cam"
    ) -> Explanation:
        self.asked += 1
        found = super().explain(prediction, labels, method)
        maps = np.zeros_like(found.maps)
        maps[0, maps.shape[1] // 2, maps.shape[2] // 2] = 1.0
        return replace(found, maps=maps)


def lying(row: int, column: int) -> np.ndarray:
    """A grey place with one bright thing on it."""
    picture = scene(60)
    picture[row : row + 30, column : column + 30] = 200
    return picture


def _with_veto(build: Build, shipped: Bundle, **policy: object) -> tuple[Rig, Told]:
    rig = build(policy=policy, empty_at_start=True)
    told = Told(shipped)
    rig.pipeline._sorter._gradcam = told
    return rig, told


def _show(rig: Rig, picture: np.ndarray) -> None:
    rig.step(scene(60))
    rig.classifier.present = (SORTED_INDEX,)
    for _ in range(3):
        rig.step(picture)


def test_heat_beside_the_object_sends_it_to_a_person(build: Build, shipped: Bundle) -> None:
    rig, _ = _with_veto(build, shipped, veto_share=0.5)
    _show(rig, lying(60, 90))
    assert where(rig) == (REVIEW, Reason.EXPLANATION_VETO)
    rig.step(scene(60))
    _show(rig, lying(33, 49))
    assert where(rig) == (BRICKS, Reason.SORTED)


def test_without_the_veto_nothing_is_explained_before_it_is_decided(
    build: Build, shipped: Bundle
) -> None:
    rig, told = _with_veto(build, shipped)
    _show(rig, lying(60, 90))
    assert where(rig) == (BRICKS, Reason.SORTED)
    assert told.asked == 0


def test_two_things_in_view_go_to_a_person(build: Build) -> None:
    rig = build(empty_at_start=True)
    picture = np.maximum(lying(0, 0), lying(60, 90))
    _show(rig, picture)
    assert where(rig) == (REVIEW, Reason.TWO_OBJECTS)


# --- bins that the machine lacks ---


def test_a_bin_that_the_machine_lacks_is_said_at_once_and_nothing_moves(build: Build) -> None:
    rig = build(policy={"bins": (*BINS, Bin(9, "more"))})
    rig.run(0.5)
    assert "the machine has no bin 9 'more'; it has bin 1 'bricks'" in (
        rig.shown.machine_problem or ""
    )
    rig.item(60)
    assert where(rig) == (None, Reason.BINS_MISMATCH)
    assert rig.fired == []
