"""Values to colours: palettes for maps above zero, and for signed ones with zero pinned."""

from dataclasses import dataclass
from typing import Literal, get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.domain import Explanation

Picture = NDArray[np.uint8]
Values = NDArray[np.float32]

Palette = Literal["inferno", "viridis", "cividis"]
Diverging = Literal["signed", "paper"]
Style = Literal["spotlight", "inferno", "viridis", "cividis", "signed", "paper"]
STYLES: tuple[str, ...] = get_args(Style)

_PALETTES = {
    "inferno": cv2.COLORMAP_INFERNO,
    "viridis": cv2.COLORMAP_VIRIDIS,
    "cividis": cv2.COLORMAP_CIVIDIS,
}
_DARKEST = {"inferno": 0.0, "viridis": 0.0, "cividis": 0.25}
"""Where a palette begins: the blues of cividis lie so near to dark greys that weak evidence would
look like less than none."""
FOR_AND_AGAINST: dict[str, tuple[tuple[int, int, int], tuple[int, int, int]]] = {
    "signed": ((255, 150, 30), (50, 120, 255)),
    "paper": ((40, 200, 60), (230, 40, 40)),
}
"""RGB of what speaks for a label and of what speaks against it: orange and blue, which everybody
can tell apart; the source paper's green and red."""


@dataclass(frozen=True, slots=True)
class Scale:
    """What full colour stands for.

    Attributes:
        maximum: In units of the map.
        name: Where it comes from, for the caption: "this map", "this frame", "fixed".
        unit: What one is: "logit", or "probability" where LIME was asked for it.
    """

    maximum: float
    name: str
    unit: str = "logit"


def frame_scale(explanation: Explanation) -> Scale:
    """One scale for all maps of a frame, so that they can be compared."""
    return Scale(_largest(explanation.maps), "this frame")


def map_scale(values: Values) -> Scale:
    """A scale of its own for a map; says nothing about how strong it is."""
    return Scale(_largest(values), "this map")


def fixed_scale(maximum: float) -> Scale:
    """The same scale for every frame, so that pictures of different times can be compared.

    Raises:
        ValueError: It is not a number above zero.
    """
    if not 0 < maximum < float("inf"):
        raise ValueError(f"a fixed scale is a number above 0; found {maximum}")
    return Scale(maximum, "fixed")


def _largest(values: Values) -> float:
    return float(np.abs(values).max(initial=0.0))


def heat_colours(share: Values, palette: Palette = "inferno") -> Picture:
    """Values in 0..1 to colours, RGB; brighter is more."""
    start = _DARKEST[palette]
    levels = np.clip(255 * (start + (1 - start) * share), 0, 255).astype(np.uint8)
    return np.ascontiguousarray(cv2.applyColorMap(levels, _PALETTES[palette])[..., ::-1])


def signed_colours(values: Values, diverging: Diverging = "signed") -> Values:
    """The colour (h, w, 3) float32 of what speaks for or against; its strength is not in it."""
    above, below = np.array(FOR_AND_AGAINST[diverging], np.float32)
    return np.asarray(np.where((values > 0)[..., None], above, below), np.float32)
