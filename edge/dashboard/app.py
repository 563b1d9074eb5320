"""Builds the dashboard."""

import datetime
import time
from collections.abc import Callable, Iterable
from typing import Any

from flask import Blueprint, Flask, current_app, g, request, url_for

from edge.access.sessions import WHOLE_S
from edge.board import Board, Requests
from edge.dashboard import guard
from edge.dashboard.access import needs_of
from edge.dashboard.access.gate import Gate, check_declared
from edge.dashboard.access.views import blueprint as access_pages
from edge.dashboard.hosts import Hosts
from edge.dashboard.live.pages import blueprint as live_pages
from edge.preprocessing import Preprocessing

TABS = {
    "live.page": "Live",
    "items.page": "Items",
    "bins.page": "Bins",
    "machine.page": "Machine",
    "model.page": "Model",
    "study.page": "Study",
    "health.page": "Health",
}
"""What stands in the bar of every page, where it is there and the person may see it."""


def create_app(
    board: Board,
    requests: Requests,
    preprocessing: Preprocessing,
    gate: Gate,
    *,
    pages: Iterable[Blueprint] = (),
    clock: Callable[[], float] = time.monotonic,
    hosts: Hosts | None = None,
    secure: bool = False,
) -> Flask:
    """Build the dashboard; it reads the board and fills the queue, and knows nothing else.

    Safe behind a server with many threads.

    Args:
        board: What to show.
        requests: Where STOP, arming and wishes for an explanation go.
        preprocessing: Of the bundle whose predictions are on the board.
        gate: Who is let in.
        pages: Further pages, besides the live one and those of the users.
        clock: As `time.monotonic`, by which the frames are dated.
        hosts: Under which names the page may be reached; those of this machine if not given.
        secure: Whether people reach it over TLS only, so that cookies go no other way.

    Raises:
        RuntimeError: A route does not say whom it needs.

    Example:
        app = create_app(board, requests, bundle.preprocessing, gate)
        waitress.serve(app, host="127.0.0.1", port=8080, threads=12)
    """
    app = Flask(__name__)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.config.update(
        SECRET_KEY=gate.secret,
        SESSION_COOKIE_NAME="bricksight",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        SESSION_COOKIE_SECURE=secure,
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=datetime.timedelta(seconds=WHOLE_S),
    )
    guard.install(app, hosts or Hosts())
    gate.install(app)
    for page in (live_pages(board, requests, preprocessing, clock), access_pages(gate), *pages):
        app.register_blueprint(page)
    app.context_processor(_on_every_page)
    check_declared(app)
    return app


def _on_every_page() -> dict[str, Any]:
    person = g.get("person")
    tabs = []
    for endpoint, name in TABS.items():
        declared = needs_of(current_app.view_functions.get(endpoint))
        if person and declared and declared.role and person.role.reaches(declared.role):
            tabs.append(
                {
                    "address": url_for(endpoint),
                    "name": name,
                    "here": request.blueprint == endpoint.split(".")[0],
                }
            )
    return {"person": person, "tabs": tabs}
