"""Rows of pictures become means, intervals and differences between methods."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from trainer.faithfulness.bootstrap import Interval, Resampled
from trainer.faithfulness.maps import NOTHING, skill
from trainer.faithfulness.rows import Row

OUTCOMES = {"tp": "rightly reported", "fn": "missed", "fp": "wrongly reported"}
BY_TYPE = ("pointing", "pointing_exact")
"""Figures averaged within a part type first, then over types."""
FIGURES = {
    "pointing": "Pointing game, within 15/224 of the side",
    "skill": "Its skill over the centre",
    "pointing_exact": "Pointing game, on the brick",
    "skill_exact": "Its skill over the centre",
    "blank": "Blank maps",
    "energy": "Energy on the brick",
    "discriminativity": "Own share of the mass on bricks",
    "rank_accuracy": "Rank accuracy",
    "iou_15": "IoU at 0.15 of the maximum",
    "iou_50": "IoU at 0.5 of the maximum",
    "average_precision": "Pixel average precision",
    "deletion": "Deletion AUC (less is better)",
    "insertion": "Insertion AUC",
    "symmetric_difference": "Symmetric difference, logit",
    "selectivity": "Selectivity, logit",
    "max_sensitivity": "Max-sensitivity (less is steadier)",
    "random_logit": "Likeness to another label's map",
    "gini": "Sparseness (Gini)",
    "entropy": "Entropy",
    "stability": "LIME: top-10 Jaccard over seeds",
    "r2": "LIME: R2",
}
SHARES = ("own", "other", "background")
REFERENCE = "grad-cam"


class Explained:
    """Explanations of one outcome, as arrays beside each other.

    Args:
        rows: Of pictures.
        outcome: One of `OUTCOMES`.
        seed: Of the resampling.
    """

    def __init__(self, rows: Sequence[Row], outcome: str, seed: int) -> None:
        found = [(r["seed"], x) for r in rows for x in r["labels"] if x["outcome"] == outcome]
        self.entries = [label for _, label in found]
        self.parts = [label["part"] for label in self.entries]
        self.resampled = Resampled([scene for scene, _ in found], self.parts, seed=seed)

    def values(self, method: str, figure: str) -> np.ndarray:
        """(n,) float64, NaN where undefined."""
        return numbers(entry["methods"][method].get(figure) for entry in self.entries)

    def figure(self, method: str, figure: str) -> Interval:
        """One figure of one method."""
        if figure.startswith("skill"):
            return self._skill(method, figure.removeprefix("skill"))
        return self.resampled.interval(self.values(method, figure), figure in BY_TYPE)

    def difference(self, first: str, second: str, figure: str) -> Interval:
        """First minus second, on the explanations where both are defined."""
        off = self.values(first, figure) - self.values(second, figure)
        return self.resampled.interval(off, figure in BY_TYPE)

    def _skill(self, method: str, which: str) -> Interval:
        values = self.values(method, f"pointing{which}")
        chance = self.values(method, f"centre{which}")
        both = (self.resampled.means(v, by_group=True) for v in (values, chance))
        means = np.array([skill(h, c) for h, c in zip(*both, strict=True)])
        known = int(np.isfinite(values).sum())
        return self.resampled.of(means, known, len(values) - known)


def numbers(values: Any) -> np.ndarray:
    """Values of rows as float64; None becomes NaN."""
    return np.array([NOTHING if value is None else value for value in values], np.float64)


def summarise(rows: Sequence[Row], methods: Sequence[str], layers: Sequence[str], seed: int) -> Row:
    """Every figure of an evaluation.

    Args:
        rows: Of pictures, see `trainer.faithfulness.picture`.
        methods: Those in the rows.
        layers: That became random, in order.
        seed: Of the resampling.

    Returns:
        Plain values; an interval is `mean`, `low`, `high`, `count`, `undefined`.

        - `explanations`: outcome -> number;
        - `figures`: outcome -> method -> figure -> interval;
        - `differences`: outcome -> "grad-cam minus ..." -> figure -> interval;
        - `budget`: outcome -> method -> own, other, background;
        - `types`: part id -> explanations, and method -> share of hits, rightly reported ones;
        - `curves`: method -> deletion, insertion, means of probabilities, rightly reported ones;
        - `randomisation`: method -> for each number of random layers, the likeness of maps;
        - `agreement`: of the int8 model with the companion.
    """
    parts = {outcome: Explained(rows, outcome, seed) for outcome in OUTCOMES}
    right = parts["tp"]
    return {
        "pictures": len(rows),
        "scenes": len({row["seed"] for row in rows}),
        "explanations": {outcome: len(part.entries) for outcome, part in parts.items()},
        "figures": {o: _figures(part, methods) for o, part in parts.items() if part.entries},
        "differences": {
            o: _differences(part, methods) for o, part in parts.items() if part.entries
        },
        "budget": {o: _budget(part, methods) for o, part in parts.items() if part.entries},
        "types": _types(right, methods),
        "curves": _curves(right, methods),
        "randomisation": _randomisation(right, layers),
        "agreement": _agreement(rows, seed),
    }


def _figures(part: Explained, methods: Sequence[str]) -> Row:
    return {m: {f: asdict(part.figure(m, f)) for f in FIGURES} for m in methods}


def _differences(part: Explained, methods: Sequence[str]) -> Row:
    if REFERENCE not in methods:
        return {}
    plain_figures = [figure for figure in FIGURES if not figure.startswith("skill")]
    return {
        f"{REFERENCE} minus {other}": {
            f: asdict(part.difference(REFERENCE, other, f)) for f in plain_figures
        }
        for other in methods
        if other != REFERENCE
    }


def _budget(part: Explained, methods: Sequence[str]) -> Row:
    return {m: {s: asdict(part.figure(m, s)) for s in SHARES} for m in methods}


def _types(part: Explained, methods: Sequence[str]) -> Row:
    names = np.array(part.parts)
    rows = {}
    for name in sorted(set(part.parts)):
        of_type = names == name
        hits = {m: float(part.values(m, "pointing")[of_type].mean()) for m in methods}
        rows[name] = {"explanations": int(of_type.sum()), "pointing": hits}
    return rows


def _curves(part: Explained, methods: Sequence[str]) -> Row:
    return {
        method: {
            kind: np.mean([e["methods"][method][f"{kind}_curve"] for e in part.entries], 0).tolist()
            for kind in ("deletion", "insertion")
        }
        for method in methods
        if part.entries
    }


def _randomisation(part: Explained, layers: Sequence[str]) -> Row:
    found = sorted({method for entry in part.entries for method in entry["randomised"]})
    return {
        method: [
            {
                "random": list(layers[: depth + 1]),
                **asdict(
                    part.resampled.interval(
                        numbers(entry["randomised"][method][depth] for entry in part.entries)
                    )
                ),
            }
            for depth in range(len(layers))
        ]
        for method in found
    }


def _agreement(rows: Sequence[Row], seed: int) -> Row:
    said = [row["agreement"] for row in rows]
    resampled = Resampled([row["seed"] for row in rows], [""] * len(rows), seed=seed)
    counts = numbers(entry["disagreements"] for entry in said)
    off = numbers(entry["mean_logit_difference"] for entry in said)
    return {
        "same_label_set": asdict(resampled.interval((counts == 0).astype(float))),
        "disagreements": int(counts.sum()),
        "mean_logit_difference": asdict(resampled.interval(off)),
        "largest_logit_difference": max(entry["largest_logit_difference"] for entry in said),
    }
