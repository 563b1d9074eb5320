"""Ids of brick types elsewhere."""

from pathlib import Path

import pytest

from edge.bundle import Bundle
from edge.errors import ConfigError
from edge.inventory.ids import BRICKLINK, NO_IDS, PartId, Source, read_ids


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ids.csv"


def test_the_same_id_is_only_assumed() -> None:
    assert NO_IDS.at_bricklink("3001") == PartId("3001", Source.ASSUMED)
    assert NO_IDS.at_bricklink("3023b") == PartId("3023", Source.TABLE)
    assert NO_IDS.at_rebrickable("3023b") == PartId("3023b", Source.ASSUMED)


def test_the_table_is_of_labels_the_model_has(shipped: Bundle) -> None:
    assert set(BRICKLINK) <= {label.id for label in shipped.labels}


def test_what_a_user_gives_comes_first(file: Path) -> None:
    file.write_text("\ufeffldraw_id,bricklink_id,rebrickable_id\n3001, 3001old ,\n6141,,6141a\n\n")
    ids = read_ids(file)
    assert ids.at_bricklink("3001") == PartId("3001old", Source.GIVEN)
    assert ids.at_rebrickable("3001") == PartId("3001", Source.ASSUMED)
    assert ids.at_bricklink("6141") == PartId("4073", Source.TABLE)
    assert ids.at_rebrickable("6141") == PartId("6141a", Source.GIVEN)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "line 1: found 'nothing'; expected the header ldraw_id,bricklink_id"),
        ("part,id\n", "line 1: found 'part,id'; expected the header"),
        ("ldraw_id,bricklink_id\n3001\n", "line 2: found '3001'; expected 2 fields"),
        ("ldraw_id,bricklink_id\n,3001\n", "line 2: found ',3001'; expected 2 fields, an id first"),
        (
            "ldraw_id,bricklink_id\n3001,1\n3003,2\n3001,3\n",
            "line 4: found '3001' again, as in line 2; keep one",
        ),
    ],
)
def test_a_wrong_line_is_named(file: Path, text: str, found: str) -> None:
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        read_ids(file)
    assert found in str(caught.value)


def test_a_file_that_is_no_text_is_named(file: Path) -> None:
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match=r"ids\.csv: cannot be read"):
        read_ids(file)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_ids(file.parent)
