"""The page of the bins: contents, warnings, the wanted list, inventories."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from machine_rig import SORTED_INDEX, MachineWorld

from edge.board import EmptyBinRequest
from edge.bundle import Bundle


@pytest.fixture
def device(tmp_path: Path, shipped: Bundle) -> Iterator[MachineWorld]:
    built = MachineWorld(tmp_path, shipped)
    yield built
    built.close()


def sort(device: MachineWorld, *present: tuple[int, ...]) -> None:
    for number, labels in enumerate(present):
        device.rig.item(20 + 35 * (number % 6), labels)
        device.rig.run(0.5)


def state(device: MachineWorld) -> dict[str, object]:
    answer = device.client.get("/api/bins")
    assert answer.status_code == 200
    found: dict[str, object] = answer.get_json()
    return found


def test_contents_are_told_by_label(device: MachineWorld) -> None:
    sort(device, (SORTED_INDEX,), (SORTED_INDEX,), (), (SORTED_INDEX, 8))
    bins = state(device)["bins"]
    label = device.rig.label(SORTED_INDEX)
    assert [(bin_["number"], bin_["items"], bin_["capacity"]) for bin_ in bins] == [
        (1, 2, 3),
        (2, 1, None),
        (3, 1, None),
    ]
    assert bins[0]["lots"] == [{"id": label.id, "name": label.name, "quantity": 2}]
    assert bins[1]["lots"] == [{"id": None, "name": "no one brick type", "quantity": 1}]


def test_a_full_bin_says_so_and_who_takes_over(device: MachineWorld) -> None:
    sort(device, *[(SORTED_INDEX,)] * 3)
    first = state(device)["bins"][0]
    assert (first["full"], first["overflow"]) == (True, "bin 2 'rest'")


def test_the_wanted_list_counts_what_came(device: MachineWorld) -> None:
    sort(device, (SORTED_INDEX,))
    (line,) = state(device)["wanted"]
    assert (line["quantity"], line["delivered"], line["remaining"]) == (4, 1, 3)
    assert line["bin"] == {"number": 1, "name": "bricks"}


def test_the_balance_is_in_five_words(device: MachineWorld) -> None:
    sort(device, (SORTED_INDEX,), ())
    words = [part["word"] for part in state(device)["balance"]["parts"]]
    assert words == ["confirmed", "fired", "missed", "review", "unknown"]


def test_what_has_not_changed_is_not_sent(device: MachineWorld) -> None:
    first = device.client.get("/api/bins")
    etag = {"If-None-Match": first.headers["ETag"]}
    assert device.client.get("/api/bins", headers=etag).status_code == 304
    sort(device, (SORTED_INDEX,))
    assert device.client.get("/api/bins", headers=etag).status_code == 200


def test_a_bin_that_was_emptied_is_empty(device: MachineWorld) -> None:
    sort(device, (SORTED_INDEX,))
    device.rig.requests.put(EmptyBinRequest(1))
    device.rig.step()
    first = state(device)["bins"][0]
    assert (first["items"], first["lots"]) == (0, [])


# --- inventories ---


def test_each_format_is_a_file_of_its_own(device: MachineWorld) -> None:
    sort(device, (SORTED_INDEX,), (SORTED_INDEX,), ())
    client = device.as_("vera")
    for name, suffix, kind in (
        ("csv", ".csv", "text/csv"),
        ("rebrickable", ".csv", "text/csv"),
        ("bricklink", ".xml", "application/xml"),
        ("bsx", ".bsx", "application/xml"),
    ):
        answer = client.get(f"/bins/export/{name}")
        assert answer.status_code == 200
        assert answer.mimetype == kind
        said = answer.headers["Content-Disposition"]
        assert said.startswith(f"attachment; filename=bricksight-{name}-20")
        assert said.endswith(suffix)
        if kind == "application/xml":
            nodes = ElementTree.fromstring(answer.text).iter()
            tags = {node.tag.upper(): node.text for node in nodes}
            assert tags["QTY"] == "2"
        else:
            assert len(list(csv.reader(io.StringIO(answer.text)))) > 1


def test_nothing_to_export_is_a_clear_answer(device: MachineWorld) -> None:
    answer = device.client.get("/bins/export/csv")
    assert answer.status_code == 409
    assert "nothing lies in the bins yet" in answer.get_json()["error"]
    sort(device, ())
    assert device.client.get("/bins/export/csv").status_code == 200
    answer = device.client.get("/bins/export/bsx")
    assert answer.status_code == 409
    assert "only CSV" in answer.get_json()["error"]


@pytest.mark.parametrize("name", ["xml", "CSV", "..%2f..%2fetc", "csv%00", "a" * 300])
def test_another_format_is_named_with_those_there_are(device: MachineWorld, name: str) -> None:
    answer = device.client.get(f"/bins/export/{name}")
    assert answer.status_code == 404


def test_a_journal_that_is_gone_is_said(device: MachineWorld) -> None:
    device.rig.path.unlink()
    found = state(device)
    assert "there is none" in str(found["problem"])
    assert device.client.get("/bins/export/csv").status_code == 503


def test_the_page_has_what_each_role_may_use(device: MachineWorld) -> None:
    assert "New order" in device.as_("tess").get("/bins").text
    assert "New order" not in device.as_("vera").get("/bins").text
    assert device.world.app.test_client().get("/api/bins").status_code == 401
