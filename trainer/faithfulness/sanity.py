"""What a map should withstand: a little noise in the picture."""

from collections.abc import Iterator, Sequence

import numpy as np

DRAWS = 10
RADIUS = 0.02
"""Of the noise, as a share of the range of a pixel."""


def noisy(picture: np.ndarray, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """`DRAWS` pictures (s, s, 3) uint8 with uniform noise of at most `RADIUS`."""
    for _ in range(DRAWS):
        noise = rng.uniform(-RADIUS, RADIUS, picture.shape) * 255
        yield np.clip(np.rint(picture + noise), 0, 255).astype(np.uint8)


def max_sensitivity(maps: np.ndarray, shaken: Sequence[np.ndarray]) -> np.ndarray:
    """Largest relative change of maps under noise (Yeh et al. 2019).

    Args:
        maps: (k, h, w) of the picture as it is.
        shaken: The same of each noisy picture.

    Returns:
        (k,) of max |H' - H| / |H|, Euclidean; 0 is steady; NaN for a map of zeros.
    """
    off = np.stack([np.linalg.norm(s - maps, axis=(1, 2)) for s in shaken]).max(axis=0)
    size = np.linalg.norm(maps, axis=(1, 2))
    return np.divide(off, size, out=np.full(len(maps), np.nan), where=size > 0)
