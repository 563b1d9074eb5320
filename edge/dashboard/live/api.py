"""The routes that answer with JSON: what is, and what a person asks for."""

from collections.abc import Callable

from flask import Response, jsonify, request

from edge.board import (
    ArmRequest,
    CancelLimeRequest,
    EmptyBinRequest,
    ExplainRequest,
    LimeRequest,
    NewOrderRequest,
    Request,
    Requests,
    StopRequest,
)
from edge.dashboard.access import Role, needs
from edge.dashboard.conditional import digest_of
from edge.dashboard.guard import json_body, problem
from edge.dashboard.live.shown import Shown
from edge.dashboard.live.state import ages_ms, state_of
from edge.dashboard.unknown_label import unknown_label
from edge.dashboard.values import printable
from edge.faults import refusal, waiting

MAX_WHOLE = 2**53
"""As far as every browser counts."""


class ApiViews:
    """What is, and what a person asks for.

    Args:
        shown: What to show.
        requests: Where to put what is asked for; the pipeline takes it.
        clock: As `time.monotonic`.
    """

    def __init__(self, shown: Shown, requests: Requests, clock: Callable[[], float]) -> None:
        self._shown = shown
        self._requests = requests
        self._clock = clock

    @needs(Role.VIEWER)
    def state(self) -> Response:
        """GET /api/state: everything but pictures; 304 where nothing but time has passed."""
        snapshot = self._shown.look()
        state = state_of(snapshot)
        answer = jsonify(state | {"age_ms": ages_ms(snapshot, self._clock())})
        answer.set_etag(digest_of(state), weak=True)
        answer.make_conditional(request)
        return answer

    @needs(Role.VIEWER)
    def pulse(self) -> Response:
        """GET /api/pulse: what the bar of every page says; small, and asked every second."""
        snapshot = self._shown.board.current()
        state = snapshot.machine
        return jsonify(
            frame_age_ms=ages_ms(snapshot, self._clock())["frame"],
            machine={
                "condition": str(state.condition) if state else None,
                "problem": printable(snapshot.machine_problem),
            },
            problem=printable(snapshot.problem),
        )

    @needs(Role.VIEWER)
    def stop(self) -> Response:
        """POST /api/stop: never refused, never confirmed, whatever its body."""
        self._requests.put(StopRequest(), urgent=True)
        return _taken()

    @needs(Role.TECHNICIAN)
    def arm(self) -> Response:
        """POST /api/arm {"confirm": true}"""
        body = json_body(frozenset({"confirm"}))
        if body is None or body.get("confirm") is not True:
            return problem(400, 'the machine will move; confirm with {"confirm": true}')
        if faults := waiting(self._shown.board.current().faults):
            return problem(409, refusal(faults))
        return self._ask(ArmRequest())

    @needs(Role.VIEWER)
    def explain(self) -> Response:
        """POST /api/explain {"label": "<id>"}"""
        body = json_body(frozenset({"label"}))
        label_id = body.get("label") if body else None
        if not isinstance(label_id, str):
            return problem(400, 'expected {"label": "<id>"} with the id of a label')
        labels = self._shown.board.current().about.labels
        label = next((label for label in labels if label.id == label_id), None)
        if label is None:
            return unknown_label(label_id, labels)
        return self._ask(ExplainRequest(label.index))

    @needs(Role.VIEWER)
    def ask_lime(self) -> Response:
        """POST /api/lime {"sequence": <n>}: LIME of what is explained on that frame."""
        sequence = _whole("sequence")
        if sequence is None:
            return problem(400, 'expected {"sequence": <n>} with the number of a frame')
        if not self._shown.board.current().about.lime:
            return problem(409, "LIME is switched off; set `lime` in [explain] of edge.toml")
        explanation = self._shown.told_of(sequence)
        if explanation is None:
            return problem(409, "nothing is explained yet; wait for the first frame")
        return self._ask(LimeRequest(explanation))

    @needs(Role.VIEWER)
    def cancel_lime(self) -> Response:
        """POST /api/lime/cancel {"number": <n>}: one that is over already stays as it is."""
        number = _whole("number")
        if number is None:
            return problem(400, 'expected {"number": <n>} with the number of a LIME')
        return self._ask(CancelLimeRequest(number))

    @needs(Role.TECHNICIAN)
    def empty_bin(self) -> Response:
        """POST /api/bins/empty {"number": <n>}: somebody emptied it; it counts from zero."""
        number = _whole("number")
        if number is None:
            return problem(400, 'expected {"number": <n>} with the number of a bin')
        numbers = [bin_.number for bin_, _ in self._shown.board.current().about.bins]
        if number not in numbers:
            there = ", ".join(map(str, numbers)) or "none"
            return problem(400, f"no bin {number}; there are {there}")
        return self._ask(EmptyBinRequest(number))

    @needs(Role.TECHNICIAN)
    def new_order(self) -> Response:
        """POST /api/order {"confirm": true}: the wanted list is collected anew."""
        body = json_body(frozenset({"confirm"}))
        if body is None or body.get("confirm") is not True:
            return problem(400, 'what was delivered counts no more; confirm with {"confirm": true}')
        if not self._shown.board.current().about.wanted:
            return problem(409, "there is no wanted list; set [[wanted]] in edge.toml")
        return self._ask(NewOrderRequest())

    def _ask(self, wanted: Request) -> Response:
        if self._requests.put(wanted):
            return _taken()
        answer = problem(503, "too many requests wait already; try again in a second")
        answer.headers["Retry-After"] = "1"
        return answer


def _whole(key: str) -> int | None:
    """The body's only value where it is a whole number at or above zero; true is none."""
    body = json_body(frozenset({key}))
    value = body.get(key) if body else None
    return value if type(value) is int and 0 <= value < MAX_WHOLE else None


def _taken() -> Response:
    answer = jsonify(accepted=True)
    answer.status_code = 202
    return answer
