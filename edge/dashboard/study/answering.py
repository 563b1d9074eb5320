"""What goes wrong in a study, as an answer; and bodies that have the right shape."""

from typing import Any

from flask import Response

from edge.dashboard.guard import json_body, problem
from edge.dashboard.values import Json
from edge.errors import StudyConflict, StudyError, StudyLost, StudyUnknown

Shape = dict[str, type | tuple[type, ...]]


def study_error(error: StudyError) -> Response:
    """What a study says to what was asked of it."""
    statuses = {StudyUnknown: 404, StudyConflict: 409, StudyLost: 503}
    return problem(statuses.get(type(error), 400), str(error))


def body_of(needed: Shape, optional: Shape | None = None) -> Json:
    """The JSON object of a request, with these keys of these types.

    Raises:
        StudyError: It is something else; the message says what is expected.
    """
    known = needed | (optional or {})
    body = json_body(frozenset(known))
    if body is None or not set(needed) <= set(body):
        keys = ", ".join([*needed, *(f"[{key}]" for key in optional or ())])
        raise StudyError(f"expected a JSON object with {keys}")
    for key, value in body.items():
        kinds = known[key]
        # To Python a truth is a number, too.
        if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
            raise StudyError(f"{key}: found {_short(value)}, expected {_named(kinds)}")
    return body


def check_confirmed(body: Json) -> None:
    """Refuse what cannot be undone and is not confirmed.

    Raises:
        StudyError: It is not.
    """
    if body["confirm"] is not True:
        raise StudyError('this cannot be undone; confirm with {"confirm": true}')


def _short(value: Any) -> str:
    return repr(value)[:40]


def _named(kinds: type | tuple[type, ...]) -> str:
    words = {str: "text", int: "a whole number", bool: "true or false", type(None): "null"}
    given = kinds if isinstance(kinds, tuple) else (kinds,)
    return " or ".join(words[kind] for kind in given)
