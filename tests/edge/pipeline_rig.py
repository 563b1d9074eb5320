"""A pipeline of real parts, with a hand on the time and on what is recognised."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from edge.board import About, Board, Requests, Snapshot
from edge.bundle import Bundle
from edge.classifier import Classifier
from edge.decision import Facts, Mode, Policy, Route, SortDecision
from edge.domain import Frame, Label, PixelWindow, Prediction
from edge.explain.gradcam import GradCam
from edge.explain.worker.explainer import Explains
from edge.faults import AcknowledgeRequest
from edge.handoff import LatestSlot
from edge.items import ItemAssembler, ItemSettings, Trigger
from edge.journal import Balance, Entry, Journal, JournalSettings, Outcome
from edge.kept_frames import FrameSettings, KeptFrames, folder_of
from edge.look_at import LookAt
from edge.machine import Machine
from edge.pipeline import CameraReport, LimeOf, Parts, Pipeline
from sorter_firmware_bridge.bins import Bin, Command, Receipt
from sorter_firmware_bridge.drivers.simulated import SimulatedDriver, SimulatedSettings

BRICKS, REST, REVIEW = Bin(1, "bricks"), Bin(2, "rest"), Bin(3, "review")
BINS = (BRICKS, REST, REVIEW)
SORTED_INDEX = 3
"""The label that has a bin."""


class Told(Classifier):
    """The shipped model, that is told what is present."""

    present: tuple[int, ...] = (SORTED_INDEX,)

    def classify(self, frame: Frame, windows: Sequence[PixelWindow] = ()) -> Prediction:
        seen = super().classify(frame, windows)
        chances = np.full(len(self.bundle.labels), 0.01, np.float32)
        chances[list(self.present)] = 0.95
        labels = tuple(self.bundle.labels[index] for index in self.present)
        return replace(seen, probabilities=chances, present=labels)


class ToldJournal(Journal):
    """A journal that notes in which order it is written to."""

    def __init__(self, path: Path, log: list[str], max_rows: int) -> None:
        super().__init__(JournalSettings(path, max_rows), 0.0)
        self.log = log

    def record_decision(
        self, decision: SortDecision, now_s: float, facts: Facts | None = None
    ) -> int | None:
        command_id = super().record_decision(decision, now_s, facts)
        self.log.append("intent" if command_id is not None else "decision")
        return command_id

    def record_receipt(self, receipt: Receipt, now_s: float) -> None:
        super().record_receipt(receipt, now_s)
        self.log.append(f"receipt {receipt.state}")


class ToldDriver(SimulatedDriver):
    """A simulated machine that notes what it is sent, and what the journal knew then."""

    rig: "Rig"

    def move_to(self, command: Command) -> Receipt:
        (entry,) = self.rig.journal.recent(1)
        known = entry.command_id == command.id and entry.outcome is Outcome.PENDING
        self.rig.log.append("move" if known else "move without intent")
        return super().move_to(command)


class WholeBoard(Board):
    """A board that keeps every snapshot."""

    def __init__(self, value: Snapshot) -> None:
        super().__init__(value)
        self.shown: list[Snapshot] = [value]

    def replace(self, value: Snapshot) -> None:
        super().replace(value)
        self.shown.append(value)


class Rig:
    """A pipeline in the folder `home`.

    Args:
        home: Where the journal goes.
        bundle: The shipped one.
        settings: What its machine is like.
        policy: Values that differ from those of a sorting machine.
        trigger: What begins an item.
        machine: Whether there is one.
        explainer: Makes LIME; None makes none.
        lime_of: What it makes without being asked.
        empty_at_start: Whether the first frame shows the empty place.
        look_at: What of a frame the model is shown.
        max_rows: Items that the journal keeps.
        frames: Which pictures are kept; None keeps none.
    """

    def __init__(
        self,
        home: Path,
        bundle: Bundle,
        settings: SimulatedSettings | None = None,
        policy: dict[str, object] | None = None,
        trigger: Trigger = Trigger.STILL,
        machine: bool = True,
        explainer: Explains | None = None,
        lime_of: LimeOf = LimeOf.ITEMS,
        empty_at_start: bool = False,
        look_at: LookAt = LookAt.FRAME,
        max_rows: int = 100_000,
        frames: FrameSettings | None = None,
    ) -> None:
        self.now_s = 1000.0
        self.log: list[str] = []
        self.settings = settings or SimulatedSettings()
        self.path = home / "journal.sqlite"
        self.drivers: list[ToldDriver] = []
        self.journal = ToldJournal(self.path, self.log, max_rows)
        self.classifier = Told(bundle)
        about = About("starter", bundle.sha256, bundle.labels, (), "single", "simulated", "test")
        self.board = WholeBoard(Snapshot(0, about))
        self.requests: Requests = Requests()
        self.frames: LatestSlot[Frame] = LatestSlot()
        self.camera = CameraReport("live", None)
        self._sequence = 0
        values: dict[str, object] = {
            "mode": Mode.SINGLE,
            "bins": BINS,
            "routes": (Route(bundle.labels[SORTED_INDEX].id, BRICKS.name),),
            "unknown_bin": REST.name,
            "review_bin": REVIEW.name,
        }
        self.pipeline = Pipeline(
            Parts(
                frames=self.frames,
                classifier=self.classifier,
                gradcam=GradCam(bundle),
                items=ItemAssembler(ItemSettings(trigger, k=2, n=3, patience_frames=3)),
                policy=Policy(**{**values, **(policy or {})}),  # type: ignore[arg-type]
                machine=Machine(self._open if machine else None, arm_at_start=True),
                journal=self.journal,
                board=self.board,
                requests=self.requests,
                explainer=explainer,
                lime_of=lime_of,
                sensor_triggers=trigger is Trigger.SENSOR,
                empty_at_start=empty_at_start,
                look_at=look_at,
                kept=KeptFrames(folder_of(self.path), frames) if frames else None,
                camera=lambda: self.camera,
                clock=lambda: self.now_s,
                wall_clock=lambda: 1.7e9 + self.now_s,
            )
        )

    @property
    def driver(self) -> ToldDriver:
        """The machine that was opened last."""
        return self.drivers[-1]

    @property
    def shown(self) -> Snapshot:
        """What the board shows now."""
        return self.board.current()

    @property
    def fired(self) -> list[int]:
        """The ids of what really moved, on any machine."""
        return [pulse.command_id for driver in self.drivers for pulse in driver.pulses]

    def step(self, image: np.ndarray | None = None, after_s: float = 0.1) -> None:
        """Let time pass and the pipeline step, with a new frame if an image is given."""
        self.now_s += after_s
        if image is not None:
            self.frames.put(Frame(self._sequence, self.now_s, image))
            self._sequence += 1
        self.pipeline.step(wait_s=0)

    def item(self, grey: int, present: Sequence[int] = (SORTED_INDEX,)) -> None:
        """Show an object until it is an item: at rest with its second frame, agreed with its
        third. Another grey is another object."""
        self.classifier.present = tuple(present)
        for _ in range(3):
            self.step(scene(grey))

    def run(self, for_s: float) -> None:
        """Let the pipeline step without frames for so long."""
        for _ in range(round(for_s / 0.1)):
            self.step()

    def acknowledge(self) -> None:
        """Have ada see every fault that is shown; done with the next step."""
        shown = frozenset(fault.number for fault in self.shown.faults)
        self.requests.put(AcknowledgeRequest(shown, "ada"))

    def label(self, index: int) -> Label:
        return self.classifier.bundle.labels[index]

    def balance(self) -> Balance:
        """What became of all items; it always adds up."""
        balance = self.journal.balance()
        assert balance.reconciles
        return balance

    def newest(self) -> Entry:
        """The newest row of the journal."""
        return self.journal.recent(1)[0]

    def _open(self) -> ToldDriver:
        driver = ToldDriver(BINS, self.settings, lambda: self.now_s)
        driver.rig = self
        self.drivers.append(driver)
        return driver


def scene(grey: int, height: int = 96, width: int = 128) -> np.ndarray:
    """An even picture."""
    return np.full((height, width, 3), grey, np.uint8)
