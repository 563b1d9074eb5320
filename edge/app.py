"""Builds every part, starts and stops every thread.

capture    camera.next_frame()  -> frames (the newest only)
pipeline   Pipeline.step()      -> machine, journal, board
opening    Opening.step()       -> the machine, which may take seconds to answer
explainer  Explainer.step()     <- what the pipeline offers, in a process of its own
web        waitress or cheroot  <- board, -> requests
"""

import ctypes
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import FrameType

from flask import Flask

from edge.board import About, Board, Requests, Snapshot
from edge.bundle import Bundle, with_thresholds
from edge.cameras import (
    CameraSilent,
    ReconnectingCamera,
    SourceKind,
    kind_of_source,
    open_camera,
    redact,
)
from edge.classifier import Classifier
from edge.config import Config, check_against_bundle
from edge.domain import Frame
from edge.errors import CameraLost
from edge.explain.gradcam import GradCam
from edge.explain.worker.explainer import Explainer
from edge.front import Front
from edge.handoff import LatestSlot, Published
from edge.items import ItemAssembler, Trigger
from edge.journal import Journal
from edge.kept_frames import KeptFrames, folder_of
from edge.machine import Machine
from edge.opening import Opening
from edge.pipeline import CameraReport, LimeOf, Parts, Pipeline
from edge.policy import Mode, Policy
from edge.swap.settings import places_of
from edge.swap.starting import Live, open_live
from edge.worker import Worker
from sorter_firmware_bridge.drivers import open_driver
from sorter_firmware_bridge.drivers.driver import Driver

FRAME_WAIT_S = 0.5
SWITCH_S = 0.00005
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
"""Of glibc's mallopt(3)."""
JOIN_S = 10.0
SIGNAL_POLL_S = 0.2
OF_THE_MODEL = ("pipeline:", "explainer:")
"""Failures that may be the fault of the model."""

log = logging.getLogger(__name__)


class App:
    """The whole device.

    Args:
        config: From `edge.config.read_config`.

    Raises:
        BundleError: The model is refused.
        ConfigError: Configuration and model do not fit, or the port is in use.
        JournalError: The record cannot be written.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._ended = threading.Event()
        self._signalled = False
        self._restart_wanted = False
        self._stopped = False
        self._failure: str | None = None
        _give_memory_back()
        _let_native_code_come_back_soon()
        self._live = _open_live(config)
        bundle = with_thresholds(self._live.bundle, config.thresholds)
        self.board: Board = Board(Snapshot(0, _about(config, bundle)))
        self.requests: Requests = Requests()
        self._frames: LatestSlot[Frame] = LatestSlot()
        self._whole: Published[Frame | None] = Published(None)
        self._camera = ReconnectingCamera(
            lambda: open_camera(config.camera), redact(config.camera.source)
        )
        with ExitStack() as undo:
            undo.push(self._live.trial.left)
            journal = undo.enter_context(Journal(config.journal, time.time()))
            self._front = Front(
                config,
                self._live,
                bundle,
                self.board,
                self.requests,
                whole=self._whole.current,
                restart=self.restart,
            )
            undo.callback(self._front.close)
            opener = machine_opener(config)
            self._opening = Opening(opener) if opener else None
            self._explainer = Explainer(bundle, config.explain.settings)
            self._pipeline = self._build_pipeline(config, bundle, journal)
            undo.pop_all()
        self._workers = {
            "capture": Worker("capture", self._capture, self._failed),
            "pipeline": Worker("pipeline", self._pipeline.step, self._failed, self._pipeline.close),
            "explainer": Worker(
                "explainer", self._explainer.step, self._failed, self._explainer.close
            ),
            "web": Worker("web", self._serve, self._failed),
        }
        if self._opening is not None:
            self._workers["opening"] = Worker(
                "opening", self._opening.step, self._failed, self._opening.close
            )

    @property
    def address(self) -> str:
        """Where the page is."""
        return self._front.address

    @property
    def set_up_token(self) -> str | None:
        """With what the first admin is made on the page; None where there are users."""
        return self._front.set_up_token

    @property
    def dashboard(self) -> Flask:
        """The pages, as an application."""
        return self._front.dashboard

    @property
    def notice(self) -> str:
        """What people have to know of how its model became the live one; "" where nothing."""
        return self._live.notice

    @property
    def failure(self) -> str | None:
        """Why it ended by itself; None while it runs or when it was asked to end."""
        return self._failure

    def start(self) -> None:
        """Start every thread: consumers first, then the producer."""
        for name in ("web", "explainer", "opening", "pipeline", "capture"):
            if name in self._workers:
                self._workers[name].start()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until it is asked to end or something fails; whether that happened."""
        return self._ended.wait(timeout_s)

    def end(self) -> None:
        """Ask it to end."""
        self._ended.set()

    def restart(self) -> None:
        """Ask it to end, and to be started anew: with other settings, or another model."""
        self._restart_wanted = True
        self._ended.set()

    @property
    def restart_wanted(self) -> bool:
        """Whether it ended to be started anew."""
        return self._restart_wanted and self._failure is None and not self._signalled

    def stop(self) -> None:
        """Stop producers, then consumers, then the page. The pipeline lets go of the hardware.

        Safe to call twice.
        """
        self._ended.set()
        if self._stopped:
            return
        self._stopped = True
        self._workers["capture"].stop()
        self._camera.close()
        self._frames.close()
        self._join("capture")
        self._workers["pipeline"].stop()
        self._join("pipeline")
        self._pipeline.close()
        if "opening" in self._workers:
            self._workers["opening"].stop()
            self._join("opening")
        self._workers["explainer"].stop()
        self._join("explainer")
        self._explainer.close()
        self._workers["web"].stop()
        self._front.end()
        self._join("web")
        self._front.close()
        self._live.trial.ended((self._failure or "").startswith(OF_THE_MODEL))

    def run(self, ready: Callable[[], None] = lambda: None) -> str | None:
        """Start, wait for Ctrl-C, a termination signal or a failure, stop; the failure if any.

        Args:
            ready: Called first, when a signal already ends it cleanly; it may tell the address.
        """
        previous = {s: signal.signal(s, self._on_signal) for s in (signal.SIGINT, signal.SIGTERM)}
        try:
            ready()
            self.start()
            while not (self._signalled or self.wait(SIGNAL_POLL_S)):
                prediction = self.board.current().prediction
                self._live.trial.look(prediction.frame.sequence if prediction else None)
        finally:
            self.stop()
            for number, handler in previous.items():
                signal.signal(number, handler)
        return self._failure

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        # An Event may not be set here: this thread may be holding its lock, waiting for it.
        self._signalled = True

    def _capture(self) -> None:
        try:
            frame = self._camera.next_frame(FRAME_WAIT_S)
            self._whole.replace(frame)
            self._frames.put(self._config.region.cut(frame))
        except CameraSilent:
            return
        except CameraLost as error:
            if not self._ended.is_set():
                log.warning("%s", error)

    def _serve(self) -> None:
        if self._ended.is_set():
            return
        self._front.run()

    def _failed(self, name: str, error: Exception) -> None:
        log.error("%s ended", name, exc_info=error)
        self._failure = f"{name}: {type(error).__name__}: {error}"
        if name != "web":
            current = self.board.current()
            self.board.replace(_with_problem(current, self._failure))
        self._ended.set()

    def _join(self, name: str) -> None:
        if not self._workers[name].join(JOIN_S):
            log.error("%s did not end within %.0f s", name, JOIN_S)

    def _build_pipeline(self, config: Config, bundle: Bundle, journal: Journal) -> Pipeline:
        return Pipeline(
            Parts(
                frames=self._frames,
                classifier=Classifier(bundle, config.threads),
                gradcam=GradCam(bundle, config.threads),
                items=ItemAssembler(config.items, _that_matter(config.policy)),
                policy=config.policy,
                machine=Machine(
                    self._opening.take if self._opening else None,
                    config.machine.arm_at_start,
                    time.monotonic,
                ),
                journal=journal,
                board=self.board,
                requests=self.requests,
                explainer=self._explainer if config.explain.lime_of else None,
                lime_of=config.explain.lime_of or LimeOf.ASKED,
                sensor_triggers=config.items.trigger is Trigger.SENSOR,
                empty_at_start=config.empty_at_start,
                look_at=config.look_at,
                drop=config.drop,
                kept=KeptFrames(folder_of(config.journal.path), config.kept),
                camera=self._camera_report,
            )
        )

    def _camera_report(self) -> CameraReport:
        health = self._camera.health
        return CameraReport(health.state, health.last_error)


def _open_live(config: Config) -> Live:
    live = open_live(places_of(config))
    with ExitStack() as undo:
        undo.push(live.trial.left)
        check_against_bundle(config, live.bundle)
        undo.pop_all()
    return live


def _that_matter(policy: Policy) -> frozenset[str] | None:
    """Ids of the labels on which frames have to agree; None is all of them."""
    if policy.mode is not Mode.SCOOP:
        return None
    return frozenset(line.label_id for line in policy.collected)


def machine_opener(config: Config) -> Callable[[], Driver] | None:
    """What opens the configured machine; None for `driver = "none"` and where there are no bins."""
    if config.machine.driver == "none" or not config.policy.bins:
        return None
    return lambda: open_driver(config.machine.driver, config.policy.bins, config.machine.settings)


def _with_problem(snapshot: Snapshot, problem: str) -> Snapshot:
    return replace(snapshot, version=snapshot.version + 1, problem=problem)


def _about(config: Config, bundle: Bundle) -> About:
    return About(
        bundle_name=bundle.manifest.name,
        model_sha256=bundle.sha256,
        labels=bundle.labels,
        thresholds=tuple(float(t) for t in bundle.thresholds),
        mode=config.policy.mode.value,
        machine_kind=config.machine.driver,
        camera=_shown(config.camera.source),
        lime=config.explain.lime_of is not None,
        bins=tuple((bin_, config.policy.capacity_of(bin_.name)) for bin_ in config.policy.bins),
        wanted=bool(config.policy.wanted),
    )


def _let_native_code_come_back_soon() -> None:
    # A thread that returns from the model waits for Python until another's turn is over; with the
    # usual 5 ms, a page that is looked at would cost each frame as much as the model itself.
    sys.setswitchinterval(SWITCH_S)


def _give_memory_back() -> None:
    # glibc keeps a heap for every thread; with a page open that is 20 MB nobody uses. And it keeps
    # what whole pictures leave behind, 10 MB more, unless they are mapped one by one.
    allocator = ctypes.CDLL(None)
    if hasattr(allocator, "mallopt"):
        allocator.mallopt(M_ARENA_MAX, 1)
        allocator.mallopt(M_MMAP_THRESHOLD, 512 * 1024)
        allocator.mallopt(M_TRIM_THRESHOLD, 1024 * 1024)


def _shown(source: str) -> str:
    # The page is no place for the folders of this machine, nor for passwords.
    files = (SourceKind.PICTURES, SourceKind.VIDEO)
    return Path(source).name if kind_of_source(source) in files else redact(source)
