"""What the shipped bundle says of itself. It is sealed: nothing is measured here."""

import json
from collections.abc import Mapping
from typing import Any

from edge.bundle import Bundle, read_bundle
from edge.config import SHIPPED_BUNDLE
from tests.bench.needs import CannotMeasure, need_file
from tests.bench.table import Reach, Row
from tests.prove.context import Proof

TEST = (
    ("mean average precision", "mean_average_precision", Reach("at least", 0.80)),
    ("micro F1", "micro_f1", Reach("at least", 0.75)),
    ("calibration error", "calibration_error", Reach("at most", 0.03)),
)
PHOTOGRAPHS = (
    ("micro precision", "micro_precision"),
    ("micro recall", "micro_recall"),
    ("micro F1", "micro_f1"),
    ("right first", "right_first"),
    ("right in five", "right_in_five"),
)


def shipped(proof: Proof) -> list[Row]:
    """The figures in the shipped bundle's evaluation.json."""
    return rows_of(*sealed_evaluation())


def sealed_evaluation() -> tuple[Bundle, dict[str, Any]]:
    """The shipped bundle and its evaluation.json."""
    bundle = read_bundle(need_file(SHIPPED_BUNDLE, "the shipped bundle"))
    return bundle, json.loads(bundle.path("evaluation").read_text(encoding="utf-8"))


def rows_of(bundle: Bundle, evaluation: Mapping[str, Any]) -> list[Row]:
    """Rows of an evaluation.

    Raises:
        CannotMeasure: It has no figures of a test split.
    """
    name, where = bundle.manifest.name, bundle.path("evaluation")
    test = evaluation.get("test", {})
    missing = [key for _, key, _ in TEST if key not in test]
    if missing:
        raise CannotMeasure(f"{where}: test.{missing[0]} is missing; export the bundle again")
    seen = f"as sealed in bundle {name}, {test.get('pictures', 0):.0f} held-out renders"
    rows = [Row(f"shipped: {what}", reach, test[key], seen, 3) for what, key, reach in TEST]
    found = evaluation.get("photographs")
    if not found:
        return [*rows, Row("shipped: photographs", None, None, f"not in bundle {name}")]
    # Older bundles have one set without a name.
    sets = {"photographs": found} if "micro_f1" in found else found
    return rows + [row for which, one in sets.items() for row in _photographs(name, which, one)]


def _photographs(bundle: str, name: str, found: Mapping[str, Any]) -> list[Row]:
    real = f"as sealed in bundle {bundle}, {found['pictures']:.0f} photographs"
    return [
        Row(f"shipped, {name}: {what}", None, found[key], real, 3)
        for what, key in PHOTOGRAPHS
        if key in found
    ]
