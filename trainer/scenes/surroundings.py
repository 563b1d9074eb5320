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


MACHINE_COLOURS = (
    ("white", (0.6, 0.9), (1.0, 1.0, 1.0)),
    ("bluish white", (0.5, 0.85), (0.78, 0.9, 1.15)),
    ("grey", (0.12, 0.45), (1.0, 1.0, 1.0)),
    ("blue", (0.08, 0.35), (0.35, 0.7, 1.6)),
    ("green", (0.06, 0.3), (0.4, 1.2, 0.5)),
    ("black", (0.006, 0.05), (1.0, 1.0, 1.05)),
)
"""Name, range of the mean albedo, and tint."""


def machine_ground(rng) -> Ground:
    """What a machine puts under bricks: a sheet, a belt, a bed of plates, of one colour."""
    weights = np.array([0.3, 0.2, 0.15, 0.15, 0.05, 0.15])
    _, (low, high), tint = MACHINE_COLOURS[int(rng.choice(len(weights), p=weights))]
    kind = str(rng.choice(["sheet", "belt", "grid"], p=[0.55, 0.33, 0.12]))
    value = np.exp(rng.uniform(np.log(low), np.log(high)))
    bright = value * np.asarray(tint) * rng.uniform(0.93, 1.07, 3)
    return _ground(kind, bright * rng.uniform(0.55, 0.95), bright, (80, 500), rng)


def dark_ground(rng) -> Ground:
    """A ground as dark as black plastic."""
    bright = rng.uniform(0.01, 0.06) * rng.uniform(0.8, 1.2, 3)
    kind = str(rng.choice(["sheet", "belt", "carpet", "wood"]))
    return _ground(kind, bright * rng.uniform(0.4, 0.9), bright, (60, 400), rng)


def found_ground(kinds: Sequence[str], rng) -> Ground:
    """Brickwork, gravel or grass, in about its own colours."""
    kind = str(rng.choice(sorted(kinds)))
    tint = {"brick": (1.4, 0.8, 0.6), "grass": (0.8, 1.25, 0.4)}.get(kind, (1.05, 1.0, 0.92))
    bright = rng.uniform(0.25, 0.8) * np.asarray(tint) * rng.uniform(0.85, 1.15, 3)
    return _ground(kind, bright * rng.uniform(0.03, 0.2), bright, (80, 500), rng)


def _ground(kind: str, dark, bright, tile_mm: tuple[float, float], rng) -> Ground:
    return Ground(
        kind=kind,
        seed=int(rng.integers(GROUND_VARIANTS)),
        dark=triple(np.clip(dark, 0.002, 0.95)),
        bright=triple(np.clip(bright, 0.003, 0.95)),
        tile_mm=float(np.exp(rng.uniform(*np.log(tile_mm)))),
        rotation_deg=float(rng.uniform(0, 360)),
        offset=(float(rng.random()), float(rng.random())),
        roughness=float(rng.uniform(0.25, 1.0)),
    )


SMALL_MM = {
    "screw": (6.0, 25.0),
    "nut": (4.0, 9.0),
    "coin": (16.0, 26.0),
    "cable": (15.0, 60.0),
    "scrap": (6.0, 40.0),
}
"""Longest side, from and to, of small things by shape."""
METALS = ((0.55, 0.55, 0.56), (0.6, 0.45, 0.2), (0.5, 0.28, 0.17), (0.12, 0.12, 0.13))


def small_things(middle, radius: float, rng) -> tuple[Clutter, ...]:
    """One to four small things around bricks, near enough to be seen."""
    return tuple(_small_thing(middle, radius, rng) for _ in range(int(rng.integers(1, 5))))


def _small_thing(middle, radius: float, rng) -> Clutter:
    shape = str(rng.choice(list(SMALL_MM)))
    low, high = SMALL_MM[shape]
    long = rng.uniform(low, min(high, max(low * 1.3, 1.6 * radius)))
    flat = {
        "screw": (long, 0.35 * long, 0.35 * long),
        "nut": (long, long, 0.45 * long),
        "coin": (long, long, 1.9),
        "cable": (long, rng.uniform(0.3, 0.8) * long, rng.uniform(1, 4)),
        "scrap": (long, rng.uniform(0.3, 1) * long, rng.uniform(0.1, 0.5)),
    }[shape]
    size = np.array(flat)
    colour = rng.random(3) ** 1.5
    if shape in ("screw", "nut", "coin"):
        colour = np.asarray(METALS[int(rng.integers(len(METALS)))])
    elif shape == "scrap" and rng.random() < 0.6:
        colour = rng.uniform(0.5, 0.9) * rng.uniform(0.9, 1, 3)
    yaw, around = rng.uniform(0, 2 * np.pi, 2)
    rotation = turned((1.0, 0.0, 0.0, 0.0), yaw)
    away = radius * rng.uniform(0.55, 1.1) + size[:2].max() / 2
    spot = (middle[0] + away * np.cos(around), middle[1] + away * np.sin(around), size[2] / 2)
    return Clutter(
        shape,  # type: ignore[arg-type]
        triple(size),
        triple(colour),
        float(rng.uniform(0.15, 0.7)),
        triple(spot),
        tuple(float(v) for v in rotation),
    )


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
