"""The pages: the list of items, and one of them."""

from typing import Any

from flask import render_template, request

from edge.dashboard.access import Role, needs, who
from edge.dashboard.items.asked import NOT_MOVED, Asked, asked
from edge.dashboard.items.card import card_of
from edge.dashboard.items.maps import maps_of
from edge.dashboard.items.pictures import State
from edge.dashboard.items.rows import clock, correction_of
from edge.dashboard.items.shown import rows_of
from edge.dashboard.items.store import Items
from edge.dashboard.values import Json
from edge.decision import Reason
from edge.domain import Label
from edge.errors import ConfigError, CorrectionsError, JournalError, PictureError
from edge.journal_item import Whole

Answer = str | tuple[str, int]


class ItemViews:
    """The pages.

    Args:
        items: The items.
    """

    def __init__(self, items: Items) -> None:
        self._items = items

    @needs(Role.VIEWER)
    def page(self) -> Answer:
        """GET /items?bin=&reason=&label=&corrected=&from=&to=&before=|after="""
        try:
            wanted = asked(request.args)
        except ConfigError as error:
            return self._list(Asked({}, asked({}).filters), {}, str(error)), 400
        try:
            return self._list(wanted, rows_of(self._items, wanted))
        except (JournalError, CorrectionsError) as error:
            return self._list(wanted, {}, str(error)), 503

    @needs(Role.VIEWER)
    def one(self, item_id: int) -> Answer:
        """GET /items/<id>: everything that is known of it; the query says which are beside it."""
        try:
            wanted = asked(request.args)
        except ConfigError as error:
            return _problem(str(error), item_id, asked({})), 400
        try:
            item = self._items.item(item_id)
            if item is None:
                why = "It is not in the journal: it was pruned, or was never seen."
                return _problem(why, item_id, wanted), 404
            return self._card(item, wanted)
        except (JournalError, CorrectionsError) as error:
            return _problem(str(error), item_id, wanted), 503

    def _list(self, wanted: Asked, page: Json, problem: str | None = None) -> str:
        return render_template(
            "items.html",
            wanted=wanted,
            rows=page.get("items", []),
            newer=page.get("newer", False),
            older=page.get("older", False),
            problem=problem,
            bins=[bin_ for bin_, _ in self._items.board.current().about.bins],
            not_moved=NOT_MOVED,
            reasons=list(Reason),
            labels=_by_name(self._items.labels),
            zone=clock(0, "%Z"),
        )

    def _card(self, item: Whole, wanted: Asked) -> str:
        item_id = item.record.item_id
        model = item.model.labels if item.model is not None else ()
        names = self._items.names(model)
        seen = self._items.pictures.picture(item_id, item.picture_sha256)
        said = self._items.corrections.history(item_id, item.picture_sha256)
        with self._items.search() as journal:
            filters = wanted.filters_with(self._items.corrections)
            newer, older = journal.neighbours(filters, item_id)
        return render_template(
            "item.html",
            item=card_of(item, self._items.policy(), names),
            wanted=wanted,
            newer=newer,
            older=older,
            picture=seen.state,
            maps=self._maps(item, seen.content) if seen.state is State.THERE else None,
            corrections=[correction_of(one, names) for one in said],
            may_correct=who().role.reaches(Role.TECHNICIAN),
            labels=_by_name(model or self._items.labels),
            zone=clock(0, "%Z"),
        )

    def _maps(self, item: Whole, content: bytes) -> dict[str, Any]:
        model = item.model.labels if item.model is not None else ()
        item_id, sha256 = item.record.item_id, item.picture_sha256 or ""
        try:
            return maps_of(self._items.pictures.maps(item_id, sha256, content, model))
        except PictureError as error:
            return {"gradcam": None, "lime": None, "problems": [str(error)]}


def _problem(why: str, item_id: int, wanted: Asked) -> str:
    return render_template("item_problem.html", why=why, item_id=item_id, wanted=wanted)


def _by_name(labels: tuple[Label, ...]) -> list[Label]:
    return sorted(labels, key=lambda label: (label.name.casefold(), label.id))
