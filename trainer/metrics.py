"""Figures of a multi-label classifier; all arrays are (pictures, labels)."""

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


def calibration_error(target: Array, probability: Array, bins: int = 15) -> float:
    """Expected calibration error over all decisions, in equal-width bins."""
    t, p = np.asarray(target, float).ravel(), np.asarray(probability, float).ravel()
    which = np.minimum((p * bins).astype(int), bins - 1)
    sizes = np.bincount(which, minlength=bins)
    gaps = np.abs(np.bincount(which, t - p, minlength=bins))
    return float(gaps[sizes > 0].sum() / len(p))


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
