"""Draws scenes by chance: the same seed and settings give the same scene."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from pydantic import Field, field_validator, model_validator

from edge.pictures import find_pictures
from edge.toml import FromList, Section
from trainer.errors import SceneError
from trainer.scenes.colours import colours
from trainer.scenes.grounds import KINDS
from trainer.scenes.parts import find, parts
from trainer.scenes.poses import PoseLibrary
from trainer.scenes.scene import (
    Brick,
    Camera,
    Clutter,
    Ground,
    Light,
    Scene,
    Sky,
    rotation_matrix,
    turned,
)

Share = Annotated[float, Field(ge=0, le=1)]
COUNT_WEIGHTS = (8, 10, 12, 12, 12, 12, 10, 9, 8, 7)
"""How often a scene has 1, 2 ... 10 bricks; beyond ten as often as ten."""
BRICKS_MAX = 40
Count = Annotated[int, Field(ge=1, le=BRICKS_MAX)]
TRIES = 60
GROUND_VARIANTS = 8
ABOVE_HORIZON_DEG = 8.0
"""The lowest ray of a picture looks down by at least so much."""


class SceneSettings(Section):
    """Which scenes are drawn.

    Attributes:
        bricks: Fewest and most in a scene.
        parts: Part ids to choose from; all known ones if empty.
        pile_share: Share of piles; the rest are scatters.
        spread: Smallest and largest gap between scattered bricks, in their own size.
        elevation_deg: How high the camera stands; 90 looks straight down.
        field_deg: Angle of view: a telephone's is about 60, a machine's 20 to 40.
        distance: Of the camera; 1 fills the picture with the pile.
        clutter_share: Share of scenes with things that are no brick.
        one_colour_share: Share of scenes where all bricks have one colour.
        transparent_share: Share of bricks in a transparent colour, where the part is made in one.
        sharp_share: Share of pictures without depth of field.
        grounds: Kinds of procedural ground to choose from; all if empty.
        photographs: Folder of the user's own pictures of grounds, beside the procedural ones.
        photograph_share: Share of scenes on such a photograph.
    """

    bricks: Annotated[tuple[Count, Count], FromList] = (1, 10)
    parts: Annotated[tuple[str, ...], FromList] = ()
    pile_share: Share = 0.45
    spread: Annotated[tuple[float, float], FromList] = (0.0, 0.8)
    elevation_deg: Annotated[tuple[float, float], FromList] = (30.0, 89.0)
    field_deg: Annotated[tuple[float, float], FromList] = (22.0, 65.0)
    distance: Annotated[tuple[float, float], FromList] = (0.75, 1.3)
    clutter_share: Share = 0.3
    one_colour_share: Share = 0.15
    transparent_share: Share = 0.25
    sharp_share: Share = 0.7
    grounds: Annotated[tuple[str, ...], FromList] = ()
    photographs: str | None = None
    photograph_share: Share = 0.5

    @model_validator(mode="after")
    def _ranges_rise(self) -> "SceneSettings":
        for name in ("bricks", "spread", "elevation_deg", "field_deg", "distance"):
            low, high = getattr(self, name)
            if low > high:
                raise ValueError(f"{name}: found [{low}, {high}]; the smaller comes first")
        limits = {"spread": (0, 20), "elevation_deg": (10, 90), "field_deg": (5, 100)}
        limits["distance"] = (0.2, 10)
        for name, (least, most) in limits.items():
            low, high = getattr(self, name)
            if low < least or high > most:
                raise ValueError(f"{name}: found [{low}, {high}]; allowed: {least} to {most}")
        return self

    @field_validator("parts")
    @classmethod
    def _known_parts(cls, ids: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(find(part).id for part in ids)

    @field_validator("grounds")
    @classmethod
    def _known_grounds(cls, kinds: tuple[str, ...]) -> tuple[str, ...]:
        for kind in kinds:
            if kind not in KINDS:
                raise ValueError(f"grounds: found {kind!r}; allowed: {', '.join(KINDS)}")
        return kinds


@dataclass(frozen=True, slots=True)
class Stock:
    """What scenes are made of.

    Attributes:
        sizes_mm: (3,) bounding box of every part that has a geometry.
        poses: How bricks come to lie.
        photographs: The user's own pictures of grounds.
    """

    sizes_mm: Mapping[str, np.ndarray]
    poses: PoseLibrary
    photographs: tuple[str, ...] = ()


def find_photographs(settings: SceneSettings) -> tuple[str, ...]:
    """Paths of the user's grounds.

    Raises:
        PictureError: The folder is missing or holds no picture.
    """
    if settings.photographs is None:
        return ()
    return tuple(str(p) for p in find_pictures([Path(settings.photographs)]))


def draw_scene(seed: int, settings: SceneSettings, stock: Stock) -> Scene:
    """Draw one scene.

    Args:
        seed: Of everything in it.
        settings: Which scenes.
        stock: What they are made of.

    Raises:
        SceneError: No part has both a geometry and a pose.
    """
    rng = np.random.default_rng((seed, 20081584))
    wanted = _brick_count(settings, rng)
    arrangement, lying = _lying(wanted, settings, stock, rng)
    bricks = _coloured(lying, settings, rng)
    middle, radius = _extent(bricks, stock)
    clutter = _clutter(middle, radius, rng) if rng.random() < settings.clutter_share else ()
    illumination: Literal["natural", "artificial"] = (
        "natural" if rng.random() < 0.5 else "artificial"
    )
    ground = _ground(settings, stock, rng)
    return Scene(
        seed=seed,
        arrangement=arrangement,
        illumination=illumination,
        bricks=bricks,
        clutter=clutter,
        camera=_camera(middle, radius, settings, rng),
        lights=_sun(rng) if illumination == "natural" else _lamps(rng),
        sky=_sky(illumination, rng),
        ground=ground,
        exposure=float(np.exp(rng.normal(0.15, 0.25))),
        tone="filmic" if rng.random() < 0.5 else "standard",
    )


def _brick_count(settings: SceneSettings, rng) -> int:
    low, high = settings.bricks
    counts = np.arange(low, high + 1)
    weights = np.array([COUNT_WEIGHTS[min(c, 10) - 1] for c in counts], float)
    return int(rng.choice(counts, p=weights / weights.sum()))


def _choice(settings: SceneSettings, stock: Stock) -> list[str]:
    allowed = settings.parts or tuple(parts())
    chosen = [p for p in allowed if p in stock.sizes_mm and p in stock.poses.rests]
    if not chosen:
        raise SceneError(
            f"none of the {len(allowed)} parts has both a geometry and a resting pose;"
            " set LDRAWDIR to the LDraw library, or choose other parts"
        )
    return chosen


def _lying(wanted: int, settings: SceneSettings, stock: Stock, rng):
    """Arrangement, and (part, position, rotation) of each brick."""
    choice = _choice(settings, stock)
    if wanted > 1 and rng.random() < settings.pile_share:
        known = set(choice)
        fitting = [i for i in stock.poses.piles_of(wanted) if known.issuperset(_of(stock, i))]
        if fitting:
            return "pile", _turned_pile(stock, int(rng.choice(fitting)), rng)
    return "scatter", _scattered(wanted, choice, settings, stock, rng)


def _of(stock: Stock, pile: int) -> Sequence[str]:
    return stock.poses.piles[pile].parts


def _turned_pile(stock: Stock, pile: int, rng):
    settled = stock.poses.piles[pile]
    yaw = rng.uniform(0, 2 * np.pi)
    turn = rotation_matrix((np.cos(yaw / 2), 0.0, 0.0, np.sin(yaw / 2)))
    return [
        (part, turn @ position, turned(tuple(rotation), yaw))
        for part, position, rotation in zip(
            settled.parts, settled.positions_mm, settled.rotations, strict=True
        )
    ]


def _scattered(wanted: int, choice: list[str], settings: SceneSettings, stock: Stock, rng):
    spread = np.exp(rng.uniform(*np.log(np.asarray(settings.spread) + 0.05))) - 0.05
    lying, taken = [], np.zeros((0, 4))
    reach = 4.0
    for _ in range(wanted):
        part = choice[int(rng.integers(len(choice)))]
        rotation, height = stock.poses.rest(part, rng)
        rotation = turned(rotation, rng.uniform(0, 2 * np.pi))
        half = np.abs(rotation_matrix(rotation)) @ stock.sizes_mm[part] / 2
        gap = 1 + spread * rng.random()
        for _ in range(TRIES):
            where = rng.normal(0, reach, 2)
            box = np.array([*where, *(half[:2] * gap)])
            if not _overlaps(box, taken):
                break
            reach *= 1.03
        else:
            where = np.array([taken[:, 0].max() + taken[:, 2].max() + half[0] * 2, 0.0])
            box = np.array([*where, *half[:2]])
        taken = np.vstack([taken, box])
        lying.append((part, np.array([*where, height]), rotation))
    return lying


def _overlaps(box: np.ndarray, taken: np.ndarray) -> bool:
    apart = np.abs(taken[:, :2] - box[:2]) > taken[:, 2:] + box[2:]
    return bool((~apart.any(axis=1)).any())


def _coloured(lying, settings: SceneSettings, rng) -> tuple[Brick, ...]:
    known = parts()
    shade = int(rng.choice([c for c, colour in colours().items() if colour.opacity == 1]))
    one = shade if rng.random() < settings.one_colour_share else None
    return tuple(
        Brick(
            part=part,
            colour=one if one is not None else _colour_of(known[part].colours, settings, rng),
            roughness=float(rng.uniform(0.12, 0.45)),
            position_mm=_triple(position),
            rotation=tuple(float(v) for v in rotation),
        )
        for part, position, rotation in lying
    )


def _colour_of(made_in: Sequence[int], settings: SceneSettings, rng) -> int:
    table = colours()
    clear = [c for c in made_in if table[c].opacity < 1]
    if clear and rng.random() < settings.transparent_share:
        return int(rng.choice(clear))
    solid = [c for c in made_in if table[c].opacity == 1] or [
        c for c, colour in table.items() if colour.opacity == 1
    ]
    return int(rng.choice(solid))


def _triple(values) -> tuple[float, float, float]:
    x, y, z = (round(float(v), 5) for v in values)
    return x, y, z


def _extent(bricks: Sequence[Brick], stock: Stock):
    corners = np.concatenate([_corners(b, stock.sizes_mm[b.part]) for b in bricks])
    middle = np.median([b.position_mm for b in bricks], axis=0)
    away = np.linalg.norm(corners - middle, axis=1)
    return middle, max(10.0, float(np.quantile(away, 0.93)))


def _corners(brick: Brick, size: np.ndarray) -> np.ndarray:
    signs = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, -1).T
    return signs * size / 2 @ rotation_matrix(brick.rotation).T + brick.position_mm


def _camera(middle, radius: float, settings: SceneSettings, rng) -> Camera:
    field = rng.uniform(*settings.field_deg)
    lowest, highest = settings.elevation_deg
    lowest = min(max(lowest, field / 2 + ABOVE_HORIZON_DEG), highest)
    elevation = np.radians(rng.uniform(lowest, highest))
    around = rng.uniform(0, 2 * np.pi)
    far = np.exp(rng.uniform(*np.log(settings.distance)))
    distance = radius / np.sin(np.radians(field) / 2) * far
    towards = np.array(
        [np.cos(elevation) * np.cos(around), np.cos(elevation) * np.sin(around), np.sin(elevation)]
    )
    return Camera(
        position_mm=_triple(middle + distance * towards),
        target_mm=_triple(middle + rng.normal(0, 0.1 * radius, 3)),
        roll_deg=float(rng.uniform(-20, 20)),
        field_deg=float(field),
        f_stop=None if rng.random() < settings.sharp_share else float(rng.uniform(2, 8)),
    )


def _direction(elevation_deg: float, around: float):
    e = np.radians(elevation_deg)
    return _triple((np.cos(e) * np.cos(around), np.cos(e) * np.sin(around), np.sin(e)))


def _tint(rng, cool: float, warm: float):
    t = rng.uniform(cool, warm)
    return _triple((1 + 0.35 * t, 1.0, max(0.2, 1 - 0.5 * t)))


def _sun(rng) -> tuple[Light, ...]:
    elevation, around = rng.uniform(20, 80), rng.uniform(0, 2 * np.pi)
    angle = float(rng.choice([0.6, 3.0, 15.0]))
    strength = float(rng.uniform(0.3, 1.1))
    return (Light(_direction(elevation, around), angle, _tint(rng, -0.1, 0.5), strength),)


def _lamps(rng) -> tuple[Light, ...]:
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


def _sky(illumination: str, rng) -> Sky:
    natural = illumination == "natural"
    tint = _tint(rng, -0.5, 0.1) if natural else _tint(rng, -0.1, 0.6)
    strength = rng.uniform(0.25, 0.75) if natural else rng.uniform(0.12, 0.5)
    return Sky(int(rng.integers(2**31)), float(strength), tint, float(rng.uniform(0.3, 1.5)))


def _ground(settings: SceneSettings, stock: Stock, rng) -> Ground:
    photograph = None
    if stock.photographs and rng.random() < settings.photograph_share:
        photograph = str(rng.choice(stock.photographs))
    kinds = settings.grounds or tuple(KINDS)
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
    return _triple(dark), _triple(bright)


def _clutter(middle, radius: float, rng) -> tuple[Clutter, ...]:
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
                _triple(size),
                _triple(rng.random(3) ** 2),
                float(rng.uniform(0.1, 0.9)),
                _triple(
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
