"""State that a page asks for every second, sent only where it has changed."""

import hashlib
import json

from flask import Response, jsonify, request

from edge.dashboard.values import Json


def conditional(state: Json) -> Response:
    """A state as JSON; 304 where the page has it already.

    Args:
        state: What the page shows.
    """
    answer = jsonify(state)
    answer.set_etag(digest_of(state), weak=True)
    answer.make_conditional(request)
    return answer


def digest_of(state: object) -> str:
    """What tells one state from another."""
    return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()[:32]
