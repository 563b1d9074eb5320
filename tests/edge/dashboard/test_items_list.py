"""The list of items: the page and the same as JSON."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from items_rig import START_S, ItemsWorld

from sorter_firmware_bridge.bins import ReceiptState

NOTHING = (0.1, 0.1, 0.1, 0.1)
SEVERAL = (0.94, 0.9, 0.1, 0.1)
PLATE = (0.1, 0.1, 0.95, 0.1)


@pytest.fixture
def items(tmp_path: Path) -> Iterator[ItemsWorld]:
    built = ItemsWorld(tmp_path)
    yield built
    built.close()


@pytest.fixture
def client(items: ItemsWorld) -> FlaskClient:
    return items.as_("vera")


def ids(client: FlaskClient, query: str = "") -> list[int]:
    answer = client.get(f"/api/items{query}")
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    return [row["item_id"] for row in answer.json["items"]]


def test_an_empty_journal_says_so(client: FlaskClient) -> None:
    page = client.get("/items")
    assert page.status_code == 200
    assert "Nothing was decided yet" in page.text
    assert ids(client) == []


def test_every_filter_asks_for_what_it_says(items: ItemsWorld, client: FlaskClient) -> None:
    for probabilities in (NOTHING, SEVERAL, PLATE, (0.94, 0.1, 0.2, 0.05)):
        items.see(probabilities)
    items.see(target=None)
    assert ids(client) == [5, 4, 3, 2, 1]
    for query, wanted in {
        "bin=1": [4],
        "bin=2": [3, 1],
        "bin=3": [2],
        "bin=none": [5],
        "reason=no_label": [1],
        "reason=sorted": [5, 4, 3],
        "label=3003": [2],
        "label=3001&bin=1": [4],
        "bin=&reason=&label=&from=&to=&corrected=": [5, 4, 3, 2, 1],
        f"from={START_S + 120:.0f}": None,
        "limit=2": [5, 4],
        "limit=2&before=4": [3, 2],
        "limit=2&after=1": [3, 2],
        "corrected=yes": [],
        "label=nothing-like-it": [],
    }.items():
        if wanted is not None:
            assert ids(client, f"?{query}") == wanted, query


def test_times_are_the_devices(
    items: ItemsWorld, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        items.see()
    seen = client.get("/api/items").json
    assert seen is not None
    newest, middle = seen["items"][0]["seen_at"], seen["items"][1]["seen_at"]
    assert ids(client, f"?from={middle.replace(' ', 'T')}") == [3, 2]
    assert ids(client, f"?to={middle.replace(' ', 'T')}") == [1]
    assert ids(client, f"?from={middle.replace(' ', 'T')}&to={newest.replace(' ', 'T')}") == [2]
    assert ids(client, "?from=2026-01-01T00:00:00%2B00:00&to=2027-01-01") == [3, 2, 1]
    assert ids(client, "?from=9999-12-31") == []


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("bin=x", "bin: found 'x'; expected a whole number, 0..255"),
        ("bin=256", "expected a whole number, 0..255"),
        ("bin=-1", "expected a whole number"),
        ("reason=why", "reason: found 'why'; expected one of sorted"),
        ("label=../../etc", "label: found"),
        ("from=yesterday", "from: found 'yesterday'; expected a time like 2026-01-31T14:05"),
        ("to=99999-01-01", "to: found"),
        ("corrected=no", "corrected: found"),
        ("before=1&after=1", "either before or after"),
        ("before=99999999999999999999", "before: found"),
        ("limit=201", "expected a whole number, 0..200"),
        ("sort=asc", "sort: no such filter; there are bin, reason"),
        ("<script>=1", "no such filter"),
    ],
)
def test_a_query_that_cannot_be_is_named(client: FlaskClient, query: str, said: str) -> None:
    answer = client.get(f"/api/items?{query}")
    assert answer.status_code == 400
    assert answer.json is not None
    assert said in answer.json["error"]
    page = client.get(f"/items?{query}")
    assert page.status_code == 400
    assert 'role="alert"' in page.text
    assert "<script>=1" not in page.text


def test_a_page_links_to_those_beside_it_and_keeps_the_filters(
    items: ItemsWorld, client: FlaskClient
) -> None:
    for _ in range(5):
        items.see()
    page = client.get("/items?reason=sorted&limit=2&before=5").text
    assert 'href="/items/4?reason=sorted"' in page
    assert 'href="/items?reason=sorted&amp;after=4"' in page
    assert 'href="/items?reason=sorted&amp;before=3"' in page
    first = client.get("/items").text
    assert 'rel="prev"' not in first
    assert 'rel="next"' not in first


def test_what_machines_say_is_text(items: ItemsWorld, client: FlaskClient) -> None:
    items.see(explanation="<img src=x onerror=alert(1)>\x07")
    page = client.get("/items").text
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "\x07" not in page


def test_a_row_says_what_was_corrected(items: ItemsWorld, client: FlaskClient) -> None:
    items.see()
    items.see()
    said = {"labels": ["3003"], "version": 0}
    assert items.as_("tess").post("/api/items/1/correction", json=said).status_code == 200
    assert "Brick 2x2 (3003)" in client.get("/items?corrected=yes").text
    assert ids(client, "?corrected=yes") == [1]


def test_pictures_in_the_list_are_small_and_sent_once(
    items: ItemsWorld, client: FlaskClient
) -> None:
    items.see()
    items.see(kept=False)
    page = client.get("/items").text
    assert page.count("/thumb.jpg") == 1
    thumb = client.get("/items/1/thumb.jpg")
    assert thumb.mimetype == "image/jpeg"
    assert len(thumb.data) < 12_000
    etag = thumb.headers["ETag"]
    assert not etag.startswith("W/")
    again = client.get("/items/1/thumb.jpg", headers={"If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")
    assert client.get("/items/2/thumb.jpg").status_code == 404


def test_outcomes_are_told(items: ItemsWorld, client: FlaskClient) -> None:
    for answers in (
        (),
        (ReceiptState.ACCEPTED,),
        (ReceiptState.MISSED,),
        (ReceiptState.CONFIRMED,),
    ):
        items.see(answers=answers)
    answer = client.get("/api/items").json
    assert answer is not None
    assert [row["outcome"] for row in answer["items"]] == [
        "confirmed",
        "missed",
        "pending",
        "pending",
    ]


@pytest.mark.parametrize("damage", ["gone", "not ours", "locked"])
def test_a_journal_that_cannot_be_read_is_said_so(
    items: ItemsWorld, client: FlaskClient, damage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    items.see()
    items.journal.close()
    if damage == "gone":
        items.path.unlink()
    elif damage == "not ours":
        items.path.write_bytes(b"something else, and long enough" * 99)
    else:
        items.path.unlink()
        items.path.mkdir()
    for address in ("/items", "/items/1"):
        page = client.get(address)
        assert page.status_code == 503, address
        assert 'role="alert"' in page.text
        assert "journal" in page.text
    for address in ("/api/items", "/api/items/1", "/api/items/1/similar", "/items/1/thumb.jpg"):
        answer = client.get(address)
        assert answer.status_code == 503, address
        assert answer.json is not None
        assert "journal" in answer.json["error"]
        assert "Traceback" not in answer.text
