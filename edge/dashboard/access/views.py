"""Logging in and out, the set-up, the account and the users."""

from typing import Any

from flask import Blueprint, Response, g, jsonify, render_template, request
from flask_wtf.csrf import generate_csrf

from edge.access.roles import USER_ROLES, Role
from edge.access.users import User, role_of
from edge.dashboard.access import cookies
from edge.dashboard.access.gate import Gate
from edge.dashboard.access.needs import everybody, needs, who
from edge.dashboard.guard import json_body, problem
from edge.errors import AccessError

ACTS_SHOWN = 200


class AccessViews:
    """Logging in and out, the set-up, the account and the users.

    Args:
        gate: What they are let through.
    """

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    @everybody
    def login_page(self) -> str:
        """GET /login"""
        page = "set_up.html" if self._gate.set_up.needed else "login.html"
        return render_template(page, next=request.args.get("next", "/"))

    @everybody
    def log_in(self) -> Response:
        """POST /login {"name": ..., "password": ...}"""
        body = _texts("name", "password")
        if body is None:
            return problem(400, 'expected {"name": "...", "password": "..."}')
        name = body["name"].strip()  # Keyboards of phones add a space.
        g.tried = name[:40]
        refused = self._gate.limit_attempts()
        if refused is not None:
            return refused
        user = self._gate.users.check(name, body["password"])
        if user is None:
            return problem(401, "name or password is wrong")
        cookies.log_in(self._gate.sessions, user.name)
        return jsonify(name=user.name, role=user.role)

    @everybody
    def log_out(self) -> Response:
        """POST /logout"""
        cookies.log_out(self._gate.sessions)
        return jsonify(ok=True)

    @everybody
    def page_token(self) -> Response:
        """GET /api/page-token: for a page that was open when its person logged in elsewhere.

        Other sites cannot read it; who is asked for what is decided by the cookie as ever.
        """
        return jsonify(token=generate_csrf())

    @everybody
    def set_up(self) -> Response:
        """POST /setup {"token": ..., "name": ..., "password": ...}: the first admin."""
        body = _texts("token", "name", "password")
        if body is None:
            return problem(400, 'expected {"token": "...", "name": "...", "password": "..."}')
        if not self._gate.set_up.needed:
            return problem(409, "there is a user already; log in")
        refused = self._gate.limit_attempts()
        if refused is not None:
            return refused
        g.tried = body["name"][:40]
        try:
            self._gate.set_up.make_admin(body["token"], body["name"], body["password"])
        except AccessError as error:
            return problem(400, str(error))
        cookies.log_in(self._gate.sessions, body["name"])
        return jsonify(name=body["name"], role=Role.ADMIN)

    @needs(Role.VIEWER)
    def account(self) -> str:
        """GET /account: oneself, and for an admin all users and what people did."""
        admin = who().role is Role.ADMIN
        return render_template(
            "account.html",
            users=self._gate.users.all() if admin else (),
            tokens=self._gate.tokens.all() if admin else (),
            acts=self._gate.audit.newest(ACTS_SHOWN) if admin else (),
            roles=USER_ROLES,
        )

    @needs(Role.VIEWER)
    def prove(self) -> Response:
        """POST /account/prove {"password": ...}: for what is asked twice."""
        body = _texts("password")
        if body is None:
            return problem(400, 'expected {"password": "..."}')
        refused = self._gate.limit_attempts()
        if refused is not None:
            return refused
        if self._gate.users.check(who().name, body["password"]) is None:
            return problem(403, "the password is wrong", reauthenticate=True)
        cookies.prove(self._gate.sessions)
        return jsonify(ok=True)

    @needs(Role.VIEWER)
    def own_password(self) -> Response:
        """POST /account/password {"password": <now>, "again": <new>}: ends all other sessions."""
        body = _texts("password", "again")
        if body is None:
            return problem(400, 'expected {"password": "<the old>", "again": "<the new>"}')
        refused = self._gate.limit_attempts()
        if refused is not None:
            return refused
        name = who().name
        if self._gate.users.check(name, body["password"]) is None:
            return problem(403, "the old password is wrong")
        refused = _told(lambda: self._gate.users.set_password(name, body["again"]))
        if refused is not None:
            return refused
        cookies.log_in(self._gate.sessions, name)
        return jsonify(ok=True)

    @needs(Role.VIEWER)
    def log_out_everywhere(self) -> Response:
        """POST /account/logout-everywhere"""
        self._gate.sessions.end_all(who().name)
        cookies.log_out(self._gate.sessions)
        return jsonify(ok=True)

    @needs(Role.ADMIN, fresh=True)
    def add_user(self) -> Response:
        """POST /api/users {"name": ..., "role": ..., "password": ...}"""
        body = _texts("name", "role", "password")
        if body is None:
            return problem(400, 'expected {"name": "...", "role": "...", "password": "..."}')
        return _told(
            lambda: self._gate.users.add(body["name"], role_of(body["role"]), body["password"])
        ) or jsonify(ok=True)

    @needs(Role.ADMIN, fresh=True)
    def change_user(self, name: str) -> Response:
        """POST /api/users/<name> {"role": ...} or {"password": ...}"""
        role, password = _texts("role"), _texts("password")
        if role is not None:
            return self._told_of(name, lambda: self._gate.users.set_role(name, _role(role)))
        if password is not None:
            return self._told_of(
                name, lambda: self._gate.users.set_password(name, password["password"])
            )
        return problem(400, 'expected {"role": "..."} or {"password": "..."}')

    @needs(Role.ADMIN, fresh=True)
    def remove_user(self, name: str) -> Response:
        """POST /api/users/<name>/remove"""
        return self._told_of(name, lambda: self._gate.users.remove(name))

    def _told_of(self, name: str, act: Any) -> Response:
        user: User | None = self._gate.users.find(name)
        if user is None:
            return problem(404, f"there is no user {name[:40]!r}")
        return _told(act) or jsonify(ok=True)


def blueprint(gate: Gate) -> Blueprint:
    """The routes of logging in and of the users."""
    views = AccessViews(gate)
    pages = Blueprint("access", __name__)
    pages.add_url_rule("/login", view_func=views.login_page, methods=["GET"])
    pages.add_url_rule("/login", view_func=views.log_in, methods=["POST"])
    pages.add_url_rule("/logout", view_func=views.log_out, methods=["POST"])
    pages.add_url_rule("/api/page-token", view_func=views.page_token, methods=["GET"])
    pages.add_url_rule("/setup", view_func=views.set_up, methods=["POST"])
    pages.add_url_rule("/account", view_func=views.account, methods=["GET"])
    pages.add_url_rule("/account/prove", view_func=views.prove, methods=["POST"])
    pages.add_url_rule("/account/password", view_func=views.own_password, methods=["POST"])
    pages.add_url_rule(
        "/account/logout-everywhere", view_func=views.log_out_everywhere, methods=["POST"]
    )
    pages.add_url_rule("/api/users", view_func=views.add_user, methods=["POST"])
    pages.add_url_rule("/api/users/<name>", view_func=views.change_user, methods=["POST"])
    pages.add_url_rule("/api/users/<name>/remove", view_func=views.remove_user, methods=["POST"])
    return pages


def _texts(*keys: str) -> dict[str, str] | None:
    """The body where it has exactly these keys, each with a text."""
    body = json_body(frozenset(keys))
    if body is None or set(body) != set(keys):
        return None
    return body if all(isinstance(value, str) for value in body.values()) else None


def _role(body: dict[str, str]) -> Role:
    return role_of(body["role"])


def _told(act: Any) -> Response | None:
    """Do it; what to tell where it cannot be done."""
    try:
        act()
    except AccessError as error:
        return problem(400, str(error))
    return None
