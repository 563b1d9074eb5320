"""Lets people in, or not, and writes down what they changed."""

import ipaddress
import json
import logging
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, current_app, g, make_response, render_template, request
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import HTTPException

from edge.access.attempts import Attempts
from edge.access.audit import Audit
from edge.access.roles import Person, Role
from edge.access.sessions import Limits, Sessions
from edge.access.set_up import SetUp
from edge.access.store import AccessStore
from edge.access.tokens import Tokens
from edge.access.users import Users
from edge.dashboard.access import cookies
from edge.dashboard.access.needs import Needs, needs_of
from edge.dashboard.guard import MAX_BODY_BYTES, SAFE_METHODS, json_or_none, problem
from edge.errors import AccessError

BEARER = "Bearer "
SECRETS = ("password", "token", "code", "again")
HIDDEN = "…"
REFUSED = (400, 403, 413, 415, 429)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Gate:
    """Everything that decides who is let in.

    Attributes:
        users, tokens, sessions, audit: On the same file.
        set_up: Makes the first admin.
        attempts: Counts guesses.
        secret: Signs the cookies.
    """

    users: Users
    tokens: Tokens
    sessions: Sessions
    audit: Audit
    set_up: SetUp
    attempts: Attempts
    secret: bytes

    @classmethod
    def over(cls, store: AccessStore, limits: Limits | None = None) -> "Gate":
        """A gate over an open access.sqlite."""
        users = Users(store)
        return cls(
            users=users,
            tokens=Tokens(store),
            sessions=Sessions(store, limits),
            audit=Audit(store),
            set_up=SetUp(users),
            attempts=Attempts(),
            secret=store.secret(),
        )

    def install(self, app: Flask) -> None:
        """Put every route of an application behind this gate; see `check_declared`."""
        app.extensions["gate"] = self
        # The origin is checked by the guard; a referrer is never sent.
        app.config.update(
            WTF_CSRF_TIME_LIMIT=None, WTF_CSRF_SSL_STRICT=False, WTF_CSRF_CHECK_DEFAULT=False
        )
        csrf = CSRFProtect(app)
        app.before_request(lambda: self._open(csrf))
        app.after_request(self._note)

    def limit_attempts(self, *, counted: bool = True) -> Response | None:
        """Count a guess from this address; the refusal where there were too many.

        Args:
            counted: False only asks, where right guesses shall not count.
        """
        key = f"address {_network(request.remote_addr)}"
        wait_s = self.attempts.wait_s(key, counted=counted)
        if not wait_s:
            return None
        answer = problem(429, f"too many attempts from here; try again in {wait_s} s")
        answer.headers["Retry-After"] = str(wait_s)
        return answer

    def _open(self, csrf: CSRFProtect) -> Response | None:
        g.person, fresh, scripted = self._who()
        wanted = self._wanted()
        request.max_content_length = wanted.max_body or MAX_BODY_BYTES
        if wanted.role is not None:
            if g.person is None:
                return self._refuse()
            if not g.person.role.reaches(wanted.role):
                return problem(403, f"this needs the role {wanted.role}; yours is {g.person.role}")
        if request.method not in SAFE_METHODS and not scripted:
            try:
                csrf.protect()
            except CSRFError as error:
                said = f"the page's token is not of this session ({error.description}); reload it"
                return problem(403, said, stale_page=True)
        if wanted.fresh and not (fresh or scripted):
            return problem(403, "give your password again to change this", reauthenticate=True)
        if request.routing_exception is not None:
            raise request.routing_exception
        return None

    def _who(self) -> tuple[Person | None, bool, bool]:
        """Who asks, whether they gave their password lately, and whether it is a script."""
        given = request.headers.get("Authorization", "")
        if given.startswith(BEARER):
            return self.tokens.check(given.removeprefix(BEARER).strip()), False, True
        found = cookies.current(self.sessions)
        return (found.person, found.fresh, False) if found else (None, False, False)

    def _wanted(self) -> Needs:
        if request.endpoint == "static":
            return Needs(None)
        view = current_view()
        # An address that is none tells a stranger no more than one that is.
        return needs_of(view) or Needs(Role.VIEWER)

    def _refuse(self) -> Response:
        if request.method == "GET" and wants_page():
            page = "set_up.html" if self.set_up.needed else "login.html"
            answer = make_response(render_template(page, next=_own_path()), 401)
        else:
            answer = problem(401, "log in first, or send a token as Authorization: Bearer ...")
        answer.headers["WWW-Authenticate"] = 'Bearer realm="Bricksight"'
        return answer

    def _note(self, response: Response) -> Response:
        wanted = self._wanted()
        person: Person | None = g.get("person")
        if request.method in SAFE_METHODS or not wanted.audited:
            return response
        if person is None and ("tried" not in g or response.status_code in REFUSED):
            return response  # Else a stranger could wash the record away: guesses are counted.
        if person is not None and person.role is Role.PARTICIPANT:
            return response  # A study keeps nothing of who answered from where.
        name, role = (person.name, str(person.role)) if person else (g.get("tried", "-"), "-")
        try:
            self.audit.note(
                name,
                role,
                request.remote_addr or "-",
                f"{request.method} {request.path}"[:200],
                _detail(),
                response.status_code,
            )
        except AccessError as error:
            log.error("what %s did is not in the audit: %s", name, error)
        return response


def current_view() -> Any:
    """The view of this request; None where there is none."""
    return current_app.view_functions.get(request.endpoint) if request.endpoint else None


def wants_page() -> bool:
    """Whether a person looks with a browser, not a script or a page's own request."""
    return "text/html" in request.headers.get("Accept", "")


def check_declared(app: Flask) -> None:
    """Refuse an application with a route that does not say whom it needs.

    Raises:
        RuntimeError: It names the routes.
    """
    silent = sorted(
        {
            rule.rule
            for rule in app.url_map.iter_rules()
            if rule.endpoint != "static" and needs_of(app.view_functions[rule.endpoint]) is None
        }
    )
    if silent:
        raise RuntimeError(f"these routes do not say whom they need: {', '.join(silent)}")


def _network(address: str | None) -> str:
    """One address of IPv4; of IPv6 the /64 that one household or attacker has whole."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return "-"
    if found.version == 6:
        mapped = found.ipv4_mapped
        return str(mapped or ipaddress.ip_network((int(found), 64), strict=False))
    return str(found)


def _own_path() -> str:
    """Where somebody wanted to go, as a path of this device."""
    return request.full_path.removesuffix("?") if request.path != "/login" else "/"


def _detail() -> str:
    """What was sent, without secrets."""
    if not request.is_json:
        return ""
    try:
        body = json_or_none()
    except HTTPException:
        return ""  # Too large; the status says so.
    if body is None:
        return ""
    shown = {
        str(key)[:40]: HIDDEN if any(word in str(key) for word in SECRETS) else value
        for key, value in body.items()
    }
    return json.dumps(shown, ensure_ascii=True)
