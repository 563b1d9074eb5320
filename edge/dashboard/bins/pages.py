"""The routes of the bins."""

import time
from pathlib import Path

from flask import Blueprint, Response, render_template

from edge.board import Board
from edge.dashboard.access import Role, needs
from edge.dashboard.bins.contents import CountedBins
from edge.dashboard.bins.state import state_of
from edge.dashboard.conditional import conditional
from edge.dashboard.guard import problem
from edge.inventory.format import Format
from edge.inventory.ids import NO_IDS
from edge.inventory.writing import Words, written
from edge.policy import Policy

_KINDS = {Format.BRICKLINK: "application/xml", Format.BSX: "application/xml"}
_WORDS = {
    Format.CSV: "CSV, by bin",
    Format.BRICKLINK: "BrickLink XML",
    Format.BSX: "BrickStore BSX",
    Format.REBRICKABLE: "Rebrickable CSV",
}


def blueprint(board: Board, journal: Path, policy: Policy) -> Blueprint:
    """The page of the bins.

    Args:
        board: What to show.
        journal: The journal's file, which the device writes.
        policy: What the operator wants: capacities and the wanted list.
    """
    pages = Blueprint("bins", __name__)
    views = BinViews(board, CountedBins(journal, board), policy)
    pages.add_url_rule("/bins", "page", views.page, methods=["GET"])
    pages.add_url_rule("/api/bins", "state", views.state, methods=["GET"])
    pages.add_url_rule("/bins/export/<format_>", "export", views.export, methods=["GET"])
    return pages


class BinViews:
    """What lies in the bins.

    Args:
        board: What to show.
        counted: What lies in which bin.
        policy: What the operator wants.
    """

    def __init__(self, board: Board, counted: CountedBins, policy: Policy) -> None:
        self._board = board
        self._counted = counted
        self._policy = policy

    @needs(Role.VIEWER)
    def page(self) -> str:
        """GET /bins"""
        return render_template("bins.html", formats=_WORDS, wanted=bool(self._policy.collected))

    @needs(Role.VIEWER)
    def state(self) -> Response:
        """GET /api/bins: 304 where nothing has changed."""
        lots, why = self._counted.lots()
        return conditional(state_of(self._board.current(), self._policy, lots, why))

    @needs(Role.VIEWER)
    def export(self, format_: str) -> Response:
        """GET /bins/export/<format>: what surely lies in the bins, as a file."""
        if format_ not in list(Format):
            return problem(404, f"no format {format_[:40]!r}; there are {', '.join(Format)}")
        wanted = Format(format_)
        bins = self._counted.now()
        if not any(contents.lots for contents in bins):
            return problem(409, "nothing lies in the bins yet, so there is nothing to export")
        if wanted is not Format.CSV and not any(contents.recognised for contents in bins):
            return problem(409, "nothing in the bins was recognised; only CSV can list that")
        text = written(wanted, bins, Words(NO_IDS))
        answer = Response(text, mimetype=_KINDS.get(wanted, "text/csv"))
        stamp = time.strftime("%Y-%m-%d-%H%M")
        name = f"bricksight-{wanted}-{stamp}{wanted.suffix}"
        answer.headers.set("Content-Disposition", "attachment", filename=name)
        return answer
