from collections import Counter

import cv2
import numpy as np
import pytest

from trainer.dataset import part_ids, read_ids, read_index, split_of, targets
from trainer.errors import DatasetError


def test_index_reads_what_was_written(piles):
    samples = read_index(piles)
    assert len(samples) == 60
    assert part_ids(samples) == ("3001", "3024", "6141")
    sample = samples[0]
    assert read_ids(sample).max() == len(sample.instances)
    assert targets([sample], part_ids(samples)).sum() == len(sample.labels)


def test_split_is_by_seed_and_stable():
    shares = Counter(split_of(seed) for seed in range(20_000))
    assert shares["test"] == pytest.approx(1800, abs=150)
    assert shares["validation"] == pytest.approx(1800, abs=150)
    # sha256("0") begins with 5feceb66, which is 1609362278.
    assert split_of(0) == "train"


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("{", "line 1: not JSON"),
        ("[]", "line 1: TypeError"),
        ('{"seed": 1}', "KeyError"),
        ('{"seed": "x", "picture": "a", "labels": [], "instances": []}', "ValueError"),
    ],
)
def test_bad_line_is_named(tmp_path, line, named):
    (tmp_path / "index.jsonl").write_text(line + "\n")
    with pytest.raises(DatasetError, match=named):
        read_index(tmp_path)


def test_missing_and_empty_index_are_errors(tmp_path):
    with pytest.raises(DatasetError, match="no such file"):
        read_index(tmp_path)
    (tmp_path / "index.jsonl").write_text("")
    with pytest.raises(DatasetError, match="empty"):
        read_index(tmp_path)


def test_unknown_label_is_named(piles):
    with pytest.raises(DatasetError, match=r"'(3001|3024|6141)'"):
        targets(read_index(piles), ["9999"])


def test_map_with_more_bricks_than_the_index_is_refused(piles, tmp_path):
    sample = read_index(piles)[0]
    path = tmp_path / "ids.png"
    cv2.imwrite(str(path), np.full((8, 8), 9, np.uint8))
    broken = type(sample)(sample.seed, sample.picture, path, sample.labels, sample.instances)
    with pytest.raises(DatasetError, match="brick 9"):
        read_ids(broken)
