"""The health page, and what monitors ask."""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Response, jsonify, render_template

from edge.board import Board
from edge.dashboard.access import Role, everybody, needs
from edge.dashboard.guard import problem
from edge.dashboard.health.state import health_of
from edge.health.looking import Looking
from edge.health.versions import versions
from edge.health.warnings import warnings


@dataclass(frozen=True, slots=True)
class Settings:
    """When to warn.

    Attributes:
        hot_c: Degrees from where on the machine is hot.
        min_free_mb: Megabytes on the disk below which no pictures are kept.
    """

    hot_c: float
    min_free_mb: int


class HealthViews:
    """How the device does.

    Args:
        board: What the pipeline tells.
        looking: What the machine tells.
        settings: When to warn.
        clock: As `time.monotonic`.
    """

    def __init__(
        self, board: Board, looking: Looking, settings: Settings, clock: Callable[[], float]
    ) -> None:
        self._board, self._looking = board, looking
        self._settings, self._clock = settings, clock
        self._versions = versions()

    @needs(Role.VIEWER)
    def page(self) -> str:
        """GET /health"""
        return render_template("health.html", versions=self._versions)

    @needs(Role.VIEWER)
    def state(self) -> Response:
        """GET /api/health"""
        vitals = self._looking.now()
        wrong = warnings(vitals, self._settings.hot_c, self._settings.min_free_mb)
        state = health_of(self._board.current(), vitals, self._clock())
        return jsonify(state | {"warnings": wrong})

    @needs(Role.VIEWER)
    def metrics(self) -> Response:
        """GET /metrics: for Prometheus, with a token of a viewer."""
        # Its library is slow to load, and most devices are never scraped.
        from edge.dashboard.health.metrics import CONTENT_TYPE, scraped

        text = scraped(self._board.current(), self._looking.now(), self._clock())
        return Response(text, content_type=CONTENT_TYPE)

    @everybody
    def alive(self) -> Response:
        """GET /livez: 200 while it answers at all; touches nothing that could wait."""
        return jsonify(ok=True)

    @everybody
    def ready(self) -> Response:
        """GET /readyz: 200 while the pipeline runs and frames come, else 503 with no detail."""
        snapshot = self._board.current()
        waits_for = []
        if snapshot.problem is not None:
            waits_for.append("pipeline")
        if snapshot.camera_state != "live":
            waits_for.append("camera")
        if snapshot.prediction is None:
            waits_for.append("first frame")
        if not waits_for:
            return jsonify(ok=True)
        return problem(503, f"not ready: {', '.join(waits_for)}", ok=False)
