"""How the explanations of a study are drawn: the same way, so that only the maps differ.

Both are what speaks *for* the label, each up to its own strongest, as light on the picture with
lines around 50 % and 80 % of it; no outlines of superpixels, no marks, no caption, one size.
"""

import cv2
import numpy as np

from edge.errors import StudyError
from edge.explain.colours import Picture, Values
from edge.explain.outlines import draw_masses
from edge.explain.overlay import draw

WIDTH_PX = 640
JPEG_QUALITY = 88
CATCH_SIZE_PX = (480, 640)
CATCH_SPOTS = ((0.32, 0.3), (0.72, 0.72))
"""Where the brick of the catch is, and where nothing is; shares of width and height."""
_GROUND, _BRICK, _STUD, _SHADE = (196, 190, 178), (200, 44, 36), (226, 92, 80), (150, 144, 134)
_STUD_PX, _STUDS = 44, (4, 2)


def shown_size(image: Picture) -> Picture:
    """A picture as it is shown: so wide, or as it is where it is smaller."""
    height, width = image.shape[:2]
    if width <= WIDTH_PX:
        return image
    size = WIDTH_PX, max(1, round(height * WIDTH_PX / width))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def draw_evidence(image: Picture, evidence: Values) -> Picture:
    """What speaks for the label, on the picture.

    Args:
        image: (H, W, 3) uint8 RGB.
        evidence: (H, W) float32; what is below zero is not shown.

    Raises:
        ValueError: There is no evidence to show.
    """
    heat = np.maximum(evidence, 0)
    if not heat.any():
        raise ValueError("a map without evidence cannot be shown beside another")
    return draw_masses(draw(image, heat, float(heat.max()), "spotlight"), heat)


def encode(image: Picture) -> bytes:
    """A picture as JPEG.

    Raises:
        StudyError: It cannot be encoded.
    """
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    done, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise StudyError(f"a picture of shape {image.shape} cannot be made a JPEG")
    return bytes(data)


def catch_pictures() -> tuple[Picture, Picture, Picture]:
    """One brick on an even ground: plain, with the light on it, with the light beside it."""
    plain = _lone_brick()
    right, wrong = (draw_evidence(plain, _spot(*place)) for place in CATCH_SPOTS)
    return plain, right, wrong


def _lone_brick() -> Picture:
    height, width = CATCH_SIZE_PX
    picture = np.full((height, width, 3), _GROUND, np.uint8)
    columns, rows = _STUDS
    centre_x, centre_y = CATCH_SPOTS[0]
    left = round(centre_x * width) - columns * _STUD_PX // 2
    top = round(centre_y * height) - rows * _STUD_PX // 2
    right, bottom = left + columns * _STUD_PX, top + rows * _STUD_PX
    cv2.rectangle(picture, (left + 5, top + 7), (right + 7, bottom + 10), _SHADE, -1)
    cv2.rectangle(picture, (left, top), (right, bottom), _BRICK, -1)
    for column in range(columns):
        for row in range(rows):
            stud = left + round((column + 0.5) * _STUD_PX), top + round((row + 0.5) * _STUD_PX)
            cv2.circle(picture, stud, 14, _STUD, -1, cv2.LINE_AA)
    return picture


def _spot(x: float, y: float) -> Values:
    height, width = CATCH_SIZE_PX
    rows, columns = np.mgrid[0:height, 0:width].astype(np.float32)
    distance = ((columns / width - x) / 0.13) ** 2 + ((rows / height - y) / 0.12) ** 2
    heat = np.exp(-(distance**2))
    return np.where(heat < 0.02, np.float32(0), heat).astype(np.float32)
