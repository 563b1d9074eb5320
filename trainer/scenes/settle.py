"""Computes a library of poses: parts and piles of parts fall, and where they rest is kept."""

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from trainer.errors import SettleError
from trainer.scenes.geometry import Geometry
from trainer.scenes.parametric import parametric_ids
from trainer.scenes.physics import CM_MM, DEEPEST_MM, World, hull_of
from trainer.scenes.poses import Pile, PoseLibrary, Rests

PILE_BRICKS = (2, 14)
COMPUTED_SHARE = 0.4
"""Of the piles, those of computed parts only: they can be drawn without an LDraw library."""
PILE_TRIES = 12
DROP_TRIES = 5
SAME_REST_DEG = 6.0
PILE_FALL_SPEED = 40.0
DROP_FALL_SPEED = 400.0
"""cm/s; a single part tumbles freely, those of a pile come down one by one as through honey."""
ROOMINESS = (0.4, 1.2)
"""Least and greatest width of the shaft, over that of the bricks beside each other."""
SPIN = 8.0
LONGEST_S = 2.0

Progress = Callable[[int, int], None]


def settle_library(
    geometry: Geometry, piles: int, rests: int, seed: int, progress: Progress
) -> PoseLibrary:
    """Let every part fall alone, then piles of them.

    Args:
        geometry: Shapes; every part it has is used, each about equally often.
        piles: How many piles; each of 2 to 14 bricks.
        rests: How often each part is dropped.
        seed: The same seed and shapes give the same library.
        progress: Called with the steps done and all steps, a part or a pile each.

    Raises:
        SettleError: MuJoCo is not installed, or a part or pile did not come to rest.
        GeometryError: A shape cannot be had.
    """
    hulls = {part: hull_of(geometry.mesh(part)) for part in geometry.ids()}
    steps = len(hulls) + piles
    found: dict[str, Rests] = {}
    for part, hull in hulls.items():
        found[part] = rests_of(part, hull, rests, np.random.default_rng((seed, 0, len(found))))
        progress(len(found), steps)
    settled: list[Pile] = []
    for ids in choose_piles(tuple(hulls), piles, seed):
        settled.append(settle_pile(ids, hulls, (seed, 1, len(settled))))
        progress(len(hulls) + len(settled), steps)
    return PoseLibrary(found, tuple(settled))


def rests_of(part: str, hull: np.ndarray, drops: int, rng: np.random.Generator) -> Rests:
    """Drop one part again and again.

    Args:
        part: Its id, for messages.
        hull: (n, 3) corners, cm, about the middle of its bounding box.
        drops: How often.
        rng: Of how it is thrown.

    Raises:
        SettleError: It did not come to rest.
    """
    world = World([hull], None, DROP_FALL_SPEED)
    turns = np.stack([_dropped(part, world, hull, rng) for _ in range(drops)])
    ups = np.stack([rotation_matrices(turn[None])[0][2] for turn in turns])
    kept, shares = _distinct(ups)
    rotations = np.stack([_upright(ups[index]) for index in kept])
    heights = -_lowest([hull] * len(kept), rotations) * CM_MM
    return Rests(rotations.astype(np.float32), heights.astype(np.float32), shares)


def settle_pile(ids: Sequence[str], hulls: Mapping[str, np.ndarray], seed: tuple[int, ...]) -> Pile:
    """Let a pile fall, again where bricks did not rest or reach into each other.

    Args:
        ids: Parts, the first falls first.
        hulls: (n, 3) corners of each, cm, about the middle of its bounding box.
        seed: Of how they fall.

    Raises:
        SettleError: No try gave a pile.
    """
    bodies = [hulls[part] for part in ids]
    for attempt in range(PILE_TRIES):
        settled = _fallen(bodies, np.random.default_rng((*seed, attempt)))
        if settled is not None:
            positions, rotations = settled
            return Pile(tuple(ids), positions.astype(np.float32), rotations.astype(np.float32))
    raise SettleError(
        f"{', '.join(ids)}: no rest in {PILE_TRIES} tries; expected bodies that come to lie;"
        " check their shapes, or use another seed"
    )


def choose_piles(ids: Sequence[str], piles: int, seed: int) -> list[list[str]]:
    """Which parts each pile is of: those that were used least so far, by chance among equals."""
    rng = np.random.default_rng((seed, 2))
    computed = [part for part in ids if part in set(parametric_ids())] or list(ids)
    used: Counter[str] = Counter()
    chosen = []
    for _ in range(piles):
        pool = computed if rng.random() < COMPUTED_SHARE else ids
        size = int(rng.integers(PILE_BRICKS[0], PILE_BRICKS[1] + 1))
        picked = [_least_used(pool, used, rng) for _ in range(size)]
        chosen.append([picked[index] for index in rng.permutation(size)])
    return chosen


def _least_used(pool: Sequence[str], used: Counter[str], rng: np.random.Generator) -> str:
    waits = [used[part] + 6 * rng.random() for part in pool]
    part = pool[int(np.argmin(waits))]
    used[part] += 1
    return part


def rotation_matrices(rotations: np.ndarray) -> np.ndarray:
    """Matrices (k, 3, 3) of unit quaternions (k, 4) w, x, y, z."""
    w, x, y, z = np.asarray(rotations, np.float64).T
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
        [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
        [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), 2, 0)


def _dropped(part: str, world: World, hull: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The rotation (4,) a part rests in after one fall."""
    height = 1 + np.linalg.norm(hull, axis=1).max()
    for _ in range(DROP_TRIES):
        world.place(np.array([[0, 0, height]]), _turns(1, rng), rng.normal(0, SPIN, (1, 3)))
        if world.rest(LONGEST_S) and world.deepest_mm() < DEEPEST_MM:
            return world.poses()[1][0]
    raise SettleError(
        f"{part}: no rest in {DROP_TRIES} falls of {LONGEST_S:g} s; expected a body that comes to"
        " lie; check its shape"
    )


def _distinct(ups: np.ndarray) -> tuple[list[int], np.ndarray]:
    """One index of each group of like directions (k, 3), most frequent first, and the shares."""
    near = ups @ ups.T > math.cos(math.radians(SAME_REST_DEG))
    left = np.ones(len(ups), bool)
    kept, counts = [], []
    while left.any():
        sizes = (near & left).sum(axis=1) * left
        chosen = int(sizes.argmax())
        kept.append(chosen)
        counts.append(int(sizes[chosen]))
        left &= ~near[chosen]
    return kept, np.array(counts, np.float32) / np.float32(len(ups))


def _upright(up: np.ndarray) -> np.ndarray:
    """The quaternion (4,) that turns a body's direction (3,) to Z by the shortest way."""
    if up[2] < -1 + 1e-9:
        return np.array([0.0, 1.0, 0.0, 0.0])
    turn = np.array([1 + up[2], up[1], -up[0], 0.0])
    return turn / np.linalg.norm(turn)


def _lowest(hulls: Sequence[np.ndarray], rotations: np.ndarray) -> np.ndarray:
    """How far each turned hull reaches below its middle: (k,), negative, cm."""
    down = rotation_matrices(rotations)[:, 2]
    return np.array([(hull @ row).min() for hull, row in zip(hulls, down, strict=True)])


def _fallen(
    bodies: Sequence[np.ndarray], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray] | None:
    """Positions (k, 3) mm and rotations (k, 4) of a pile, None where it is none."""
    reach = np.array([np.linalg.norm(hull, axis=1).max() for hull in bodies])
    roomy = rng.uniform(*ROOMINESS) * math.sqrt((reach**2).sum())
    radius = max(1.05 * reach.max(), roomy)
    world = World(bodies, radius, PILE_FALL_SPEED)
    start = _stacked(reach, radius, rng)
    world.place(start, _turns(len(bodies), rng), np.zeros((len(bodies), 3)))
    fall_s = start[-1, 2] / PILE_FALL_SPEED
    if not world.rest(fall_s + LONGEST_S):
        return None
    world.open_shaft()
    if not world.rest(LONGEST_S) or world.deepest_mm() > DEEPEST_MM:
        return None
    return _on_the_ground(bodies, *world.poses())


def _stacked(reach: np.ndarray, radius: float, rng: np.random.Generator) -> np.ndarray:
    """Where bodies (k,) of some reach start, one above the other in the shaft: (k, 3), cm."""
    gaps = reach * rng.uniform(1.2, 2.0, len(reach))
    heights = np.cumsum(gaps + np.append(0, gaps[:-1])) + 0.3
    away = (radius - reach) * np.sqrt(rng.random(len(reach)))
    around = rng.uniform(0, 2 * math.pi, len(reach))
    return np.column_stack([away * np.cos(around), away * np.sin(around), heights])


def _on_the_ground(
    bodies: Sequence[np.ndarray], positions: np.ndarray, rotations: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """A pile about the origin whose lowest point is on the ground, in mm."""
    middle = [*positions[:, :2].mean(axis=0), (positions[:, 2] + _lowest(bodies, rotations)).min()]
    return (positions - middle) * CM_MM, rotations


def _turns(count: int, rng: np.random.Generator) -> np.ndarray:
    """Random rotations (count, 4), all equally likely."""
    values = rng.normal(size=(count, 4))
    return values / np.linalg.norm(values, axis=1, keepdims=True)
