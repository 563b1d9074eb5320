"""Builds the dashboard."""

import time
from collections.abc import Callable, Iterable

from flask import Flask

from edge.board import Board, Requests
from edge.dashboard import guard
from edge.dashboard.api import ApiViews
from edge.dashboard.lime_pictures import LimePictures
from edge.dashboard.pictures import ExplainedPictures
from edge.dashboard.shown import Shown
from edge.dashboard.views import PictureViews
from edge.preprocessing import Preprocessing


def create_app(
    board: Board,
    requests: Requests,
    preprocessing: Preprocessing,
    *,
    clock: Callable[[], float] = time.monotonic,
    trusted_hosts: Iterable[str] = guard.LOCAL_HOSTS,
) -> Flask:
    """Build the dashboard; it reads the board and fills the queue, and knows nothing else.

    Safe behind a server with many threads.

    Args:
        board: What to show.
        requests: Where STOP, arming and wishes for an explanation go.
        preprocessing: Of the bundle whose predictions are on the board.
        clock: As `time.monotonic`, by which the frames are dated.
        trusted_hosts: Names and addresses the page may be reached under, without the port; an
            IPv6 address in brackets.

    Example:
        app = create_app(board, requests, bundle.preprocessing)
        waitress.serve(app, host="127.0.0.1", port=8080, threads=12)
    """
    app = Flask(__name__)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    guard.install(app, trusted_hosts)
    shown = Shown(board, ExplainedPictures(preprocessing), LimePictures(preprocessing))
    _add_pictures(app, PictureViews(shown, clock))
    _add_api(app, ApiViews(shown, requests, clock))
    return app


def _add_pictures(app: Flask, views: PictureViews) -> None:
    app.add_url_rule("/", view_func=views.page, methods=["GET"])
    app.add_url_rule("/frame.jpg", view_func=views.frame, methods=["GET"])
    app.add_url_rule(
        "/explanation/<int:sequence>/<int:label_index>.jpg",
        view_func=views.explanation,
        methods=["GET"],
    )
    app.add_url_rule("/explained/<int:sequence>.jpg", view_func=views.plain, methods=["GET"])
    app.add_url_rule(
        "/lime/<int:number>/<int:label_index>.jpg", view_func=views.lime, methods=["GET"]
    )
    app.add_url_rule("/lime/<int:number>.jpg", view_func=views.lime_plain, methods=["GET"])
    app.add_url_rule("/colour-bar.png", view_func=views.bar, methods=["GET"])


def _add_api(app: Flask, views: ApiViews) -> None:
    app.add_url_rule("/api/state", view_func=views.state, methods=["GET"])
    app.add_url_rule("/api/stop", view_func=views.stop, methods=["POST"])
    app.add_url_rule("/api/arm", view_func=views.arm, methods=["POST"])
    app.add_url_rule("/api/explain", view_func=views.explain, methods=["POST"])
    app.add_url_rule("/api/lime", view_func=views.ask_lime, methods=["POST"])
    app.add_url_rule("/api/bins/empty", view_func=views.empty_bin, methods=["POST"])
    app.add_url_rule("/api/order", view_func=views.new_order, methods=["POST"])
    app.add_url_rule("/api/lime/cancel", view_func=views.cancel_lime, methods=["POST"])
    app.add_url_rule("/healthz", view_func=views.health, methods=["GET"])
