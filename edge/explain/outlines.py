"""Lines and marks over a drawn map: where most of the evidence lies, and the superpixels."""

from collections.abc import Iterable, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from edge.explain.colours import Picture, Values

MASSES = (0.5, 0.8)
INNER = (255, 255, 255)
OUTER = (190, 190, 190)
SHADOW = (0, 0, 0)
OUTLINE_OPACITY = 0.45
MARK_PX_MIN = 3.0
"""A superpixel with less room than this around its innermost pixel gets no mark."""


def mass_level(heat: Values, mass: float) -> float:
    """The value above which that share of all evidence lies.

    Args:
        heat: (h, w) at or above zero.
        mass: Share, above 0 and up to 1.

    Returns:
        The largest value so that what is at or above it adds up to at least `mass` of the sum;
        infinity for a map without evidence.
    """
    ordered = np.sort(np.maximum(heat, 0), axis=None)[::-1].astype(np.float64)
    total = ordered.sum()
    if total <= 0:
        return float("inf")
    # Sums of the same numbers in another order may differ in their last digits.
    enough = np.cumsum(ordered) >= mass * total * (1 - 1e-9)
    return float(ordered[int(np.argmax(enough))])


def draw_masses(picture: Picture, heat: Values, masses: Sequence[float] = MASSES) -> Picture:
    """Lines around the smallest regions that hold these shares of the evidence, inner one bold.

    Args:
        picture: (H, W, 3) uint8 RGB, a drawn map.
        heat: (H, W) float32, what it was drawn from.
        masses: Shares, innermost first.

    Returns:
        A new picture; as it was where there is no evidence.
    """
    drawn = picture.copy()
    for number, mass in reversed(list(enumerate(masses))):
        inside = (heat >= mass_level(heat, mass)).astype(np.uint8)
        lines, _ = cv2.findContours(inside, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        colour, thickness = (INNER, 2) if number == 0 else (OUTER, 1)
        cv2.drawContours(drawn, lines, -1, SHADOW, thickness + 2, cv2.LINE_AA)
        cv2.drawContours(drawn, lines, -1, colour, thickness, cv2.LINE_AA)
    return drawn


def draw_superpixels(picture: Picture, segments: NDArray[np.int32]) -> Picture:
    """Thin lines between superpixels.

    Args:
        picture: (H, W, 3) uint8 RGB.
        segments: (H, W) int32, see `edge.explain.overlay.segments_on_picture`.
    """
    border = np.zeros(segments.shape, bool)
    border[:, 1:] |= segments[:, 1:] != segments[:, :-1]
    border[1:] |= segments[1:] != segments[:-1]
    drawn = picture.astype(np.float32)
    drawn[border] += OUTLINE_OPACITY * (255 - drawn[border])
    return np.asarray(np.rint(drawn), np.uint8)


def draw_marks(
    picture: Picture, segments: NDArray[np.int32], marked: Iterable[tuple[int, float]]
) -> Picture:
    """A plus on superpixels that speak for the label, a minus on those against it.

    Args:
        picture: (H, W, 3) uint8 RGB.
        segments: (H, W) int32.
        marked: Superpixels with their coefficients; a coefficient of zero gets no mark.

    Returns:
        A new picture. Marks lie inside their superpixels, whatever their shape; one that is too
        thin gets none.
    """
    drawn = picture.copy()
    for number, coefficient in marked:
        spot = _innermost(segments == number) if coefficient else None
        if spot is not None:
            _mark(drawn, *spot, coefficient > 0)
    return drawn


def _innermost(inside: NDArray[np.bool_]) -> tuple[int, int, int] | None:
    """Column, row and room in pixels of the pixel farthest from the superpixel's border."""
    padded = np.pad(inside.astype(np.uint8), 1)
    room = cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1]
    row, column = np.unravel_index(int(np.argmax(room)), room.shape)
    deepest = float(room[row, column])
    return (int(column), int(row), int(deepest)) if deepest >= MARK_PX_MIN else None


def _mark(picture: Picture, column: int, row: int, room: int, plus: bool) -> None:
    arm = min(max(room - 2, 2), 7)
    for colour, thickness in ((SHADOW, 4), (INNER, 2)):
        cv2.line(picture, (column - arm, row), (column + arm, row), colour, thickness)
        if plus:
            cv2.line(picture, (column, row - arm), (column, row + arm), colour, thickness)
