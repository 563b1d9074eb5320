"""The routes of the model's page."""

from http import HTTPStatus

from flask import Blueprint, Response

from edge.bundle import Bundle
from edge.dashboard.guard import problem
from edge.dashboard.model.views import ModelViews
from edge.dashboard.values import printable
from edge.errors import SwapError, SwapLost, SwapUnknown
from edge.swap.starting import Live
from edge.swap.swapper import Swapper


def blueprint(swapper: Swapper, live: Live, bundle: Bundle) -> Blueprint:
    """The model's page, and what makes another model live.

    Args:
        swapper: Makes another one live; its owner closes it.
        live: What the device began with.
        bundle: The same, with the thresholds that are used.

    Example:
        live = open_live(places)
        pages = blueprint(Swapper(places, restart), live, live.bundle)
    """
    views = ModelViews(swapper, live, bundle)
    pages = Blueprint("model", __name__)
    pages.register_error_handler(
        SwapError, lambda error: _swap_error(error, swapper.places.shown(error))
    )
    pages.add_url_rule("/model", view_func=views.page, methods=["GET"])
    pages.add_url_rule("/api/model", view_func=views.state, methods=["GET"])
    for address, view in (
        ("/api/model/self-test", views.self_test),
        ("/api/model/swap", views.swap),
        ("/api/model/rollback", views.roll_back),
        ("/api/model/notice/dismiss", views.dismiss),
    ):
        pages.add_url_rule(address, view_func=view, methods=["POST"])
    return pages


def _swap_error(error: SwapError, said: str) -> Response:
    if isinstance(error, SwapUnknown):
        status = HTTPStatus.NOT_FOUND
    elif isinstance(error, SwapLost):
        status = HTTPStatus.SERVICE_UNAVAILABLE
    else:
        status = HTTPStatus.CONFLICT
    return problem(status, printable(said) or "")
