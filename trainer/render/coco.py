"""COCO JSON beside our index, for detectors and segmenters of others.

Categories are all brick types in the order of the parts table, from 1. Masks are uncompressed run
lengths in the picture's pixels. Each annotation also has `visible_px` and `full_px` as our index
has them, and `label`, whether the brick counts as visible.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

import cv2
import numpy as np

from edge.picture_header import read_header
from edge.pictures import MAX_PIXELS
from trainer.dataset import Sample, read_ids, read_index
from trainer.scenes.parts import find, parts

FILE = "coco.json"


def write_coco(folder: Path, progress: Callable[[int, int], None]) -> tuple[Path, int]:
    """Write the data set's COCO JSON; the file appears whole or not at all.

    Args:
        folder: A data set with instance maps.
        progress: Called with the pictures done and all pictures.

    Returns:
        The file, and its annotations.

    Raises:
        DatasetError: The data set is wrong, or has no instance maps.
        PartError: It holds an unknown part.
        PictureError: A picture is damaged.
    """
    samples = read_index(folder)
    path = folder / FILE
    staged = path.with_name(FILE + ".staged")
    try:
        with staged.open("w", encoding="utf-8") as out:
            count = _write(out, folder, samples, progress)
        staged.replace(path)
    finally:
        staged.unlink(missing_ok=True)
    return path, count


def _write(out: TextIO, folder: Path, samples: Sequence[Sample], progress) -> int:
    numbers = {part: number for number, part in enumerate(parts(), start=1)}
    images: list[dict[str, Any]] = []
    count = 0
    out.write('{"info": {"description": "Bricksight"},\n"annotations": [')
    for image_id, sample in enumerate(samples, start=1):
        height, width = _size_px(sample.picture)
        images.append(
            {
                "id": image_id,
                "file_name": sample.picture.relative_to(folder).as_posix(),
                "height": height,
                "width": width,
                "seed": sample.seed,
            }
        )
        for annotation in annotations(sample, height, width, numbers):
            count += 1
            row = {"id": count, "image_id": image_id, **annotation}
            out.write(("," if count > 1 else "") + "\n" + json.dumps(row))
        progress(image_id, len(samples))
    out.write('],\n"images": ' + json.dumps(images))
    out.write(',\n"categories": ' + json.dumps(categories()) + "}\n")
    return count


def categories() -> list[dict[str, Any]]:
    """All brick types."""
    return [
        {"id": number, "name": part.id, "supercategory": part.family, "title": part.name}
        for number, part in enumerate(parts().values(), start=1)
    ]


def annotations(
    sample: Sample, height: int, width: int, numbers: dict[str, int]
) -> Iterator[dict[str, Any]]:
    """One for each brick that shows, in the pixels of a picture of that size.

    Args:
        sample: A picture with an instance map.
        height: Of the picture.
        width: Of the picture.
        numbers: Category by part id.

    Raises:
        DatasetError: It has no instance map, or a wrong one.
        PartError: It holds an unknown part.
    """
    ids = read_ids(sample)
    if ids.shape != (height, width):
        ids = cv2.resize(ids, (width, height), interpolation=cv2.INTER_NEAREST)
    for number, instance in enumerate(sample.instances, start=1):
        mask = ids == number
        if not mask.any():
            continue
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        x, y = int(columns[0]), int(rows[0])
        yield {
            "category_id": numbers[find(instance.part).id],
            "bbox": [x, y, int(columns[-1]) + 1 - x, int(rows[-1]) + 1 - y],
            "area": int(mask.sum()),
            "segmentation": {"size": [height, width], "counts": run_lengths(mask)},
            "iscrowd": 0,
            "visible_px": instance.visible_px,
            "full_px": instance.full_px,
            "label": instance.label,
        }


def run_lengths(mask: np.ndarray) -> list[int]:
    """How many pixels are off, on, off ... column by column, as COCO counts them.

    Args:
        mask: (h, w) bool.

    Returns:
        The lengths; the first is of pixels that are off, and may be 0.
    """
    flat = np.concatenate([[False], mask.ravel(order="F")])
    changes = np.flatnonzero(flat[1:] != flat[:-1])
    return np.diff(np.concatenate([[0], changes, [mask.size]])).tolist()


def _size_px(picture: Path) -> tuple[int, int]:
    header = read_header(picture.read_bytes(), MAX_PIXELS)
    return header.height_px, header.width_px
