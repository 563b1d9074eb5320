"""Panels of pictures with captions and colour bars, put together to one picture."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from edge.explain.colours import Picture, Scale, Style
from edge.explain.overlay import draw

PANEL_PX = 360
PANEL_PX_MIN = 120
BAR_WIDTH_PX = 14
BAR_PANEL_PX = 96
GAP_PX = 8
FONT = cv2.FONT_HERSHEY_SIMPLEX
INK = (235, 235, 235)
PAPER = (24, 24, 27)
SAMPLE = (200, 60, 40)
"""The colour of a brick: what a spotlight's bar is shown on."""


@dataclass(frozen=True, slots=True)
class Panel:
    """A picture with its bar and lines of text."""

    picture: Picture
    bar: Picture | None
    lines: tuple[str, ...]


def colour_bar(height_px: int, scale: Scale, style: Style) -> Picture:
    """A vertical bar with its ends and unit named; zero is in the middle of a signed one."""
    two_sided = style in ("signed", "paper")
    bar = np.full((height_px, BAR_PANEL_PX, 3), PAPER, np.uint8)
    ramp = np.linspace(1, -1 if two_sided else 0, height_px, dtype=np.float32)[:, None]
    beneath = SAMPLE if style == "spotlight" else (128, 128, 128)
    sample = np.full((height_px, BAR_WIDTH_PX, 3), beneath, np.uint8)
    bar[:, 8 : 8 + BAR_WIDTH_PX] = draw(sample, np.repeat(ramp, BAR_WIDTH_PX, axis=1), 1.0, style)
    ends = f"{scale.maximum:.3g}", f"{-scale.maximum:.3g}" if scale.maximum else "0"
    _write(bar, f"+{ends[0]}" if two_sided and scale.maximum else ends[0], 28, 14)
    _write(bar, scale.unit, 28, 30)
    if two_sided:
        _write(bar, "0", 28, height_px // 2 + 5)
    _write(bar, ends[1] if two_sided else "0", 28, height_px - 6)
    return bar


def captioned(picture: Picture, lines: tuple[str, ...]) -> Picture:
    """The picture with lines of text below it, broken between words where they are too long."""
    shown = [part for line in lines for part in _broken(line, picture.shape[1] - 8)]
    strip = np.full((8 + 18 * len(shown), picture.shape[1], 3), PAPER, np.uint8)
    for number, line in enumerate(shown):
        _write(strip, line, 4, 16 + 18 * number)
    return np.vstack([picture, strip])


def _write(picture: Picture, text: str, x: int, y: int, size: float = 0.42) -> None:
    cv2.putText(picture, text, (x, y), FONT, size, INK, 1, cv2.LINE_AA)


def _broken(text: str, width_px: int) -> list[str]:
    lines = [""]
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if lines[-1] and _width(longer) > width_px:
            lines.append(word)
        else:
            lines[-1] = longer
    return [_fit(line, width_px) for line in lines]


def _fit(text: str, width_px: int) -> str:
    while text and _width(text) > width_px:
        text = text[:-2] + "." if len(text) > 2 else ""
    return text


def _width(text: str) -> int:
    return int(cv2.getTextSize(text, FONT, 0.42, 1)[0][0])


def scaled(image: Picture) -> Picture:
    """A picture at the size of a panel."""
    height, width = image.shape[:2]
    factor = PANEL_PX / max(height, width)
    size = max(1, round(width * factor)), max(1, round(height * factor))
    interpolation = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, size, interpolation=interpolation), np.uint8)


def bar_height(image: Picture) -> int:
    """How high the colour bar beside a picture is."""
    return max(int(image.shape[0]), PANEL_PX_MIN)


def _padded(image: Picture) -> Picture:
    """The picture on a panel that has room for a caption and the colour bar."""
    height, width = image.shape[:2]
    panel = np.full((max(height, PANEL_PX_MIN), max(width, PANEL_PX_MIN), 3), PAPER, np.uint8)
    panel[:height, :width] = image
    return panel


def stacked(rows: Sequence[Sequence[Panel]]) -> Picture:
    """Rows of panels as one picture, all cells equally high."""
    drawn = [[_drawn(panel) for panel in row] for row in rows]
    height, width = (max(c.shape[side] for row in drawn for c in row) for side in (0, 1))
    return below_each_other([_row(row, height, width) for row in drawn])


def below_each_other(pictures: Sequence[Picture]) -> Picture:
    """Pictures as one, as wide as the widest."""
    width = max(picture.shape[1] for picture in pictures)
    return np.vstack([_filled(picture, picture.shape[0], width) for picture in pictures])


def _drawn(panel: Panel) -> Picture:
    cell = captioned(_padded(panel.picture), panel.lines)
    if panel.bar is None:
        return cell
    bar = _filled(panel.bar, cell.shape[0], panel.bar.shape[1])
    return np.hstack([cell, bar])


def _row(cells: Sequence[Picture], height: int, width: int) -> Picture:
    return np.hstack([_filled(cell, height, width + GAP_PX) for cell in cells])


def _filled(picture: Picture, height: int, width: int) -> Picture:
    paper = np.full((height, width, 3), PAPER, np.uint8)
    paper[: picture.shape[0], : picture.shape[1]] = picture
    return paper
