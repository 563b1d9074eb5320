"""What the machine's page asks of the pipeline."""

import re

from flask import Response, jsonify

from edge.board import Board, Request, Requests
from edge.dashboard.access import Role, needs
from edge.dashboard.access.needs import who
from edge.dashboard.guard import json_body, problem
from edge.faults import AcknowledgeRequest
from edge.manual import BeatByHand, BeginByHand, EndByHand, MoveByHand

NAME = re.compile(r"[A-Za-z0-9_-]{8,64}")
MAX_AT_ONCE = 100
_WHO = 'expected {"page": "<8 to 64 letters and digits>"} that the page made up for itself'


class AskingViews:
    """Faults that were seen, and moving by hand.

    Args:
        board: Says what may be asked for now.
        requests: Where to put it; the pipeline takes it, and looks again.
    """

    def __init__(self, board: Board, requests: Requests) -> None:
        self._board = board
        self._requests = requests

    @needs(Role.TECHNICIAN)
    def acknowledge(self) -> Response:
        """POST /api/machine/acknowledge {"faults": [<number>, ...]}"""
        body = json_body(frozenset({"faults"}))
        numbers = body.get("faults") if body else None
        whole = isinstance(numbers, list) and all(type(n) is int for n in numbers)
        if not whole or not numbers or len(numbers) > MAX_AT_ONCE:
            return problem(400, 'expected {"faults": [<number>, ...]} with numbers of faults')
        known = {fault.number for fault in self._board.current().faults}
        if unknown := sorted(set(numbers) - known):
            return problem(
                409, f"there is no fault {unknown[0]} any more; it happened again, or was forgotten"
            )
        return self._ask(AcknowledgeRequest(frozenset(numbers), who().name))

    @needs(Role.TECHNICIAN)
    def begin(self) -> Response:
        """POST /api/manual/begin {"page": "<name>", "confirm": true, "take_over": <bool>}"""
        body = json_body(frozenset({"page", "confirm", "take_over"})) or {}
        if (page := _name(body, "page")) is None:
            return problem(400, _WHO)
        if body.get("confirm") is not True:
            return problem(400, 'the machine will move by hand; confirm with {"confirm": true}')
        now = self._board.current()
        if now.by_hand.who is not None:
            return self._held()
        if now.machine is None or not now.machine.armed:
            said = now.machine.condition if now.machine else "not there"
            return problem(409, f"the machine is {said}; only one that is armed can be moved")
        if now.about.mode != "watch" and body.get("take_over") is not True:
            return problem(
                409, 'the machine is sorting; take it over with {"take_over": true}', take_over=True
            )
        return self._ask(BeginByHand(who().name, page))

    @needs(Role.TECHNICIAN, audited=False)
    def beat(self) -> Response:
        """POST /api/manual/beat {"page": "<name>"}, at least once in two seconds"""
        page = _name(json_body(frozenset({"page"})) or {}, "page")
        if page is None:
            return problem(400, _WHO)
        if not self._mine(page):
            return self._held()
        return self._ask(BeatByHand(who().name, page))

    @needs(Role.TECHNICIAN)
    def move(self) -> Response:
        """POST /api/manual/move {"page": "<name>", "request": "<name>", "bin": <n>}: the same
        request acts once, however often it arrives."""
        body = json_body(frozenset({"page", "request", "bin"})) or {}
        page, asked, number = _name(body, "page"), _name(body, "request"), body.get("bin")
        if page is None or asked is None or type(number) is not int:
            return problem(400, f'{_WHO}, a "request" of the same kind, and the number of a "bin"')
        if not self._mine(page):
            return self._held()
        hello = self._board.current().hello
        numbers = sorted(bin_.number for bin_ in hello.bins) if hello else []
        if number not in numbers:
            there = ", ".join(map(str, numbers)) or "none"
            return problem(400, f"the machine has no bin {str(number)[:20]}; there are {there}")
        return self._ask(MoveByHand(who().name, page, asked, number))

    @needs(Role.TECHNICIAN)
    def end(self) -> Response:
        """POST /api/manual/end {"page": "<name>", "go_on": <bool>}: without `go_on` it stops."""
        body = json_body(frozenset({"page", "go_on"})) or {}
        if (page := _name(body, "page")) is None:
            return problem(400, _WHO)
        if not self._mine(page):
            return self._held()
        return self._ask(EndByHand(who().name, page, body.get("go_on") is True))

    def _mine(self, page: str) -> bool:
        now = self._board.current().by_hand
        return (now.who, now.page) == (who().name, page)

    def _held(self) -> Response:
        now = self._board.current().by_hand
        if now.who is None:
            why = f" ({now.ended})" if now.ended else ""
            return problem(409, f"nobody moves the machine by hand{why}; begin first", held_by=None)
        return problem(409, f"{now.who} moves the machine by hand already", held_by=now.who)

    def _ask(self, wanted: Request) -> Response:
        if not self._requests.put(wanted):
            answer = problem(503, "too many requests wait already; try again in a second")
            answer.headers["Retry-After"] = "1"
            return answer
        answer = jsonify(accepted=True)
        answer.status_code = 202
        return answer


def _name(body: dict[str, object], key: str) -> str | None:
    value = body.get(key)
    return value if isinstance(value, str) and NAME.fullmatch(value) else None
