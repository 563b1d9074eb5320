"""Figures of a multi-label classifier; all arrays are (pictures, labels)."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]


def average_precision(target: Array, score: Array) -> float:
    """Area under the precision-recall steps of one label; NaN without a positive.

    Ties count as one step, so that a constant score gives the share of positives.
    """
    positives = target.sum()
    if positives == 0:
        return float("nan")
    order = np.argsort(-score, kind="stable")
    hits, last_of_tie = target[order].cumsum(), np.append(np.diff(score[order]) != 0, True)
    hits, ranks = hits[last_of_tie], (np.flatnonzero(last_of_tie) + 1)
    return float(np.sum(np.diff(hits, prepend=0) * hits / ranks) / positives)


def mean_average_precision(target: Array, score: Array) -> float:
    """Mean over the labels that occur."""
    values = [average_precision(t, s) for t, s in zip(target.T, score.T, strict=True)]
    return float(np.nanmean(values))


def counts(target: Array, reported: Array) -> tuple[Array, Array, Array]:
    """True positives, false positives and false negatives of each label."""
    target, reported = target.astype(bool), np.asarray(reported, bool)
    return (
        (target & reported).sum(0).astype(float),
        (~target & reported).sum(0).astype(float),
        (target & ~reported).sum(0).astype(float),
    )


def f1(true_positive: Array, false_positive: Array, false_negative: Array) -> Array:
    """2 TP / (2 TP + FP + FN), 0 where nothing was there and nothing reported."""
    total = np.asarray(2 * true_positive + false_positive + false_negative, float)
    return np.divide(2 * true_positive, total, out=np.zeros_like(total), where=total > 0)


def micro(target: Array, reported: Array) -> dict[str, float]:
    """Precision, recall and F1 over all decisions together; precision of no report is 0."""
    tp, fp, fn = (float(c.sum()) for c in counts(target, reported))
    return {
        "precision": tp / (tp + fp) if tp + fp else 0.0,
        "recall": tp / (tp + fn) if tp + fn else 0.0,
        "f1": float(f1(np.array(tp), np.array(fp), np.array(fn))),
    }


BINS = 15


def reliability(target: Array, probability: Array, bins: int = BINS) -> list[dict[str, float]]:
    """How often a label is there, by how probable it was said to be, in equal-width bins.

    Returns:
        For each bin that is not empty: `decisions`, mean `probability`, `share` that was there.
    """
    t, p = np.asarray(target, float).ravel(), np.asarray(probability, float).ravel()
    which = np.minimum((p * bins).astype(int), bins - 1)
    sizes = np.bincount(which, minlength=bins)
    said, there = np.bincount(which, p, minlength=bins), np.bincount(which, t, minlength=bins)
    return [
        {
            "decisions": int(sizes[b]),
            "probability": float(said[b] / sizes[b]),
            "share": float(there[b] / sizes[b]),
        }
        for b in np.flatnonzero(sizes)
    ]


def calibration_error(target: Array, probability: Array, bins: int = BINS) -> float:
    """Expected calibration error over all decisions, in equal-width bins."""
    rows = reliability(target, probability, bins)
    gaps = [row["decisions"] * abs(row["share"] - row["probability"]) for row in rows]
    return float(sum(gaps) / np.size(target))


def weighted_bce(target: Array, logit: Array, positive_weight: float) -> Array:
    """`trainer.losses.weighted_bce` in numpy, element by element."""
    x = np.asarray(logit, float)
    softplus = np.logaddexp(0, -x)
    return (1 - target) * x + (1 + (positive_weight - 1) * target) * softplus


def look_alikes(target: Array, reported: Array) -> list[tuple[int, int, float]]:
    """Which labels are taken for which.

    A picture with a missed label and wrong ones blames each wrong one equally.

    Returns:
        (missed, wrong, times), most frequent first.
    """
    target, reported = np.asarray(target, bool), np.asarray(reported, bool)
    missed, wrong = (target & ~reported).astype(float), (reported & ~target).astype(float)
    shares = wrong / np.maximum(wrong.sum(axis=1, keepdims=True), 1)
    pairs = missed.T @ shares
    order = np.argsort(-pairs, axis=None, kind="stable")
    found = [(int(k // pairs.shape[1]), int(k % pairs.shape[1])) for k in order]
    return [(i, j, float(pairs[i, j])) for i, j in found if pairs[i, j] > 0]


CURVE_POINTS = 40


def coverage_curve(
    score: Array, right: Array, whole: float, by_hits: bool = False
) -> list[dict[str, float]]:
    """How often answers above a moving threshold are right, by how much they cover.

    Args:
        score: (k,) how sure each possible answer is.
        right: (k,) whether it is right.
        whole: What full coverage is: the number of pictures that could get an answer, or of labels
            that could be found.
        by_hits: Whether coverage counts right answers, as for labels to be found, and not all
            answers, as for pictures to be answered.

    Returns:
        At most `CURVE_POINTS` points from the highest threshold down, evenly over coverage, each
        with `threshold`, `coverage` and `precision`.
    """
    order = np.argsort(-score, kind="stable")
    ranked, hits = score[order], np.asarray(right, bool)[order].cumsum()
    said = np.arange(1, len(ranked) + 1)
    last_of_tie = np.flatnonzero(np.append(np.diff(ranked) != 0, True))
    coverage = (hits if by_hits else said)[last_of_tie] / max(whole, 1)
    steps = np.linspace(coverage[0], coverage[-1], CURVE_POINTS)
    # The first point that covers a step: of equal coverage, the most precise.
    chosen = np.unique(np.searchsorted(coverage, steps - 1e-9))
    return [
        {
            "threshold": round(float(ranked[last_of_tie[i]]), 6),
            "coverage": round(float(coverage[i]), 4),
            "precision": round(float(hits[last_of_tie[i]] / said[last_of_tie[i]]), 4),
        }
        for i in chosen
    ]


def thinned(curve: Sequence[Mapping[str, float]], rows: int = 5) -> list[Mapping[str, float]]:
    """A few points of a curve, evenly over its coverage."""
    steps = np.linspace(curve[0]["coverage"], curve[-1]["coverage"], rows)
    near = [min(curve, key=lambda point: abs(point["coverage"] - step)) for step in steps]
    return [point for i, point in enumerate(near) if point not in near[:i]]


def places(score: Array, index: NDArray[np.integer]) -> NDArray[np.integer]:
    """At which place, from 0, label `index` of each picture stands; of equals the first leads.

    Args:
        score: (pictures, n).
        index: (pictures,).
    """
    order = np.argsort(-score, axis=1, kind="stable")
    return np.argmax(order == index[:, None], axis=1)


def balanced(hit: Array, index: NDArray[np.integer]) -> float:
    """Mean over the types of the rate of hits among the pictures of the type."""
    return float(np.mean([hit[index == kind].mean() for kind in np.unique(index)]))


def figures(target: Array, probability: Array, reported: Array) -> dict[str, float]:
    """Every figure of the model card, beside what reporting nothing at all would score.

    Args:
        target: 0 or 1.
        probability: 0..1, calibrated.
        reported: Whether the label is said to be present.
    """
    target, reported = np.asarray(target), np.asarray(reported)
    together = micro(target, reported)
    occurs = target.sum(0) > 0
    return {
        "pictures": float(len(target)),
        "mean_average_precision": mean_average_precision(target, probability),
        "chance_average_precision": float(target.mean(0)[occurs].mean()),
        "micro_precision": together["precision"],
        "micro_recall": together["recall"],
        "micro_f1": together["f1"],
        "macro_f1": float(f1(*counts(target, reported))[occurs].mean()),
        "exact_match": float((target == reported).all(1).mean()),
        "binary_accuracy": float((target == reported).mean()),
        "all_absent_accuracy": float(1 - target.mean()),
        "hamming_loss": float((target != reported).mean()),
        "calibration_error": calibration_error(target, probability),
        "labels_reported_per_picture": float(reported.sum(1).mean()),
    }
