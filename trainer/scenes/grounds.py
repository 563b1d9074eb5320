"""Patterns to lay a pile on: tileable, from a kind and a seed, the same for every engine."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np

from edge.pictures import read_picture
from trainer.scenes.scene import Ground

SIDE_PX = 512
PHOTOGRAPH_PX = 1024


def pattern(kind: str, seed: int, side: int = SIDE_PX) -> np.ndarray:
    """A tileable pattern.

    Args:
        kind: One of `KINDS`, `MACHINE_KINDS` or `FOUND_KINDS`.
        seed: Which variant.
        side: Pixels.

    Returns:
        (side, side, 2) float32 in 0..1: where between dark and bright, and fine dirt.
    """
    rng = np.random.default_rng((seed, *kind.encode()))
    main = np.clip(_ALL[kind](side, rng), 0, 1)
    grime = 0.18 if kind in KINDS else rng.uniform(0.01, 0.06)
    dirt = np.clip(0.5 + grime * noise(side, rng, rng.uniform(0.6, 1.4)), 0, 1)
    return np.stack([main, dirt], axis=-1).astype(np.float32)


@lru_cache(maxsize=64)
def ground_photograph(path: str) -> np.ndarray:
    """A user's own picture of a ground, mirrored so that it tiles.

    Returns:
        (1024, 1024, 3) uint8 RGB.

    Raises:
        PictureError: It cannot be read.
    """
    image = read_picture(Path(path))
    side = min(image.shape[:2])
    y, x = (image.shape[0] - side) // 2, (image.shape[1] - side) // 2
    half = cv2.resize(
        image[y : y + side, x : x + side],
        (PHOTOGRAPH_PX // 2,) * 2,
        interpolation=cv2.INTER_AREA,
    )
    row = np.concatenate([half, half[:, ::-1]], axis=1)
    return np.concatenate([row, row[::-1]], axis=0)


def photograph_colours(path: str) -> np.ndarray:
    """A photograph's albedo (1024, 1024, 3) float32, linear.

    Raises:
        PictureError: It cannot be read.
    """
    return (ground_photograph(path).astype(np.float32) / 255) ** 2.2


def ground_colours(ground: Ground) -> np.ndarray:
    """The ground's albedo (s, s, 3) float32, linear; one tile of `tile_mm`.

    Raises:
        PictureError: Its photograph cannot be read.
    """
    if ground.photograph is not None:
        return photograph_colours(ground.photograph)
    main, dirt = np.moveaxis(pattern(ground.kind, ground.seed), -1, 0)[..., None]
    dark, bright = np.asarray(ground.dark), np.asarray(ground.bright)
    return ((dark + (bright - dark) * main) * (0.7 + 0.6 * dirt)).astype(np.float32)


def noise(side: int, rng: np.random.Generator, slope: float, stretch: float = 1.0) -> np.ndarray:
    """Tileable noise (side, side) of mean 0 and deviation 1.

    Args:
        side: Pixels.
        rng: Source of chance.
        slope: Of the amplitude over frequency: 0 is white, 2 is clouds.
        stretch: Above 1 draws it out along x.
    """
    fx, fy = np.meshgrid(np.fft.rfftfreq(side) * stretch, np.fft.fftfreq(side))
    frequency = np.hypot(fx, fy)
    frequency[0, 0] = 1
    spectrum = np.exp(2j * np.pi * rng.random(frequency.shape)) / frequency**slope
    spectrum[0, 0] = 0
    values = np.fft.irfft2(spectrum, s=(side, side))
    return values / values.std()


def _plain(side, rng):
    return 0.5 + 0.05 * noise(side, rng, 1.5)


def _paper(side, rng):
    return 0.6 + 0.12 * noise(side, rng, 0.5)


def _wood(side, rng):
    grain = noise(side, rng, rng.uniform(1.2, 1.7), rng.uniform(12, 40))
    rings = np.sin(rng.uniform(2, 6) * grain + 3 * noise(side, rng, 2.2, 6))
    return 0.5 + 0.18 * grain + 0.18 * rings * rng.random()


def _planks(side, rng):
    rows = int(rng.integers(3, 9))
    tone = rng.uniform(-0.25, 0.25, rows)[np.arange(side) * rows // side]
    seams = np.minimum(np.arange(side) * rows % side, side - np.arange(side) * rows % side)
    return (_wood(side, rng) + tone[:, None]) * np.where(seams < 2 * rows, 0.3, 1.0)[:, None]


def _carpet(side, rng):
    return 0.5 + 0.22 * noise(side, rng, 0.25) + 0.1 * noise(side, rng, 1.5)


def _weave(side, rng):
    threads = int(rng.integers(30, 90))
    phase = 2 * np.pi * threads * np.arange(side) / side
    x, y = np.meshgrid(np.sin(phase), np.sin(phase + np.pi / 2))
    return 0.5 + 0.3 * x * y + 0.12 * noise(side, rng, 0.8)


def _tiles(side, rng):
    count = int(rng.integers(2, 7))
    cell = side / count
    y, x = np.mgrid[:side, :side] % cell
    joint = (np.minimum(x, y) < cell * rng.uniform(0.02, 0.06)).astype(float)
    tone = rng.uniform(-0.12, 0.12, (count, count))
    index = (np.arange(side) // cell).astype(int) % count
    return (0.65 + tone[index][:, index] + 0.06 * noise(side, rng, 1.6)) * (1 - 0.7 * joint)


def _marble(side, rng):
    veins = np.abs(noise(side, rng, rng.uniform(1.6, 2.1)))
    return 1 - np.exp(-veins * rng.uniform(1.5, 6)) + 0.05 * noise(side, rng, 1.0)


def _speckle(side, rng):
    spots = noise(side, rng, rng.uniform(0.4, 1.0)) > rng.uniform(0.6, 1.6)
    return 0.35 + 0.5 * spots + 0.08 * noise(side, rng, 1.0)


def _stripes(side, rng):
    count = int(rng.integers(4, 30))
    wave = np.sin(2 * np.pi * count * np.arange(side) / side)[:, None]
    return 0.5 + 0.45 * np.tanh(rng.uniform(1, 8) * wave) + 0.06 * noise(side, rng, 1.2)


def _checks(side, rng):
    count = 2 * int(rng.integers(2, 10))
    index = np.arange(side) * count // side
    return ((index[:, None] + index[None]) % 2) * 0.8 + 0.1 + 0.06 * noise(side, rng, 1.2)


def _blots(side, rng):
    return 0.5 + 0.5 * np.tanh(3 * noise(side, rng, rng.uniform(1.3, 2.0)))


def _print(side, rng):
    # Shapes of every size and tone over one another: posters, books, cluttered desks.
    picture = np.full((side, side), rng.random(), np.float32)
    for _ in range(int(rng.integers(20, 90))):
        x, y = (int(v) for v in rng.integers(0, side, 2))
        size, tone = int(rng.integers(4, side // 5)), float(rng.random())
        if rng.random() < 0.5:
            corner = (x + size, y + int(size * rng.uniform(0.2, 2)))
            cv2.rectangle(picture, (x, y), corner, tone, -1 if rng.random() < 0.7 else 3)
        else:
            cv2.circle(picture, (x, y), size // 2, tone, -1 if rng.random() < 0.7 else 3)
    return picture + 0.04 * noise(side, rng, 0.8)


KINDS: dict[str, Callable[[int, np.random.Generator], np.ndarray]] = {
    "plain": _plain,
    "paper": _paper,
    "wood": _wood,
    "planks": _planks,
    "carpet": _carpet,
    "weave": _weave,
    "tiles": _tiles,
    "marble": _marble,
    "speckle": _speckle,
    "stripes": _stripes,
    "checks": _checks,
    "blots": _blots,
    "print": _print,
}


def _sheet(side, rng):
    # Paper, card, acrylic: even, with the grain of what is moulded or brushed.
    return 0.5 + rng.uniform(0.01, 0.12) * noise(side, rng, rng.uniform(0.2, 1.6))


def _belt(side, rng):
    # A belt of cloth or rubber: a fine weave, a dull track, now and then a seam or a cleat.
    threads = int(rng.integers(40, 120))
    phase = 2 * np.pi * threads * np.arange(side) / side
    weave = rng.uniform(0, 0.12) * np.sin(phase)[:, None] * np.sin(phase)[None]
    track = 0.08 * np.sin(2 * np.pi * np.arange(side) / side + rng.uniform(0, 6))[:, None]
    belt = 0.55 + weave + track + rng.uniform(0.01, 0.06) * noise(side, rng, 0.8, 8)
    for _ in range(int(rng.integers(0, 3))):
        at, wide = int(rng.integers(side)), int(rng.integers(1, 7))
        columns = (at + np.arange(wide)) % side
        belt[:, columns] += rng.choice([-0.45, 0.35])
    return belt


def _grid(side, rng):
    # Plates joined with fine gaps, as a machine's bed.
    count, wide = int(rng.integers(2, 6)), int(rng.integers(1, 4))
    bed = 0.55 + 0.03 * noise(side, rng, 1.0)
    gaps = np.arange(side) * count % side < wide * count
    bed[gaps] -= 0.35
    if rng.random() < 0.5:
        bed[:, gaps] -= 0.35
    return bed


def _found(name: str) -> Callable[[int, np.random.Generator], np.ndarray]:
    """A CC0 picture that scikit-image ships, mirrored so that it tiles."""

    def pictured(side, rng):
        from skimage import data

        grey = getattr(data, name)().astype(np.float32) / 255
        half = cv2.resize(grey, (side // 2, side // 2), interpolation=cv2.INTER_AREA)
        row = np.concatenate([half, half[:, ::-1]], axis=1)
        return np.concatenate([row, row[::-1]], axis=0)

    return pictured


MACHINE_KINDS = {"sheet": _sheet, "belt": _belt, "grid": _grid}
"""What machines put under bricks; see `plain_share`."""
FOUND_KINDS = {name: _found(name) for name in ("brick", "gravel", "grass")}
"""Photographs of grounds, from scikit-image."""
_ALL = KINDS | MACHINE_KINDS | FOUND_KINDS
