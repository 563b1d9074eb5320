"""Reads labelled data sets from folders.

Two kinds of folder are known. Photographs with a labels.csv: see `trainer.photographs`. And
pictures with instance maps:

    index.jsonl        one object a line, one line a picture
    images/NN/SEED.jpg the picture
    ids/NN/SEED.png    its instance map: 0 is background, k is the k-th entry of "instances"

A line of the index holds `seed` (of the scene; the split is by it), `picture` and `ids` (paths
inside the folder), `labels` (part ids that count as visible) and `instances`, each with `part`,
`visible_px` and `full_px` (counted on the instance map), and `label` (whether it counts). Other
keys with a number or a word say what kind of scene it is, for reports by stratum. The map may be
smaller than the picture; both show the same view.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from edge.pictures import read_picture
from trainer.errors import DatasetError
from trainer.render.shard_files import check_shards

SPLITS = ("train", "validation", "test")
HELD_OUT_PERCENT = 9
INDEX = "index.jsonl"
_NOT_STRATA = {"seed", "picture", "ids", "labels", "instances"}


@dataclass(frozen=True, slots=True)
class Instance:
    """One brick of a scene.

    Attributes:
        part: Its part id.
        visible_px: Pixels that show it on the instance map.
        full_px: Pixels it would have if nothing hid or cropped it.
        label: Whether it counts as visible under the generator's rule.
    """

    part: str
    visible_px: int
    full_px: int
    label: bool


@dataclass(frozen=True, slots=True)
class Sample:
    """One labelled picture.

    Attributes:
        seed: Of the scene; the split is by it.
        picture: Its file.
        ids: Its instance map; None for a photograph.
        labels: Ids of the parts that count as visible.
        instances: Its bricks; none for a photograph.
        scene: What kind of scene it is, such as "arrangement", "illumination", "ground",
            "elevation_deg", "bricks"; whatever the data set says.
    """

    seed: int
    picture: Path
    ids: Path | None
    labels: tuple[str, ...]
    instances: tuple[Instance, ...]
    scene: Mapping[str, str | int | float] = field(default_factory=dict, hash=False)

    @property
    def split(self) -> str:
        """The side this scene is on."""
        return split_of(self.seed)


def split_of(seed: int) -> str:
    """Which split a scene belongs to; fixed for ever by its seed, whatever is added later."""
    percentile = int.from_bytes(hashlib.sha256(str(seed).encode()).digest()[:4], "big") % 100
    if percentile < HELD_OUT_PERCENT:
        return "test"
    return "validation" if percentile < 2 * HELD_OUT_PERCENT else "train"


def read_datasets(folders: Sequence[Path]) -> list[Sample]:
    """Read several data sets as one, in this order.

    Raises:
        DatasetError: As `read_dataset`.
    """
    return [sample for folder in folders for sample in read_dataset(folder)]


def read_dataset(folder: Path) -> list[Sample]:
    """Read a data set of either kind.

    Raises:
        DatasetError: It has neither index.jsonl nor labels.csv, or both; or they are wrong.
    """
    from trainer.photographs import LABELS, read_photographs

    if not folder.is_dir():
        raise DatasetError(f"{folder}: no such folder; name the folder of a data set")
    found = [name for name in (INDEX, LABELS) if (folder / name).is_file()]
    if len(found) != 1:
        raise DatasetError(
            f"{folder}: has {' and '.join(found) or f'neither {INDEX} nor {LABELS}'}; a data set"
            f" is a folder with an {INDEX}, or with photographs and a {LABELS}"
        )
    return read_index(folder) if found == [INDEX] else read_photographs(folder)


def read_index(folder: Path, verify: bool = False) -> list[Sample]:
    """Read `index.jsonl`.

    Args:
        folder: The data set.
        verify: Whether to compare every file with its checksum first; a rendered one has them.

    Returns:
        The samples in the order of the index.

    Raises:
        DatasetError: The folder or index is missing, a line is not as described above, or a file
            is not as it was written.
    """
    if verify:
        for _ in check_shards(folder):
            pass
    index = folder / INDEX
    if not index.is_file():
        raise DatasetError(f"{index}: no such file; a data set is a folder with an index.jsonl")
    samples = []
    with index.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            samples.append(_sample(folder, line, f"{index}, line {number}"))
    if not samples:
        raise DatasetError(f"{index}: the index is empty; expected one object a line")
    return samples


def _sample(folder: Path, line: str, where: str) -> Sample:
    try:
        row = json.loads(line)
        instances = tuple(
            Instance(str(i["part"]), int(i["visible_px"]), int(i["full_px"]), bool(i["label"]))
            for i in row["instances"]
        )
        ids = folder / row["ids"] if row.get("ids") else None
        labels = tuple(str(part) for part in row["labels"])
        scene = {k: v for k, v in row.items() if k not in _NOT_STRATA and _is_plain(v)}
        return Sample(int(row["seed"]), folder / row["picture"], ids, labels, instances, scene)
    except json.JSONDecodeError as error:
        raise DatasetError(
            f"{where}: not JSON ({error}); render or copy the data set again"
        ) from error
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(
            f"{where}: {type(error).__name__} {error}; expected seed, picture, labels and"
            " instances of part, visible_px, full_px, label"
        ) from error


def _is_plain(value: object) -> bool:
    return isinstance(value, str | int | float)


def of_split(samples: Sequence[Sample], split: str, folder: Path) -> list[Sample]:
    """The samples on one side of the split.

    Raises:
        DatasetError: There are none.
    """
    chosen = [sample for sample in samples if sample.split == split]
    if not chosen:
        raise DatasetError(
            f"{folder}: no picture is in split {split!r}; a few dozen scenes give all three"
        )
    return chosen


def part_ids(samples: Sequence[Sample]) -> tuple[str, ...]:
    """All part ids that occur, sorted."""
    return tuple(
        sorted({part for s in samples for part in (*s.labels, *(i.part for i in s.instances))})
    )


def targets(samples: Sequence[Sample], ids: Sequence[str]) -> np.ndarray:
    """Labels as (pictures, n) float32 of 0 and 1.

    Raises:
        DatasetError: A picture carries a label that is not among `ids`.
    """
    column = {part: i for i, part in enumerate(ids)}
    wanted = np.zeros((len(samples), len(ids)), np.float32)
    for row, sample in enumerate(samples):
        for part in sample.labels:
            if part not in column:
                raise DatasetError(
                    f"{sample.picture}: label {part!r} is not one of the {len(ids)} labels"
                )
            wanted[row, column[part]] = 1
    return wanted


def read_ids(sample: Sample) -> np.ndarray:
    """The instance map (h, w) uint8 of a sample.

    Raises:
        DatasetError: There is none, it cannot be read, or it names more bricks than the index.
    """
    if sample.ids is None:
        raise DatasetError(f"{sample.picture}: this sample has no instance map")
    ids = cv2.imread(str(sample.ids), cv2.IMREAD_UNCHANGED)
    if ids is None or ids.ndim != 2 or ids.dtype != np.uint8:
        raise DatasetError(f"{sample.ids}: not a one-channel 8-bit PNG")
    if int(ids.max()) > len(sample.instances):
        raise DatasetError(
            f"{sample.ids}: brick {int(ids.max())} is in the map, the index names"
            f" {len(sample.instances)}"
        )
    return ids


def read_image(sample: Sample) -> np.ndarray:
    """The picture (h, w, 3) uint8 RGB of a sample."""
    return read_picture(sample.picture)
