"""What a device exports of its corrections is a data set that the trainer reads."""

import hashlib
from pathlib import Path

import cv2
import numpy as np

from edge.corrections.corrections import Corrections, Subject
from edge.corrections.export import export
from trainer.dataset import of_split, part_ids, read_datasets, read_image, split_of, targets


def jpeg(seed: int, noise: float = 0.0) -> bytes:
    coarse = np.random.default_rng(seed).integers(0, 256, (6, 8, 3)).astype(np.uint8)
    image = cv2.resize(coarse, (320, 240), interpolation=cv2.INTER_NEAREST)
    rough = image + np.random.default_rng(7).normal(0, noise, image.shape)
    return bytes(cv2.imencode(".jpg", np.clip(rough, 0, 255).astype(np.uint8))[1])


def correct(corrections: Corrections, item_id: int, content: bytes, labels: list[str]) -> None:
    sha256 = hashlib.sha256(content).hexdigest()
    subject = Subject(item_id, sha256, "m" * 64, ("3001",))
    corrections.correct(subject, content, labels, "", "tess", 0)


def test_the_trainer_reads_corrections_as_labelled_photographs(tmp_path: Path) -> None:
    corrections = Corrections(tmp_path / "journal.sqlite")
    for number in range(60):
        labels = [["3001"], ["3003", "3020"], []][number % 3]
        correct(corrections, 2 * number, jpeg(number), labels)
        correct(corrections, 2 * number + 1, jpeg(number, noise=4.0), labels)
    export(corrections, tmp_path / "out")
    samples = read_datasets([tmp_path / "out"])
    assert len(samples) == 120
    assert part_ids(samples) == ("3001", "3003", "3020")
    assert all(sample.ids is None and not sample.instances for sample in samples)
    assert read_image(samples[0]).shape == (240, 320, 3)
    wanted = targets(samples, ["3001", "3003", "3020"])
    assert wanted[:6].tolist() == [[1, 0, 0]] * 2 + [[0, 1, 1]] * 2 + [[0, 0, 0]] * 2
    # A pair of near-duplicates is on one side, and all sides have some.
    for one, other in zip(samples[::2], samples[1::2], strict=True):
        assert one.seed == other.seed
        assert one.split == other.split == split_of(one.seed)
    for split in ("train", "validation", "test"):
        assert of_split(samples, split, tmp_path / "out")
