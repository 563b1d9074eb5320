"""What is around the bricks: lights, sky, ground, things that are no brick; by chance."""

from collections.abc import Sequence

import numpy as np

from trainer.scenes.scene import Clutter, Ground, Light, Sky, Triple, rotation_matrix, turned

GROUND_VARIANTS = 8


def triple(values) -> Triple:
    """Three numbers, rounded to what a scene's JSON keeps short."""
    x, y, z = (round(float(v), 5) for v in values)
    return x, y, z


def _direction(elevation_deg: float, around: float):
    e = np.radians(elevation_deg)
    return triple((np.cos(e) * np.cos(around), np.cos(e) * np.sin(around), np.sin(e)))


def _tint(rng, cool: float, warm: float):
    t = rng.uniform(cool, warm)
    return triple((1 + 0.35 * t, 1.0, max(0.2, 1 - 0.5 * t)))


def sun(rng) -> tuple[Light, ...]:
    """One light, from hard noon to a hazy day; `rng` is the source of chance, as below."""
    elevation, around = rng.uniform(20, 80), rng.uniform(0, 2 * np.pi)
    angle = float(rng.choice([0.6, 3.0, 15.0]))
    strength = float(rng.uniform(0.3, 1.1))
    return (Light(_direction(elevation, around), angle, _tint(rng, -0.1, 0.5), strength),)


def lamps(rng) -> tuple[Light, ...]:
    """One to three lights, wide and near one another in colour."""
    count = int(rng.integers(1, 4))
    colour = _tint(rng, -0.3, 0.8)
    return tuple(
        Light(
            _direction(rng.uniform(25, 88), rng.uniform(0, 2 * np.pi)),
            float(rng.uniform(4, 40)),
            colour if rng.random() < 0.7 else _tint(rng, -0.3, 0.8),
            float(rng.uniform(0.25, 0.8) / (1 + k)),
        )
        for k in range(count)
    )


def sky_of(illumination: str, rng) -> Sky:
    """What lights a scene from all around: bluish by day, warm indoors."""
    natural = illumination == "natural"
    tint = _tint(rng, -0.5, 0.1) if natural else _tint(rng, -0.1, 0.6)
    strength = rng.uniform(0.25, 0.75) if natural else rng.uniform(0.12, 0.5)
    return Sky(int(rng.integers(2**31)), float(strength), tint, float(rng.uniform(0.3, 1.5)))


def ground_of(
    kinds: Sequence[str], photographs: Sequence[str], photograph_share: float, rng
) -> Ground:
    """A photograph, where there are any, or a pattern of one of these kinds."""
    photograph = None
    if photographs and rng.random() < photograph_share:
        photograph = str(rng.choice(photographs))
    kind = str(rng.choice(kinds))
    dark, bright = _ground_colours(kind, rng)
    return Ground(
        kind="photograph" if photograph else kind,
        seed=int(rng.integers(GROUND_VARIANTS)),
        dark=dark,
        bright=bright,
        tile_mm=float(np.exp(rng.uniform(np.log(60), np.log(500)))),
        rotation_deg=float(rng.uniform(0, 360)),
        offset=(float(rng.random()), float(rng.random())),
        roughness=float(rng.uniform(0.25, 1.0)),
        photograph=photograph,
    )


def _ground_colours(kind: str, rng):
    value = np.exp(rng.uniform(np.log(0.04), np.log(0.85)))
    grey = rng.random() < 0.45
    hue = rng.dirichlet((1.5, 1.5, 1.5)) * 3 if not grey else np.ones(3)
    if kind in ("wood", "planks"):
        hue = np.array([1.4, 0.85, 0.45]) * rng.uniform(0.8, 1.2, 3)
    bright = np.clip(value * (0.4 + 0.6 * hue), 0.01, 0.9)
    other = np.clip(value * (0.4 + 0.6 * rng.dirichlet((1.5, 1.5, 1.5)) * 3), 0.01, 0.9)
    strong = kind in ("checks", "stripes", "print", "blots") and rng.random() < 0.6
    dark = other * rng.uniform(0.05, 1.0) if strong else bright * rng.uniform(0.2, 0.85)
    return triple(dark), triple(bright)


def clutter_around(middle, radius: float, rng) -> tuple[Clutter, ...]:
    """One to three things around a pile, near enough to be seen."""
    things = []
    for _ in range(int(rng.integers(1, 4))):
        shape = str(rng.choice(["box", "cylinder", "sphere"]))
        size = np.exp(rng.uniform(np.log(4), np.log(50), 3))
        if shape == "cylinder":
            size[1] = size[0]
        if shape == "sphere":
            size[:] = min(size[0], 25)
        yaw, around = rng.uniform(0, 2 * np.pi, 2)
        rotation = (1.0, 0.0, 0.0, 0.0)
        if shape == "cylinder" and rng.random() < 0.6:
            rotation = (np.sqrt(0.5), np.sqrt(0.5), 0.0, 0.0)
        rotation = turned(rotation, yaw)
        half = np.abs(rotation_matrix(rotation)) @ size / 2
        away = radius * rng.uniform(0.6, 1.1) + half[:2].max()
        things.append(
            Clutter(
                shape,  # type: ignore[arg-type]
                triple(size),
                triple(rng.random(3) ** 2),
                float(rng.uniform(0.1, 0.9)),
                triple(
                    (
                        middle[0] + away * np.cos(around),
                        middle[1] + away * np.sin(around),
                        half[2],
                    )
                ),
                tuple(float(v) for v in rotation),
            )
        )
    return tuple(things)
