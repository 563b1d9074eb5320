import json

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from trainer.dataset import read_ids, read_index
from trainer.errors import DatasetError
from trainer.render.coco import FILE, run_lengths, write_coco
from trainer.scenes.parts import parts

# Its compiled part is older than numpy 2's way to ask for a copy.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


def ignore(done, total):
    """No progress is shown."""


@given(arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12))))
def test_run_lengths_are_what_cocos_own_decoder_reads(mask):
    height, width = mask.shape
    lengths = run_lengths(mask)
    assert sum(lengths) == mask.size
    packed = coco_mask.frPyObjects({"size": [height, width], "counts": lengths}, height, width)
    assert np.array_equal(coco_mask.decode(packed), mask)


def test_run_lengths_of_a_small_mask():
    # Columns are [0, 1], [1, 1], [0, 0]: one off, three on, two off.
    assert run_lengths(np.array([[0, 1, 0], [1, 1, 0]], bool)) == [1, 3, 2]
    assert run_lengths(np.array([[1], [0]], bool)) == [0, 1, 1]


@pytest.fixture
def coco(piles, tmp_path):
    """The COCO of a data set, through COCO's own reader."""
    path, _ = write_coco(piles, ignore)
    yield COCO(path)
    path.unlink()


def test_masks_boxes_and_areas_are_those_of_the_instance_maps(coco, piles):
    samples = read_index(piles)
    assert len(coco.imgs) == len(samples)
    for image in coco.imgs.values():
        sample = samples[image["id"] - 1]
        assert piles / image["file_name"] == sample.picture
        found = np.zeros((image["height"], image["width"]), np.uint8)
        of_image = coco.imgToAnns[image["id"]]
        shown = [int(k) - 1 for k in np.unique(read_ids(sample)) if k]
        for number, annotation in zip(shown, of_image, strict=True):
            mask = coco.annToMask(annotation)
            assert list(coco_mask.toBbox(coco.annToRLE(annotation))) == annotation["bbox"]
            assert mask.sum() == annotation["area"]
            assert coco.cats[annotation["category_id"]]["name"] == sample.instances[number].part
            assert annotation["label"] == sample.instances[number].label
            assert annotation["iscrowd"] == 0
            found[mask > 0] = number + 1
        assert np.array_equal(found, read_ids(sample))


def test_categories_are_the_parts_in_the_order_of_the_table(coco):
    assert [c["name"] for c in coco.cats.values()] == list(parts())
    assert list(coco.cats) == list(range(1, len(parts()) + 1))


def test_smaller_map_is_brought_to_the_pictures_size(tmp_path):
    ids = np.zeros((4, 4), np.uint8)
    ids[1, 2] = 1
    cv2.imwrite(str(tmp_path / "a.jpg"), np.zeros((8, 8, 3), np.uint8))
    cv2.imwrite(str(tmp_path / "a.png"), ids)
    brick = {"part": "3001", "visible_px": 1, "full_px": 2, "label": False}
    row = {"seed": 0, "picture": "a.jpg", "ids": "a.png", "labels": [], "instances": [brick]}
    (tmp_path / "index.jsonl").write_text(json.dumps(row) + "\n")
    path, count = write_coco(tmp_path, ignore)
    assert count == 1
    assert json.loads(path.read_text())["annotations"][0]["bbox"] == [4, 2, 2, 2]


def test_set_without_maps_leaves_no_file(tmp_path):
    cv2.imwrite(str(tmp_path / "a.jpg"), np.zeros((8, 8, 3), np.uint8))
    row = {"seed": 0, "picture": "a.jpg", "labels": [], "instances": []}
    (tmp_path / "index.jsonl").write_text(json.dumps(row) + "\n")
    with pytest.raises(DatasetError, match="no instance map"):
        write_coco(tmp_path, ignore)
    assert not list(tmp_path.glob(f"{FILE}*"))


def test_command_writes_it_beside_the_index(rendered, trainer_command):
    done = trainer_command("coco", rendered)
    assert done.returncode == 0, done.stderr
    described = json.loads((rendered / FILE).read_text())
    assert len(described["images"]) == len(read_index(rendered))
    (rendered / FILE).unlink()
