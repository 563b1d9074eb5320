"""What `bricksight-trainer explain-eval` says of the shipped bundle."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from edge.config import SHIPPED_BUNDLE
from tests.bench.needs import CannotMeasure, need_file
from tests.bench.table import Reach, Row
from tests.prove.context import Proof
from tests.prove.explaining.pictures import data_of

QUICK_PICTURES = 2
PICTURES_MIN = 200
RIGHT = "tp"
ALIKE = Reach("at most", 0.2)


def faithfulness_rows(proof: Proof) -> list[Row]:
    """Pointing game beside its rivals, and whether maps change with the weights."""
    out = proof.folder / "explain-eval"
    found = evaluate(data_of(proof), out, QUICK_PICTURES if proof.quick else None)
    return rows_of(found, out / "explain.html", 1 if proof.quick else PICTURES_MIN)


def evaluate(data: Path, out: Path, limit: int | None) -> dict[str, Any]:
    """Run the command in a process of its own; its figures.

    Raises:
        CannotMeasure: It failed.
    """
    command = need_file(Path(sys.executable).with_name("bricksight-trainer"), "pip install -e .")
    options = ["--out", str(out), "--json", *(["--limit", str(limit)] if limit else [])]
    done = subprocess.run(
        [command, "explain-eval", SHIPPED_BUNDLE, data, *options],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CannotMeasure(f"explain-eval ended with {done.returncode}; it says why above")
    return dict(json.loads(done.stdout))


def rows_of(found: Mapping[str, Any], page: Path, pictures_min: int = PICTURES_MIN) -> list[Row]:
    """Rows of an evaluation.

    Raises:
        CannotMeasure: It is of too few pictures, or nothing was rightly reported.
    """
    pictures = found["pictures"]
    if pictures < pictures_min:
        raise CannotMeasure(
            f"{pictures} held-out pictures, {pictures_min} are needed; name a larger data set"
        )
    if RIGHT not in found["figures"]:
        raise CannotMeasure("the model reports nothing rightly; there is nothing to point at")
    right = found["explanations"][RIGHT]
    said = f"{right} rightly reported labels on {pictures} pictures, {page}"
    return [
        Row("explain-eval", None, None, said),
        *_pointing(found),
        *_randomised(found),
        *_told(found),
    ]


def _pointing(found: Mapping[str, Any]) -> list[Row]:
    methods = found["figures"][RIGHT]
    rows = [
        Row(f"pointing game: {name}", None, *_mean_and_interval(methods[name]["pointing"]), 3)
        for name in methods
    ]
    for rival in ("centre", "grad-cam-max"):
        off = found["differences"][RIGHT][f"grad-cam minus {rival}"]["pointing"]
        _, interval = _mean_and_interval(off)
        note = f"{off['mean']:+.3f} {interval}; judged by the interval's lower end"
        rows.append(
            Row(f"pointing game: Grad-CAM less {rival}", Reach("at least", 0), off["low"], note, 3)
        )
    return rows


def _randomised(found: Mapping[str, Any]) -> list[Row]:
    return [
        Row(
            f"{method}: likeness (Spearman) with {_span(step['random'])} random",
            ALIKE if method == "grad-cam" else None,
            *_mean_and_interval(step),
            3,
        )
        for method, steps in found["randomisation"].items()
        for step in steps
    ]


def _span(layers: Sequence[str]) -> str:
    return " to ".join(dict.fromkeys((layers[0], layers[-1])))


def _told(found: Mapping[str, Any]) -> list[Row]:
    methods = found["figures"][RIGHT]
    wanted = {"blank": "blank maps", "energy": "energy on the brick", "selectivity": "selectivity"}
    rows = [
        Row(f"{name}: {words}", None, *_mean_and_interval(methods[name][figure]), 3)
        for figure, words in wanted.items()
        for name in methods
        if methods[name][figure]["mean"] is not None
    ]
    same = found["agreement"]["same_label_set"]
    return [*rows, Row("int8 and companion: same labels", None, *_mean_and_interval(same), 3)]


def _mean_and_interval(interval: Mapping[str, Any]) -> tuple[float | None, str]:
    if interval["mean"] is None:
        return None, "undefined"
    return interval["mean"], f"[{interval['low']:.3f}, {interval['high']:.3f}]"
