"""Light from all around: a small panorama from a seed, the same for every engine."""

import cv2
import numpy as np

from trainer.scenes.grounds import noise
from trainer.scenes.scene import Sky

HEIGHT, WIDTH = 32, 64
BOUNCE = 0.5


def panorama(sky: Sky, ground: np.ndarray) -> np.ndarray:
    """Radiance from every direction.

    Args:
        sky: Its settings.
        ground: (3,) mean albedo of the ground, which fills the lower half.

    Returns:
        (32, 64, 3) float32, linear; rows from straight up to straight down, columns once around
        from +x over +y.
    """
    rng = np.random.default_rng((sky.seed, 77))
    clouds = cv2.resize(noise(WIDTH, rng, 1.8), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    level = np.exp(sky.contrast * np.tanh(clouds))[..., None]
    radiance = level / level[: HEIGHT // 2].mean() * np.asarray(sky.tint) * sky.strength
    above = radiance[: HEIGHT // 2].mean(axis=(0, 1))
    radiance[HEIGHT // 2 :] = BOUNCE * np.asarray(ground) * above
    return radiance.astype(np.float32)


def directions() -> np.ndarray:
    """Unit vectors (32, 64, 3) of the panorama's pixels."""
    polar = (np.arange(HEIGHT) + 0.5) / HEIGHT * np.pi
    around = (np.arange(WIDTH) + 0.5) / WIDTH * 2 * np.pi
    sine = np.sin(polar)[:, None]
    return np.stack(
        [
            sine * np.cos(around),
            sine * np.sin(around),
            np.broadcast_to(np.cos(polar)[:, None], (HEIGHT, WIDTH)),
        ],
        axis=-1,
    )


def irradiance(radiance: np.ndarray) -> np.ndarray:
    """Spherical harmonics of the light that falls on a surface, divided by pi.

    Second order; Ramamoorthi and Hanrahan 2001. A white surface with normal n reflects
    `basis(n) @ irradiance(...)`.

    Args:
        radiance: (32, 64, 3) from `panorama`.

    Returns:
        (9, 3) float64.
    """
    where = directions()
    solid = np.sin((np.arange(HEIGHT) + 0.5) / HEIGHT * np.pi) * (np.pi / HEIGHT)
    solid = solid[:, None, None] * (2 * np.pi / WIDTH)
    weighted = (radiance * solid).reshape(-1, 3)
    coefficients = basis(where.reshape(-1, 3)).T @ weighted
    cosine = np.array([1, 2 / 3, 2 / 3, 2 / 3, 1 / 4, 1 / 4, 1 / 4, 1 / 4, 1 / 4])
    return coefficients * cosine[:, None]


def basis(n: np.ndarray) -> np.ndarray:
    """The nine real spherical harmonics (m, 9) of unit vectors (m, 3)."""
    x, y, z = n.T
    return np.stack(
        [
            np.full_like(x, 0.282095),
            0.488603 * y,
            0.488603 * z,
            0.488603 * x,
            1.092548 * x * y,
            1.092548 * y * z,
            0.315392 * (3 * z * z - 1),
            1.092548 * x * z,
            0.546274 * (x * x - y * y),
        ],
        axis=1,
    )
