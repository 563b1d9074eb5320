"""One item: everything that is known of it, and nothing that is not."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from dashboard_rig import pile
from flask.testing import FlaskClient
from items_rig import POLICY, ItemsWorld

from edge.kept_frames import GRADCAM, folder_of, path_of
from edge.pictures import decode_picture
from edge.policy import Route
from sorter_firmware_bridge.bins import ReceiptState


@pytest.fixture
def items(tmp_path: Path) -> Iterator[ItemsWorld]:
    built = ItemsWorld(tmp_path)
    yield built
    built.close()


@pytest.fixture
def client(items: ItemsWorld) -> FlaskClient:
    return items.as_("vera")


def card(client: FlaskClient, item_id: int = 1) -> dict[str, Any]:
    answer = client.get(f"/api/items/{item_id}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json or {}
    return found


def test_a_card_says_what_was_seen_and_decided(items: ItemsWorld, client: FlaskClient) -> None:
    items.see()
    found = card(client)
    assert found["bin"] == {"number": 1, "name": "bricks"}
    assert found["reason"] == "sorted"
    assert found["outcome"] == "fired"
    assert [(s["id"], s["probability"], s["threshold"]) for s in found["scores"]] == [
        ("3001", 0.94, 0.5),
        ("3020", 0.2, 0.6),
        ("3003", 0.1, 0.4),
        ("3710", 0.05, 0.3),
    ]
    assert [s["above"] for s in found["scores"]] == [True, False, False, False]
    assert (found["seen"]["agreeing"], found["seen"]["frames"], found["seen"]["needed"]) == (
        3,
        3,
        3,
    )
    assert found["facts"]["contents"][0] == {"bin": {"number": 1, "name": "bricks"}, "items": 4}
    page = client.get("/items/1").text
    for said in ("Brick 2x4 (3001)", "→ bin 1 bricks", "94", "3 of 3, 3 needed", "bricks 4"):
        assert said in page


def test_the_wire_is_told_in_order_with_both_clocks(items: ItemsWorld, client: FlaskClient) -> None:
    items.see(answers=(ReceiptState.ACCEPTED, ReceiptState.FIRED, ReceiptState.CONFIRMED))
    wire = card(client)["wire"]
    assert wire["intent"]["bin"] == {"number": 1, "name": "bricks"}
    assert wire["intent"]["label_id"] == "3001"
    told = [(one["state"], one["after_ms"], one["clock_s"]) for one in wire["receipts"]]
    assert told == [("accepted", 250, 7.1), ("fired", 500, 8.1), ("confirmed", 750, 9.1)]
    page = client.get("/items/1").text
    assert "said &lt;b&gt;so&lt;/b&gt;" in page
    assert "<b>so</b>" not in page


def test_nothing_sent_and_nothing_answered_are_said_so(
    items: ItemsWorld, client: FlaskClient
) -> None:
    items.see(target=None)
    items.see(answers=())
    assert "Nothing was sent to the machine." in client.get("/items/1").text
    assert "The machine has not answered." in client.get("/items/2").text


def test_it_is_decided_again_by_the_rules_that_decided(
    items: ItemsWorld, client: FlaskClient
) -> None:
    items.see((0.15, 0.1, 0.95, 0.2))
    again = card(client)["again"]
    assert (again["same_policy"], again["same"]) == (True, True)
    assert [(one["id"], one["bin"] and one["bin"]["name"]) for one in again["alternatives"]] == [
        ("3710", None),
        ("3001", "bricks"),
        ("3003", None),
    ]


def test_todays_rules_may_say_otherwise(items: ItemsWorld, client: FlaskClient) -> None:
    items.see()
    items.policy = replace(POLICY, routes=(Route("3001", "review"),))
    again = card(client)["again"]
    assert (again["same_policy"], again["same"]) == (False, False)
    assert again["bin"] == {"number": 3, "name": "review"}
    assert "The rules have changed since" in client.get("/items/1").text
    items.policy = None
    unknown = card(client)["again"]
    assert unknown["known"] is False
    assert [one["id"] for one in unknown["alternatives"]] == ["3020", "3003", "3710"]
    assert client.get("/items/1").status_code == 200


def test_an_item_of_an_older_release_says_what_is_not_known(
    items: ItemsWorld, client: FlaskClient
) -> None:
    items.see(kept=False)
    with closing(sqlite3.connect(items.path)) as db, db:
        db.execute("DELETE FROM evidence")
    found = card(client)
    assert (found["scores"], found["seen"], found["facts"], found["again"]) == (None,) * 4
    assert "of an older release" in client.get("/items/1").text


def test_a_record_that_was_changed_is_marked(items: ItemsWorld, client: FlaskClient) -> None:
    items.see()
    assert card(client)["record"]["unchanged"] is True
    with closing(sqlite3.connect(items.path)) as db, db:
        db.execute("DROP TRIGGER items_stay")
        db.execute("UPDATE items SET explanation = 'nothing happened'")
    record = card(client)["record"]
    assert [link["kind"] for link in record["links"] if not link["unchanged"]] == ["item"]
    assert "CHANGED" in client.get("/items/1").text


@pytest.mark.parametrize("item_id", ["0", "2", "99999999999999999999999999"])
def test_what_is_not_there_is_said_so(items: ItemsWorld, client: FlaskClient, item_id: str) -> None:
    items.see()
    page = client.get(f"/items/{item_id}")
    assert page.status_code == 404
    assert "pruned, or was never seen" in page.text
    for address in ("", "/similar"):
        answer = client.get(f"/api/items/{item_id}{address}")
        assert answer.status_code == 404
        assert answer.json is not None
        assert "there is no item" in answer.json["error"]
    for name in ("picture", "thumb", "cam/0", "lime/0"):
        assert client.get(f"/items/{item_id}/{name}.jpg").status_code == 404


@pytest.mark.parametrize("path", ["../1", "1/../2", "-1", "1.5", "x", "%2e%2e", "1/cam/-1.jpg"])
def test_only_numbers_name_items(client: FlaskClient, path: str) -> None:
    assert client.get(f"/items/{path}").status_code in (404, 308)


def test_those_beside_it_pass_the_same_filters(items: ItemsWorld, client: FlaskClient) -> None:
    items.see()
    items.see((0.1, 0.1, 0.1, 0.1))
    items.see()
    page = client.get("/items/3?reason=sorted").text
    assert 'href="/items/1?reason=sorted"' in page
    assert 'rel="prev"' not in page
    assert client.get("/items/3?reason=why").status_code == 400


# --- pictures and maps ---


def image_of(data: bytes) -> np.ndarray:
    return decode_picture(data, "a picture")


def test_the_picture_is_what_was_kept(items: ItemsWorld, client: FlaskClient) -> None:
    items.see()
    answer = client.get("/items/1/picture.jpg")
    assert answer.data == items.picture(1).read_bytes()
    assert "no-cache" in answer.headers["Cache-Control"]


def test_maps_are_drawn_on_their_picture_and_sent_once(
    items: ItemsWorld, client: FlaskClient
) -> None:
    items.see()
    plain = image_of(client.get("/items/1/picture.jpg").data)
    for kind in ("cam", "lime"):
        answer = client.get(f"/items/1/{kind}/0.jpg")
        drawn = image_of(answer.data)
        assert drawn.shape[2] == 3
        assert abs(drawn.shape[1] / drawn.shape[0] - 4 / 3) < 0.01
        small = cv2.resize(plain, drawn.shape[1::-1], interpolation=cv2.INTER_AREA)
        assert np.abs(drawn.astype(int) - small).mean() > 5
        etag = answer.headers["ETag"]
        again = client.get(f"/items/1/{kind}/0.jpg", headers={"If-None-Match": etag})
        assert (again.status_code, again.data) == (304, b"")
        assert client.get(f"/items/1/{kind}/9.jpg").status_code == 404
    page = client.get("/items/1").text
    assert "no positive evidence" in page
    assert "64 superpixels" in page
    assert "full colour 0.83" in page


def test_an_item_without_maps_says_so(items: ItemsWorld, client: FlaskClient) -> None:
    items.see(explained=False)
    page = client.get("/items/1").text
    assert "No Grad-CAM of this item was kept." in page
    assert "No LIME of this item was kept" in page
    answer = client.get("/items/1/cam/0.jpg")
    assert answer.status_code == 404
    assert answer.json is not None
    assert "no such map was kept" in answer.json["error"]


def test_a_damaged_map_is_named_without_its_folder(items: ItemsWorld, client: FlaskClient) -> None:
    items.see()
    path = path_of(folder_of(items.path), 1, GRADCAM)
    path.write_bytes(path.read_bytes()[:90])
    page = client.get("/items/1").text
    assert "1.cam.npz: it is damaged" in page
    assert str(path.parent) not in page
    assert "R2 0.83" in page
    assert client.get("/items/1/cam/0.jpg").status_code == 404


@pytest.mark.parametrize(
    ("state", "said"),
    [("never", "No picture of this item was kept"), ("gone", "made room"), ("changed", "changed")],
)
def test_what_became_of_the_picture_is_said(
    items: ItemsWorld, client: FlaskClient, state: str, said: str
) -> None:
    items.see(kept=state != "never")
    if state == "gone":
        items.picture(1).unlink()
    elif state == "changed":
        cv2.imwrite(str(items.picture(1)), pile(90))
    page = client.get("/items/1").text
    assert said in page
    assert "picture.jpg" not in page
    for name in ("picture", "cam/0", "thumb"):
        answer = client.get(f"/items/1/{name}.jpg")
        assert answer.status_code == 404


def test_a_corrected_item_keeps_its_picture(items: ItemsWorld, client: FlaskClient) -> None:
    items.see()
    content = items.picture(1).read_bytes()
    said = {"labels": ["3003"], "version": 0}
    assert items.as_("tess").post("/api/items/1/correction", json=said).status_code == 200
    items.picture(1).unlink()
    assert client.get("/items/1/picture.jpg").data == content
    assert client.get("/items/1/cam/0.jpg").status_code == 200


def test_items_that_look_like_it_are_hinted(items: ItemsWorld, client: FlaskClient) -> None:
    first = pile()
    noise = np.random.default_rng(3).normal(0, 4, first.shape)
    items.see(image=first)
    items.see(image=pile(60))
    items.see(image=np.clip(first + noise, 0, 255).astype(np.uint8))
    items.see(kept=False)
    answer = client.get("/api/items/1/similar").json
    assert answer is not None
    assert [one["item_id"] for one in answer["items"]] == [3]
    assert client.get("/api/items/4/similar").json == {"items": []}
