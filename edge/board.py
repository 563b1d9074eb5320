"""What the dashboard shows: one immutable snapshot, replaced whole."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from edge.decision import SortDecision
from edge.domain import Explanation, Label, Prediction
from edge.explain.worker.progress import Progress
from edge.faults import AcknowledgeRequest, Fault
from edge.handoff import Published, RequestQueue
from edge.journal import Balance, Entry
from edge.line import LineReport
from edge.manual import ByHandRequest, HandReport
from edge.timings import Timings
from sorter_firmware_bridge.bins import Bin, Hello, MachineState, Receipt


@dataclass(frozen=True, slots=True)
class StopRequest:
    """Somebody pressed STOP."""


@dataclass(frozen=True, slots=True)
class ArmRequest:
    """Somebody confirmed that the machine may move again."""


@dataclass(frozen=True, slots=True)
class ExplainRequest:
    """Somebody wants the Grad-CAM of a label, also where it is not present."""

    label_index: int


@dataclass(frozen=True, slots=True, eq=False)
class LimeRequest:
    """Somebody wants LIME of what they look at.

    Attributes:
        explanation: Its Grad-CAM; it holds the frame.
    """

    explanation: Explanation


@dataclass(frozen=True, slots=True)
class CancelLimeRequest:
    """Somebody has seen enough of a LIME that is being made, or waits."""

    number: int


@dataclass(frozen=True, slots=True)
class EmptyBinRequest:
    """Somebody emptied a bin."""

    number: int


@dataclass(frozen=True, slots=True)
class NewOrderRequest:
    """Somebody begins to collect the wanted list anew."""


Request = (
    StopRequest
    | ArmRequest
    | ExplainRequest
    | LimeRequest
    | CancelLimeRequest
    | EmptyBinRequest
    | NewOrderRequest
    | AcknowledgeRequest
    | ByHandRequest
)


@dataclass(frozen=True, slots=True)
class About:
    """What does not change while the app runs.

    Attributes:
        bundle_name: Of the model.
        model_sha256: Of the classifier.
        labels: All labels of the model.
        thresholds: Of the labels, on calibrated probabilities.
        mode: "single", "scoop" or "watch".
        machine_kind: For example "simulated".
        camera: Description without secrets.
        lime: Whether LIME can be asked for.
        bins: The configured bins, each with how many items it holds; None is any number.
        wanted: Whether there is a wanted list.
    """

    bundle_name: str
    model_sha256: str
    labels: tuple[Label, ...]
    thresholds: tuple[float, ...]
    mode: str
    machine_kind: str
    camera: str
    lime: bool = True
    bins: tuple[tuple[Bin, int | None], ...] = ()
    wanted: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot:
    """Everything of one moment.

    Attributes:
        version: Counts up with every snapshot.
        about: What does not change.
        prediction: The newest one; None before the first frame.
        explanation: The newest Grad-CAM; it holds the prediction it speaks of. None before.
        lime: What waits for LIME, what is being made and the last that are over, newest first.
        decision: The newest decision; it holds its item. None before.
        entry: The journal's row of that decision, with what became of it.
        receipt: What the machine answered last to its command; None where nothing was sent.
        recent: The newest rows of the journal, newest first.
        balance: What became of all items.
        machine: What the machine said last; None when it does not answer or there is none.
        machine_problem: Why it does not answer, or which configured bins it does not have.
        faults: What went wrong with it, newest first.
        by_hand: Who moves it by hand.
        round_trips_ms: How long its last answers took, oldest first.
        delivered: Items sent since the order began, by label id and bin number.
        line: Whether to feed, how movements arrived, and what may be in the bins.
        camera_state: "live", "reconnecting" or "closed".
        camera_problem: What went wrong with the camera last.
        frames_seen, frames_replaced: Counters since the start.
        stage_ms: Milliseconds of each step for the newest frame.
        timings: The same over the last frames, and how many come.
        problem: Why the pipeline stopped; None while it runs.
    """

    version: int
    about: About
    prediction: Prediction | None = None
    explanation: Explanation | None = None
    lime: tuple[Progress, ...] = ()
    decision: SortDecision | None = None
    entry: Entry | None = None
    receipt: Receipt | None = None
    recent: tuple[Entry, ...] = ()
    balance: Balance = field(default_factory=Balance)
    machine: MachineState | None = None
    machine_problem: str | None = None
    hello: Hello | None = None
    faults: tuple[Fault, ...] = ()
    by_hand: HandReport = field(default_factory=HandReport)
    round_trips_ms: tuple[float, ...] = ()
    delivered: Mapping[tuple[str, int], int] = field(default_factory=dict)
    line: LineReport = field(default_factory=LineReport)
    camera_state: str = "reconnecting"
    camera_problem: str | None = None
    frames_seen: int = 0
    frames_replaced: int = 0
    stage_ms: Mapping[str, float] = field(default_factory=dict)
    timings: Timings = field(default_factory=Timings)
    problem: str | None = None


Board = Published[Snapshot]
Requests = RequestQueue[Request]
