"""What light, lens, sensor and file do to a picture, at random."""

from functools import cache

import cv2
import numpy as np

from trainer.model import LUMINANCE

MIXED_SHARE = 0.5
BLURRED_SHARE = 0.25
NOISY_SHARE = 0.5
COMPRESSED_SHARE = 0.25
NOISE_PX = 1024


def disturb(image: np.ndarray, rng: np.random.Generator, grey: bool = False) -> np.ndarray:
    """Change light, white balance, contrast and sharpness, add noise, compress.

    Channels are mixed at random, because shape separates brick types and colour does not.

    Args:
        image: (s, s, 3) uint8 RGB.
        rng: Source of chance.
        grey: For a network that is shown luminance only: three equal channels, a third of the work.

    Returns:
        (s, s, 3) uint8 RGB.
    """
    side = image.shape[0]
    picture = cv2.transform(image, _mixing(rng, grey)).astype(np.float32)
    picture = picture.reshape(side, side, -1)
    contrast = rng.uniform(0.75, 1.5)
    level = float(picture[::4, ::4].mean())
    picture *= contrast * _light(side, rng)
    picture += level * (1 - contrast) + rng.uniform(-30, 30)
    if rng.random() < BLURRED_SHARE:
        picture = cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.3, 0.9)).reshape(side, side, -1)
    if rng.random() < NOISY_SHARE:
        picture += _noise(side, rng) * np.float32(rng.uniform(1, 6))
    done = np.clip(picture, 0, 255).astype(np.uint8)
    if rng.random() < COMPRESSED_SHARE:
        done = _compressed(done, int(rng.integers(25, 90)))
    return np.broadcast_to(done, (side, side, 3)) if grey else done


def _mixing(rng: np.random.Generator, grey: bool) -> np.ndarray:
    mixed = rng.random() < MIXED_SHARE
    if grey:
        rows = rng.dirichlet((2.0, 2.0, 1.0), 1) if mixed else np.array([LUMINANCE])
    else:
        rows = rng.dirichlet((2.0, 2.0, 1.0), 3) if mixed else np.eye(3)
    balance = np.exp(rng.normal(0, 0.08, 3))
    return (rows * balance).astype(np.float32)


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
