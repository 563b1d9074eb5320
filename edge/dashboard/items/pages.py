"""The routes of the items."""

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

from flask import Blueprint, Response

from edge.board import Board
from edge.corrections.corrections import Corrections
from edge.dashboard.guard import problem
from edge.dashboard.items.api import ItemApi
from edge.dashboard.items.looks import LookViews
from edge.dashboard.items.store import Items
from edge.dashboard.items.views import ItemViews
from edge.errors import ConfigError, CorrectionsFull
from edge.policy import Policy


def blueprint(
    journal: Path,
    corrections: Corrections,
    board: Board,
    policy: Callable[[], Policy | None] = lambda: None,
) -> Blueprint:
    """The list of items, a card for each, and what people say is right.

    Args:
        journal: The journal's file, which the device writes.
        corrections: Of that journal.
        board: Says which labels and bins there are now.
        policy: That decides now, to say what else an item could have been; None where unknown.

    Example:
        pages = blueprint(path, Corrections(path), board, lambda: config.policy)
    """
    pages = Blueprint("items", __name__)
    pages.register_error_handler(ConfigError, _not_asked_like_that)
    pages.register_error_handler(CorrectionsFull, _no_room)
    items = Items(journal, corrections, board, policy)
    views, looks, api = ItemViews(items), LookViews(items), ItemApi(items)
    shown: dict[str, tuple[str, Callable[..., Any]]] = {
        "page": ("/items", views.page),
        "one": ("/items/<int:item_id>", views.one),
        "picture": ("/items/<int:item_id>/picture.jpg", looks.picture),
        "thumb": ("/items/<int:item_id>/thumb.jpg", looks.thumb),
        "gradcam": ("/items/<int:item_id>/cam/<int:label_index>.jpg", looks.gradcam),
        "lime": ("/items/<int:item_id>/lime/<int:label_index>.jpg", looks.lime),
        "api_list": ("/api/items", api.listed),
        "api_one": ("/api/items/<int:item_id>", api.one),
        "api_similar": ("/api/items/<int:item_id>/similar", api.similar),
    }
    for name, (address, view) in shown.items():
        pages.add_url_rule(address, name, view, methods=["GET"])
    acts = {"": api.correct, "/undo": api.undo}
    for address, view in acts.items():
        pages.add_url_rule(
            f"/api/items/<int:item_id>/correction{address}", view_func=view, methods=["POST"]
        )
    return pages


def _not_asked_like_that(error: ConfigError) -> Response:
    return problem(HTTPStatus.BAD_REQUEST, str(error))


def _no_room(error: CorrectionsFull) -> Response:
    return problem(HTTPStatus.INSUFFICIENT_STORAGE, str(error))
