"""What the pipeline hands to the explainer, and how its answers reach the board."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from pipeline_rig import SORTED_INDEX, Rig, scene

from edge.board import CancelLimeRequest, ExplainRequest, LimeRequest
from edge.bundle import Bundle
from edge.domain import Explanation, Label, Prediction
from edge.explain.worker.progress import ExplainRequest as Asked
from edge.explain.worker.progress import ExplainState, Progress
from edge.items import Trigger
from edge.pipeline import LimeOf


class Listener:
    """An explainer that only listens, and says what it is told to."""

    def __init__(self) -> None:
        self.offered: list[Asked] = []
        self.cancelled: list[int] = []
        self.said: tuple[Progress, ...] = ()

    def offer(
        self, prediction: Prediction, labels: Sequence[Label], hires: Explanation | None = None
    ) -> int:
        self.offered.append(Asked(len(self.offered) + 1, prediction, tuple(labels), hires))
        return len(self.offered)

    def pin(
        self, prediction: Prediction, labels: Sequence[Label], hires: Explanation | None = None
    ) -> int | None:
        self.offered.append(
            Asked(len(self.offered) + 1, prediction, tuple(labels), hires, pinned=True)
        )
        return len(self.offered)

    def cancel(self, number: int) -> None:
        self.cancelled.append(number)

    def current(self) -> tuple[Progress, ...]:
        return self.said


Build = Callable[..., tuple[Rig, Listener]]


@pytest.fixture
def build(tmp_path: Path, shipped: Bundle) -> Iterator[Build]:
    rigs: list[Rig] = []

    def make(lime_of: LimeOf = LimeOf.ITEMS, **values: object) -> tuple[Rig, Listener]:
        listener = Listener()
        rigs.append(
            Rig(tmp_path, shipped, explainer=listener, lime_of=lime_of, **values)  # type: ignore[arg-type]
        )
        return rigs[-1], listener

    yield make
    for rig in rigs:
        rig.pipeline.close()


def explained(rig: Rig) -> Explanation:
    """The Grad-CAM that is shown."""
    assert rig.shown.explanation is not None
    return rig.shown.explanation


def test_an_item_is_explained_once_with_the_labels_it_was_decided_by(build: Build) -> None:
    rig, listener = build()
    rig.item(60)
    rig.run(1.0)
    (asked,) = listener.offered
    assert not asked.pinned
    assert rig.shown.decision is not None
    assert asked.prediction is rig.shown.decision.item.newest
    assert [label.index for label in asked.labels] == [SORTED_INDEX]
    assert asked.hires is not None
    assert asked.hires.method == "hirescam"
    assert asked.hires.prediction is asked.prediction


def test_an_item_that_a_sensor_began_is_explained_too(build: Build) -> None:
    rig, listener = build(trigger=Trigger.SENSOR)
    rig.run(0.5)
    for _ in range(2):
        # The second sensor finds an item of one frame, which is over without a new one.
        rig.driver.trip("gate")
        rig.step()
        rig.step(scene(60))
    rig.driver.trip("gate")
    rig.step()
    assert rig.shown.decision is not None
    assert listener.offered[-1].prediction is rig.shown.decision.item.newest
    assert listener.offered[-1].hires is not None


def test_every_frame_is_offered_where_everything_is_wanted(build: Build) -> None:
    rig, listener = build(LimeOf.EVERYTHING)
    for grey in (10, 90, 200):
        rig.step(scene(grey))
    assert [asked.prediction.frame.sequence for asked in listener.offered] == [0, 1, 2]


def test_nothing_is_offered_where_only_what_is_asked_for_is_wanted(build: Build) -> None:
    rig, listener = build(LimeOf.ASKED)
    rig.item(60)
    assert listener.offered == []
    rig.requests.put(LimeRequest(explained(rig)))
    rig.step()
    (asked,) = listener.offered
    assert asked.pinned


def test_the_frame_a_person_looks_at_is_pinned_with_the_labels_explained_on_it(
    build: Build,
) -> None:
    rig, listener = build(LimeOf.ASKED)
    rig.requests.put(ExplainRequest(7))
    rig.step(scene(60))
    looked_at = explained(rig)
    for grey in range(0, 200, 10):
        rig.step(scene(grey))
    rig.requests.put(LimeRequest(looked_at))
    rig.step()
    (asked,) = listener.offered
    assert asked.prediction is looked_at.prediction
    assert [label.index for label in asked.labels] == [SORTED_INDEX, 7]
    assert asked.hires is not None
    assert asked.hires.prediction is looked_at.prediction


def test_a_cancel_is_passed_on(build: Build) -> None:
    rig, listener = build()
    rig.requests.put(CancelLimeRequest(5))
    rig.step()
    assert listener.cancelled == [5]


def test_what_the_explainer_says_is_shown_without_a_new_frame(build: Build) -> None:
    rig, listener = build()
    rig.item(60)
    rig.run(2.0)
    version = rig.shown.version
    listener.said = (Progress(listener.offered[0], ExplainState.SAMPLING, 16, 64),)
    rig.step()
    assert rig.shown.version > version
    assert rig.shown.lime is listener.said
    version = rig.shown.version
    rig.step()
    assert rig.shown.version == version


def test_without_an_explainer_requests_do_nothing(tmp_path: Path, shipped: Bundle) -> None:
    rig = Rig(tmp_path, shipped)
    rig.item(60)
    rig.requests.put(LimeRequest(explained(rig)))
    rig.requests.put(CancelLimeRequest(1))
    rig.step()
    assert rig.shown.lime == ()
    rig.pipeline.close()
