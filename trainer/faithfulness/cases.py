"""The labels of a picture that are explained, and a map's figures against their bricks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from edge.domain import Label, Prediction
from trainer.dataset import Sample
from trainer.faithfulness import maps as figures
from trainer.faithfulness.masks import Masks, averaged, distance_px


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One label of one picture that is explained.

    Attributes:
        index: Of the label.
        outcome: "tp", "fp" or "fn" of the device's own decision.
        part: Its id.
        own, bricks: (s, s) its mask, and that of all bricks.
        distance: (s, s) how far from its own mask, in pixels.
        others: Indices of the other labels that are there.
    """

    index: int
    outcome: str
    part: str
    own: np.ndarray
    bricks: np.ndarray
    distance: np.ndarray
    others: np.ndarray


def cases_of(
    labels: Sequence[Label], sample: Sample, prediction: Prediction, masks: Masks
) -> list[Case]:
    """The labels that are there or were reported, in the order of the model's outputs."""
    there, said = set(sample.labels), {label.id for label in prediction.present}
    present = np.array([label.index for label in labels if label.id in there], int)
    cases = []
    for label in labels:
        if label.id not in there | said:
            continue
        # A brick that is seen too little to count makes no report of it right.
        own = masks.of(label.id if label.id in there else "")
        cases.append(
            Case(
                label.index,
                _outcome(label.id in there, label.id in said),
                label.id,
                own,
                masks.bricks,
                distance_px(own),
                present[present != label.index],
            )
        )
    return cases


def _outcome(there: bool, said: bool) -> str:
    return "fn" if not said else "tp" if there else "fp"


def against_mask(heat: np.ndarray, case: Case, method: str) -> dict[str, float]:
    """Figures of one map (h, w) against where the bricks are.

    The method "centre" points at the very middle, whatever its grid.
    """
    size = case.own.shape[0]
    own, bricks = averaged(case.own, heat.shape), averaged(case.bricks, heat.shape)
    points = np.full((1, 2), size / 2) if method == "centre" else figures.peaks(heat, size)
    distance, middle = case.distance, np.full((1, 2), size / 2)
    shares = figures.budget(heat, own, bricks)
    return {
        "blank": float(figures.is_blank(heat)),
        "pointing": figures.pointing(points, distance, figures.TAU * size),
        "pointing_exact": figures.pointing(points, distance),
        "centre": figures.pointing(middle, distance, figures.TAU * size),
        "centre_exact": figures.pointing(middle, distance),
        "energy": figures.energy(heat, own),
        "own": shares.own,
        "other": shares.other,
        "background": shares.background,
        "discriminativity": figures.discriminativity(heat, own, bricks),
        "rank_accuracy": figures.rank_accuracy(heat, own),
        "iou_15": figures.intersection_over_union(heat, own, 0.15),
        "iou_50": figures.intersection_over_union(heat, own, 0.5),
        "average_precision": figures.pixel_average_precision(heat, own),
    }
