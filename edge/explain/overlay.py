"""Maps drawn on the picture they were computed from."""

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.domain import PixelWindow
from edge.explain.colours import (
    Diverging,
    Palette,
    Picture,
    Style,
    Values,
    heat_colours,
    signed_colours,
)
from edge.preprocessing import Preprocessing, place

HEAT_OPACITY = 0.65
SIGNED_OPACITY = 0.85
SIGNED_GAMMA = 0.75
"""Every superpixel has some coefficient; a root as for heat would colour them all."""
UNDER_HEAT = 0.45
"""How bright the grey picture under a map is: on full white, the strongest heat would not show."""
IN_THE_DARK = 0.35
"""How bright the picture is outside a spotlight."""


def map_on_picture(
    values: Values,
    image: Picture,
    preprocessing: Preprocessing,
    window: PixelWindow | None = None,
) -> Values:
    """Lay a map over the picture it was computed from.

    The model saw the picture resized and padded (or cropped); the map is put back the same way.

    Args:
        values: (h, w) float32 on any grid over the model's input.
        image: (H, W, 3) uint8, the frame.
        preprocessing: From the bundle.
        window: The part of `image` that the model saw; None is all of it.

    Returns:
        (H, W) float32, zero where the model did not look.
    """
    return _in_window(values, image, preprocessing, window, 0.0, cv2.INTER_LINEAR)


def segments_on_picture(
    segments: NDArray[np.int32],
    image: Picture,
    preprocessing: Preprocessing,
    window: PixelWindow | None = None,
) -> NDArray[np.int32]:
    """Lay superpixels over the picture they were cut from; see `map_on_picture`.

    Returns:
        (H, W) int32, -1 where the model did not look.
    """
    # Single precision holds every number of a superpixel that a picture has room for.
    numbers = segments.astype(np.float32)
    laid = _in_window(numbers, image, preprocessing, window, -1.0, cv2.INTER_NEAREST)
    return np.asarray(laid, np.int32)


def _in_window(
    values: Values,
    image: Picture,
    preprocessing: Preprocessing,
    window: PixelWindow | None,
    outside: float,
    how: int,
) -> Values:
    if window is None:
        return _on_picture(values, image, preprocessing, outside, how)
    laid = np.full(image.shape[:2], outside, np.float32)
    window.cut(laid)[:] = _on_picture(values, window.cut(image), preprocessing, outside, how)
    return laid


def _on_picture(
    values: Values, image: Picture, preprocessing: Preprocessing, outside: float, how: int
) -> Values:
    size = preprocessing.size_px
    height, width = image.shape[:2]
    spot = place(height, width, preprocessing)
    square = cv2.resize(values, (size, size), interpolation=how)
    shown = np.full((spot.height, spot.width), outside, np.float32)
    y0, x0 = max(spot.top, 0), max(spot.left, 0)
    y1, x1 = min(spot.top + spot.height, size), min(spot.left + spot.width, size)
    shown[y0 - spot.top : y1 - spot.top, x0 - spot.left : x1 - spot.left] = square[y0:y1, x0:x1]
    return np.asarray(cv2.resize(shown, (width, height), interpolation=how), np.float32)


def draw(image: Picture, values: Values, maximum: float, style: Style = "spotlight") -> Picture:
    """Draw a map on a picture.

    Args:
        image: (H, W, 3) uint8 RGB.
        values: (H, W) float32; what is below zero shows in the styles "signed" and "paper" alone.
        maximum: What full colour stands for; more is drawn like it.
        style: "spotlight" dims and greys what is no evidence; the others colour a grey picture.

    Returns:
        (H, W, 3) uint8 RGB. More evidence is never drawn nearer to what none looks like; a map
        without evidence leaves the plain picture.
    """
    match style:
        case "spotlight":
            return spotlight(image, values, maximum)
        case "signed" | "paper":
            return signed(image, values, maximum, style)
        case _:
            return overlay(image, values, maximum, style)


def spotlight(image: Picture, values: Values, maximum: float) -> Picture:
    """The picture itself where the evidence is; dimmer and greyer the less there is."""
    share = _share(np.maximum(values, 0), maximum)
    if not share.any():
        return image.copy()
    light = np.sqrt(share)[..., None]
    dark = IN_THE_DARK * _grey(image)
    return np.asarray(np.rint(dark + light * (image - dark)), np.uint8)


def overlay(image: Picture, heat: Values, maximum: float, palette: Palette = "inferno") -> Picture:
    """Heat on a dimmed grey copy of the picture; see `draw`."""
    share = _share(np.maximum(heat, 0), maximum)
    if not share.any():
        return image.copy()
    opacity = (HEAT_OPACITY * np.sqrt(share))[..., None]
    drawn = UNDER_HEAT * _grey(image) * (1 - opacity) + heat_colours(share, palette) * opacity
    return np.asarray(np.rint(drawn), np.uint8)


def signed(
    image: Picture, values: Values, maximum: float, diverging: Diverging = "signed"
) -> Picture:
    """What speaks for a label in one colour, what speaks against it in another; zero is grey."""
    share = _share(np.abs(values), maximum)
    if not share.any():
        return image.copy()
    opacity = (SIGNED_OPACITY * share**SIGNED_GAMMA)[..., None]
    grey = UNDER_HEAT * _grey(image)
    drawn = grey * (1 - opacity) + signed_colours(values, diverging) * opacity
    return np.asarray(np.rint(drawn), np.uint8)


def _share(values: Values, maximum: float) -> Values:
    return np.clip(values / maximum, 0, 1) if maximum > 0 else np.zeros_like(values)


def _grey(image: Picture) -> Values:
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return np.asarray(grey, np.float32)
