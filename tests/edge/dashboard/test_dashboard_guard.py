"""Who may ask the dashboard for what."""

import json
from dataclasses import replace

import pytest
from dashboard_rig import (
    ABOUT,
    NOW_S,
    SPOTS,
    World,
    everything,
    explain,
    pile,
    predict,
)
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from edge.board import (
    ArmRequest,
    CancelLimeRequest,
    EmptyBinRequest,
    ExplainRequest,
    LimeRequest,
    NewOrderRequest,
    StopRequest,
)
from edge.dashboard.hosts import Hosts
from edge.dashboard.live.shown import TOLD
from sorter_firmware_bridge.bins import Bin

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
OURS: dict[str, str] = {}
ADDRESSES = (
    "/",
    "/frame.jpg",
    "/explanation/1/0.jpg",
    "/explained/1.jpg",
    "/lime/1/0.jpg",
    "/lime/1.jpg",
    "/colour-bar.png",
    "/api/state",
    "/livez",
    "/static/app.js",
    "/nothing",
)
MUTATIONS = {
    "/api/stop": {},
    "/api/arm": {"confirm": True},
    "/api/explain": {"label": "3001"},
    "/api/lime": {"sequence": 7},
    "/api/lime/cancel": {"number": 3},
    "/api/bins/empty": {"number": 2},
    "/api/order": {"confirm": True},
}


def _error(answer: TestResponse, status: int) -> str:
    """The message of an error that is JSON and no page."""
    assert answer.status_code == status
    assert answer.mimetype == "application/json"
    assert answer.json is not None
    assert "Traceback" not in answer.text
    return str(answer.json["error"])


# --- headers ---

OF_ACCESS = {
    "/login",
    "/logout",
    "/setup",
    "/account/prove",
    "/account/password",
    "/account/logout-everywhere",
    "/api/users",
    "/api/users/<name>",
    "/api/users/<name>/remove",
}


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("filled", [False, True])
def test_every_answer_has_the_headers(
    client: FlaskClient, world: World, address: str, filled: bool
) -> None:
    if filled:
        world.show(**everything(1, NOW_S))
    headers = client.get(address, buffered=True).headers
    assert headers["Content-Security-Policy"] == POLICY
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "Server" not in headers


@pytest.mark.parametrize("address", ["/", "/frame.jpg", "/explained/1.jpg", "/api/state"])
def test_what_changes_is_never_stored(client: FlaskClient, world: World, address: str) -> None:
    world.show(**everything(1, NOW_S))
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_page_has_neither_inline_script_nor_inline_style(client: FlaskClient) -> None:
    page = client.get("/").text
    assert " style=" not in page
    assert "<style" not in page
    assert " on" not in page.replace(" one ", " ").split("<body>")[0]
    assert page.count("<script") == page.count('<script type="module" src="/static/') == 2
    assert "http://" not in page
    assert "https://" not in page


# --- hosts ---


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8080", "127.0.0.1:8080", "[::1]", "[::1]:8080"]
)
def test_this_machine_is_a_trusted_host(client: FlaskClient, host: str) -> None:
    assert client.get("/api/state", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "[::2]", "[::1].evil.example", "[::1]:x", ""]
)
@pytest.mark.parametrize("address", ["/", "/api/state", "/frame.jpg", "/static/app.js"])
def test_a_foreign_host_is_refused(client: FlaskClient, host: str, address: str) -> None:
    _error(client.get(address, headers={"Host": host}), 400)


def test_a_foreign_host_stops_nothing(client: FlaskClient, world: World) -> None:
    _error(client.post("/api/stop", headers=OURS | {"Host": "evil.example"}), 400)
    assert world.requests.take_all() == []


def test_other_hosts_can_be_trusted(world: World) -> None:
    hosts = Hosts(["Sorter.local", "[fd00::7]"])
    world.options["hosts"] = hosts
    app = world.live_app()
    for host, status in (("sorter.local:80", 200), ("[fd00::7]:80", 200), ("other", 400)):
        assert app.test_client().get("/livez", headers={"Host": host}).status_code == status


# --- methods ---


def test_only_the_known_mutations_change_anything(world: World) -> None:
    rules = list(world.app.url_map.iter_rules())
    changing = {rule.rule for rule in rules if rule.methods - {"GET", "HEAD", "OPTIONS"}}
    assert changing == set(MUTATIONS) | OF_ACCESS
    for rule in rules:
        if rule.rule in MUTATIONS or rule.rule in OF_ACCESS - {"/login"}:
            assert rule.methods == {"POST"}


@pytest.mark.parametrize("address", MUTATIONS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
def test_a_mutation_is_a_post(client: FlaskClient, world: World, address: str, method: str) -> None:
    answer = client.open(address, method=method, headers=OURS)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "POST"
    assert world.requests.take_all() == []


@pytest.mark.parametrize(
    "headers",
    [
        OURS | {"Origin": "http://evil.example"},
        OURS | {"Origin": "http://localhost:9999"},
        OURS | {"Origin": "null"},
        OURS | {"Origin": "http://["},
        OURS | {"Sec-Fetch-Site": "cross-site"},
        OURS | {"Sec-Fetch-Site": "same-site"},
    ],
)
@pytest.mark.parametrize("address", MUTATIONS)
def test_a_mutation_from_elsewhere_is_refused(
    client: FlaskClient, world: World, address: str, headers: dict[str, str]
) -> None:
    message = _error(client.post(address, json=MUTATIONS[address], headers=headers), 403)
    assert "another site" in message
    assert world.requests.take_all() == []


# --- STOP ---


@pytest.mark.parametrize("origin", [{}, {"Origin": "http://localhost"}])
def test_stop_goes_before_everything(
    client: FlaskClient, world: World, origin: dict[str, str]
) -> None:
    client.post("/api/explain", json={"label": "3003"}, headers=OURS)
    page = OURS | origin | {"Sec-Fetch-Site": "same-origin"}
    assert client.post("/api/stop", json={}, headers=page).status_code == 202
    assert world.requests.take_all() == [StopRequest(), ExplainRequest(1)]


@pytest.mark.parametrize("body", [b"", b"{", b"x" * 10_000])
def test_stop_takes_any_body(client: FlaskClient, world: World, body: bytes) -> None:
    assert client.post("/api/stop", data=body, headers=OURS).status_code == 202
    assert world.requests.take_all() == [StopRequest()]


def test_stop_is_never_limited(client: FlaskClient, world: World) -> None:
    while client.post("/api/arm", json={"confirm": True}, headers=OURS).status_code == 202:
        pass
    answers = {client.post("/api/stop", headers=OURS).status_code for _ in range(100)}
    assert answers == {202}
    assert world.requests.take_all()[0] == StopRequest()


# --- arm ---


def test_arming_needs_a_confirmation(client: FlaskClient, world: World) -> None:
    for body in ({}, {"confirm": False}, {"confirm": 1}, {"confirm": "true"}, []):
        assert "confirm" in _error(client.post("/api/arm", json=body, headers=OURS), 400)
    assert "confirm" in _error(
        client.post("/api/arm", json={"confirm": True, "more": 1}, headers=OURS), 400
    )
    assert world.requests.take_all() == []
    assert client.post("/api/arm", json={"confirm": True}, headers=OURS).status_code == 202
    assert world.requests.take_all() == [ArmRequest()]


# --- explain ---


def test_a_label_can_be_explained(client: FlaskClient, world: World) -> None:
    answer = client.post("/api/explain", json={"label": "3710"}, headers=OURS)
    assert (answer.status_code, answer.json) == (202, {"accepted": True})
    assert world.requests.take_all() == [ExplainRequest(3)]


@pytest.mark.parametrize(
    ("asked", "close"), [("3011", ["3001"]), ("brick 2x4", ["3001"]), ("zzzzzz", [])]
)
def test_an_unknown_label_names_those_close_to_it(
    client: FlaskClient, world: World, asked: str, close: list[str]
) -> None:
    answer = client.post("/api/explain", json={"label": asked}, headers=OURS)
    message = _error(answer, 400)
    assert asked in message
    assert answer.json is not None
    assert answer.json["did_you_mean"][: len(close)] == close
    assert ("did you mean" in message) == bool(close)
    assert world.requests.take_all() == []


@pytest.mark.parametrize("body", [{}, {"label": 3001}, {"label": None}, {"label": "3001", "x": 1}])
def test_explain_wants_one_id(client: FlaskClient, body: object) -> None:
    assert "label" in _error(client.post("/api/explain", json=body, headers=OURS), 400)


def test_too_many_wishes_are_refused_for_now(client: FlaskClient, world: World) -> None:
    for _ in range(3):
        assert client.post("/api/explain", json={"label": "3001"}, headers=OURS).status_code == 202
    answer = client.post("/api/explain", json={"label": "3001"}, headers=OURS)
    assert "too many" in _error(answer, 503)
    assert answer.headers["Retry-After"] == "1"
    assert len(world.requests.take_all()) == 3


# --- LIME ---


def test_lime_is_asked_for_what_a_page_was_told_of(client: FlaskClient, world: World) -> None:
    shown = []
    for sequence in range(1, TOLD + 2):
        shown.append(explain(predict(pile(), sequence), SPOTS))
        world.show(explanation=shown[-1])
        client.get("/api/state")
        client.get("/api/state")
    # The first is forgotten; the newest stands in for it.
    for sequence, expected in ((2, shown[1]), (TOLD + 1, shown[-1]), (1, shown[-1])):
        answer = client.post("/api/lime", json={"sequence": sequence}, headers=OURS)
        assert (answer.status_code, answer.json) == (202, {"accepted": True})
        (request,) = world.requests.take_all()
        assert isinstance(request, LimeRequest)
        assert request.explanation is expected


def test_lime_is_refused_before_the_first_frame_and_where_it_is_off(
    client: FlaskClient, world: World
) -> None:
    answer = client.post("/api/lime", json={"sequence": 0}, headers=OURS)
    assert "first frame" in _error(answer, 409)
    world.show(
        about=replace(world.board.current().about, lime=False),
        explanation=explain(predict(pile(), 4), SPOTS),
    )
    answer = client.post("/api/lime", json={"sequence": 4}, headers=OURS)
    assert "[explain] of edge.toml" in _error(answer, 409)
    assert world.requests.take_all() == []


def test_lime_is_cancelled_by_its_number(client: FlaskClient, world: World) -> None:
    answer = client.post("/api/lime/cancel", json={"number": 3}, headers=OURS)
    assert (answer.status_code, answer.json) == (202, {"accepted": True})
    assert world.requests.take_all() == [CancelLimeRequest(3)]


def test_a_bin_that_was_emptied_is_told_by_its_number(client: FlaskClient, world: World) -> None:
    world.show(about=replace(ABOUT, bins=((Bin(2, "plates"), 50), (Bin(4, "rest"), None))))
    answer = client.post("/api/bins/empty", json={"number": 4}, headers=OURS)
    assert (answer.status_code, answer.json) == (202, {"accepted": True})
    assert world.requests.take_all() == [EmptyBinRequest(4)]
    refused = client.post("/api/bins/empty", json={"number": 3}, headers=OURS)
    assert _error(refused, 400) == "no bin 3; there are 2, 4"
    for body in ({}, {"number": True}, {"number": "4"}, {"number": 4, "more": 1}, [4]):
        assert "number" in _error(client.post("/api/bins/empty", json=body, headers=OURS), 400)
    assert world.requests.take_all() == []


def test_a_new_order_needs_a_wanted_list_and_a_word(client: FlaskClient, world: World) -> None:
    there_is_none = client.post("/api/order", json={"confirm": True}, headers=OURS)
    assert "[[wanted]]" in _error(there_is_none, 409)
    world.show(about=replace(ABOUT, wanted=True))
    assert "confirm" in _error(client.post("/api/order", json={}, headers=OURS), 400)
    assert client.post("/api/order", json={"confirm": True}, headers=OURS).status_code == 202
    assert world.requests.take_all() == [NewOrderRequest()]


@pytest.mark.parametrize(
    ("address", "key"), [("/api/lime", "sequence"), ("/api/lime/cancel", "number")]
)
@pytest.mark.parametrize("value", [-1, True, 1.0, "7", None, [7], 2**53, 10**30])
def test_lime_wants_one_whole_number(
    client: FlaskClient, world: World, address: str, key: str, value: object
) -> None:
    for body in ({key: value}, {}, {key: 7, "more": 1}, {"label": 7}, [7], 7):
        assert key in _error(client.post(address, json=body, headers=OURS), 400)
    assert world.requests.take_all() == []


@pytest.mark.parametrize("address", ["/api/lime", "/api/lime/cancel"])
def test_lime_is_refused_while_too_much_waits(
    client: FlaskClient, world: World, address: str
) -> None:
    world.show(explanation=explain(predict(pile(), 7), SPOTS))
    for _ in range(3):
        assert client.post(address, json=MUTATIONS[address], headers=OURS).status_code == 202
    answer = client.post(address, json=MUTATIONS[address], headers=OURS)
    assert "too many" in _error(answer, 503)
    assert answer.headers["Retry-After"] == "1"
    assert client.post("/api/stop", headers=OURS).status_code == 202
    assert world.requests.take_all()[0] == StopRequest()


# --- bodies and errors ---


@pytest.mark.parametrize("address", [one for one in MUTATIONS if one != "/api/stop"])
def test_only_small_json_is_read(client: FlaskClient, address: str) -> None:
    _error(
        client.post(address, data=b"{", headers=OURS | {"Content-Type": "application/json"}), 400
    )
    form = client.post(address, data={"confirm": "true", "label": "3001"}, headers=OURS)
    assert "application/json" in _error(form, 415)
    large = json.dumps({"label": "x" * 10_000}).encode()
    answer = client.post(address, data=large, headers=OURS | {"Content-Type": "application/json"})
    assert "4096" in _error(answer, 413)


def test_errors_are_json(client: FlaskClient) -> None:
    _error(client.get("/api/nothing"), 404)
    _error(client.get("/explanation/-1/0.jpg"), 404)
    _error(client.get("/static/../app.py"), 404)
    _error(client.get("/api/arm"), 405)


def test_a_fault_inside_tells_nothing_of_it(world: World, client: FlaskClient) -> None:
    world.board.replace(None)  # type: ignore[arg-type]
    message = _error(client.get("/api/state"), 500)
    assert "log" in message
    assert "NoneType" not in message


def test_a_person_is_told_on_a_page_and_a_script_in_json(world: World) -> None:
    page, script = {"Accept": "text/html,*/*;q=0.8"}, {"Accept": "*/*"}
    shown = world.client().get("/nothing", headers=page)
    assert shown.status_code == 404
    assert shown.mimetype == "text/html"
    assert "There is nothing at this address." in shown.text
    assert "<script" not in shown.text
    told = world.client().get("/nothing", headers=script)
    assert told.json == {"error": "there is nothing at this address", "status": 404}
