"""Who is let in, and what they may change."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from dashboard_rig import PASSWORD, World
from flask import Blueprint, Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from edge.access.roles import Role
from edge.access.store import AccessStore
from edge.board import ArmRequest, StopRequest
from edge.dashboard.access import needs
from edge.dashboard.access.gate import Gate
from edge.dashboard.access.participants import admit
from edge.dashboard.app import create_app
from edge.errors import AccessError

OPEN = {
    "/login",
    "/logout",
    "/setup",
    "/livez",
    "/readyz",
    "/api/page-token",
    "/static/<path:filename>",
}
VALUES = {"int": "1", "path": "app.js", "default": "ann"}
HTML = {"Accept": "text/html"}


def addresses(app: Flask) -> list[tuple[str, str, str]]:
    """Rule, method and an address of every route."""
    found = []
    for rule in app.url_map.iter_rules():
        made = re.sub(r"<(?:(\w+):)?\w+>", lambda m: VALUES[m.group(1) or "default"], rule.rule)
        found += [(rule.rule, method, made) for method in sorted(rule.methods or ())]
    return found


class Page:
    """A browser of somebody: its cookies, and the token of the page it looks at."""

    def __init__(self, world: World, name: str | None = None) -> None:
        self.client: FlaskClient = world.app.test_client()
        self.csrf = ""
        self.look("/login")
        if name is not None:
            assert self.post("/login", name=name, password=PASSWORD).status_code == 200
            self.look("/")

    def look(self, address: str) -> TestResponse:
        answer = self.client.get(address, headers=HTML)
        if found := re.search(r'name="csrf-token" content="([^"]+)"', answer.text):
            self.csrf = found.group(1)
        return answer

    def post(self, address: str, **body: Any) -> TestResponse:
        return self.client.post(address, json=body, headers={"X-CSRF-Token": self.csrf})


# --- nothing without logging in ---


def test_a_stranger_reaches_only_what_is_listed(world: World) -> None:
    reached = set()
    for rule, method, address in addresses(world.app):
        stranger = world.app.test_client()
        answer = stranger.open(address, method=method)
        answer.close()
        if answer.status_code != 401:
            reached.add(rule)
        else:
            assert answer.headers["WWW-Authenticate"]
    assert reached == OPEN
    assert world.requests.take_all() == []


def test_an_address_that_is_none_looks_like_any_other(world: World) -> None:
    stranger = world.app.test_client()
    assert stranger.get("/nothing").status_code == 401
    assert stranger.post("/api/state").status_code == 401
    assert world.client().get("/nothing").status_code == 404


def test_a_browser_is_shown_the_way_in(world: World) -> None:
    answer = world.app.test_client().get("/api/state?x=1", headers=HTML)
    assert answer.status_code == 401
    assert 'data-next="/api/state?x=1"' in answer.text
    assert "bricks" not in answer.text.replace("Bricksight", "").replace("bricksight", "")


def test_a_route_that_does_not_say_whom_it_needs_is_refused(world: World) -> None:
    forgotten = Blueprint("forgotten", __name__)
    forgotten.add_url_rule("/forgotten", view_func=lambda: "open to the world")
    with pytest.raises(RuntimeError, match="do not say whom they need: /forgotten"):
        create_app(world.board, world.requests, None, world.gate, pages=[forgotten])  # type: ignore[arg-type]


# --- logging in ---


def test_logging_in_and_out(world: World) -> None:
    page = Page(world)
    assert page.client.get("/api/state").status_code == 401
    answer = page.post("/login", name="VERA", password=PASSWORD)
    assert answer.json == {"name": "vera", "role": "viewer"}
    assert page.client.get("/api/state").status_code == 200
    page.look("/")
    assert page.post("/logout").status_code == 200
    assert page.client.get("/api/state").status_code == 401


def test_the_space_that_a_phone_adds_to_a_name_does_not_matter(world: World) -> None:
    assert Page(world).post("/login", name="vera ", password=PASSWORD).status_code == 200


def test_the_cookie_is_for_this_site_and_no_script(world: World) -> None:
    page = Page(world)
    cookie = page.post("/login", name="vera", password=PASSWORD).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Secure" not in cookie
    secure = World.live_app(world)
    secure.config["SESSION_COOKIE_SECURE"] = True
    assert "Secure" in secure.test_client().get("/login").headers["Set-Cookie"]


def test_who_logs_out_while_the_disk_is_full_is_out(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(world, "vera")

    def full(_: str) -> None:
        raise AccessError("the disk is full")

    monkeypatch.setattr(world.gate.sessions, "end", full)
    assert page.post("/logout").status_code == 503
    assert page.client.get("/api/state").status_code == 401


def test_a_cookie_from_before_logging_in_opens_nothing_afterwards(world: World) -> None:
    page = Page(world, "vera")
    stolen = page.client.get_cookie("bricksight")
    assert stolen is not None
    page.post("/logout")
    thief = world.app.test_client()
    thief.set_cookie("bricksight", stolen.value)
    assert thief.get("/api/state").status_code == 401


@pytest.mark.parametrize("cookie", ["", "x", "eyJzZXNzaW9uIjoiYSJ9.aaaa.bbbb", "\x7f" * 50])
def test_a_forged_cookie_opens_nothing(world: World, cookie: str) -> None:
    client = world.app.test_client()
    client.set_cookie("bricksight", cookie)
    assert client.get("/api/state").status_code == 401


def test_a_wrong_password_and_a_wrong_name_get_the_same_answer(world: World) -> None:
    page = Page(world)
    wrong = page.post("/login", name="ada", password="not the password")
    nobody = page.post("/login", name="nobody", password=PASSWORD)
    assert (wrong.status_code, wrong.json) == (nobody.status_code, nobody.json)
    assert wrong.json == {"error": "name or password is wrong", "status": 401}
    assert page.client.get("/api/state").status_code == 401


def test_guessing_is_slowed_and_stop_is_not(world: World) -> None:
    page = Page(world, "tess")
    guesser = Page(world)
    answers = [guesser.post("/login", name="ada", password="wrong").status_code for _ in range(6)]
    assert answers == [401] * 4 + [429] * 2
    refused = guesser.post("/login", name="ada", password=PASSWORD)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["Retry-After"]) <= 60
    assert {page.post("/api/stop").status_code for _ in range(30)} == {202}


def test_a_proxy_header_makes_no_other_guesser(world: World) -> None:
    page = Page(world)
    answers = set()
    for number in range(8):
        headers = {"X-CSRF-Token": page.csrf, "X-Forwarded-For": f"10.0.0.{number}"}
        body = {"name": "ada", "password": "wrong"}
        answers.add(page.client.post("/login", json=body, headers=headers).status_code)
    assert 429 in answers


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        "x",
        {"name": "ada"},
        {"name": 1, "password": 2},
        {"name": "ada", "password": None},
        {"name": ["ada"], "password": PASSWORD},
        {"name": "ada", "password": PASSWORD, "role": "admin"},
        {"name": "\ud800", "password": "\udfff"},
    ],
)
def test_logging_in_wants_two_texts(world: World, body: Any) -> None:
    page = Page(world)
    data = json.dumps(body)
    headers = {"X-CSRF-Token": page.csrf, "Content-Type": "application/json"}
    answer = page.client.post("/login", data=data, headers=headers)
    assert answer.status_code == 400
    assert answer.json is not None
    assert '"password"' in answer.json["error"]


def test_a_body_nested_a_thousand_deep_is_refused(world: World) -> None:
    headers = {"Content-Type": "application/json"}
    answer = world.client().post("/api/arm", data=b"[" * 4000, headers=headers)
    assert answer.status_code == 400


# --- roles ---


MAY: dict[str, dict[str, int]] = {
    "vera": {"/api/stop": 202, "/api/arm": 403, "/api/users": 403},
    "tess": {"/api/stop": 202, "/api/arm": 202, "/api/users": 403},
    "ada": {"/api/stop": 202, "/api/arm": 202, "/api/users": 200},
}
BODIES: dict[str, dict[str, Any]] = {
    "/api/stop": {},
    "/api/arm": {"confirm": True},
    "/api/users": {"name": "new", "role": "viewer", "password": "nine green plates"},
}


@pytest.mark.parametrize("name", MAY)
def test_each_role_may_do_its_own(world: World, name: str) -> None:
    page = Page(world, name)
    for address, status in MAY[name].items():
        answer = page.post(address, **BODIES[address])
        assert answer.status_code == status, address
        if status == 403:
            assert answer.json is not None
            assert "needs the role" in answer.json["error"]
    expected = [StopRequest()] + [ArmRequest()] * (MAY[name]["/api/arm"] == 202)
    assert world.requests.take_all() == expected


def test_a_token_may_do_what_its_role_may(world: World) -> None:
    token = world.gate.tokens.add("metrics", Role.VIEWER)
    script = world.app.test_client()
    headers = {"Authorization": f"Bearer {token}"}
    assert script.get("/api/state", headers=headers).status_code == 200
    assert script.post("/api/stop", headers=headers).status_code == 202
    assert script.post("/api/arm", json={"confirm": True}, headers=headers).status_code == 403
    for wrong in ("Bearer", "Bearer ", f"Bearer {token}x", f"Basic {token}", f"bearer {token}x"):
        answer = script.get("/api/state", headers={"Authorization": wrong})
        assert answer.status_code == 401, wrong


def test_a_wrong_token_is_not_helped_by_a_cookie(world: World) -> None:
    page = Page(world, "ada")
    headers = {"Authorization": "Bearer bs_wrong"}
    assert page.client.get("/api/state", headers=headers).status_code == 401


# --- forged requests ---


def test_a_change_needs_the_page_s_own_token(world: World) -> None:
    page, other = Page(world, "tess"), Page(world, "tess")
    good = page.csrf
    for wrong in ("", "x", good[:-1], other.csrf, good.replace(".", "")):
        page.csrf = wrong
        answer = page.post("/api/arm", confirm=True)
        assert answer.status_code == 403, wrong
        assert answer.json is not None
        assert "not of this session" in answer.json["error"]
    assert world.requests.take_all() == []
    page.csrf = good
    assert page.post("/api/arm", confirm=True).status_code == 202


def test_a_page_token_dies_with_its_session(world: World) -> None:
    page = Page(world, "tess")
    old = page.csrf
    page.post("/logout")
    page.look("/login")
    assert page.post("/login", name="tess", password=PASSWORD).status_code == 200
    page.csrf = old
    assert page.post("/api/arm", confirm=True).status_code == 403


def test_logging_in_and_out_cannot_be_forged_either(world: World) -> None:
    page = Page(world)
    page.csrf = ""
    assert page.post("/login", name="tess", password=PASSWORD).status_code == 403
    page = Page(world, "tess")
    page.csrf = ""
    assert page.post("/logout").status_code == 403
    assert page.client.get("/api/state").status_code == 200


# --- asked twice ---


def test_users_are_changed_with_a_password_given_lately(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(world, "ada")
    real = world.gate.sessions._clock
    monkeypatch.setattr(world.gate.sessions, "_clock", lambda: real() + 301)
    changes: list[Callable[[], TestResponse]] = [
        lambda: page.post("/api/users", **BODIES["/api/users"]),
        lambda: page.post("/api/users/vera", role="admin"),
        lambda: page.post("/api/users/vera", password="ten yellow plates"),
        lambda: page.post("/api/users/vera/remove"),
    ]
    for change in changes:
        answer = change()
        assert answer.status_code == 403
        assert answer.json is not None
        assert answer.json["reauthenticate"] is True
    assert page.post("/account/prove", password="wrong").status_code == 403
    assert page.post("/account/prove", password=PASSWORD).status_code == 200
    assert [change().status_code for change in changes] == [200] * 4
    assert world.gate.users.find("vera") is None
    assert world.gate.users.find("new") is not None


def test_changes_of_users_that_cannot_be(world: World) -> None:
    page = Page(world, "ada")
    for address, body, status, said in [
        ("/api/users", BODIES["/api/users"] | {"role": "king"}, 400, "allowed: viewer"),
        ("/api/users", BODIES["/api/users"] | {"role": "participant"}, 400, "allowed: viewer"),
        ("/api/users", BODIES["/api/users"] | {"name": "tess"}, 400, "already"),
        ("/api/users", {"name": "x"}, 400, "expected"),
        ("/api/users/nobody", {"role": "viewer"}, 404, "no user 'nobody'"),
        ("/api/users/vera", {}, 400, "expected"),
        ("/api/users/ada", {"role": "viewer"}, 400, "nobody would be admin"),
        ("/api/users/ada/remove", {}, 400, "nobody would be admin"),
    ]:
        answer = page.post(address, **body)
        assert answer.status_code == status, address
        assert answer.json is not None
        assert said in answer.json["error"]


def test_somebody_changes_their_own_password(world: World) -> None:
    page, elsewhere = Page(world, "vera"), Page(world, "vera")
    wrong = page.post("/account/password", password="no", again="nine green plates")
    assert wrong.status_code == 403
    weak = page.post("/account/password", password=PASSWORD, again="short")
    assert weak.status_code == 400
    changed = page.post("/account/password", password=PASSWORD, again="nine green plates")
    assert changed.status_code == 200
    assert page.client.get("/api/state").status_code == 200
    assert elsewhere.client.get("/api/state").status_code == 401


def test_somebody_logs_out_everywhere(world: World) -> None:
    page, elsewhere = Page(world, "vera"), Page(world, "vera")
    assert page.post("/account/logout-everywhere").status_code == 200
    assert page.client.get("/api/state").status_code == 401
    assert elsewhere.client.get("/api/state").status_code == 401


def test_only_an_admin_is_shown_users_and_what_they_did(world: World) -> None:
    Page(world, "tess").post("/api/stop")
    assert "POST /api/stop" in Page(world, "ada").look("/account").text
    assert "POST /api/stop" not in Page(world, "vera").look("/account").text


# --- the first admin ---


@pytest.fixture
def empty(world: World, tmp_path: Any) -> World:
    world.store.close()
    world.store = AccessStore(tmp_path / "empty.sqlite")
    world.gate = Gate.over(world.store)
    world.app = world.live_app()
    return world


def test_the_first_admin_is_made_with_the_token(empty: World) -> None:
    page = Page(empty)
    assert "Set-up token" in page.look("/").text
    token = empty.gate.set_up.token
    wrong = page.post("/setup", token="ABCD-EFGH-JKLM-NPQR", name="ann", password=PASSWORD)
    assert wrong.status_code == 400
    assert wrong.json is not None
    assert "not the set-up token" in wrong.json["error"]
    made = page.post("/setup", token=token, name="ann", password=PASSWORD)
    assert made.json == {"name": "ann", "role": "admin"}
    assert page.client.get("/api/state").status_code == 200
    page.look("/")
    again = page.post("/setup", token=token, name="ben", password=PASSWORD)
    assert again.status_code == 409
    assert "Set-up token" not in Page(empty).look("/").text


def test_the_set_up_token_cannot_be_guessed_fast(empty: World) -> None:
    page = Page(empty)
    answers = [
        page.post("/setup", token=f"ABCD-EFGH-JKLM-NPQ{n}", name="ann", password=PASSWORD)
        for n in range(6)
    ]
    assert [answer.status_code for answer in answers] == [400] * 5 + [429]


# --- participants ---


def test_a_participant_reaches_their_study_and_nothing_else(world: World) -> None:
    study = Blueprint("questions", __name__)

    @needs(Role.PARTICIPANT)
    def question() -> str:
        return "left or right?"

    @needs(Role.VIEWER)
    def enter() -> str:
        admit("abc", "p7")
        return "admitted"

    study.add_url_rule("/question", view_func=question)
    study.add_url_rule("/enter", view_func=enter)
    world.options["pages"] = [study]
    world.app = world.live_app()
    page = Page(world, "ada")
    assert page.client.get("/question").status_code == 403
    assert page.client.get("/enter").status_code == 200
    assert page.client.get("/question").text == "left or right?"
    closed = page.client.get("/", headers=HTML)
    assert closed.status_code == 403
    assert 'href="/login"' in closed.text  # Whoever comes to this browser next has a way in.
    for rule, method, address in addresses(world.app):
        if rule not in OPEN | {"/question"} and method == "GET":
            assert page.client.get(address).status_code == 403, address


# --- the audit ---


def test_every_change_is_written_down_without_secrets(world: World) -> None:
    page = Page(world, "ada")
    page.post("/api/arm", confirm=True)
    page.post("/api/users", **BODIES["/api/users"])
    page.client.get("/api/state")
    Page(world).post("/login", name="ben", password="guess me")
    acts = world.gate.audit.newest(10)
    assert [(act.person, act.act, act.status) for act in acts] == [
        ("ben", "POST /login", 401),
        ("ada", "POST /api/users", 200),
        ("ada", "POST /api/arm", 202),
        ("ada", "POST /login", 200),
    ]
    assert acts[1].detail == '{"name": "new", "role": "viewer", "password": "\\u2026"}'
    assert acts[1].address == "127.0.0.1"
    assert "plates" not in "".join(act.detail for act in acts)
    assert "guess" not in "".join(act.detail for act in acts)


def test_a_stranger_cannot_wash_the_audit_away(world: World) -> None:
    stranger = world.app.test_client()
    for _ in range(20):
        stranger.post("/api/stop")
        stranger.post("/nothing")
        stranger.post("/login", json={"name": "ada", "password": "x"})
    guesser = Page(world)
    for _ in range(20):
        guesser.post("/login", name="ada", password="x")
        guesser.post("/setup", token="x", name="y", password="z")
        guesser.post("/logout")
        guesser.look("/login")
    assert [act.status for act in world.gate.audit.newest(100)] == [401] * 5


def test_a_full_disk_is_said_and_stop_still_works(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(world, "tess")
    with world.store.transaction() as db:
        db.execute(
            "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(FAIL, 'full'); END"
        )
    assert page.post("/api/stop").status_code == 202
    assert world.requests.take_all() == [StopRequest()]
