"""One picture of a pile beside its explanations, with scales and captions."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from edge.domain import Explanation, Label
from edge.explain.agreement import Agreement, Said
from edge.explain.colours import (
    Picture,
    Scale,
    Style,
    Values,
    fixed_scale,
    frame_scale,
    map_scale,
)
from edge.explain.layout import Panel, bar_height, colour_bar, scaled, stacked
from edge.explain.lime_result import R2_LOW
from edge.explain.outlines import draw_marks, draw_masses, draw_superpixels
from edge.explain.overlay import draw, map_on_picture, segments_on_picture
from edge.explain.selection import Selection, select
from edge.preprocessing import Preprocessing

TOP_SUPERPIXELS = 10


@dataclass(frozen=True, slots=True)
class Look:
    """How maps are drawn.

    Attributes:
        style: See `edge.explain.overlay.draw`.
        signed_style: The same for maps with values below zero.
        scale: "frame" compares the maps of one picture, "map" stretches each to its own maximum,
            a number is a fixed scale in units of the maps.
    """

    style: Style = "spotlight"
    signed_style: Style = "signed"
    scale: str | float = "frame"

    def scale_of(self, explanation: Explanation, values: Values) -> Scale:
        """What full colour stands for on one map of an explanation."""
        if self.scale == "frame":
            scale = frame_scale(explanation)
        else:
            scale = map_scale(values) if self.scale == "map" else fixed_scale(float(self.scale))
        return replace(scale, unit=explanation.details.get("target", scale.unit))

    def style_of(self, explanation: Explanation) -> Style:
        """Signed for maps that have two signs by their nature."""
        return self.style if explanation.method.startswith("grad-cam") else self.signed_style


PLAIN = Look()


def sheet(
    explanation: Explanation, preprocessing: Preprocessing, look: Look = PLAIN, columns: int = 4
) -> Picture:
    """The pile beside its maps.

    Args:
        explanation: Of at least one label.
        preprocessing: From the bundle.
        look: How the maps are drawn.
        columns: Panels in a row, the pile included.

    Returns:
        A picture, (H, W, 3) uint8 RGB.
    """
    image = scaled(explanation.prediction.frame.image)
    panels = [Panel(image, None, _pile_lines(explanation))]
    panels += [
        map_panel(image, explanation, place, preprocessing, look)
        for place in range(len(explanation.labels))
    ]
    return stacked([panels[i : i + columns] for i in range(0, len(panels), columns)])


def comparison(
    gradcam: Explanation,
    lime: Explanation,
    agreements: Sequence[Agreement | None],
    preprocessing: Preprocessing,
    look: Look = PLAIN,
) -> Picture:
    """A row for each label: the pile, its Grad-CAM, its LIME.

    Args:
        gradcam, lime: Of the same labels in the same order.
        agreements: One for each label; None where there is no HiResCAM.
        preprocessing: From the bundle.
        look: How the maps are drawn.
    """
    image = scaled(gradcam.prediction.frame.image)
    rows = []
    for place, agreed in enumerate(agreements):
        rows.append(
            [
                Panel(image, None, _pile_lines(gradcam) if not place else ("", "")),
                map_panel(image, gradcam, place, preprocessing, look),
                lime_panel(image, lime, place, agreed, preprocessing, look),
            ]
        )
    return stacked(rows)


def map_panel(
    image: Picture, explanation: Explanation, place: int, preprocessing: Preprocessing, look: Look
) -> Panel:
    """One map with contours of its mass, its colour bar and its caption."""
    values = explanation.maps[place]
    scale, style = look.scale_of(explanation, values), look.style_of(explanation)
    laid = map_on_picture(values, image, preprocessing, explanation.window_on(place, image))
    drawn = draw(image, laid, scale.maximum, style)
    # The bars of a letterboxed picture may have had all of it.
    if laid.max() > 0:
        drawn = draw_masses(drawn, laid)
    lines = (*_label_lines(explanation, place), *_map_lines(explanation, place, scale))
    return Panel(drawn, colour_bar(bar_height(image), scale, style), lines)


def lime_panel(
    image: Picture,
    lime: Explanation,
    place: int,
    agreed: Agreement | None,
    preprocessing: Preprocessing,
    look: Look,
) -> Panel:
    """LIME's superpixels, the strongest marked plus and minus."""
    scale, style = look.scale_of(lime, lime.maps[place]), look.signed_style
    drawn, chosen = draw_lime(image, lime, place, preprocessing, scale, style)
    lines = (*_label_lines(lime, place), *lime_lines(lime, place, scale, chosen, agreed))
    return Panel(drawn, colour_bar(bar_height(image), scale, style), lines)


def draw_lime(
    image: Picture,
    lime: Explanation,
    place: int,
    preprocessing: Preprocessing,
    scale: Scale,
    style: Style,
) -> tuple[Picture, Selection]:
    """One label's LIME on the picture: signed colours, outlines, marks on the strongest.

    Returns:
        The picture, and which superpixels were marked.
    """
    coefficients, segments = lime.details["coefficients"][place], lime.details["segments"]
    laid = segments_on_picture(segments, image, preprocessing, lime.window_on(place, image))
    values = np.where(laid < 0, np.float32(0), coefficients[np.maximum(laid, 0)])
    drawn = draw_superpixels(draw(image, values, scale.maximum, style), laid)
    chosen = select(coefficients, segments, positive_only=False, top=TOP_SUPERPIXELS)
    clear = lime.details["standard_errors"][place]
    marked = [
        (number, float(coefficients[number]))
        for number in np.unique(segments[chosen.mask != 0]).tolist()
        # What is not twice its standard error may as well have the other sign.
        if not abs(coefficients[number]) < 2 * clear[number]
    ]
    return draw_marks(drawn, laid, marked), chosen


def lime_lines(
    lime: Explanation, place: int, scale: Scale, chosen: Selection, agreed: Agreement | None
) -> tuple[str, ...]:
    """What to know before LIME is believed.

    Args:
        lime: Of some labels.
        place: Of the label among them.
        scale: What full colour stands for.
        chosen: The superpixels that may be marked, see `draw_lime`.
        agreed: With HiResCAM; None where there is none.
    """
    coefficients = lime.details["coefficients"][place]
    top, least = float(coefficients.max(initial=0)), float(coefficients.min(initial=0))
    evidence = f"max {top:.3g}" if top > 0 else "no positive evidence"
    lines = [f"{evidence}, min {least:.3g}, scale: {scale.name}", _trust(lime, place)]
    if chosen.chosen:
        lines.append(f"marked: what is clear of the strongest {chosen}")
    if agreed is not None:
        lines.append(
            f"with HiResCAM: rank {_known(agreed.spearman)}, top {_known(agreed.jaccard)},"
            f" signs {_known(agreed.signs)}"
        )
        lines.append(
            f"both {agreed.count(Said.BOTH)}, only CAM {agreed.count(Said.ONLY_CAM)},"
            f" only LIME {agreed.count(Said.ONLY_LIME)}, none {agreed.count(Said.NONE)}"
        )
    return tuple(lines)


def _trust(lime: Explanation, place: int) -> str:
    details = lime.details
    count = f"N {details['samples']}, K {details['superpixels']}"
    if not details["samples"]:
        why = "hiding changes nothing" if details["ended"] == "stable" else details["ended"]
        return f"{count}: {why}, so LIME says nothing"
    r2, stable = float(details["r2"][place]), float(details["stability"][place])
    error = float(np.mean(details["standard_errors"][place]))
    return (
        f"{count}, R2 {_known(r2)}{' (low)' if r2 < R2_LOW else ''}, SE {_known(error)},"
        f" stable {_known(stable)}, hidden: {details['hide']}"
    )


def _known(value: float) -> str:
    return "unknown" if np.isnan(value) else f"{value:.2g}"


def _pile_lines(explanation: Explanation) -> tuple[str, ...]:
    present = explanation.prediction.present
    found = f"{len(present)} labels present" if present else "no label present"
    return found, "evidence in logit units; lines: 50 %, 80 % of it"


def _label_lines(explanation: Explanation, place: int) -> tuple[str, ...]:
    label: Label = explanation.labels[place]
    probability = float(explanation.prediction.probabilities[label.index])
    agrees = "" if label.id not in explanation.details.get("disagrees", ()) else ", float differs"
    return (
        f"{label.id} {label.name}",
        f"{explanation.method}: confidence {100 * probability:.0f} %{agrees}",
    )


def _map_lines(explanation: Explanation, place: int, scale: Scale) -> tuple[str, ...]:
    values = explanation.maps[place]
    window = explanation.windows[place] if explanation.windows else None
    height, width = values.shape
    top = float(values.max(initial=0.0))
    evidence = f"max {top:.3g}" if top > 0 else "no positive evidence"
    lines = [f"{evidence}, scale: {scale.name}, {width} x {height} cells"]
    if window is not None:
        lines.append(f"window {window.width} x {window.height} px at {window.left}, {window.top}")
    if "layer" in explanation.details:
        lines.append(f"{explanation.details['layer']}, {explanation.details['pooling']}")
    return tuple(lines)
