"""How bricks come to lie: resting orientations of each part, and settled piles.

The library that `trainer.scenes.settle` computed is shipped beside this file, so that scenes can
be drawn without a physics engine.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trainer.errors import PoseError
from trainer.scenes.pose_file import TURN_STEPS, read_arrays, write_arrays

SHIPPED = Path(__file__).with_name("poses.npz")
STEP_MM = 0.02
SHARE_STEPS = 65535
Rotation = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Rests:
    """The ways one part lies on a flat ground, most frequent first.

    Attributes:
        rotations: (k, 4) float32 unit quaternions w, x, y, z; any turn about Z may follow.
        heights_mm: (k,) float32, of the middle of the bounding box above the ground.
        shares: (k,) float32, how often it lies so; they sum to 1.
    """

    rotations: np.ndarray
    heights_mm: np.ndarray
    shares: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Pile:
    """Bricks that came to rest on each other; the ground is z = 0.

    Attributes:
        parts: (k,) part ids.
        positions_mm: (k, 3) float32, of the middle of each bounding box.
        rotations: (k, 4) float32 unit quaternions w, x, y, z.
    """

    parts: tuple[str, ...]
    positions_mm: np.ndarray
    rotations: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class PoseLibrary:
    """All that is known of how bricks lie."""

    rests: Mapping[str, Rests]
    piles: Sequence[Pile]

    def rest(self, part: str, rng: np.random.Generator) -> tuple[Rotation, float]:
        """One way a part lies, drawn by how often it does.

        Returns:
            The rotation w, x, y, z, and the height of its middle in mm.

        Raises:
            PoseError: The part is not in the library.
        """
        if part not in self.rests:
            raise PoseError(
                f"{part!r:.40}: no resting pose among those of {len(self.rests)} parts;"
                " choose one of them, or settle a library with it"
            )
        rests = self.rests[part]
        shares = rests.shares.astype(float)
        chosen = int(rng.choice(len(shares), p=shares / shares.sum()))
        w, x, y, z = (float(v) for v in rests.rotations[chosen])
        return (w, x, y, z), float(rests.heights_mm[chosen])

    def piles_of(self, bricks: int) -> tuple[int, ...]:
        """Which of the piles are of this many bricks."""
        return tuple(i for i, pile in enumerate(self.piles) if len(pile.parts) == bricks)


def write_poses(library: PoseLibrary, path: Path) -> None:
    """Write a library; the file appears whole or not at all.

    Raises:
        PoseError: The file cannot be written, or a pile is too large for it.
    """
    write_arrays(path, _arrays(library))


def read_poses(path: Path = SHIPPED) -> PoseLibrary:
    """Read a library.

    Raises:
        PoseError: The file is missing, damaged, or of another version.
    """
    arrays = read_arrays(path)
    ids = [str(name) for name in arrays["ids"]]
    return PoseLibrary(_rests(ids, arrays), _piles(ids, arrays))


def _arrays(library: PoseLibrary) -> dict[str, np.ndarray]:
    rests, piles = list(library.rests.values()), library.piles
    ids = sorted({*library.rests, *(part for pile in piles for part in pile.parts)})
    number = {part: index for index, part in enumerate(ids)}
    owners = [number[part] for part, rest in library.rests.items() for _ in rest.shares]
    return {
        "ids": np.array(ids, "U16"),
        "rest_part": np.array(owners, np.uint16),
        "rest_rotation": _turns(_stacked([r.rotations for r in rests], 4)),
        "rest_height": _steps(_stacked([r.heights_mm[:, None] for r in rests], 1))[:, 0],
        "rest_share": np.round(
            _stacked([r.shares[:, None] for r in rests], 1)[:, 0] * SHARE_STEPS
        ).astype(np.uint16),
        "pile_sizes": np.array([len(pile.parts) for pile in piles], np.uint8),
        "pile_part": np.array([number[p] for pile in piles for p in pile.parts], np.uint16),
        "pile_position": _steps(_stacked([pile.positions_mm for pile in piles], 3)),
        "pile_rotation": _turns(_stacked([pile.rotations for pile in piles], 4)),
    }


def _stacked(blocks: Sequence[np.ndarray], width: int) -> np.ndarray:
    return np.concatenate([np.zeros((0, width)), *blocks])


def _steps(lengths_mm: np.ndarray) -> np.ndarray:
    steps = np.round(lengths_mm / STEP_MM)
    most = np.iinfo(np.int16).max
    if np.abs(steps).max(initial=0) > most:
        raise PoseError(
            f"a brick lies {np.abs(lengths_mm).max():.0f} mm from the middle; the file holds up to"
            f" {most * STEP_MM:.0f} mm; settle smaller piles"
        )
    return steps.astype(np.int16)


def _turns(rotations: np.ndarray) -> np.ndarray:
    return np.round(rotations * TURN_STEPS).astype(np.int16)


def _rests(ids: Sequence[str], arrays: Mapping[str, np.ndarray]) -> dict[str, Rests]:
    rotations = _rotations(arrays["rest_rotation"])
    heights = arrays["rest_height"].astype(np.float32) * np.float32(STEP_MM)
    shares = arrays["rest_share"].astype(np.float32) / np.float32(SHARE_STEPS)
    found = {}
    for index in np.unique(arrays["rest_part"]):
        own = arrays["rest_part"] == index
        found[ids[index]] = Rests(
            _frozen(rotations[own]), _frozen(heights[own]), _frozen(shares[own])
        )
    return found


def _piles(ids: Sequence[str], arrays: Mapping[str, np.ndarray]) -> tuple[Pile, ...]:
    cuts = np.cumsum(arrays["pile_sizes"].astype(np.int64))[:-1]
    names = np.array(ids, object)[arrays["pile_part"]]
    positions = arrays["pile_position"].astype(np.float32) * np.float32(STEP_MM)
    rotations = _rotations(arrays["pile_rotation"])
    if len(arrays["pile_sizes"]) == 0:
        return ()
    split = zip(
        np.split(names, cuts), np.split(positions, cuts), np.split(rotations, cuts), strict=True
    )
    return tuple(Pile(tuple(p), _frozen(where), _frozen(turn)) for p, where, turn in split)


def _rotations(turns: np.ndarray) -> np.ndarray:
    """Unit quaternions (n, 4) float32."""
    values = turns.astype(np.float64)
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


def _frozen(values: np.ndarray) -> np.ndarray:
    values.setflags(write=False)
    return values
