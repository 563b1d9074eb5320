"""A journal with items of all kinds, their pictures and maps, and the pages over it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from builders import LABELS, make_item
from dashboard_rig import (
    ABOUT,
    BRICKS,
    PLATES,
    PREPROCESSING,
    SPOTS,
    World,
    explain,
    lime,
    pile,
    predict,
)
from flask import Flask
from flask.testing import FlaskClient
from numpy.typing import NDArray

from edge.access.roles import Role
from edge.board import Snapshot
from edge.corrections.corrections import Corrections
from edge.dashboard.items.pages import blueprint
from edge.decision import Facts, Policy, SortDecision, decide
from edge.domain import Label, Prediction
from edge.handoff import Published
from edge.journal import Journal, JournalSettings
from edge.kept_frames import FrameSettings, KeptFrames, folder_of, path_of
from edge.kept_maps import KeptMaps
from edge.policy import Mode, Route
from sorter_firmware_bridge.bins import Bin, Condition, MachineState, Receipt, ReceiptState

REVIEW = Bin(3, "review")
BINS = (BRICKS, PLATES, REVIEW)
POLICY = Policy(
    mode=Mode.SINGLE,
    bins=BINS,
    routes=(Route("3001", "bricks"), Route("3020", "plates")),
    unknown_bin="plates",
    review_bin="review",
)
START_S = 1_767_258_000.0
ARMED = MachineState(Condition.ARMED, "", clock_s=7.0, queued=0)


class ItemsWorld:
    """Items in a journal that a device writes, and the dashboard over them.

    Attributes:
        world: The dashboard; its users are vera, tess and ada.
        policy: What decides now; to be replaced by another.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / "journal.sqlite"
        self.journal = Journal(JournalSettings(self.path), START_S)
        self.frames = KeptFrames(folder_of(self.path), FrameSettings(min_free_mb=0))
        self.maps = KeptMaps(self.frames, PREPROCESSING, ABOUT.model_sha256)
        self.corrections = Corrections(self.path)
        self.policy: Policy | None = POLICY
        bins = tuple((bin_, None) for bin_ in BINS)
        self.board = Published(Snapshot(1, replace(ABOUT, bins=bins)))
        pages = blueprint(self.path, self.corrections, self.board, lambda: self.policy)
        self.world = World(folder, pages=[pages])
        self.seen = 0

    def close(self) -> None:
        self.journal.close()
        self.world.store.close()

    def app(self) -> Flask:
        return self.world.live_app()

    def as_(self, name: str) -> FlaskClient:
        """A script of somebody with that role: vera looks, tess corrects."""
        role = {"vera": Role.VIEWER, "tess": Role.TECHNICIAN, "ada": Role.ADMIN}[name]
        client = self.world.app.test_client()
        token = self.world.gate.tokens.add(f"{name}{id(client)}", role)
        client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        return client

    def see(
        self,
        probabilities: tuple[float, ...] = (0.94, 0.1, 0.2, 0.05),
        image: NDArray[np.uint8] | None = None,
        *,
        kept: bool = True,
        explained: bool = True,
        answers: tuple[ReceiptState, ...] = (ReceiptState.ACCEPTED, ReceiptState.FIRED),
        **changes: Any,
    ) -> int:
        """One item, decided by `POLICY`; its id."""
        self.seen += 1
        picture = pile(7 * self.seen) if image is None else image
        seen = predict(picture, self.seen, 99.9, probabilities)
        decision = replace(_decided(seen), **changes)
        at_s = START_S + 60 * self.seen
        command_id = self.journal.record_decision(decision, at_s, FACTS)
        if command_id is not None:
            for n, state in enumerate(answers):
                told = Receipt(command_id, state, 7.1 + n, reason="said <b>so</b>")
                self.journal.record_receipt(told, at_s + 0.25 * (n + 1))
        item_id = self.journal.last_item
        if kept:
            self._keep(item_id, seen, explained)
        return item_id

    def picture(self, item_id: int) -> Path:
        return path_of(folder_of(self.path), item_id)

    def _keep(self, item_id: int, seen: Prediction, explained: bool) -> None:
        kept = self.frames.keep(item_id, seen.frame)
        assert kept is not None
        self.journal.record_frame(item_id, kept.sha256, kept.size_bytes)
        self.maps.remember(item_id, seen.frame, kept.sha256)
        if explained:
            self.maps.gradcam(explain(seen, {0: SPOTS[0], 2: SPOTS[2]}))
            self.maps.limes([lime(seen)])


FACTS = Facts(
    machine=ARMED,
    bins=BINS,
    labels=LABELS,
    model_sha256=ABOUT.model_sha256,
    thresholds=ABOUT.thresholds,
    contents={1: 4},
)


def _decided(seen: Prediction) -> SortDecision:
    item = make_item(seen, labels=_present(seen))
    return decide(replace(item, predictions=(seen,) * 3), POLICY, FACTS, 100.0)


def _present(seen: Prediction) -> tuple[Label, ...]:
    return seen.present
