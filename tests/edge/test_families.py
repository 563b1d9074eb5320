"""The family of a brick type by its name."""

import csv
from pathlib import Path

import pytest

from edge.bundle import Bundle
from edge.families import FAMILIES, family_of

PARTS = Path(__file__).parents[2] / "trainer" / "scenes" / "parts.csv"


def test_names_of_the_shipped_model_say_what_the_list_of_parts_says(shipped: Bundle) -> None:
    with PARTS.open(encoding="utf-8") as file:
        listed = {row["id"]: row["family"] for row in csv.DictReader(file)}
    assert {label.id: family_of(label.name) for label in shipped.labels} == listed


@pytest.mark.parametrize("name", ["", "Minifig head", "Bricklayer", "Terminate"])
def test_a_name_that_says_nothing_is_other(name: str) -> None:
    assert family_of(name) == "other"
    assert "other" in FAMILIES


def test_case_does_not_matter() -> None:
    assert family_of("PLATE 2X4") == "plate"
