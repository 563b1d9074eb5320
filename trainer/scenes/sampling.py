"""Draws scenes by chance: the same seed and settings give the same scene."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from edge.pictures import find_pictures
from trainer.errors import SceneError
from trainer.scenes.colours import colours
from trainer.scenes.grounds import KINDS
from trainer.scenes.parts import parts
from trainer.scenes.poses import PoseLibrary
from trainer.scenes.realism import Place, more_real
from trainer.scenes.scene import Brick, Camera, Scene, rotation_matrix, turned
from trainer.scenes.settings import SceneSettings
from trainer.scenes.surroundings import clutter_around, ground_of, lamps, sky_of, sun, triple

COUNT_WEIGHTS = (8, 10, 12, 12, 12, 12, 10, 9, 8, 7)
"""How often a scene has 1, 2 ... 10 bricks; beyond ten as often as ten."""
TRIES = 60
ABOVE_HORIZON_DEG = 8.0
"""The lowest ray of a picture looks down by at least so much."""


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
    clutter = clutter_around(middle, radius, rng) if rng.random() < settings.clutter_share else ()
    illumination: Literal["natural", "artificial"] = (
        "natural" if rng.random() < 0.5 else "artificial"
    )
    ground = ground_of(
        settings.grounds or tuple(KINDS), stock.photographs, settings.photograph_share, rng
    )
    scene = Scene(
        seed=seed,
        arrangement=arrangement,
        illumination=illumination,
        bricks=bricks,
        clutter=clutter,
        camera=_camera(middle, radius, settings, rng),
        lights=sun(rng) if illumination == "natural" else lamps(rng),
        sky=sky_of(illumination, rng),
        ground=ground,
        exposure=float(np.exp(rng.normal(0.15, 0.25))),
        tone="filmic" if rng.random() < 0.5 else "standard",
    )
    return more_real(
        scene, settings.realism, Place(middle, radius, settings.clutter_share, settings.plain_share)
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
            position_mm=triple(position),
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
        position_mm=triple(middle + distance * towards),
        target_mm=triple(middle + rng.normal(0, 0.1 * radius, 3)),
        roll_deg=float(rng.uniform(-20, 20)),
        field_deg=float(field),
        f_stop=None if rng.random() < settings.sharp_share else float(rng.uniform(2, 8)),
    )
