"""Inventories in the formats of others: what a reader of them finds, and no colour made up."""

import csv
import io
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.inventory.counting import BinContents, Lot
from edge.inventory.format import Format
from edge.inventory.ids import NO_IDS, Ids
from edge.inventory.writing import Words, written
from sorter_firmware_bridge.bins import Bin

BRICKS = BinContents(
    Bin(1, "bricks"),
    (Lot("3001", "Brick 2x4", 3), Lot("6141", "Round plate 1x1", 1), Lot(None, "no one type", 2)),
)
REST = BinContents(Bin(2, "rest"), (Lot("3001", "Brick 2x4", 4),))
PLAIN = Words(NO_IDS)


def test_csv_says_where_each_id_comes_from() -> None:
    assert written(Format.CSV, (BRICKS, REST), PLAIN) == (
        "bin,bin_name,ldraw_id,name,quantity,bricklink_id,id_source\n"
        "1,bricks,3001,Brick 2x4,3,3001,assumed\n"
        "1,bricks,6141,Round plate 1x1,1,4073,table\n"
        "1,bricks,,no one type,2,,\n"
        "2,rest,3001,Brick 2x4,4,3001,assumed\n"
    )


def test_bricklink_is_without_declaration_and_without_colour() -> None:
    text = written(Format.BRICKLINK, (BRICKS,), PLAIN)
    assert text.startswith("<INVENTORY>")
    first, second = ElementTree.fromstring(text)
    assert {node.tag: node.text for node in first} == {
        "ITEMTYPE": "P",
        "ITEMID": "3001",
        "QTY": "3",
        "REMARKS": "id assumed to be that of LDraw",
    }
    assert {node.tag: node.text for node in second} == {
        "ITEMTYPE": "P",
        "ITEMID": "4073",
        "QTY": "1",
    }


def test_a_colour_is_the_users_word() -> None:
    words = Words(NO_IDS, colour=11)
    item = ElementTree.fromstring(written(Format.BRICKLINK, (BRICKS,), words))[0]
    assert item.findtext("COLOR") == "11"
    assert "<ColorID>11</ColorID>" in written(Format.BSX, (BRICKS,), words)
    assert "3001,11,3\n" in written(Format.REBRICKABLE, (BRICKS,), words)


def test_brickstore_has_what_its_schema_asks_for() -> None:
    text = written(Format.BSX, (BRICKS,), PLAIN)
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<BrickStoreXML>')
    store = ElementTree.fromstring(text.encode())
    item = store[0][0]
    assert [node.tag for node in item][:3] == ["ItemID", "ItemTypeID", "ColorID"]
    assert item.findtext("ColorID") == "0"
    assert (item.findtext("Qty"), item.findtext("Remarks")) == (
        "3",
        "id assumed to be that of LDraw",
    )


def test_rebrickable_has_its_header_and_its_unknown_colour() -> None:
    words = Words(Ids({}, {"6141": "6141x"}))
    assert written(Format.REBRICKABLE, (BRICKS,), words) == (
        "Part,Color,Quantity\n3001,-1,3\n6141x,-1,1\n"
    )


def test_a_type_in_two_bins_is_one_line() -> None:
    both = written(Format.REBRICKABLE, (BRICKS, REST), PLAIN)
    assert "3001,-1,7\n" in both


@pytest.mark.parametrize("format_", Format)
def test_nothing_is_an_inventory_too(format_: Format) -> None:
    assert written(format_, (), PLAIN)


HOSTILE = st.text(max_size=12) | st.sampled_from(["=1+1", "+x", "-2", "@sum", "<b>&", "\x00\ufffe"])


@given(name=HOSTILE, label_id=HOSTILE.filter(bool))
def test_a_hostile_name_stays_text(name: str, label_id: str) -> None:
    contents = BinContents(Bin(1, "=cmd"), (Lot(label_id, name, 1),))
    for format_ in (Format.BRICKLINK, Format.BSX):
        root = ElementTree.fromstring(written(format_, (contents,), PLAIN).encode())
        assert len(list(root.iter("ITEM"))) + len(list(root.iter("Item"))) == 1
    header, row = csv.reader(io.StringIO(written(Format.CSV, (contents,), PLAIN), newline=""))
    assert len(row) == len(header)
    for field in (row[1], row[2], row[3], row[5]):
        assert not field.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert row[1] == "'=cmd"
