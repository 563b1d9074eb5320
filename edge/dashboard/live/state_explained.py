"""Grad-CAM and LIME as JSON for the page."""

from typing import Any

import numpy as np

from edge.dashboard.values import Json, label_of, number, printable
from edge.domain import Explanation
from edge.explain.agreement import Agreement, Said
from edge.explain.worker.progress import Progress

DIGITS = 6
"""A superpixel adds little to a logit."""


def gradcam_of(explanation: Explanation | None) -> Json | None:
    """The newest Grad-CAM with its labels; None before the first."""
    if explanation is None:
        return None
    details = explanation.details
    height, width = explanation.maps.shape[1:]
    return {
        "sequence": explanation.prediction.frame.sequence,
        "method": printable(explanation.method),
        "layer": printable(details.get("layer")),
        "grid": [height, width],
        "pooling": printable(details.get("pooling")),
        "milliseconds": number(details.get("milliseconds"), 1),
        "scale_max": number(explanation.maps.max(initial=0.0)),
        "scale_name": "this frame",
        "disagrees": [printable(label_id) for label_id in details.get("disagrees", ())],
        "labels": _explained(explanation),
    }


def _explained(explanation: Explanation) -> list[Json]:
    disagrees = frozenset(explanation.details.get("disagrees", ()))
    return [
        label_of(label)
        | {
            "confidence": number(explanation.prediction.probabilities[label.index]),
            "max": number(heat.max(initial=0.0)),
            "no_evidence": not bool((heat > 0).any()),
            "disagrees": label.id in disagrees,
        }
        for label, heat in zip(explanation.labels, explanation.maps, strict=True)
    ]


def lime_of(progress: Progress) -> Json:
    """One request for LIME: how far it is, and what is known by now.

    Its `labels` are those that were asked for; what LIME says of them is in `explanation`, which
    is None until there is something to say.
    """
    request = progress.request
    return {
        "number": request.number,
        "sequence": request.prediction.frame.sequence,
        "state": str(progress.state),
        "over": progress.state.over,
        "pinned": request.pinned,
        "samples": progress.samples,
        "budget": progress.budget,
        "lowered_from": progress.lowered_from,
        "problem": printable(progress.problem),
        "labels": [label_of(label) for label in request.labels],
        "explanation": _lime(progress.explanation, progress.agreements),
    }


def _lime(lime: Explanation | None, agreements: tuple[Agreement, ...]) -> Json | None:
    if lime is None:
        return None
    details = lime.details
    return {
        "method": printable(lime.method),
        "engine": printable(details["engine"]),
        "design": printable(details["design"]),
        "seed": int(details["seed"]),
        "hide": printable(details["hide"]),
        "target": printable(details["target"]),
        "ended": printable(details["ended"]),
        "superpixels": int(details["superpixels"]),
        "milliseconds": number(details["milliseconds"], 1),
        "scale_max": number(np.abs(details["coefficients"]).max(initial=0.0), DIGITS),
        "scale_name": "this frame",
        "warnings": [printable(warning) for warning in details["warnings"]],
        "labels": [_weighed(lime, place, agreements) for place in range(len(lime.labels))],
    }


def _weighed(lime: Explanation, place: int, agreements: tuple[Agreement, ...]) -> Json:
    label, details = lime.labels[place], lime.details
    coefficients = details["coefficients"][place]
    return label_of(label) | {
        "confidence": number(lime.prediction.probabilities[label.index]),
        "max": number(coefficients.max(initial=0.0), DIGITS),
        "min": number(coefficients.min(initial=0.0), DIGITS),
        "no_evidence": not bool((coefficients > 0).any()),
        "r2": number(details["r2"][place]),
        "standard_error": _mean(details["standard_errors"][place]),
        "stability": number(details["stability"][place]),
        "agreement": _agreement(agreements[place]) if agreements else None,
    }


def _agreement(agreed: Agreement) -> Json:
    return {
        "spearman": number(agreed.spearman),
        "jaccard": number(agreed.jaccard),
        "signs": number(agreed.signs),
        "both": agreed.count(Said.BOTH),
        "only_cam": agreed.count(Said.ONLY_CAM),
        "only_lime": agreed.count(Said.ONLY_LIME),
        "none": agreed.count(Said.NONE),
    }


def _mean(values: Any) -> float | None:
    return number(values.mean(), DIGITS) if values.size else None
