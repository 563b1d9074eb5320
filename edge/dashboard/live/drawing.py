"""How a person wants maps drawn: their look, and what full colour stands for."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from edge.explain.colours import Style

Look = Literal["spotlight", "heat", "contour"]
LOOKS: tuple[str, ...] = get_args(Look)
STYLE_OF: dict[str, Style] = {"spotlight": "spotlight", "heat": "inferno"}
SCALES = ("frame", "map")
LARGEST = 1e6


@dataclass(frozen=True, slots=True)
class Drawing:
    """How maps are drawn.

    Attributes:
        look: "spotlight" dims what is no evidence, "heat" colours a grey picture, "contour" only
            draws the lines around half and four fifths of the evidence.
        full: What full colour stands for: the strongest of the "frame", of the "map", or a number
            in the units of the map.
    """

    look: str = "spotlight"
    full: str | float = "frame"

    def maximum(self, of_frame: float, of_map: float) -> float:
        """What full colour stands for, where the strongest of frame and map are these."""
        if self.full == "frame":
            return of_frame
        return of_map if self.full == "map" else float(self.full)


def drawing_of(asked: Mapping[str, str]) -> Drawing:
    """The drawing of a query, ?look=heat&scale=0.05.

    Raises:
        ValueError: One of them cannot be; the message says what is allowed.
    """
    look, scale = asked.get("look", "spotlight"), asked.get("scale", "frame")
    if look not in LOOKS:
        raise ValueError(f"look={look[:40]!r}: expected {', '.join(LOOKS)}")
    if scale in SCALES:
        return Drawing(look, scale)
    try:
        full = float(scale[:40])
    except ValueError:
        full = math.nan
    if not 0 < full <= LARGEST:
        raise ValueError(f"scale={scale[:40]!r}: expected frame, map, or a number above 0")
    return Drawing(look, full)
