"""The routes of the live page."""

from collections.abc import Callable

from flask import Blueprint

from edge.board import Board, Requests
from edge.dashboard.live.api import ApiViews
from edge.dashboard.live.lime_pictures import LimePictures
from edge.dashboard.live.pictures import ExplainedPictures
from edge.dashboard.live.shown import Shown
from edge.dashboard.live.views import PictureViews
from edge.dashboard.routes import add_acts, add_looks
from edge.preprocessing import Preprocessing


def blueprint(
    board: Board, requests: Requests, preprocessing: Preprocessing, clock: Callable[[], float]
) -> Blueprint:
    """The live page, its pictures, and what a person can ask for on it.

    Args:
        board: What to show.
        requests: Where STOP, arming and wishes for an explanation go.
        preprocessing: Of the bundle whose predictions are on the board.
        clock: As `time.monotonic`, by which the frames are dated.
    """
    pages = Blueprint("live", __name__)
    shown = Shown(board, ExplainedPictures(preprocessing), LimePictures(preprocessing))
    _add_pictures(pages, PictureViews(shown, clock))
    _add_api(pages, ApiViews(shown, requests, clock))
    return pages


def _add_pictures(pages: Blueprint, views: PictureViews) -> None:
    add_looks(
        pages,
        {
            "/": views.page,
            "/frame.jpg": views.frame,
            "/explanation/<int:sequence>/<int:label_index>.jpg": views.explanation,
            "/explained/<int:sequence>.jpg": views.plain,
            "/lime/<int:number>/<int:label_index>.jpg": views.lime,
            "/lime/<int:number>.jpg": views.lime_plain,
            "/colour-bar.png": views.bar,
        },
    )


def _add_api(pages: Blueprint, views: ApiViews) -> None:
    add_looks(pages, {"/api/state": views.state, "/api/pulse": views.pulse})
    add_acts(
        pages,
        {
            "/api/stop": views.stop,
            "/api/arm": views.arm,
            "/api/explain": views.explain,
            "/api/lime": views.ask_lime,
            "/api/lime/cancel": views.cancel_lime,
            "/api/bins/empty": views.empty_bin,
            "/api/order": views.new_order,
        },
    )
