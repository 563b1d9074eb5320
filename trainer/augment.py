"""Windows into labelled pictures: one sampler for crops around bricks and for whole piles.

A window is a rotated, mirrored, zoomed square of a picture and of its instance map, from which
its labels follow again. Small windows around one brick teach shape cheaply; large ones, piles.
"""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np

from edge.preprocessing import PADDING

MIN_VISIBLE_SHARE = 0.25
MIN_PICTURE_SHARE = 0.0015
CELL_SHARE = 0.25
BRICK_SHARE = 0.5
AIM_VISIBLE_SHARE = 0.5
MAGNIFICATION_MAX = 2.0
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
        shift: Largest displacement of the centre, as a share of the window's side.
    """

    around: Literal["brick", "picture"]
    side_px: int
    zoom: tuple[float, float]
    shift: float = 0.1


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


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """A picture in memory.

    Attributes:
        image: (h, w, 3) uint8 RGB.
        ids: (h', w') uint8 instance map of the same view.
        parts: (k,) label index of each brick.
        full_px: (k,) pixels on the map if nothing hid or cropped it.
        boxes: (k, 4) float, x0 y0 x1 y1 on the *picture*; NaN for a brick that shows nowhere.
        aims: Indices of the bricks a window may be centred on.
    """

    image: np.ndarray
    ids: np.ndarray
    parts: np.ndarray
    full_px: np.ndarray
    boxes: np.ndarray
    aims: np.ndarray


def brick_boxes(ids: np.ndarray, count: int, scale: float) -> np.ndarray:
    """Bounding boxes (count, 4) of the bricks on an instance map, times `scale`."""
    boxes = np.full((count, 4), np.nan)
    for k in range(count):
        ys, xs = np.nonzero(ids == k + 1)
        if len(xs):
            boxes[k] = xs.min(), ys.min(), xs.max() + 1, ys.max() + 1
    return boxes * scale


def draw_window(
    source: LabelledPicture, settings: WindowSettings, labels: int, rng: np.random.Generator
) -> Window:
    """Draw one random window.

    Args:
        source: The picture.
        settings: Which windows.
        labels: n, the number of labels.
        rng: Source of chance.

    Returns:
        The window, with its own labels and positions; pixels are not yet changed in value.
    """
    side = settings.side_px
    centre, scale = _aim(source, settings, rng)
    angle = rng.uniform(0, 2 * np.pi)
    mirror = -1.0 if rng.random() < 0.5 else 1.0
    turn = scale * np.array(
        [[np.cos(angle) * mirror, -np.sin(angle)], [np.sin(angle) * mirror, np.cos(angle)]]
    )
    middle = np.array([side / 2, side / 2]) + rng.uniform(-1, 1, 2) * settings.shift * side
    image = _warp(source.image, turn, centre, middle, side, nearest=False)
    share = source.ids.shape[0] / source.image.shape[0]
    ids = _warp(source.ids, turn / share, centre * share, middle, side, nearest=True)
    seen = np.bincount(ids.ravel(), minlength=len(source.parts) + 1)[1:]
    full = source.full_px * (scale / share) ** 2
    return Window(
        image,
        window_labels(seen, full, source.parts, labels, side),
        window_positions(ids, seen, source.parts, labels),
    )


def _aim(source: LabelledPicture, settings: WindowSettings, rng: np.random.Generator):
    zoom = np.exp(rng.uniform(*np.log(settings.zoom)))
    height, width = source.image.shape[:2]
    if settings.around == "picture" or len(source.aims) == 0:
        return np.array([width / 2, height / 2]), zoom * settings.side_px / max(height, width)
    x0, y0, x1, y1 = source.boxes[rng.choice(source.aims)]
    longer = max(x1 - x0, y1 - y0, 4.0)
    return np.array([(x0 + x1) / 2, (y0 + y1) / 2]), min(
        zoom * settings.side_px / longer, MAGNIFICATION_MAX
    )


def _warp(picture, turn, centre, middle, side, nearest):
    matrix = np.column_stack([turn, middle - turn @ centre])
    # Shrinking by sampling aliases; a small blur first costs less than supersampling.
    shrink = np.sqrt(abs(np.linalg.det(turn)))
    if not nearest and shrink < 0.7:
        picture = cv2.GaussianBlur(picture, (0, 0), 0.4 / shrink)
    return cv2.warpAffine(
        picture,
        matrix,
        (side, side),
        flags=cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(0,) if nearest else (PADDING,) * 3,
    )


def window_labels(seen, full, parts, labels: int, side: int) -> np.ndarray:
    """The label rule: 25 % of the brick and 0.15 % of the picture; less of it does not count."""
    target = np.zeros(labels, np.float32)
    counts = (seen >= MIN_VISIBLE_SHARE * full) & (seen >= MIN_PICTURE_SHARE * side * side)
    target[parts[(seen > 0) & ~counts]] = -1
    target[parts[counts]] = 1
    return target


def window_positions(ids, seen, parts, labels: int) -> np.ndarray:
    """The brick at each position of the network's last pooling (stride 16, first centre 15)."""
    count = (ids.shape[0] // 16) - 1
    cells = ids[7 : 7 + 16 * count, 7 : 7 + 16 * count].reshape(count, 16, count, 16)
    positions = np.full((count, count), labels, np.int32)
    positions[(cells > 0).any(axis=(1, 3))] = -1
    best = np.zeros((count, count))
    for k in np.flatnonzero(seen):
        pixels = (cells == k + 1).sum(axis=(1, 3))
        share = np.maximum(pixels / (256 * CELL_SHARE), pixels / (seen[k] * BRICK_SHARE))
        wins = (share >= 1) & (share > best)
        positions[wins] = parts[k]
        best = np.where(wins, share, best)
    return positions


def disturb(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Change light, colour and sharpness at random, and what the sensor adds.

    Channels are mixed at random, because shape separates brick types and colour does not.

    Args:
        image: (s, s, 3) uint8 RGB.
        rng: Source of chance.

    Returns:
        (s, s, 3) uint8 RGB.
    """
    mixing = rng.dirichlet((2.0, 2.0, 1.0), 3) if rng.random() < 0.5 else np.eye(3)
    picture = cv2.transform(image, mixing.astype(np.float32)).astype(np.float32)
    picture *= _light(image.shape[0], rng)
    if rng.random() < 0.25:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.3, 0.9))
    level = picture.mean()
    picture = (picture - level) * rng.uniform(0.75, 1.5) + level + rng.uniform(-30, 30)
    if rng.random() < 0.5:
        noise = rng.standard_normal(picture.shape[:2], np.float32) * rng.uniform(1, 6)
        picture += noise[..., None]
    return np.clip(picture, 0, 255).astype(np.uint8)


def _light(side: int, rng: np.random.Generator) -> np.ndarray:
    """A light that falls off across the picture, (s, s, 1)."""
    angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.35)
    ramp = np.linspace(-1, 1, side, dtype=np.float32)
    slope = np.cos(angle) * ramp[None, :] + np.sin(angle) * ramp[:, None]
    return (1 + strength * slope)[..., None].astype(np.float32)
