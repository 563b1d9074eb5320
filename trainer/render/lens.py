"""What a lens and a moving hand do to a finished picture: blur by depth, and shake."""

import math
from itertools import pairwise

import cv2
import numpy as np

from trainer.scenes.scene import Camera

SENSOR_MM = 36.0
APERTURE_SCALE = 0.2
"""A millimetre of focal length over an f-stop, as millimetres of aperture: a telephone's lens seen
in the enlarged scene that `trainer.render.blender_child` draws, so both engines blur alike."""
SIGMAS_PX = (0.0, 0.8, 1.6, 3.2, 6.4)
DISC_TO_SIGMA = 0.3
"""A disc blurs about as a Gaussian of so much of its diameter."""


def focused(image: np.ndarray, away_mm: np.ndarray, camera: Camera) -> np.ndarray:
    """Blur what lies before and behind the camera's target.

    Args:
        image: (s, s, 3) uint8.
        away_mm: (s, s) distance along the line of sight.
        camera: With an f-stop.
    """
    if camera.f_stop is None:
        return image
    tangent = math.tan(math.radians(camera.field_deg) / 2)
    aperture = SENSOR_MM / 2 / tangent * APERTURE_SCALE / camera.f_stop
    sharp = math.dist(camera.position_mm, camera.target_mm)
    disc_mm = aperture * np.abs(away_mm - sharp) / np.maximum(away_mm, 1.0)
    sigma = disc_mm / (2 * sharp * tangent) * len(image) * DISC_TO_SIGMA
    # A near edge spreads over what is behind it; without this its outline would stay sharp.
    sigma = cv2.blur(sigma.astype(np.float32), (5, 5))
    return _mixed(image, sigma)


def _mixed(image: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Each pixel from the two blurs that are next to its own."""
    result = image.astype(np.float32)
    for before, after in pairwise(SIGMAS_PX):
        if sigma.max() <= before:
            break
        share = np.clip((sigma - before) / (after - before), 0, 1)[..., None]
        result += share * (cv2.GaussianBlur(image, (0, 0), after).astype(np.float32) - result)
    return np.clip(result + 0.5, 0, 255).astype(np.uint8)


def shaken(image: np.ndarray, camera: Camera) -> np.ndarray:
    """Smear a picture along the camera's shake."""
    dx, dy = np.asarray(camera.shake) * len(image)
    length = math.hypot(dx, dy)
    if length < 0.5:
        return image
    half = math.ceil(length / 2) + 1
    kernel = np.zeros((2 * half + 1,) * 2, np.float32)
    for share in np.linspace(-0.5, 0.5, 4 * half + 1):
        x, y = half + share * dx, half + share * dy
        left, top = math.floor(x), math.floor(y)
        kernel[top, left] += (1 - x + left) * (1 - y + top)
        kernel[top, left + 1] += (x - left) * (1 - y + top)
        kernel[top + 1, left] += (1 - x + left) * (y - top)
        kernel[top + 1, left + 1] += (x - left) * (y - top)
    return cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)
