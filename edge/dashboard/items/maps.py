"""What was kept of an item's explanations, as JSON."""

import numpy as np

from edge.dashboard.items.pictures import Drawable, ItemMaps
from edge.dashboard.values import Json, label_of, number, printable
from edge.explain.lime_result import R2_LOW

DIGITS = 6


def maps_of(maps: ItemMaps) -> Json:
    """What there is to show, and what to know before it is believed."""
    return {
        "gradcam": _gradcam(maps.gradcam) if maps.gradcam else None,
        "lime": _lime(maps.lime) if maps.lime else None,
        "problems": [printable(problem) for problem in maps.problems],
    }


def _gradcam(found: Drawable) -> Json:
    explanation = found.explanation
    details = explanation.details
    height, width = explanation.maps.shape[1:]
    return {
        "layer": printable(details.get("layer")),
        "pooling": printable(details.get("pooling")),
        "grid": [int(width), int(height)],
        "scale_max": number(float(explanation.maps.max(initial=0.0))),
        "disagrees": [printable(label_id) for label_id in details.get("disagrees") or ()],
        "labels": [
            label_of(label)
            | {
                "max": number(float(heat.max(initial=0.0))),
                "no_evidence": not bool((heat > 0).any()),
            }
            for label, heat in zip(explanation.labels, explanation.maps, strict=True)
        ],
    }


def _lime(found: Drawable) -> Json:
    explanation = found.explanation
    details = explanation.details
    return {
        "samples": number(details.get("samples"), 0),
        "superpixels": number(details.get("superpixels"), 0),
        "hide": printable(details.get("hide")),
        "ended": printable(details.get("ended")),
        "scale_max": number(float(np.abs(details["coefficients"]).max(initial=0.0)), DIGITS),
        "warnings": [printable(text) for text in details.get("warnings") or ()],
        "labels": [
            label_of(label)
            | {
                "max": number(float(details["coefficients"][place].max(initial=0.0)), DIGITS),
                "min": number(float(details["coefficients"][place].min(initial=0.0)), DIGITS),
                "r2": number(float(details["r2"][place])),
                "low": bool(details["r2"][place] < R2_LOW),
                "standard_error": number(float(details["standard_errors"][place].mean()), DIGITS),
                "stability": number(float(details["stability"][place])),
            }
            for place, label in enumerate(explanation.labels)
        ],
    }
