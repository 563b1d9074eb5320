"""What people say is right: kept, told to the next who looks, and never lost."""

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from items_rig import ItemsWorld
from werkzeug.test import TestResponse

ADDRESS = "/api/items/1/correction"


@pytest.fixture
def items(tmp_path: Path) -> Iterator[ItemsWorld]:
    built = ItemsWorld(tmp_path)
    built.see()
    yield built
    built.close()


@pytest.fixture
def client(items: ItemsWorld) -> FlaskClient:
    return items.as_("tess")


def say(client: FlaskClient, labels: object, version: object = 0, **more: object) -> TestResponse:
    return client.post(ADDRESS, json={"labels": labels, "version": version, **more})


def kept(answer: TestResponse) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    found: dict[str, Any] = answer.json["correction"]
    return found


def test_the_label_is_right(items: ItemsWorld, client: FlaskClient) -> None:
    said = kept(say(client, ["3001"]))
    assert (said["said"], said["confirms"]) == ("right as recognised", True)
    page = client.get("/items/1").text
    assert "<b>right as recognised</b>" in page
    assert f'data-version="{said["version"]}"' in page


def test_these_are_right(items: ItemsWorld, client: FlaskClient) -> None:
    said = kept(say(client, ["3003", "3020", "3003"], note=" under the plate "))
    assert said["said"] == "Brick 2x2 (3003), Plate 2x4 (3020)"
    assert said["note"] == "under the plate"
    assert said["who"].startswith("token:tess")
    found = client.get("/api/items/1").json
    assert found is not None
    assert [one["said"] for one in found["corrections"]] == [said["said"]]


def test_nothing_known_can_be_right(client: FlaskClient) -> None:
    assert kept(say(client, []))["said"] == "no known brick"


def test_undo_goes_back_and_forth(client: FlaskClient) -> None:
    first = kept(say(client, ["3001"]))
    back = kept(client.post(f"{ADDRESS}/undo", json={"version": first["version"]}))
    assert (back["said"], back["labels"]) == ("taken back", None)
    forth = kept(client.post(f"{ADDRESS}/undo", json={"version": back["version"]}))
    assert forth["said"] == "right as recognised"


def test_of_two_people_the_second_is_told_what_the_first_said(
    items: ItemsWorld, client: FlaskClient
) -> None:
    kept(say(client, ["3003"]))
    second = items.as_("ada")
    answer = say(second, ["3020"])
    assert answer.status_code == 409
    assert answer.json is not None
    assert "said 3003 meanwhile" in answer.json["error"]
    newest = answer.json["correction"]
    assert newest["said"] == "Brick 2x2 (3003)"
    undone = second.post(f"{ADDRESS}/undo", json={"version": 0})
    assert undone.status_code == 409
    # Nothing is lost: with that version, theirs is kept above it.
    assert kept(say(second, ["3020"], newest["version"]))["said"] == "Plate 2x4 (3020)"
    found = client.get("/api/items/1").json
    assert found is not None
    assert len(found["corrections"]) == 2


def test_an_unknown_label_is_named_with_what_is_written_like_it(
    items: ItemsWorld, client: FlaskClient
) -> None:
    answer = say(client, ["3001", "30O3"])
    assert answer.status_code == 400
    assert answer.json is not None
    assert answer.json["error"].startswith("no label '30O3'; did you mean")
    assert "3003" in answer.json["did_you_mean"]
    assert items.corrections.standing() == ()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"labels": ["3001"]},
        {"labels": "3001", "version": 0},
        {"labels": [3001], "version": 0},
        {"labels": ["3001"], "version": -1},
        {"labels": ["3001"], "version": True},
        {"labels": ["3001"], "version": 0, "who": "somebody else"},
        {"labels": ["3001"], "version": 0, "note": 7},
        {"labels": ["3001"], "version": 0, "note": "x" * 401},
        [],
    ],
)
def test_a_body_that_cannot_be_changes_nothing(
    items: ItemsWorld, client: FlaskClient, body: object
) -> None:
    answer = client.post(ADDRESS, json=body)
    assert answer.status_code == 400
    assert not items.corrections.path.exists()
    undo = client.post(f"{ADDRESS}/undo", json=body)
    assert undo.status_code == 400


def test_who_only_looks_corrects_nothing(items: ItemsWorld) -> None:
    viewer = items.as_("vera")
    assert say(viewer, ["3001"]).status_code == 403
    assert viewer.post(f"{ADDRESS}/undo", json={"version": 0}).status_code == 403
    page = viewer.get("/items/1").text
    assert "Technicians can correct it." in page
    assert 'id="confirm"' not in page
    nobody = items.world.app.test_client()
    assert say(nobody, ["3001"]).status_code == 401
    assert nobody.get("/items").status_code in (302, 401)


def test_looking_changes_nothing(items: ItemsWorld, client: FlaskClient) -> None:
    assert client.get(ADDRESS).status_code == 405
    for address in ("/items", "/items/1", "/api/items/1", "/api/items/1/similar"):
        assert client.get(address).status_code == 200
    assert not items.corrections.path.exists()


def test_what_is_not_there_cannot_be_corrected(items: ItemsWorld, client: FlaskClient) -> None:
    body = {"labels": ["3001"], "version": 0}
    assert client.post("/api/items/99/correction", json=body).status_code == 404
    items.picture(1).unlink()
    answer = say(client, ["3001"])
    assert answer.status_code == 409
    assert answer.json is not None
    assert "nothing to learn from" in answer.json["error"]
    assert "cannot be corrected" in client.get("/items/1").text


def test_a_full_disk_is_said_so(
    items: ItemsWorld, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("edge.corrections.pictures.os.fsync", full)
    answer = say(client, ["3001"])
    assert answer.status_code == 507
    assert answer.json is not None
    assert "free space on the disk" in answer.json["error"]
    monkeypatch.undo()
    assert kept(say(client, ["3001"]))["confirms"] is True


def test_corrections_that_cannot_be_read_are_said_so(
    items: ItemsWorld, client: FlaskClient
) -> None:
    items.corrections.path.write_bytes(b"something else" * 99)
    assert say(client, ["3001"]).status_code == 503
    assert client.get("/items").status_code == 503
    assert "corrections" in client.get("/items/1").text
    assert client.get("/items/1").status_code == 503
