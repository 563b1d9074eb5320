"""Inventories as text: CSV, BrickLink XML, BrickStore and Rebrickable.

The model knows shapes, not colours, so no colour is ever made up: where a format has to have one,
its own value for "not known" stands there, unless the user names one for all.
"""

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from edge.inventory.counting import BinContents, Lot
from edge.inventory.format import Format
from edge.inventory.ids import Ids, PartId, Source

NO_COLOUR_BRICKSTORE = 0
"""(Not Applicable), in BrickLink's table of colours; a .bsx has to have one."""
NO_COLOUR_REBRICKABLE = -1
"""[Unknown], in Rebrickable's table of colours."""
_ASSUMED = "id assumed to be that of LDraw"
# Not allowed in XML 1.0.
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Words:
    """What a user says of all bricks.

    Attributes:
        ids: Ids that are not the usual ones.
        colour: The colour of all, as a number of whoever reads the file; None is not known.
    """

    ids: Ids
    colour: int | None = None


def written(format_: Format, bins: Sequence[BinContents], words: Words) -> str:
    """An inventory as text.

    Args:
        format_: In what form.
        bins: What lies in them; their lots are listed one after the other.
        words: Ids and colour.
    """
    return _WRITERS[format_](bins, words)


def ids_of(format_: Format, lot: Lot, ids: Ids) -> PartId:
    """The id of a lot in a format."""
    find = ids.at_rebrickable if format_ is Format.REBRICKABLE else ids.at_bricklink
    return find(lot.label_id or "")


def _csv(bins: Sequence[BinContents], words: Words) -> str:
    header = ["bin", "bin_name", "ldraw_id", "name", "quantity", "bricklink_id", "id_source"]
    rows: list[list[object]] = [list(header)]
    for contents in bins:
        for lot in contents.lots:
            part = (
                words.ids.at_bricklink(lot.label_id) if lot.label_id else PartId("", Source.TABLE)
            )
            source = part.source if lot.label_id else ""
            who = [contents.bin.number, contents.bin.name, lot.label_id or "", lot.name]
            rows.append([*who, lot.quantity, part.id, source])
    return _table(rows)


def _rebrickable(bins: Sequence[BinContents], words: Words) -> str:
    colour = NO_COLOUR_REBRICKABLE if words.colour is None else words.colour
    rows: list[list[object]] = [["Part", "Color", "Quantity"]]
    for lot in _recognised(bins):
        rows.append([words.ids.at_rebrickable(lot.label_id or "").id, colour, lot.quantity])
    return _table(rows)


def _bricklink(bins: Sequence[BinContents], words: Words) -> str:
    inventory = Element("INVENTORY")
    for lot in _recognised(bins):
        part = words.ids.at_bricklink(lot.label_id or "")
        colour = {} if words.colour is None else {"COLOR": words.colour}
        values = {"ITEMTYPE": "P", "ITEMID": part.id, **colour, "QTY": lot.quantity}
        _element(inventory, "ITEM", values | _remark("REMARKS", part))
    return _xml(inventory)


def _bsx(bins: Sequence[BinContents], words: Words) -> str:
    store = Element("BrickStoreXML")
    inventory = SubElement(store, "Inventory")
    colour = NO_COLOUR_BRICKSTORE if words.colour is None else words.colour
    for lot in _recognised(bins):
        part = words.ids.at_bricklink(lot.label_id or "")
        values = {"ItemID": part.id, "ItemTypeID": "P", "ColorID": colour, "ItemName": lot.name}
        _element(inventory, "Item", values | {"Qty": lot.quantity} | _remark("Remarks", part))
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + _xml(store)


_WRITERS: Mapping[Format, Callable[[Sequence[BinContents], Words], str]] = {
    Format.CSV: _csv,
    Format.BRICKLINK: _bricklink,
    Format.REBRICKABLE: _rebrickable,
    Format.BSX: _bsx,
}


def _recognised(bins: Sequence[BinContents]) -> list[Lot]:
    """Each type once, whatever bins it lies in."""
    totals: dict[str, Lot] = {}
    for lot in (lot for contents in bins for lot in contents.recognised):
        key = lot.label_id or ""
        before = totals[key].quantity if key in totals else 0
        totals[key] = Lot(lot.label_id, lot.name, before + lot.quantity)
    return [totals[key] for key in sorted(totals)]


def _remark(tag: str, part: PartId) -> dict[str, str]:
    return {tag: _ASSUMED} if part.source is Source.ASSUMED else {}


def _element(parent: Element, tag: str, values: Mapping[str, object]) -> None:
    node = SubElement(parent, tag)
    for name, value in values.items():
        SubElement(node, name).text = _UNPRINTABLE.sub("", str(value))


def _xml(root: Element) -> str:
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=False) + "\n"


def _table(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([_tame(value) for value in row] for row in rows)
    return text.getvalue()


def _tame(value: object) -> object:
    if not isinstance(value, str):
        return value
    line = "".join(character if character.isprintable() else " " for character in value)
    # A spreadsheet would compute what begins so.
    return f"'{line}" if line.startswith(("=", "+", "-", "@")) else line
