"""What light, lens, sensor and file do to a picture, at random."""

from functools import cache

import cv2
import numpy as np

from trainer.model import LUMINANCE

MIXED_SHARE = 0.5
TURNED_SHARE = 0.5
CAST_SHARE = 0.2
BLURRED_SHARE = 0.5
NOISY_SHARE = 0.5
COMPRESSED_SHARE = 0.3
NOISE_PX = 1024
BLUR_MAX, BLUR_SIDE = 2.0, 128
"""Largest blur (standard deviation in pixels) of a window of this side."""


def disturb(image: np.ndarray, rng: np.random.Generator, grey: bool = False) -> np.ndarray:
    """Change light, white balance, contrast and sharpness, add noise, compress.

    Shape separates brick types and colour does not, so hues are turned at random, and saturation
    and white balance change, up to the cast of one coloured lamp.

    Args:
        image: (s, s, 3) uint8 RGB.
        rng: Source of chance.
        grey: For a network that is shown luminance only: three equal channels, a third of the work.

    Returns:
        (s, s, 3) uint8 RGB.
    """
    side = image.shape[0]
    mixing = _luminance(rng) if grey else _colours(rng)
    picture = cv2.transform(image, mixing).astype(np.float32).reshape(side, side, -1)
    contrast = np.exp(rng.uniform(-0.6, 0.45))
    level = float(picture[::4, ::4].mean())
    picture *= contrast * _light(side, rng)
    picture += level * (1 - contrast) + rng.uniform(-40, 40)
    if rng.random() < BLURRED_SHARE:
        sigma = rng.uniform(0.3, BLUR_MAX) * side / BLUR_SIDE
        picture = cv2.GaussianBlur(picture, (0, 0), max(sigma, 0.3)).reshape(side, side, -1)
    if rng.random() < NOISY_SHARE:
        picture += _noise(side, rng) * np.float32(np.exp(rng.uniform(0, 2.5)))
    done = np.clip(picture, 0, 255).astype(np.uint8)
    if rng.random() < COMPRESSED_SHARE:
        done = _compressed(done, int(rng.integers(25, 90)))
    return np.broadcast_to(done, (side, side, 3)) if grey else done


def _luminance(rng: np.random.Generator) -> np.ndarray:
    """The weights (1, 3) of a grey value, half of the time other ones."""
    mixed = rng.random() < MIXED_SHARE
    rows = rng.dirichlet((2.0, 2.0, 1.0), 1) if mixed else np.array([LUMINANCE])
    return (rows * np.exp(rng.normal(0, 0.08, 3))).astype(np.float32)


def _colours(rng: np.random.Generator) -> np.ndarray:
    """A turn of all hues, a change of saturation and a cast, as one matrix (3, 3)."""
    grey = np.tile(LUMINANCE, (3, 1))
    angle = rng.uniform(0, 2 * np.pi) if rng.random() < TURNED_SHARE else 0.0
    saturation = rng.uniform(0.3, 1.4)
    spread = 0.6 if rng.random() < CAST_SHARE else 0.2
    cast = np.exp(rng.uniform(-spread, spread, 3))
    turned = _hue_turn(angle)
    return (cast[:, None] * (grey + saturation * (turned - grey))).astype(np.float32)


def _hue_turn(angle: float) -> np.ndarray:
    """The turn (3, 3) of RGB about its grey axis (Rodrigues' formula); keeps the mean."""
    axis = 1 / np.sqrt(3)
    cross = axis * np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
    along = np.full((3, 3), 1 / 3)
    return np.cos(angle) * np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * along


def _light(side: int, rng: np.random.Generator) -> np.ndarray:
    """A light that falls off across the picture, (s, s, 1)."""
    angle, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0, 0.35)
    ramp = np.linspace(-strength, strength, side, dtype=np.float32)
    slope = np.float32(np.cos(angle)) * ramp[None] + np.float32(np.sin(angle)) * ramp[:, None]
    return (1 + slope)[..., None]


@cache
def _noise_field() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((NOISE_PX, NOISE_PX, 1), np.float32)


def _noise(side: int, rng: np.random.Generator) -> np.ndarray:
    # A random cut of one field: as good as fresh noise, at a tenth of its cost.
    field = _noise_field()
    if side > NOISE_PX // 2:
        return rng.standard_normal((side, side, 1), np.float32)
    y, x = rng.integers(0, NOISE_PX - side, 2)
    return field[y : y + side, x : x + side]


def _compressed(picture: np.ndarray, quality: int) -> np.ndarray:
    code = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    flags = cv2.IMREAD_GRAYSCALE if picture.shape[2] == 1 else cv2.IMREAD_COLOR
    return cv2.imdecode(code, flags).reshape(picture.shape)
