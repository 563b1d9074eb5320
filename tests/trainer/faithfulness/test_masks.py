import cv2
import numpy as np
import pytest

from edge.preprocessing import Preprocessing
from trainer.dataset import Instance, Sample
from trainer.errors import DatasetError
from trainer.faithfulness.masks import averaged, placed, read_masks


def test_a_mask_lies_where_the_picture_does():
    # 20 x 40 in a square of 80: doubled, 20 rows of padding above and below.
    mask = np.zeros((20, 40), bool)
    mask[0, 0] = True
    square = placed(mask, Preprocessing(80))
    assert square[20:22, 0:2].sum() == square.sum() == 4


def test_a_cropped_mask_loses_its_ends():
    mask = np.zeros((20, 40), bool)
    mask[:, :10], mask[0, 10] = True, True
    square = placed(mask, Preprocessing(20, "crop"))
    assert square.sum() == square[0, 0] == 1


def test_a_smaller_mask_is_averaged():
    mask = np.zeros((40, 40), bool)
    mask[0, 0] = True
    square = placed(mask, Preprocessing(20))
    assert square[0, 0] == pytest.approx(0.25)
    assert square.sum() == pytest.approx(0.25)


def test_averaged_to_cells():
    values = np.zeros((8, 8), np.float32)
    values[:2, :4], values[7, 7] = 1, 1
    np.testing.assert_allclose(averaged(values, (2, 2)), [[0.5, 0], [0, 1 / 16]])


def sample(folder, ids):
    cv2.imwrite(str(folder / "ids.png"), ids)
    bricks = (
        Instance("3001", 4, 4, True),
        Instance("3001", 4, 4, True),
        Instance("3003", 1, 9, False),
    )
    return Sample(1, folder / "1.jpg", folder / "ids.png", ("3001",), bricks)


def test_instances_of_a_part_are_one_mask_and_hidden_ones_none(tmp_path):
    ids = np.zeros((8, 8), np.uint8)
    ids[0, 0], ids[7, 7], ids[3, 3] = 1, 2, 3
    masks = read_masks(sample(tmp_path, ids), Preprocessing(8))
    np.testing.assert_array_equal(np.argwhere(masks.of("3001")), [[0, 0], [7, 7]])
    assert not masks.of("3003").any()
    assert masks.bricks.sum() == 3


def test_without_an_instance_map_there_is_nothing_to_judge_by(tmp_path):
    photograph = Sample(1, tmp_path / "1.jpg", None, ("3001",), ())
    with pytest.raises(DatasetError, match="no instance map"):
        read_masks(photograph, Preprocessing(8))
