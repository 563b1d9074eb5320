"""The state as JSON."""

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from dashboard_rig import ABOUT, ENTRY, NOW_S, PLATES, World, everything, explain, pile, predict
from flask.testing import FlaskClient

from edge.balance import Balance, Outcome
from edge.board import Snapshot
from edge.dashboard.live.state import OUTCOME_SENTENCES, state_of
from edge.dashboard.values import MAX_TEXT_CHARS
from edge.domain import Label
from edge.feeder import Feeding
from edge.line import LineReport
from sorter_firmware_bridge.bins import (
    Bin,
    Cause,
    Condition,
    Hello,
    MachineState,
    Promise,
    Receipt,
    ReceiptState,
    Timing,
)


def _state(client: FlaskClient) -> dict[str, Any]:
    answer = client.get("/api/state")
    assert answer.status_code == 200
    assert answer.json is not None
    # JSON has no NaN, and a browser refuses it.
    json.loads(answer.text, parse_constant=lambda name: pytest.fail(f"found {name}"))
    return dict(answer.json)


def test_an_empty_board_says_so(client: FlaskClient) -> None:
    state = _state(client)
    for key in ("frame", "explanation", "decision", "outcome", "problem"):
        assert state[key] is None
    assert state["labels"] == state["recent"] == []
    assert state["lime"] == []
    assert state["age_ms"] == {"frame": None, "explanation": None, "lime": {}, "decision": None}
    assert state["camera"]["state"] == "reconnecting"
    assert state["machine"]["condition"] is None
    assert state["balance"]["seen"] == 0
    assert state["balance"]["reconciles"] is True
    words = [part["word"] for part in state["balance"]["parts"]]
    assert words == ["confirmed", "fired", "missed", "review", "unknown"]


def test_labels_are_those_present_most_confident_first(client: FlaskClient, world: World) -> None:
    world.show(prediction=predict(pile(), 7))
    state = _state(client)
    assert state["frame"] == {"sequence": 7}
    assert state["labels"] == [
        {"index": 0, "id": "3001", "name": "Brick 2x4", "confidence": 0.94, "threshold": 0.5},
        {"index": 1, "id": "3003", "name": "Brick 2x2", "confidence": 0.71, "threshold": 0.4},
        {"index": 3, "id": "3710", "name": "Plate 1x4", "confidence": 0.44, "threshold": 0.3},
    ]


def test_an_explanation_says_what_it_is(client: FlaskClient, world: World) -> None:
    heat = np.zeros((5, 7), np.float32)
    warm = heat.copy()
    warm[2, 3] = 0.83
    seen = predict(pile(), 6, NOW_S - 1.5)
    world.show(
        prediction=predict(pile(), 9, NOW_S - 0.1), explanation=explain(seen, {1: warm, 2: heat})
    )
    state = _state(client)
    labels = state["explanation"].pop("labels")
    assert state["explanation"] == {
        "sequence": 6,
        "method": "grad-cam",
        "layer": "conv5",
        "grid": [5, 7],
        "pooling": "mean",
        "milliseconds": 4.1,
        "scale_max": 0.83,
        "scale_name": "this frame",
        "disagrees": ["3003"],
    }
    assert labels[0] == {
        "index": 1,
        "id": "3003",
        "name": "Brick 2x2",
        "confidence": 0.71,
        "max": 0.83,
        "no_evidence": False,
        "disagrees": True,
    }
    assert (labels[1]["max"], labels[1]["no_evidence"], labels[1]["disagrees"]) == (0, True, False)
    assert state["age_ms"] == {"frame": 100, "explanation": 1500, "lime": {}, "decision": None}


def test_a_method_that_reports_little_is_shown(client: FlaskClient, world: World) -> None:
    bare = replace(explain(predict(pile(), 6), {0: np.ones((2, 2), np.float32)}), details={})
    world.show(explanation=bare)
    shown = _state(client)["explanation"]
    assert (shown["layer"], shown["milliseconds"], shown["disagrees"]) == (None, None, [])


def test_values_that_are_no_numbers_are_null(client: FlaskClient, world: World) -> None:
    broken = explain(predict(pile(), 6), {0: np.full((2, 2), np.nan, np.float32)})
    world.show(explanation=broken, stage_ms={"classify": float("inf")})
    state = _state(client)
    assert state["explanation"]["scale_max"] is None
    assert state["explanation"]["labels"][0]["no_evidence"] is True
    assert state["stage_ms"] == {"classify": None}
    assert client.get("/explanation/6/0.jpg").status_code == 200


def test_a_decision_says_where_and_why(client: FlaskClient, world: World) -> None:
    world.show(**everything(3, NOW_S - 2))
    state = _state(client)
    decision = state["decision"]
    assert decision["reason"] == "sorted"
    assert decision["reason_text"] == "One brick type was recognised, and it has a bin."
    assert decision["sentence"] == "Brick 2x4 (3001) at 94%: bin 1 'bricks'."
    assert decision["bin"] == {"number": 1, "name": "bricks"}
    assert decision["label"] == {"index": 0, "id": "3001", "name": "Brick 2x4"}
    assert [other["id"] for other in decision["alternatives"]] == ["3003", "3710", "3020"]
    assert decision["alternatives"][1]["bin"] == {"number": 2, "name": "plates"}
    assert decision["alternatives"][2]["bin"] is None
    assert state["outcome"] == {
        "code": "fired",
        "sentence": "The machine moved it; no sensor has seen it drop.",
        "item_id": 12,
        "command_id": 9,
    }
    assert state["age_ms"]["decision"] == 2000


def test_every_outcome_has_its_sentence() -> None:
    assert set(OUTCOME_SENTENCES) == set(Outcome)
    assert len(set(OUTCOME_SENTENCES.values())) == len(Outcome)


def test_recent_rows_name_their_bricks(client: FlaskClient, world: World) -> None:
    gone = replace(ENTRY, label_ids=("3001", "77"), bin=PLATES, outcome=Outcome.MISSED)
    world.show(recent=(gone,) * 60)
    rows = _state(client)["recent"]
    assert len(rows) == 20
    assert rows[0]["labels"] == [{"id": "3001", "name": "Brick 2x4"}, {"id": "77", "name": ""}]
    assert rows[0]["bin"] == {"number": 2, "name": "plates"}
    assert (rows[0]["outcome"], rows[0]["item_id"]) == ("missed", 12)


def test_the_machine_and_its_troubles_are_shown(client: FlaskClient, world: World) -> None:
    world.show(machine=MachineState(Condition.SAFE, "jam at bin 2", 8.0, 3))
    machine = _state(client)["machine"]
    assert machine["condition"] == "safe"
    assert (machine["reason"], machine["queued"]) == ("jam at bin 2", 3)
    world.show(machine=None, machine_problem="no answer in 2 s")
    machine = _state(client)["machine"]
    assert (machine["condition"], machine["problem"]) == (None, "no answer in 2 s")


def test_what_the_link_promises_is_shown(client: FlaskClient, world: World) -> None:
    assert _state(client)["machine"]["promise"] is None
    world.show(
        hello=Hello(
            kind="linetext",
            boot_id=1,
            bins=(PLATES,),
            queue_depth=1,
            watchdog_s=2.0,
            confirms=False,
            sensors=(),
            promise=Promise.AT_MOST_ONCE,
            timing=Timing.HOST,
        )
    )
    machine = _state(client)["machine"]
    assert (machine["promise"], machine["timing"]) == ("at most once", "host timed")
    assert machine["confirms"] is False


def test_what_lies_in_the_bins_is_shown(client: FlaskClient, world: World) -> None:
    assert _state(client)["bins"] == []
    bins = ((PLATES, 3), (Bin(9, "rest"), None))
    line = LineReport(Feeding(False, "the review bin is full"), {}, {2: 3})
    world.show(about=replace(ABOUT, bins=bins, wanted=True), line=line)
    state = _state(client)
    plates = {"number": 2, "name": "plates", "items": 3, "capacity": 3, "full": True}
    rest = {"number": 9, "name": "rest", "items": 0, "capacity": None, "full": False}
    assert state["bins"] == [plates, rest]
    assert state["feeding"] == {"ok": False, "reason": "the review bin is full"}
    assert state["about"]["wanted"] is True


def test_counters_stages_and_about(client: FlaskClient, world: World) -> None:
    world.show(**everything(3, NOW_S))
    state = _state(client)
    assert state["counters"] == {"frames_seen": 43, "frames_replaced": 3}
    assert list(state["stage_ms"]) == ["prepare", "classify", "explain", "publish"]
    assert state["about"] == {
        "bundle": "starter",
        "model_sha256": ABOUT.model_sha256,
        "mode": "single",
        "machine_kind": "simulated",
        "camera": "replay of demo/pile",
        "labels": 4,
        "lime": True,
        "wanted": False,
    }


# --- ETag ---


def test_the_etag_stays_while_only_time_passes(client: FlaskClient, world: World) -> None:
    world.show(**everything(3, NOW_S))
    first = client.get("/api/state")
    etag = first.headers["ETag"]
    world.now_s += 1.234
    again = client.get("/api/state", headers={"If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")
    assert again.headers["ETag"] == etag
    assert again.headers["Cache-Control"] == "no-store"
    whole = client.get("/api/state")
    assert whole.headers["ETag"] == etag
    assert whole.json is not None
    assert whole.json["age_ms"]["frame"] == 1234


@pytest.mark.parametrize(
    "change",
    [
        {"machine": MachineState(Condition.SAFE, "stopped", 8.0, 0)},
        {"problem": "the disk is full"},
        {"frames_seen": 1000},
        {},
    ],
)
def test_the_etag_changes_with_every_snapshot(
    client: FlaskClient, world: World, change: dict[str, Any]
) -> None:
    world.show(**everything(3, NOW_S))
    etag = client.get("/api/state").headers["ETag"]
    world.show(**change)
    answer = client.get("/api/state", headers={"If-None-Match": etag})
    assert answer.status_code == 200
    assert answer.headers["ETag"] != etag


# --- health ---


def test_it_is_ready_while_the_pipeline_runs_and_frames_come(world: World) -> None:
    stranger = world.app.test_client()
    answer = stranger.get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["error"] == "not ready: camera, first frame"
    world.show(**everything(3, NOW_S))
    assert (stranger.get("/readyz").json, stranger.get("/livez").json) == ({"ok": True},) * 2
    world.show(problem="the interpreter died")
    answer = stranger.get("/readyz")
    # Whoever is not logged in learns that it is not ready, not what the log says of it.
    assert (answer.status_code, answer.json) == (
        503,
        {"error": "not ready: pipeline", "status": 503, "ok": False},
    )
    assert stranger.get("/livez").status_code == 200


# --- text from outside ---


def test_hostile_text_stays_text(client: FlaskClient, world: World) -> None:
    hostile = "<script>alert(1)</script>\x00\x1b[31m\u202egnp.exe\n" + "x" * 5000
    labels = tuple(replace(label, name='"><img src=x onerror=1>') for label in ABOUT.labels)
    world.show(
        about=replace(ABOUT, camera=hostile, labels=labels),
        machine=MachineState(Condition.SAFE, hostile, 8.0, 0),
    )
    reason = _state(client)["machine"]["reason"]
    assert reason.startswith("<script>alert(1)</script> ")
    assert len(reason) == MAX_TEXT_CHARS + 1
    assert reason.isprintable()
    page = client.get("/").text
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


def test_a_label_id_with_a_slash_is_asked_for_by_body(client: FlaskClient, world: World) -> None:
    labels = (Label(0, "../3001", "Brick"),)
    world.show(about=replace(ABOUT, labels=labels, thresholds=(0.5,)))
    headers: dict[str, str] = {}
    answer = client.post("/api/explain", json={"label": "../3001"}, headers=headers)
    assert answer.status_code == 202


def test_what_the_machine_answered_comes_before_how_the_item_is_counted() -> None:
    review = replace(ENTRY, outcome=Outcome.REVIEW, command_id=5)
    snapshot = Snapshot(1, ABOUT, entry=review)
    assert state_of(snapshot)["outcome"]["code"] == "review"
    jam = Receipt(5, ReceiptState.MISSED, 1.0, Cause.JAM, "gate 6 jammed")
    outcome = state_of(replace(snapshot, receipt=jam))["outcome"]
    assert outcome["code"] == "missed"
    assert outcome["sentence"].endswith("gate 6 jammed")
    accepted = Receipt(5, ReceiptState.ACCEPTED, 1.0)
    assert state_of(replace(snapshot, receipt=accepted))["outcome"]["code"] == "pending"


def test_the_balance_is_in_five_words_and_says_what_is_within_them() -> None:
    balance = Balance(9, fired=2, missed=1, refused=2, review=1, unmoved=1, pending=2)
    told = state_of(Snapshot(0, ABOUT, balance=balance))["balance"]
    assert {part["word"]: part["items"] for part in told["parts"]} == {
        "confirmed": 0,
        "fired": 2,
        "missed": 3,
        "review": 2,
        "unknown": 2,
    }
    within = {part["word"]: [i["items"] for i in part["within"]] for part in told["parts"]}
    assert within == {"confirmed": [], "fired": [], "missed": [2], "review": [1], "unknown": [2]}
    assert (told["seen"], told["reconciles"]) == (9, True)
    assert (
        state_of(Snapshot(0, ABOUT, balance=replace(balance, seen=10)))["balance"]["reconciles"]
        is False
    )
