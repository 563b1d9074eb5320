"""The page of the machine: link, faults, moving by hand, and settings."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from machine_rig import BRICKS, SORTED_INDEX, MachineWorld, scene

from edge.bundle import Bundle
from edge.config import read_config
from edge.domain import Frame
from edge.faults import Fault, FaultKind
from edge.manual import HandReport
from sorter_firmware_bridge.bins import Condition, MachineState
from sorter_firmware_bridge.drivers.simulated import Fault as Injected
from sorter_firmware_bridge.drivers.simulated import FaultKind as InjectedKind
from sorter_firmware_bridge.drivers.simulated import SimulatedSettings

PAGE = {"page": "page-one"}
BEGIN = PAGE | {"confirm": True, "take_over": True}
HOSTILE = "<img src=x onerror=alert(1)>\x1b[2J\x00" + "x" * 10_000


@pytest.fixture
def device(tmp_path: Path, shipped: Bundle) -> Iterator[MachineWorld]:
    built = MachineWorld(tmp_path, shipped)
    yield built
    built.close()


@pytest.fixture
def jammed(tmp_path: Path, shipped: Bundle) -> Iterator[MachineWorld]:
    settings = SimulatedSettings(faults=(Injected(InjectedKind.JAM),))
    built = MachineWorld(tmp_path, shipped, settings=settings)
    built.rig.item(60)
    built.rig.run(1)
    yield built
    built.close()


def state(device: MachineWorld) -> dict[str, Any]:
    answer = device.client.get("/api/machine")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.get_json()
    return found


def post(device: MachineWorld, path: str, body: object, who: str = "ada") -> tuple[int, str]:
    client = device.client if who == "ada" else device.as_(who)
    answer = client.post(path, json=body)
    return answer.status_code, (answer.get_json() or {}).get("error", "")


# --- what is ---


def test_the_link_and_its_promise(device: MachineWorld) -> None:
    machine = state(device)["machine"]
    assert (machine["condition"], machine["promise"]) == ("armed", "exactly once")
    assert (machine["timing"], machine["confirms"]) == ("machine timed", True)
    assert [bin_["number"] for bin_ in machine["bins"]] == [1, 2, 3]


def test_receipts_are_newest_first_with_their_item(device: MachineWorld) -> None:
    device.rig.item(60)
    device.rig.run(1)
    found = state(device)["receipts"]
    assert [one["state"] for one in found] == ["confirmed", "fired", "accepted"]
    assert {one["item_id"] for one in found} == {1}
    assert found[-1]["after_ms"] == 0
    assert found[0]["after_ms"] > 0
    assert found[0]["bin"] == {"number": BRICKS.number, "name": BRICKS.name}


def test_round_trips_are_summed_up(device: MachineWorld) -> None:
    assert state(device)["round_trips"]["count"] == 0
    device.world.show(round_trips_ms=tuple(float(n) for n in range(1, 101)))
    found = state(device)["round_trips"]
    assert (found["p50"], found["p95"], found["max"]) == (50.0, 95.0, 100.0)


def test_words_of_a_machine_are_text_of_bounded_length(device: MachineWorld) -> None:
    device.world.show(
        machine=MachineState(Condition.SAFE, HOSTILE, 1.0, 0),
        machine_problem=HOSTILE,
        faults=(Fault(1, 1.0, FaultKind.SAFE, HOSTILE),),
        by_hand=HandReport("tess", "page-one", HOSTILE),
    )
    answer = device.client.get("/api/machine")
    assert answer.mimetype == "application/json"
    assert len(answer.data) < 10_000
    assert "\\u001b" not in answer.text
    assert "\\u0000" not in answer.text


def test_without_a_picture_there_is_none(device: MachineWorld) -> None:
    assert device.client.get("/machine/whole.jpg").status_code == 404
    device.whole = Frame(1, 0.0, np.array(scene(90)))
    answer = device.client.get("/machine/whole.jpg")
    assert answer.mimetype == "image/jpeg"
    assert answer.data[:2] == b"\xff\xd8"


def test_a_viewer_looks_and_changes_nothing(device: MachineWorld) -> None:
    viewer = device.as_("vera")
    page = viewer.get("/machine").text
    assert 'id="hand-begin"' not in page
    assert 'id="apply"' not in page
    for path in (
        "/api/machine/acknowledge",
        "/api/manual/begin",
        "/api/manual/move",
        "/api/settings/preview",
        "/api/settings/apply",
        "/api/settings/undo",
    ):
        assert viewer.post(path, json={}).status_code == 403


# --- faults ---


def test_arming_waits_for_whoever_acknowledges(jammed: MachineWorld) -> None:
    status, said = post(jammed, "/api/arm", {"confirm": True})
    assert status == 409
    assert "to be acknowledged" in said
    numbers = [fault["number"] for fault in state(jammed)["faults"]["list"]]
    client = jammed.as_("tess")
    assert client.post("/api/machine/acknowledge", json={"faults": numbers}).status_code == 202
    jammed.rig.step()
    found = state(jammed)["faults"]
    assert found["waiting"] == 0
    assert {fault["seen_by"] for fault in found["list"]} == {"token:tesss"}
    assert post(jammed, "/api/arm", {"confirm": True})[0] == 202
    jammed.rig.step()
    assert state(jammed)["machine"]["condition"] == "armed"


@pytest.mark.parametrize(
    "body",
    [
        {},
        [1],
        {"faults": []},
        {"faults": "all"},
        {"faults": [True]},
        {"faults": [1.0]},
        {"faults": list(range(101))},
        {"faults": [1], "who": "somebody else"},
    ],
)
def test_what_names_no_faults_is_refused(jammed: MachineWorld, body: object) -> None:
    assert post(jammed, "/api/machine/acknowledge", body)[0] == 400


def test_a_fault_that_is_not_there_is_not_acknowledged(jammed: MachineWorld) -> None:
    status, said = post(jammed, "/api/machine/acknowledge", {"faults": [77]})
    assert status == 409
    assert "no fault 77" in said


# --- by hand ---


def test_somebody_moves_it_by_hand(device: MachineWorld) -> None:
    assert post(device, "/api/manual/begin", PAGE | {"confirm": True})[0] == 409
    assert post(device, "/api/manual/begin", BEGIN)[0] == 202
    device.rig.step()
    assert state(device)["by_hand"]["who"] == "token:tests"
    move = PAGE | {"request": "request-1", "bin": 2}
    for _ in range(2):
        assert post(device, "/api/manual/move", move)[0] == 202
    device.rig.step()
    device.rig.run(0.5)
    assert device.rig.fired == [1]
    (moved,) = state(device)["by_hand"]["moves"]
    assert (moved["sent"], moved["bin"]["number"]) == (True, 2)
    assert post(device, "/api/manual/end", PAGE)[0] == 202
    device.rig.step()
    assert state(device)["machine"]["condition"] == "safe"


def test_the_other_one_is_told_who_holds_it(device: MachineWorld) -> None:
    assert post(device, "/api/manual/begin", BEGIN)[0] == 202
    device.rig.step()
    other = BEGIN | {"page": "page-two"}
    status, said = post(device, "/api/manual/begin", other, "tess")
    assert (status, "token:tests moves the machine by hand already" in said) == (409, True)
    for what in ("beat", "end"):
        assert post(device, f"/api/manual/{what}", PAGE, "vera")[0] == 403
        # The same page under another name is another person.
        assert device.as_("ada").post(f"/api/manual/{what}", json=PAGE).status_code == 409


def test_a_page_that_lost_it_is_told_why(device: MachineWorld) -> None:
    device.world.show(by_hand=HandReport(ended="the page that moved it by hand is gone"))
    status, said = post(device, "/api/manual/beat", PAGE)
    assert status == 409
    assert "is gone" in said


@pytest.mark.parametrize("bin_", [0, 77, -1, 10**30])
def test_a_bin_that_is_not_there(device: MachineWorld, bin_: int) -> None:
    post(device, "/api/manual/begin", BEGIN)
    device.rig.step()
    move = PAGE | {"request": "request-1", "bin": bin_}
    status, said = post(device, "/api/manual/move", move)
    assert status == 400
    assert "there are 1, 2, 3" in said


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"page": "short"},
        {"page": 7},
        {"page": "x" * 65},
        {"page": "../../etc/passwd"},
        PAGE | {"extra": 1},
    ],
)
def test_what_is_no_page_is_refused(device: MachineWorld, body: object) -> None:
    for what in ("begin", "beat", "move", "end"):
        assert post(device, f"/api/manual/{what}", body)[0] == 400


@pytest.mark.parametrize("change", [{"bin": True}, {"bin": "1"}, {"bin": 1.0}, {"request": "r"}])
def test_what_is_no_move_is_refused(device: MachineWorld, change: dict[str, object]) -> None:
    move = PAGE | {"request": "request-1", "bin": 1} | change
    assert post(device, "/api/manual/move", move)[0] == 400


def test_a_machine_that_is_not_armed(device: MachineWorld) -> None:
    device.client.post("/api/stop")
    device.rig.step()
    status, said = post(device, "/api/manual/begin", BEGIN)
    assert status == 409
    assert "is safe; only one that is armed" in said


# --- settings ---


def settings(device: MachineWorld) -> dict[str, Any]:
    answer = device.client.get("/api/settings")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.get_json()
    return found


def test_settings_are_shown_with_what_is_allowed(device: MachineWorld) -> None:
    found = settings(device)
    margin = next(one for one in found["numbers"] if one["path"] == "sorting.margin")
    assert (margin["value"], margin["default"], margin["low"], margin["high"]) == (None, 0.2, 0, 1)
    assert found["roi"] == [0, 0, 1, 1]
    assert found["loaded"] == found["sha256"]
    assert len(found["thresholds"]) == len(device.rig.classifier.bundle.labels)
    assert all(label["set"] is None for label in found["thresholds"])


def test_a_change_is_tried_then_applied_then_undone(device: MachineWorld) -> None:
    for grey in (20, 90, 160):
        device.rig.item(grey, (SORTED_INDEX,))
        device.rig.run(0.5)
    changes = {"sorting.margin": 0.99}
    answer = device.client.post("/api/settings/preview", json={"changes": changes})
    found = answer.get_json()
    assert (found["items"], found["moved"], found["review"]) == (3, 3, [0.0, 1.0])
    assert {"name": "small margin", "before": 0, "after": 3} in found["reasons"]
    assert found["elsewhere"][0]["after"]["bin"] == "3 review"
    before = device.path.read_text(encoding="utf-8")
    asked = {"changes": changes, "sha256": settings(device)["sha256"], "confirm": True}
    assert post(device, "/api/settings/apply", asked)[0] == 202
    assert device.restarted == 1
    assert read_config(device.path).policy.margin == 0.99
    after = settings(device)
    assert after["undo"]
    assert after["loaded"] != after["sha256"]
    undo = {"sha256": after["sha256"], "confirm": True}
    assert post(device, "/api/settings/undo", undo)[0] == 202
    assert device.restarted == 2
    assert device.path.read_text(encoding="utf-8") == before


def test_the_second_technician_is_told(device: MachineWorld) -> None:
    seen = settings(device)["sha256"]
    asked = {"changes": {"sorting.margin": 0.3}, "sha256": seen, "confirm": True}
    assert post(device, "/api/settings/apply", asked, "tess")[0] == 202
    status, said = post(device, "/api/settings/apply", asked)
    assert status == 409
    assert "reload the page" in said
    assert device.restarted == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"camera.source": "http://elsewhere"}, "cannot be changed from the page"),
        ({"sorting.margin": 7}, "sorting.margin: found 7"),
        ({"sorting.margin": "0.3"}, "expected a number"),
        ({"thresholds.nothing": 0.3}, "does not exist in this model"),
        ({"camera.roi": [0.5, 0, 0.6, 1]}, "ends at 1.1"),
        ({"thresholds." + HOSTILE: 0.5}, "cannot be changed from the page"),
        ("all", "expected"),
        (None, "expected"),
    ],
)
def test_a_change_that_cannot_be_is_refused(
    device: MachineWorld, changes: object, said: str
) -> None:
    before = device.path.read_text(encoding="utf-8")
    status, error = post(device, "/api/settings/preview", {"changes": changes})
    assert (status, said in error) == (400, True), error
    asked = {"changes": changes, "sha256": settings(device)["sha256"], "confirm": True}
    assert post(device, "/api/settings/apply", asked)[0] == 400
    assert device.path.read_text(encoding="utf-8") == before
    assert device.restarted == 0


def test_a_number_that_json_does_not_have_is_refused(device: MachineWorld) -> None:
    for word in ("NaN", "Infinity", "-Infinity", "1e999"):
        body = f'{{"changes": {{"sorting.margin": {word}}}}}'
        answer = device.client.post(
            "/api/settings/preview", data=body, content_type="application/json"
        )
        assert answer.status_code == 400
        assert "expected a number" in answer.get_json()["error"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {"confirm": True},
        {"sha256": "0" * 64},
        {"sha256": 3, "confirm": True},
        {"sha256": "0" * 64, "confirm": "yes"},
    ],
)
def test_without_looking_and_confirming_nothing_is_applied(
    device: MachineWorld, body: object
) -> None:
    assert post(device, "/api/settings/undo", body)[0] == 400
    if isinstance(body, dict):
        asked = body | {"changes": {"sorting.margin": 0.3}}
        assert post(device, "/api/settings/apply", asked)[0] == 400
    assert device.restarted == 0


def test_a_file_that_is_gone_is_said(device: MachineWorld) -> None:
    device.path.unlink()
    answer = device.client.get("/api/settings")
    assert answer.status_code == 409
    assert "cannot be read" in answer.get_json()["error"]


def test_every_change_is_in_the_audit(device: MachineWorld) -> None:
    asked = {"changes": {"sorting.margin": 0.3}, "sha256": settings(device)["sha256"]}
    post(device, "/api/settings/apply", asked | {"confirm": True})
    newest = device.world.gate.audit.newest(1)[0]
    assert "/api/settings/apply" in newest.act
    assert json.loads(newest.detail)["changes"] == {"sorting.margin": 0.3}
