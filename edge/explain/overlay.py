"""Pictures of explanations: the heat on a grey picture, with a colour bar and its scale."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.domain import Explanation
from edge.preprocessing import Preprocessing, place

HEAT_OPACITY = 0.65
UNDER_HEAT = 0.45
"""How bright the grey picture under a map is: on full white, the strongest heat would not show."""
BAR_WIDTH_PX = 14
FONT = cv2.FONT_HERSHEY_SIMPLEX
INK = (235, 235, 235)
PAPER = (24, 24, 27)

Picture = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Scale:
    """What full colour stands for.

    Attributes:
        maximum: In logit units.
        name: Where it comes from, for the caption: "this map", "this frame", "fixed".
    """

    maximum: float
    name: str


def frame_scale(explanation: Explanation) -> Scale:
    """One scale for all maps of a frame, so that they can be compared."""
    return Scale(float(explanation.maps.max(initial=0.0)), "this frame")


def map_on_picture(
    heat: NDArray[np.float32], image: Picture, preprocessing: Preprocessing
) -> NDArray[np.float32]:
    """Lay a map over the picture it was computed from.

    The model saw the picture resized and padded (or cropped); the map is put back the same way.

    Args:
        heat: (h, w) float32 on the model's grid.
        image: (H, W, 3) uint8, the frame.
        preprocessing: From the bundle.

    Returns:
        (H, W) float32, zero where the model did not look.
    """
    size = preprocessing.size_px
    height, width = image.shape[:2]
    spot = place(height, width, preprocessing)
    square = np.maximum(cv2.resize(heat, (size, size), interpolation=cv2.INTER_LINEAR), 0)
    shown = np.zeros((spot.height, spot.width), np.float32)
    y0, x0 = max(spot.top, 0), max(spot.left, 0)
    y1, x1 = min(spot.top + spot.height, size), min(spot.left + spot.width, size)
    shown[y0 - spot.top : y1 - spot.top, x0 - spot.left : x1 - spot.left] = square[y0:y1, x0:x1]
    return np.asarray(
        cv2.resize(shown, (width, height), interpolation=cv2.INTER_LINEAR), np.float32
    )


def heat_colours(share: NDArray[np.float32]) -> Picture:
    """Values in 0..1 to inferno colours, RGB."""
    levels = np.clip(share * 255, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(cv2.applyColorMap(levels, cv2.COLORMAP_INFERNO)[..., ::-1])


def overlay(image: Picture, heat: NDArray[np.float32], maximum: float) -> Picture:
    """Draw a map on a dimmed grey copy of the picture.

    Args:
        image: (H, W, 3) uint8 RGB.
        heat: (H, W) float32 at or above zero.
        maximum: What full colour stands for.

    Returns:
        (H, W, 3) uint8 RGB. More evidence is never drawn nearer to the grey beneath it; a map
        without evidence leaves the plain picture.
    """
    share = np.clip(heat / maximum, 0, 1) if maximum > 0 else np.zeros_like(heat)
    if not share.any():
        return image.copy()
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    opacity = (HEAT_OPACITY * np.sqrt(share))[..., None]
    drawn = UNDER_HEAT * grey * (1 - opacity) + heat_colours(share) * opacity
    return np.asarray(np.rint(drawn), np.uint8)


def colour_bar(height_px: int, scale: Scale) -> Picture:
    """A vertical bar with its ends named in logit units."""
    bar = np.full((height_px, 96, 3), PAPER, np.uint8)
    ramp = np.linspace(1, 0, height_px, dtype=np.float32)[:, None]
    bar[:, 8 : 8 + BAR_WIDTH_PX] = heat_colours(np.repeat(ramp, BAR_WIDTH_PX, axis=1))
    _write(bar, f"{scale.maximum:.3g}", 28, 14)
    _write(bar, "logit", 28, 30)
    _write(bar, "0", 28, height_px - 6)
    return bar


def _write(picture: Picture, text: str, x: int, y: int, size: float = 0.42) -> None:
    cv2.putText(picture, text, (x, y), FONT, size, INK, 1, cv2.LINE_AA)


def captioned(picture: Picture, lines: tuple[str, ...]) -> Picture:
    """The picture with lines of text below it."""
    strip = np.full((8 + 18 * len(lines), picture.shape[1], 3), PAPER, np.uint8)
    for number, line in enumerate(lines):
        _write(strip, _fit(line, picture.shape[1] - 8), 4, 16 + 18 * number)
    return np.vstack([picture, strip])


def _fit(text: str, width_px: int) -> str:
    while text and cv2.getTextSize(text, FONT, 0.42, 1)[0][0] > width_px:
        text = text[:-2] + "." if len(text) > 2 else ""
    return text


PANEL_PX = 360
PANEL_PX_MIN = 120


def sheet(explanation: Explanation, preprocessing: Preprocessing, columns: int = 4) -> Picture:
    """The pile beside its Grad-CAMs, with colour bar, scale and captions.

    Args:
        explanation: Of at least one label.
        preprocessing: From the bundle.
        columns: Panels in a row, the pile included.

    Returns:
        A picture, (H, W, 3) uint8 RGB.
    """
    image = _scaled(explanation.prediction.frame.image)
    scale = frame_scale(explanation)
    panels = [captioned(_padded(image), _pile_caption(explanation))]
    for label, heat in zip(explanation.labels, explanation.maps, strict=True):
        drawn = overlay(image, map_on_picture(heat, image, preprocessing), scale.maximum)
        caption = _map_caption(explanation, label.index, heat, scale)
        panels.append(captioned(_padded(drawn), caption))
    rows = [panels[i : i + columns] for i in range(0, len(panels), columns)]
    width = min(columns, len(panels))
    stacked = np.vstack([_row(row, width) for row in rows])
    bar = np.full((stacked.shape[0], 96, 3), PAPER, np.uint8)
    height = _padded(image).shape[0]
    bar[:height] = colour_bar(height, scale)
    return np.hstack([stacked, bar])


def _scaled(image: Picture) -> Picture:
    height, width = image.shape[:2]
    factor = PANEL_PX / max(height, width)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    interpolation = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=interpolation), np.uint8)


def _padded(image: Picture) -> Picture:
    """The picture on a panel that has room for a caption and the colour bar."""
    height, width = image.shape[:2]
    panel = np.full((max(height, PANEL_PX_MIN), max(width, PANEL_PX_MIN), 3), PAPER, np.uint8)
    panel[:height, :width] = image
    return panel


def _row(panels: list[Picture], width: int) -> Picture:
    height = max(panel.shape[0] for panel in panels)
    blank = np.full_like(panels[0], PAPER)
    cells = panels + [blank] * (width - len(panels))
    gap = np.full((height, 8, 3), PAPER, np.uint8)
    padded = [
        np.vstack([cell, np.full((height - cell.shape[0], cell.shape[1], 3), PAPER, np.uint8)])
        for cell in cells
    ]
    return np.hstack([part for cell in padded for part in (cell, gap)])


def _pile_caption(explanation: Explanation) -> tuple[str, ...]:
    present = explanation.prediction.present
    found = f"{len(present)} labels present" if present else "no label present"
    return found, f"heat: logit units, scale {frame_scale(explanation).name}", ""


def _map_caption(
    explanation: Explanation, index: int, heat: NDArray[np.float32], scale: Scale
) -> tuple[str, ...]:
    label = next(label for label in explanation.labels if label.index == index)
    probability = float(explanation.prediction.probabilities[index])
    evidence = f"max {float(heat.max()):.3g}" if heat.any() else "no positive evidence"
    agrees = "" if label.id not in explanation.details.get("disagrees", ()) else ", float differs"
    height, width = heat.shape
    return (
        f"{label.id} {label.name}",
        f"confidence {100 * probability:.0f} %{agrees}",
        f"{evidence}, {width} x {height} cells",
    )
