"""Items as JSON, and what people say is right."""

from typing import Any

from flask import Response, jsonify, request

from edge.corrections.corrections import NOTE_MAX_CHARS, Subject
from edge.dashboard.access import Role, needs, who
from edge.dashboard.guard import json_body, problem
from edge.dashboard.items.asked import asked
from edge.dashboard.items.card import card_of
from edge.dashboard.items.pictures import State
from edge.dashboard.items.rows import correction_of
from edge.dashboard.items.shown import rows_of
from edge.dashboard.items.store import Items, no_item
from edge.dashboard.unknown_label import unknown_label
from edge.errors import CorrectionConflict
from edge.journal_item import Whole

MAX_WHOLE = 2**53
_EXPECTED = (
    'expected {"labels": [ids that are right], "version": <n> of the correction you saw, 0 where'
    ' there was none, "note": "..."}'
)


class ItemApi:
    """Items as JSON, and corrections.

    Args:
        items: The items.
    """

    def __init__(self, items: Items) -> None:
        self._items = items

    @needs(Role.VIEWER)
    def listed(self) -> Response:
        """GET /api/items?...: as the page, with `limit` of 1..200."""
        return jsonify(rows_of(self._items, asked(request.args)))

    @needs(Role.VIEWER)
    def one(self, item_id: int) -> Response:
        """GET /api/items/<id>: everything but pictures."""
        item = self._items.item(item_id)
        if item is None:
            return no_item(item_id)
        names = self._names(item)
        said = self._items.corrections.history(item_id, item.picture_sha256)
        card = card_of(item, self._items.policy(), names)
        return jsonify(card | {"corrections": [correction_of(one, names) for one in said]})

    @needs(Role.VIEWER)
    def similar(self, item_id: int) -> Response:
        """GET /api/items/<id>/similar: items whose pictures show nearly the same."""
        item = self._items.item(item_id)
        if item is None:
            return no_item(item_id)
        if item.picture_sha256 is None:
            return jsonify(items=[])
        with self._items.search() as journal:
            found = self._items.similar.to(journal, item_id, item.picture_sha256)
        names = self._names(item)
        return jsonify(
            items=[
                {
                    "item_id": one.item_id,
                    "bits": one.bits,
                    "correction": correction_of(one.correction, names),
                }
                for one in found
            ]
        )

    @needs(Role.TECHNICIAN)
    def correct(self, item_id: int) -> Response:
        """POST /api/items/<id>/correction {"labels": [...], "version": <n>, "note": "..."}"""
        body = json_body(frozenset({"labels", "version", "note"}))
        found = _correction_in(body) if body is not None else None
        if found is None:
            return problem(400, _EXPECTED)
        labels, note, version = found
        if len(note) > NOTE_MAX_CHARS:
            return problem(400, f"note: {len(note)} characters; at most {NOTE_MAX_CHARS}")
        item = self._items.item(item_id)
        if item is None:
            return no_item(item_id)
        return self._correct(item, labels, note, version)

    @needs(Role.TECHNICIAN)
    def undo(self, item_id: int) -> Response:
        """POST /api/items/<id>/correction/undo {"version": <n>}: what counted before counts."""
        body = json_body(frozenset({"version"}))
        version = body.get("version") if body else None
        if type(version) is not int or not 0 <= version < MAX_WHOLE:
            return problem(400, 'expected {"version": <n>} of the correction you saw')
        item = self._items.item(item_id)
        if item is None:
            return no_item(item_id)
        sha256 = item.picture_sha256 or ""
        try:
            self._items.corrections.undo(item_id, sha256, who().name, version)
        except CorrectionConflict as error:
            return self._conflict(item, error)
        return self._standing(item)

    def _correct(self, item: Whole, labels: list[str], note: str, version: int) -> Response:
        model = item.model.labels if item.model is not None else self._items.labels
        known = {label.id for label in model}
        for label_id in labels:
            if label_id not in known:
                return unknown_label(label_id, model)
        item_id, sha256 = item.record.item_id, item.picture_sha256
        seen = self._items.pictures.picture(item_id, sha256)
        if seen.state is not State.THERE or sha256 is None:
            return problem(409, f"{seen.state.sentence} Without it there is nothing to learn from.")
        subject = Subject(item_id, sha256, item.model_sha256, item.record.label_ids)
        right = list(dict.fromkeys(labels))
        try:
            self._items.corrections.correct(subject, seen.content, right, note, who().name, version)
        except CorrectionConflict as error:
            return self._conflict(item, error)
        return self._standing(item)

    def _standing(self, item: Whole) -> Response:
        return jsonify(correction=self._newest(item))

    def _conflict(self, item: Whole, error: CorrectionConflict) -> Response:
        return problem(409, f"{error}", correction=self._newest(item))

    def _newest(self, item: Whole) -> object:
        newest = self._items.corrections.newest(item.record.item_id, item.picture_sha256)
        return correction_of(newest, self._names(item))

    def _names(self, item: Whole) -> dict[str, str]:
        return self._items.names(item.model.labels if item.model is not None else ())


def _correction_in(body: dict[str, Any]) -> tuple[list[str], str, int] | None:
    labels, note, version = body.get("labels"), body.get("note", ""), body.get("version")
    if not isinstance(labels, list) or not all(isinstance(one, str) for one in labels):
        return None
    if not isinstance(note, str) or type(version) is not int or not 0 <= version < MAX_WHOLE:
        return None
    return labels, note.strip(), version
