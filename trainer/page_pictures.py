"""Pictures inside a page that needs nothing else: thumbnails and plots."""

import base64
import io
from pathlib import Path
from typing import Any

import cv2

from edge.pictures import read_picture

EXAMPLE_PX = 256
QUALITY = 80
STYLE = {"right": "#117733", "wrong": "#cc6677", "bar": "#4477aa"}


def thumbnail(path: Path, side_px: int = EXAMPLE_PX) -> str:
    """A picture as a small JPEG in base64; one that is smaller already is not enlarged."""
    image = read_picture(path)
    scale = min(1.0, side_px / max(image.shape[:2]))
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    code = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
    return base64.b64encode(code.tobytes()).decode()


def svg(draw: Any, *arguments: Any, height: float = 4.0, width: float = 7.0) -> str:
    """A plot as SVG.

    Args:
        draw: Called with matplotlib axes and the arguments.
        *arguments: Of `draw`.
        height, width: Of the figure, in inches.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    draw(axes, *arguments)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()[text.getvalue().index("<svg") :]


def curve(axes: Any, points: Any, across: str, dot: tuple[float, float]) -> None:
    """Draw coverage against precision.

    Args:
        axes: Of matplotlib.
        points: Of `trainer.metrics.coverage_curve`.
        across: What coverage is of.
        dot: Coverage and precision at the bundle's own thresholds.
    """
    x, y = ([point[key] for point in points] for key in ("coverage", "precision"))
    axes.axhline(0.8, color="0.8", linewidth=1)
    axes.plot(x, y, color=STYLE["bar"], marker=".", markersize=4)
    axes.scatter([dot[0]], [dot[1]], color=STYLE["wrong"], zorder=3)
    axes.set(xlabel=f"coverage: share of {across}", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02))
    axes.set_title("the dot is at the bundle's thresholds, the line four in five", fontsize=9)
