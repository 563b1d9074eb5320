"""One frame from start to end; has no thread and no lock."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from edge.arrival import Window
from edge.board import (
    ArmRequest,
    Board,
    CancelLimeRequest,
    EmptyBinRequest,
    ExplainRequest,
    LimeRequest,
    NewOrderRequest,
    Requests,
    StopRequest,
)
from edge.classifier import Classifier
from edge.decision import Policy
from edge.domain import Explanation, Frame, Label, Prediction
from edge.explain.gradcam import GradCam
from edge.explain.worker.explainer import Explains
from edge.explain.worker.progress import Progress
from edge.faults import AcknowledgeRequest, Faults
from edge.handoff import LatestSlot
from edge.items import ItemAssembler
from edge.journal import Journal
from edge.kept_frames import KeptFrames
from edge.kept_maps import KeptMaps
from edge.line import Line
from edge.look_at import FrameLabeller, LookAt
from edge.machine import Machine
from edge.manual import BeatByHand, BeginByHand, ByHand, EndByHand, MoveByHand
from edge.recorder import Recorder
from edge.sorter import Sorter
from edge.timings import Stopwatch

RECENT_ROWS = 20
IDLE_S = 0.05


class LimeOf(StrEnum):
    """What LIME is made of without being asked."""

    EVERYTHING = "everything"
    ITEMS = "items"
    ASKED = "asked"


@dataclass(frozen=True, slots=True)
class CameraReport:
    """How the camera does, as the board shows it."""

    state: str
    problem: str | None


@dataclass(slots=True)
class Parts:
    """What a pipeline is made of.

    Attributes:
        frames: Where frames come from; the newest only.
        classifier, gradcam: On the same bundle.
        items: Many frames to one item.
        policy: What the operator wants.
        machine: What moves the bins.
        journal: The record.
        kept: Keeps pictures of the items beside it; None keeps none.
        board: Where snapshots are published.
        requests: What people ask for.
        explainer: Makes LIME beside it; None makes none.
        lime_of: What it makes without being asked.
        sensor_triggers: Whether a sensor of the machine begins an item.
        empty_at_start: Whether the first frame shows the empty place, which is no item.
        look_at: What of a frame the model is shown.
        drop: When the drop sensor is expected to see an item.
        camera: How the camera does.
        clock: Seconds, monotonic.
        wall_clock: Seconds since the epoch, for the journal.
    """

    frames: LatestSlot[Frame]
    classifier: Classifier
    gradcam: GradCam
    items: ItemAssembler
    policy: Policy
    machine: Machine
    journal: Journal
    board: Board
    requests: Requests
    explainer: Explains | None = None
    lime_of: LimeOf = LimeOf.ITEMS
    sensor_triggers: bool = False
    empty_at_start: bool = False
    look_at: LookAt = LookAt.FRAME
    drop: Window = field(default_factory=Window)
    kept: KeptFrames | None = None
    camera: Callable[[], CameraReport] = lambda: CameraReport("live", None)
    clock: Callable[[], float] = time.monotonic
    wall_clock: Callable[[], float] = time.time


class Pipeline:
    """Sees, decides, moves, explains and publishes.

    Args:
        parts: What it is made of; it closes machine and journal.
    """

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._line = Line(parts.policy, parts.drop)
        self._asked: list[Label] = []
        self._labeller = FrameLabeller(parts.look_at, parts.classifier, parts.items)
        bundle = parts.classifier.bundle
        maps = KeptMaps(parts.kept, bundle.preprocessing, bundle.sha256) if parts.kept else None
        self._recorder = Recorder(
            parts.journal, parts.kept, self._stop, parts.clock, parts.wall_clock, maps
        )
        self._sorter = Sorter(
            policy=parts.policy,
            bundle=bundle,
            gradcam=parts.gradcam,
            items=parts.items,
            machine=parts.machine,
            line=self._line,
            recorder=self._recorder,
            clock=parts.clock,
            heard=lambda receipt: self._faults.receipt(receipt, parts.wall_clock()),
        )
        self._stopwatch = Stopwatch()
        self._faults = Faults()
        self._by_hand = ByHand(parts.machine, self._sorter, self._note_machine, parts.clock)
        self._frames_seen = 0
        self._closed = False

    def step(self, wait_s: float = IDLE_S) -> None:
        """Serve people, then the machine, then one frame if one comes within `wait_s`."""
        self.serve()
        self.attend()
        frame = self._parts.frames.take(wait_s)
        if frame is not None:
            self.see(frame)

    def serve(self) -> None:
        """Do what people asked for; STOP first, and nothing arms that was asked before it."""
        now_s = self._parts.clock()
        asked = self._parts.requests.take_all()
        stopped = any(isinstance(request, StopRequest) for request in asked)
        for request in asked:
            match request:
                case ArmRequest() if stopped:
                    continue
                case StopRequest():
                    self._note_machine()
                    self._parts.machine.stop(now_s, "STOP was pressed on the page")
                    self._note_machine(by_person=True)
                    self._publish()
                case ArmRequest():
                    # It may have made itself safe a moment ago, or just after somebody else armed.
                    self._parts.machine.fresh_state(now_s)
                    self._note_machine()
                    # What cannot be written down is not sent, so there is nothing to arm for.
                    if not self._faults.waiting and self._recorder.ready():
                        self._parts.machine.arm(now_s)
                        self._note_machine()
                    self._publish()
                case ExplainRequest(index):
                    self._asked = [self._parts.classifier.bundle.labels[index]]
                case EmptyBinRequest(number):
                    self._recorder.empty_bin(number)
                    self._publish()
                case NewOrderRequest():
                    self._recorder.begin_order()
                    self._publish()
                case LimeRequest(explanation):
                    self._pin(explanation)
                case CancelLimeRequest(number) if self._parts.explainer is not None:
                    self._parts.explainer.cancel(number)
                case AcknowledgeRequest(numbers, who):
                    self._faults.acknowledge(numbers, who, self._parts.wall_clock())
                    self._publish()
                case BeginByHand() | MoveByHand() if stopped:
                    continue
                case BeginByHand() | BeatByHand() | MoveByHand() | EndByHand():
                    self._by_hand.serve(request)
        self._by_hand.attend()

    def attend(self) -> None:
        """Keep the machine's watchdog quiet and write down what it answered."""
        self._parts.machine.beat(self._parts.clock())
        receipts = self._parts.machine.receipts()
        for receipt in receipts:
            self._sorter.record(receipt)
        self._note_machine()
        self._recorder.attend()
        self._recorder.explained_by_lime(self._lime())
        for at_s in self._line.sensed(self._parts.machine, self._parts.clock()):
            self._sensed(at_s)
        after = self._parts.machine.state, self._sorter.problem, self._parts.camera()
        current = self._parts.board.current()
        camera = CameraReport(current.camera_state, current.camera_problem)
        shown = current.machine, current.machine_problem, camera
        news = self._lime() is not current.lime or self._sorter.report != current.line
        news = news or self._faults.current is not current.faults
        news = news or self._by_hand.report is not current.by_hand
        if receipts or news or _condition(shown) != _condition(after):
            self._publish()

    def see(self, frame: Frame) -> None:
        """Label a frame, decide if it completes an item, move, explain; publish on the way."""
        started = time.perf_counter()
        prediction = self._labeller.label(frame)
        labelled = time.perf_counter()
        self._frames_seen += 1
        self._publish(prediction=prediction, stage_ms={"label": (labelled - started) * 1e3})
        if self._frames_seen == 1 and self._parts.empty_at_start:
            self._parts.items.learn_empty(prediction)
        item = self._parts.items.add(prediction)
        if item is not None:
            self._sorter.sort(item, self.serve)
        decided = time.perf_counter()
        every = self._explain(prediction)
        explained = time.perf_counter()
        stage_ms = {
            "label": (labelled - started) * 1e3,
            "decide": (decided - labelled) * 1e3,
            "explain": (explained - decided) * 1e3,
        }
        now_s = self._parts.clock()
        self._stopwatch.note(stage_ms, 1e3 * (now_s - frame.captured_at_s), now_s)
        self._publish(explanation=every["grad-cam"], stage_ms=stage_ms)
        wanted = self._parts.lime_of
        if wanted is LimeOf.EVERYTHING or (wanted is LimeOf.ITEMS and item is not None):
            self._offer(every)

    def close(self) -> None:
        """Stop the machine, write down what that dropped, close the journal. Safe to call twice."""
        if self._closed:
            return
        self._closed = True
        self._parts.machine.close()
        try:
            for receipt in self._parts.machine.receipts():
                self._sorter.record(receipt)
            self._publish()
        finally:
            self._recorder.close()

    def _note_machine(self, by_person: bool = False) -> None:
        machine = self._parts.machine
        now_s = self._parts.wall_clock()
        self._faults.machine(machine.state, machine.problem, now_s, by_person)

    def _stop(self, reason: str) -> None:
        self._parts.machine.stop(self._parts.clock(), reason)

    def _explain(self, prediction: Prediction) -> dict[str, Explanation]:
        labels = list(prediction.present)
        labels += [label for label in self._asked if label not in labels]
        if not labels:
            labels = [self._parts.classifier.bundle.labels[int(prediction.probabilities.argmax())]]
        every = self._parts.gradcam.explain_all(prediction, labels)
        self._recorder.explained(every["grad-cam"])
        return every

    def _offer(self, every: dict[str, Explanation]) -> None:
        if self._parts.explainer is not None:
            self._parts.explainer.offer(*_for_lime(every, ()))

    def _pin(self, explanation: Explanation) -> None:
        if self._parts.explainer is not None:
            seen, labels = explanation.prediction, explanation.labels
            every = self._parts.gradcam.explain_all(seen, labels)
            self._parts.explainer.pin(*_for_lime(every, self._asked))

    def _lime(self) -> tuple[Progress, ...]:
        return self._parts.explainer.current() if self._parts.explainer is not None else ()

    def _sensed(self, at_s: float) -> None:
        if self._parts.sensor_triggers:
            item = self._parts.items.sensed(at_s)
            if item is not None:
                self._sorter.sort(item, self.serve)
                self._publish()
                if self._parts.lime_of is not LimeOf.ASKED:
                    self._offer(self._explain(item.newest))

    def _publish(self, **news: Any) -> None:
        parts = self._parts
        current = parts.board.current()
        if self._sorter.decision is not current.decision:
            news["decision"] = self._sorter.decision
        recent = current.recent
        if "prediction" not in news:
            recent = self._recorder.recent(RECENT_ROWS)
            news["balance"] = self._recorder.balance()
            news["delivered"] = self._recorder.delivered
        camera = parts.camera()
        parts.board.replace(
            replace(
                current,
                version=current.version + 1,
                recent=recent,
                entry=next((row for row in recent if row.item_id == self._sorter.item_id), None),
                receipt=self._sorter.answer,
                lime=self._lime(),
                machine=parts.machine.state,
                hello=parts.machine.hello,
                machine_problem=self._sorter.problem,
                faults=self._faults.current,
                by_hand=self._by_hand.report,
                round_trips_ms=parts.machine.round_trips_ms,
                line=self._sorter.report,
                camera_state=camera.state,
                camera_problem=camera.problem,
                frames_seen=self._frames_seen,
                frames_replaced=parts.frames.replaced,
                timings=self._stopwatch.told(parts.clock()),
                **news,
            )
        )


def _for_lime(
    every: dict[str, Explanation], asked: Sequence[Label]
) -> tuple[Prediction, tuple[Label, ...], Explanation | None]:
    """What LIME is made of: labels of one window, because it hides parts of one picture.

    It is the window of a label that was asked for, or else of the most confident one.
    """
    gradcam, hires = every["grad-cam"], every.get("hirescam")
    shown = gradcam.prediction.by_part(gradcam.labels)
    part, places = next(
        (
            (part, places)
            for part, places in shown
            if any(gradcam.labels[place] in asked for place in places)
        ),
        shown[0],
    )
    labels = tuple(gradcam.labels[place] for place in places)
    return part, labels, hires and hires.only(places)


def _condition(shown: tuple[Any, str | None, CameraReport]) -> tuple[object, ...]:
    # What a person would notice; the machine's clock moves on with every heartbeat.
    state, problem, camera = shown
    machine = (state.condition, state.reason, state.queued) if state else None
    return machine, problem, camera
