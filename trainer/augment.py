"""Windows into labelled pictures: one sampler for crops around bricks and for whole piles.

A window is a rotated, mirrored, zoomed square of a picture and of its instance map, from which
its labels follow again. Small windows around one brick teach shape cheaply; large ones, piles. A
photograph without an instance map is always shown whole; one whose single brick was found is cut
like the others, and mostly laid on another ground, so that the ground of one camera is no
evidence.

All 85 types look like themselves in a mirror (tests/trainer/scenes/test_mirror.py), so half of the
windows are mirrored.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, NamedTuple

import cv2
import numpy as np

from edge.preprocessing import PADDING
from trainer.labelled import LabelledPicture
from trainer.model import Grid
from trainer.render.drawn import DEFAULT_RULE, LabelRule

CELL_SHARE = 0.25
BRICK_SHARE = 0.5
WHOLE_ZOOM = (0.85, 1.3)
"""Magnification of whole pictures among windows around bricks; 1 shows all of it."""
OTHER_GROUND_SHARE = 0.7
MAGNIFICATION_MAX = 3.0
"""A picture enlarged further shows blur, not shape."""


@dataclass(frozen=True, slots=True)
class WindowSettings:
    """Which windows are drawn.

    Attributes:
        around: "brick" centres the window on a random brick that is mostly visible, "picture" on
            the picture.
        side_px: Side of the window handed to the network.
        zoom: Smallest and largest magnification. Around a brick it is the share of the window's
            side that the brick's longer side takes; around the picture, 1 shows all of it.
        grid: The network's positions on such a window.
        rule: Which bricks count as visible.
        shift: Largest displacement of the centre, as a share of the window's side. A brick that
            leaves more room in its window lies anywhere in it.
        whole_share: Share of windows that show the whole picture although `around` is "brick".
    """

    around: Literal["brick", "picture"]
    side_px: int
    zoom: tuple[float, float]
    grid: Grid
    shift: float = 0.1
    rule: LabelRule = DEFAULT_RULE
    whole_share: float = 0.0


@dataclass(frozen=True, slots=True)
class Window:
    """One training example.

    Attributes:
        image: (s, s, 3) uint8 RGB.
        labels: (n,) float32: 1 visible, 0 absent, -1 does not count.
        positions: (p, p) int32: label index, n for ground, -1 does not count.
    """

    image: np.ndarray
    labels: np.ndarray
    positions: np.ndarray


def draw_window(
    source: LabelledPicture,
    settings: WindowSettings,
    labels: int,
    rng: np.random.Generator,
    grounds: Sequence[np.ndarray] = (),
) -> Window:
    """Draw one random window.

    Args:
        source: The picture.
        settings: Which windows.
        labels: n, the number of labels.
        rng: Source of chance.
        grounds: (h, w, 3) uint8 RGB pictures that the brick of a photograph is laid on.

    Returns:
        The window, with its own labels and positions; pixels are not yet changed in value.
    """
    if source.ids is None:
        return _draw_photograph(source, settings, labels, rng)
    side = settings.side_px
    aim = _aim(source, settings, rng)
    turn = aim.scale * _turned(rng.uniform(0, 2 * np.pi), rng)
    middle = np.array([side / 2, side / 2]) + rng.uniform(-1, 1, 2) * aim.room_px
    image = _warp(source.image, turn, aim.centre, middle, side, aim.border)
    share = source.ids.shape[0] / source.image.shape[0]
    moved = source.photograph and len(grounds) > 0 and rng.random() < OTHER_GROUND_SHARE
    border = cv2.BORDER_CONSTANT if moved else aim.border
    ids = _warp(source.ids, turn / share, aim.centre * share, middle, side, border, True)
    if moved:
        image = _laid_on(image, ids, grounds[rng.integers(len(grounds))], rng)
    seen = np.bincount(ids.ravel(), minlength=len(source.parts) + 1)[1:]
    full = source.full_px * (aim.scale / share) ** 2
    return Window(
        image,
        window_labels(seen, full, source.parts, labels, side, settings.rule),
        window_positions(ids, seen, source.parts, labels, settings.grid),
    )


def usable(
    pictures: Sequence[LabelledPicture], settings: WindowSettings
) -> Sequence[LabelledPicture]:
    """The pictures that such windows can be drawn from: photographs give whole pictures only."""
    if settings.around == "picture":
        return pictures
    return [picture for picture in pictures if picture.ids is not None]


def _draw_photograph(
    source: LabelledPicture, settings: WindowSettings, labels: int, rng: np.random.Generator
) -> Window:
    """All of a photograph, so that all it is known to show is in the window; no position counts."""
    side = settings.side_px
    height, width = source.image.shape[:2]
    zoom = min(1.0, float(np.exp(rng.uniform(*np.log(settings.zoom)))))
    # A quarter turn keeps the corners; what else turns a square picture cuts them off.
    turn = zoom * side / max(height, width) * _turned(rng.integers(4) * np.pi / 2, rng)
    centre, middle = np.array([width / 2, height / 2]), np.array([side / 2, side / 2])
    target = np.zeros(labels, np.float32)
    target[source.parts] = 1
    count = settings.grid.count
    return Window(
        _warp(source.image, turn, centre, middle, side, cv2.BORDER_CONSTANT),
        target,
        np.full((count, count), -1, np.int32),
    )


def _turned(angle: float, rng: np.random.Generator) -> np.ndarray:
    """A turn (2, 2) by an angle, mirrored half of the time."""
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    return np.array(
        [[np.cos(angle) * mirror, -np.sin(angle)], [np.sin(angle) * mirror, np.cos(angle)]]
    )


class _Aim(NamedTuple):
    """Where a window looks.

    Attributes:
        centre: (2,) on the picture.
        scale: Pixels of the window for one of the picture.
        room_px: How far from the window's middle the centre may lie.
        border: OpenCV's border mode: what is seen beyond the picture.
    """

    centre: np.ndarray
    scale: float
    room_px: float
    border: int


def _aim(source: LabelledPicture, settings: WindowSettings, rng: np.random.Generator) -> _Aim:
    zoom = np.exp(rng.uniform(*np.log(settings.zoom)))
    height, width = source.image.shape[:2]
    side, shift = settings.side_px, settings.shift * settings.side_px
    whole = settings.around == "picture" or rng.random() < settings.whole_share
    if whole or len(source.aims) == 0:
        middle = np.array([width / 2, height / 2])
        zoom = zoom if settings.around == "picture" else rng.uniform(*WHOLE_ZOOM)
        return _Aim(middle, zoom * side / max(height, width), shift, cv2.BORDER_CONSTANT)
    x0, y0, x1, y1 = source.boxes[rng.choice(source.aims)]
    longer = max(x1 - x0, y1 - y0, 4.0)
    scale = min(zoom * side / longer, MAGNIFICATION_MAX)
    room = max(shift, (side - longer * scale) / 2)
    # A bare frame around a small picture would be evidence of its size; mirrored bricks are none
    # the worse.
    border = cv2.BORDER_REFLECT_101
    return _Aim(np.array([(x0 + x1) / 2, (y0 + y1) / 2]), scale, room, border)


def _laid_on(image: np.ndarray, ids: np.ndarray, ground: np.ndarray, rng: np.random.Generator):
    """The bricks of a window, cut out with a soft edge, on a random part of another picture."""
    side = image.shape[0]
    # Half a pixel of the old ground clings to every outline.
    inside = cv2.erode((ids > 0).astype(np.float32), np.ones((3, 3), np.uint8))
    share = cv2.GaussianBlur(inside, (0, 0), rng.uniform(0.5, 1.2))[..., None]
    cut = rng.integers(side // 4, min(ground.shape[:2]) + 1)
    y, x = (rng.integers(0, n - cut + 1) for n in ground.shape[:2])
    below = cv2.resize(ground[y : y + cut, x : x + cut], (side, side), interpolation=cv2.INTER_AREA)
    return (image * share + below * (1 - share)).astype(np.uint8)


def _warp(picture, turn, centre, middle, side, border, nearest=False):
    matrix = np.column_stack([turn, middle - turn @ centre])
    # Shrinking by sampling aliases; a small blur first costs less than supersampling.
    shrink = np.sqrt(abs(np.linalg.det(turn)))
    if not nearest and shrink < 0.7:
        picture = cv2.blur(picture, (round(1 / shrink),) * 2)
    return cv2.warpAffine(
        picture,
        matrix,
        (side, side),
        flags=cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR,
        borderMode=border,
        borderValue=(0,) if nearest else (PADDING,) * 3,
    )


def window_labels(
    seen, full, parts, labels: int, side: int, rule: LabelRule = DEFAULT_RULE
) -> np.ndarray:
    """1 for a brick that counts, -1 for one of which too little shows, 0 for all others, (n,)."""
    target = np.zeros(labels, np.float32)
    counts = rule.counts(seen, full, side * side)
    target[parts[(seen > 0) & ~counts]] = -1
    target[parts[counts]] = 1
    return target


def window_positions(ids, seen, parts, labels: int, grid: Grid) -> np.ndarray:
    """The brick at each position of the network.

    A position speaks for the square cell around its centre, of the positions' distance; what of
    it lies outside the window is ground. A brick that fills a quarter of the cell, or shows half
    of itself there, is at that position; the one that does so most. Less of it does not count.

    Args:
        ids: (s, s) instance map of the window.
        seen: (k,) pixels that each brick shows.
        parts: (k,) label index of each brick.
        labels: n, the number of labels.
        grid: The network's positions.

    Returns:
        (p, p) int32: label index, n for ground, -1 does not count.
    """
    cells, bricks = grid.count**2, len(parts)
    joint = _cell_of_pixel(ids.shape[0], grid) * (bricks + 1) + ids
    pixels = np.bincount(joint.ravel(), minlength=(cells + 1) * (bricks + 1))
    pixels = pixels.reshape(cells + 1, bricks + 1)[:cells, 1:]
    share = np.maximum(
        pixels / (grid.stride_px**2 * CELL_SHARE), pixels / np.maximum(seen * BRICK_SHARE, 1e-9)
    )
    best = share.argmax(axis=1)
    wins = share[np.arange(cells), best] >= 1
    positions = np.where(wins, parts[best], np.where(pixels.any(axis=1), -1, labels))
    return positions.astype(np.int32).reshape(grid.count, grid.count)


@lru_cache(maxsize=16)
def _cell_of_pixel(side: int, grid: Grid) -> np.ndarray:
    """The number of the position that each pixel (s, s) belongs to; beyond the last: none."""
    first = int(np.floor(grid.first_px - grid.stride_px / 2))
    along = (np.arange(side) - first) // grid.stride_px
    inside = (along >= 0) & (along < grid.count)
    cells = along[:, None] * grid.count + along[None]
    return np.where(inside[:, None] & inside[None], cells, grid.count**2)
