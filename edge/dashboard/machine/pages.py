"""The routes of the machine."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, render_template

from edge.board import Board, Requests, Snapshot
from edge.dashboard.access import Role, needs
from edge.dashboard.conditional import conditional
from edge.dashboard.guard import problem
from edge.dashboard.live.pictures import FrameEncoder
from edge.dashboard.machine.asking import AskingViews
from edge.dashboard.machine.settings import SettingsViews
from edge.dashboard.machine.state import aside_of, state_of
from edge.dashboard.routes import Views, add_acts
from edge.domain import Frame
from edge.errors import JournalError
from edge.journal_receipts import Heard, last_heard
from edge.tuning.file import SettingsFile

RECEIPTS = 50


def blueprint(
    board: Board,
    requests: Requests,
    journal: Path,
    file: SettingsFile,
    whole: Callable[[], Frame | None],
    restart: Callable[[], None],
) -> Blueprint:
    """The page of the machine.

    Args:
        board: What to show.
        requests: Where acknowledgements and movements by hand go.
        journal: The journal's file, which the device writes.
        file: The settings.
        whole: The newest picture before it is cut to the camera's region; None before the first.
        restart: Asks the app to start anew.
    """
    pages = Blueprint("machine", __name__)
    shown = MachineViews(board, journal, whole)
    asking, settings = AskingViews(board, requests), SettingsViews(board, journal, file, restart)
    looks: dict[str, tuple[str, Callable[..., Any]]] = {
        "page": ("/machine", shown.page),
        "state": ("/api/machine", shown.state),
        "whole": ("/machine/whole.jpg", shown.whole),
        "settings": ("/api/settings", settings.shown),
    }
    for name, (address, view) in looks.items():
        pages.add_url_rule(address, name, view, methods=["GET"])
    acts: Views = {
        "/api/machine/acknowledge": asking.acknowledge,
        "/api/manual/begin": asking.begin,
        "/api/manual/beat": asking.beat,
        "/api/manual/move": asking.move,
        "/api/manual/end": asking.end,
        "/api/settings/preview": settings.preview,
        "/api/settings/apply": settings.apply,
        "/api/settings/undo": settings.undo,
    }
    add_acts(pages, acts)
    return pages


class MachineViews:
    """What the machine does.

    Args:
        board: What to show.
        journal: The journal's file.
        whole: The newest picture before it is cut.
    """

    def __init__(self, board: Board, journal: Path, whole: Callable[[], Frame | None]) -> None:
        self._board = board
        self._heard = LastHeard(journal)
        self._whole = whole
        self._encoder = FrameEncoder()

    @needs(Role.VIEWER)
    def page(self) -> str:
        """GET /machine"""
        return render_template("machine.html", about=self._board.current().about)

    @needs(Role.VIEWER)
    def state(self) -> Response:
        """GET /api/machine"""
        snapshot = self._board.current()
        heard, why = self._heard.now(snapshot)
        # Its clock moves on with every heartbeat, so that only a machine that is gone stands still.
        aside = aside_of(snapshot)
        return conditional(state_of(snapshot, heard, why) | aside)

    @needs(Role.VIEWER)
    def whole(self) -> Response:
        """GET /machine/whole.jpg: all that the camera sees, also what is not looked at."""
        frame = self._whole()
        if frame is None:
            return problem(404, "there is no picture yet; wait for the first frame")
        return Response(self._encoder.jpeg(frame), mimetype="image/jpeg")


class LastHeard:
    """Reads the last answers when there are new ones. Safe from many threads.

    Args:
        journal: The journal's file.
    """

    def __init__(self, journal: Path) -> None:
        self._journal = journal
        self._lock = threading.Lock()
        self._key: object = None
        self._found: tuple[tuple[Heard, ...], str | None] = (), None

    def now(self, snapshot: Snapshot) -> tuple[tuple[Heard, ...], str | None]:
        """What the machine said last, and why that cannot be read."""
        key = snapshot.balance, snapshot.recent, snapshot.line.arrivals
        with self._lock:
            if key != self._key:
                try:
                    self._found = last_heard(self._journal, RECEIPTS), None
                except JournalError as error:
                    self._found = (), str(error)
                self._key = key
            return self._found
