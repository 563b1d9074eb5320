"""The routes of the health page."""

import time
from collections.abc import Callable

from flask import Blueprint

from edge.board import Board
from edge.dashboard.health.views import HealthViews, Settings
from edge.dashboard.routes import add_looks
from edge.health.looking import Looking


def blueprint(
    board: Board,
    looking: Looking,
    settings: Settings,
    clock: Callable[[], float] = time.monotonic,
) -> Blueprint:
    """How the device does, for people and for monitors.

    Args:
        board: What the pipeline tells.
        looking: What the machine tells.
        settings: From where on it is hot, and the disk full.
        clock: As `time.monotonic`, by which the frames are dated.
    """
    views = HealthViews(board, looking, settings, clock)
    pages = Blueprint("health", __name__)
    add_looks(
        pages,
        {
            "/health": views.page,
            "/api/health": views.state,
            "/metrics": views.metrics,
            "/livez": views.alive,
            "/readyz": views.ready,
        },
    )
    return pages
