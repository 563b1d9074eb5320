"""Light from all around: a small panorama from a seed, the same for every engine."""

from functools import cache

import cv2
import numpy as np

from trainer.scenes.environments import environment
from trainer.scenes.grounds import noise
from trainer.scenes.scene import Sky

HEIGHT, WIDTH = 32, 64
BOUNCE = 0.5
BRIGHTEST = 60.0
"""Of a panorama, in means: the sun in it is not to be a second one beside the scene's lights."""


def panorama(sky: Sky, ground: np.ndarray) -> np.ndarray:
    """Radiance from every direction.

    Args:
        sky: Its settings.
        ground: (3,) mean albedo of the ground, which fills the lower half.

    Returns:
        (h, 2 h, 3) float32, linear; rows from straight up to straight down, columns once around
        from +x over +y. Made-up clouds have 32 rows, real places 64.

    Raises:
        SceneError: There is no such environment.
    """
    level = _clouds(sky) if sky.environment is None else _place(sky)
    half = len(level) // 2
    radiance = level / level[:half].mean() * np.asarray(sky.tint) * sky.strength
    above = radiance[:half].mean(axis=(0, 1))
    radiance[half:] = BOUNCE * np.asarray(ground) * above
    return radiance.astype(np.float32)


def _clouds(sky: Sky) -> np.ndarray:
    rng = np.random.default_rng((sky.seed, 77))
    clouds = cv2.resize(noise(WIDTH, rng, 1.8), (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    return np.exp(sky.contrast * np.tanh(clouds))[..., None]


def _place(sky: Sky) -> np.ndarray:
    seen = np.minimum(environment(str(sky.environment)), BRIGHTEST)
    return np.roll(seen, round(sky.turn * seen.shape[1]), axis=1)


@cache
def directions(height: int = HEIGHT) -> np.ndarray:
    """Unit vectors (h, 2 h, 3) of a panorama's pixels."""
    polar = (np.arange(height) + 0.5) / height * np.pi
    around = (np.arange(2 * height) + 0.5) / height * np.pi
    sine = np.sin(polar)[:, None]
    return np.stack(
        [
            sine * np.cos(around),
            sine * np.sin(around),
            np.broadcast_to(np.cos(polar)[:, None], (height, 2 * height)),
        ],
        axis=-1,
    )


def blurred(radiance: np.ndarray) -> list[np.ndarray]:
    """A panorama as rougher and rougher surfaces reflect it: each half as fine as the one before.

    Args:
        radiance: (h, 2 h, 3) float32 from `panorama`.

    Returns:
        From itself down to four rows. Number k is what a lobe of about 2^k pixels sees.
    """
    levels = [radiance]
    while len(levels[-1]) > 4:
        wide = np.concatenate([levels[-1][:, -4:], levels[-1], levels[-1][:, :4]], axis=1)
        soft = cv2.GaussianBlur(wide, (0, 0), 1.0, borderType=cv2.BORDER_REFLECT)[:, 4:-4]
        height, width = soft.shape[:2]
        levels.append(cv2.resize(soft, (width // 2, height // 2), interpolation=cv2.INTER_AREA))
    return levels


def irradiance(radiance: np.ndarray) -> np.ndarray:
    """Spherical harmonics of the light that falls on a surface, divided by pi.

    Second order; Ramamoorthi and Hanrahan 2001. A white surface with normal n reflects
    `basis(n) @ irradiance(...)`.

    Args:
        radiance: (h, 2 h, 3) from `panorama`.

    Returns:
        (9, 3) float64.
    """
    height = len(radiance)
    weighted = (radiance * _solid_angles(height)).reshape(-1, 3)
    coefficients = _basis_of(height).T @ weighted
    cosine = np.array([1, 2 / 3, 2 / 3, 2 / 3, 1 / 4, 1 / 4, 1 / 4, 1 / 4, 1 / 4])
    return coefficients * cosine[:, None]


def _solid_angles(height: int) -> np.ndarray:
    rows = np.sin((np.arange(height) + 0.5) / height * np.pi) * (np.pi / height) ** 2
    return rows[:, None, None]


@cache
def _basis_of(height: int) -> np.ndarray:
    return basis(directions(height).reshape(-1, 3))


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
