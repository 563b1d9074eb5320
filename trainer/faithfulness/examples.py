"""Pictures with their maps, chosen by a fixed rule."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from edge.explain.overlay import map_on_picture, overlay
from trainer.dataset import Sample, read_image
from trainer.faithfulness.attributions import Attributions
from trainer.faithfulness.cases import cases_of
from trainer.faithfulness.maps import positive
from trainer.faithfulness.masks import read_masks
from trainer.faithfulness.rows import Row

SHOWN_PX = 224
OUTLINE = (64, 224, 208)
COUNTS = {"tp": 8, "fn": 2, "fp": 2}
RULE = (
    "Rightly reported labels are put in the order of the energy of their Grad-CAM on the brick, and"
    " eight are taken at equal distances, from the best to the worst. Of missed and of wrongly"
    " reported labels, two each, at equal distances by confidence."
)
SHOWN = ("grad-cam", "grad-cam-max", "hirescam", "lime")


@dataclass(frozen=True, slots=True)
class Example:
    """One explanation to look at.

    Attributes:
        title: The label and how it came out.
        note: Figures.
        panels: (title, PNG in base64) of the picture with the brick's outline, and each map.
    """

    title: str
    note: str
    panels: tuple[tuple[str, str], ...]


def choose(rows: Sequence[Row]) -> list[tuple[int, Row]]:
    """(number of the picture, label's row) of the examples; see `RULE`."""
    chosen = []
    for outcome, count in COUNTS.items():
        found = [
            (number, label)
            for number, row in enumerate(rows)
            for label in row["labels"]
            if label["outcome"] == outcome
        ]
        found.sort(key=lambda item: -_rank(item[1]))
        spread = np.linspace(0, len(found) - 1, min(count, len(found))).round().astype(int)
        chosen += [found[i] for i in spread]
    return chosen


def _rank(label: Row) -> float:
    if label["outcome"] == "tp":
        first = next(iter(label["methods"].values()))
        return float(label["methods"].get("grad-cam", first)["energy"] or 0.0)
    return float(label["probability"])


def draw(
    samples: Sequence[Sample], rows: Sequence[Row], attributions: Attributions
) -> list[Example]:
    """The examples with their panels; every map is on its own scale."""
    return [_draw(samples[number], label, attributions) for number, label in choose(rows)]


def _draw(sample: Sample, row: Row, attributions: Attributions) -> Example:
    bundle, image = attributions.bundle, _shrunk(read_image(sample))
    prediction = attributions.classify(read_image(sample))
    masks = read_masks(sample, bundle.preprocessing)
    cases = cases_of(bundle.labels, sample, prediction, masks)
    case = next(c for c in cases if c.part == row["part"])
    found = attributions.explain(prediction, [case.index], sample.seed)
    spot = map_on_picture(case.own, image, bundle.preprocessing) > 0.5
    panels = [("picture, the brick outlined", _png(_outlined(image, spot)))]
    for method in SHOWN:
        if method in found:
            heat = positive(found[method].maps[0]).astype(np.float32)
            on_picture = map_on_picture(heat, image, bundle.preprocessing)
            drawn = overlay(image, on_picture, float(heat.max()))
            said = f"max {heat.max():.2g}" if heat.any() else "no positive evidence"
            panels.append((f"{method}, {said}", _png(_outlined(drawn, spot))))
    label = bundle.labels[case.index]
    note = f"confidence {100 * row['probability']:.0f} %"
    first = row["methods"].get("grad-cam")
    if first and first["energy"] is not None:
        note += f", energy on the brick {100 * first['energy']:.0f} %"
    return Example(f"{label.name} ({label.id})", note, tuple(panels))


def _shrunk(image: np.ndarray) -> np.ndarray:
    factor = SHOWN_PX / max(image.shape[:2])
    how = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return cv2.resize(image, None, fx=factor, fy=factor, interpolation=how)


def _outlined(image: np.ndarray, spot: np.ndarray) -> np.ndarray:
    edges, _ = cv2.findContours(spot.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return cv2.drawContours(image.copy(), edges, -1, OUTLINE, 1, cv2.LINE_AA)


def _png(image: np.ndarray) -> str:
    code = cv2.imencode(".png", np.ascontiguousarray(image[..., ::-1]))[1]
    return base64.b64encode(code.tobytes()).decode()
