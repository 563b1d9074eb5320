"""What a bundle says of photographs, and the figures of that.

The figures of a set, as evaluation.json has them:

    pictures, skipped_pictures, labels_present, labels_reported
    micro_precision, micro_recall, micro_f1     at the bundle's thresholds, without ignored ids
    answered                                    share of the pictures on which something is reported
    calibrated_on                               whether thresholds were chosen on these pictures,
                                                where that is known
    curve, curve_of                             coverage against precision at a moving threshold

and where no picture has more than one label also

    right_first, right_in_five                  balanced: every type weighs alike
    labels                                      id -> pictures, first, five, reported, precision
    taken_for                                   which type is named first instead of which

and where some have

    tiles                                       labels_reported and micro_* once more, with
                                                overlapping quarters looked at too
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rich.console import Console

from edge.bundle import Bundle
from trainer.evaluate import classify_all
from trainer.metrics import balanced, coverage_curve, micro, places
from trainer.photograph_sets import PhotographSet

FIRST_FEW = 5
PAIRS = 100
EXAMPLES = 3
"""Names of pictures kept for a pair that is taken for each other."""
PICTURES, FOUND = "pictures answered by their strongest label", "labels found"


@dataclass(frozen=True, slots=True, eq=False)
class JudgedSet:
    """Photographs beside what a bundle says of them.

    Attributes:
        photographs: The set.
        wanted, ignored: (p, n) bool: what is there, and what is neither right nor wrong.
        probabilities: (p, n) float32.
        scores: (p, n) float32, which rank as the probabilities do and never saturate.
        reported: (p, n) bool, without what is ignored.
    """

    photographs: PhotographSet
    wanted: np.ndarray
    ignored: np.ndarray
    probabilities: np.ndarray
    scores: np.ndarray
    reported: np.ndarray

    @property
    def labelled(self) -> np.ndarray:
        """Rows of the pictures that have a label."""
        return np.flatnonzero(self.wanted.any(axis=1))

    @property
    def strongest(self) -> np.ndarray:
        """(p,) columns of the strongest label of each picture, ignored ones left out."""
        return np.argmax(np.where(self.ignored, -np.inf, self.scores), axis=1)


def judge_photographs(
    bundle: Bundle, photographs: PhotographSet, console: Console, tiles: bool = False
) -> JudgedSet:
    """Run a bundle over photographs.

    Args:
        bundle: The bundle.
        photographs: The set.
        console: Where progress is shown.
        tiles: As `trainer.evaluate.classify_all` takes it.

    Raises:
        PictureError: A picture cannot be read; the message names it.
    """
    wanted, ignored = photographs.matrices([label.id for label in bundle.labels])
    pictures = [photograph.picture for photograph in photographs.photographs]
    logits, probabilities = classify_all(bundle, pictures, console, tiles)
    scores = bundle.slopes * logits + bundle.offsets
    reported = (probabilities >= bundle.thresholds) & ~ignored
    return JudgedSet(photographs, wanted, ignored, probabilities, scores, reported)


def judge_set(
    bundle: Bundle,
    photographs: PhotographSet,
    console: Console,
    calibrated_on: bool | None = None,
) -> tuple[JudgedSet, dict[str, Any]]:
    """Run a bundle over photographs, and count.

    Args:
        bundle: The bundle.
        photographs: The set.
        console: Where progress is shown.
        calibrated_on: As `photograph_summary` takes it.

    Returns:
        What the bundle says, and every figure listed at the top of this file.
    """
    judged = judge_photographs(bundle, photographs, console)
    found = photograph_summary(bundle, judged, calibrated_on)
    if not photographs.single:
        tiled = judge_photographs(bundle, photographs, console, tiles=True)
        found["tiles"] = _counted(tiled)
    return judged, found


def _counted(judged: JudgedSet) -> dict[str, float]:
    together = micro(judged.wanted, judged.reported)
    return {
        "labels_reported": float(judged.reported.sum()),
        **{f"micro_{name}": value for name, value in together.items()},
    }


def photograph_summary(
    bundle: Bundle, judged: JudgedSet, calibrated_on: bool | None = None
) -> dict[str, Any]:
    """Every figure of judged photographs, as listed at the top of this file.

    Args:
        bundle: What was judged.
        judged: On what.
        calibrated_on: Whether its thresholds were chosen on these pictures; None where nobody
            knows.
    """
    single = judged.photographs.single
    return {
        "pictures": float(len(judged.wanted)),
        "skipped_pictures": float(judged.photographs.skipped),
        "labels_present": float(judged.wanted.sum()),
        **_counted(judged),
        "answered": float(judged.reported.any(axis=1).mean()),
        **({} if calibrated_on is None else {"calibrated_on": calibrated_on}),
        **(_singles(bundle, judged) if single else {}),
        "curve_of": PICTURES if single else FOUND,
        "curve": _answers(judged) if single else _finds(judged),
    }


def _answers(judged: JudgedSet) -> list[dict[str, float]]:
    """Precision of the strongest label, by the share of pictures that get an answer."""
    rows, strongest = np.arange(len(judged.wanted)), judged.strongest
    sure, right = judged.probabilities[rows, strongest], judged.wanted[rows, strongest]
    return coverage_curve(sure, right, len(rows))


def _finds(judged: JudgedSet) -> list[dict[str, float]]:
    """Precision of all labels together, by the share of present ones that are found."""
    judging = ~judged.ignored
    right = judged.wanted[judging]
    return coverage_curve(judged.probabilities[judging], right, right.sum(), by_hits=True)


def _singles(bundle: Bundle, judged: JudgedSet) -> dict[str, Any]:
    rows = judged.labelled
    shown = judged.wanted[rows].argmax(axis=1)
    scores = np.where(judged.ignored, -np.inf, judged.scores)[rows]
    place = places(scores, shown)
    first, five = place == 0, place < FIRST_FEW
    return {
        "types": float(len(np.unique(shown))),
        "right_first": balanced(first, shown),
        "right_in_five": balanced(five, shown),
        "labels": {
            bundle.labels[kind].id: _type_row(
                judged, kind, first[shown == kind], five[shown == kind]
            )
            for kind in np.unique(shown)
        },
        "taken_for": [
            {
                "shown": bundle.labels[pair.shown].id,
                "named": bundle.labels[pair.named].id,
                "times": len(pair.rows),
                "pictures": [
                    judged.photographs.photographs[row].picture.name for row in pair.rows[:EXAMPLES]
                ],
            }
            for pair in confused_pairs(judged)[:PAIRS]
        ],
    }


def _type_row(
    judged: JudgedSet, kind: int, first: np.ndarray, five: np.ndarray
) -> dict[str, float | None]:
    reported = judged.reported[:, kind]
    right = judged.wanted[reported, kind]
    return {
        "pictures": len(first),
        "first": round(float(first.mean()), 4),
        "five": round(float(five.mean()), 4),
        "reported": int(reported.sum()),
        "precision": round(float(right.mean()), 4) if len(right) else None,
    }


@dataclass(frozen=True, slots=True)
class Pair:
    """A type that another one is named first for.

    Attributes:
        shown, named: Columns of the type that is there and of the one that is named.
        rows: Of the pictures, those first on which the wrong type is surest.
    """

    shown: int
    named: int
    rows: tuple[int, ...]


def confused_pairs(judged: JudgedSet) -> Sequence[Pair]:
    """Which types are taken for which on pictures of one label, most frequent first."""
    strongest = judged.strongest
    found: dict[tuple[int, int], list[int]] = {}
    for row in judged.labelled:
        shown, named = int(judged.wanted[row].argmax()), int(strongest[row])
        if shown != named:
            found.setdefault((shown, named), []).append(int(row))
    pairs = [
        Pair(shown, named, tuple(sorted(rows, key=lambda row: -judged.scores[row, named])))
        for (shown, named), rows in found.items()
    ]
    return sorted(pairs, key=lambda pair: (-len(pair.rows), pair.shown, pair.named))
