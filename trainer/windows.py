"""Feeds windows to the network: pictures in memory, chance from (seed, epoch, window)."""

from collections.abc import Sequence

import keras
import numpy as np

from trainer.augment import (
    AIM_VISIBLE_SHARE,
    LabelledPicture,
    WindowSettings,
    brick_boxes,
    disturb,
    draw_window,
)
from trainer.dataset import Sample, read_ids, read_image


def load_picture(sample: Sample, ids: Sequence[str]) -> LabelledPicture:
    """Read one sample into memory."""
    image, instances = read_image(sample), read_ids(sample)
    scale = image.shape[0] / instances.shape[0]
    return LabelledPicture(
        image=image,
        ids=instances,
        parts=np.array([ids.index(i.part) for i in sample.instances], int),
        full_px=np.array([i.full_px for i in sample.instances], float),
        boxes=brick_boxes(instances, len(sample.instances), scale),
        aims=np.array(
            [
                k
                for k, i in enumerate(sample.instances)
                if i.label and i.visible_px >= AIM_VISIBLE_SHARE * i.full_px
            ],
            int,
        ),
    )


class WindowFeed(keras.utils.PyDataset):
    """Batches of windows for one epoch; the same seed and epoch give the same windows."""

    def __init__(
        self,
        pictures: Sequence[LabelledPicture],
        settings: WindowSettings,
        labels: int,
        count: int,
        batch_size: int,
        seed: tuple[int, ...],
        positions: bool,
    ):
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=8)
        self._pictures, self._settings, self._labels = pictures, settings, labels
        self._count, self._batch_size, self._seed = count, batch_size, seed
        self._positions = positions
        order = np.random.default_rng((*seed, 0))
        rounds = -(-count // len(pictures))
        self._order = np.concatenate([order.permutation(len(pictures)) for _ in range(rounds)])

    def __len__(self) -> int:
        return self._count // self._batch_size

    def __getitem__(self, index: int):
        numbers = range(index * self._batch_size, (index + 1) * self._batch_size)
        windows = [self._window(number) for number in numbers]
        targets = {"logits": np.stack([w.labels for w in windows])}
        if self._positions:
            targets["scores"] = np.stack([w.positions for w in windows])
        images = np.stack([w.image for w in windows]).astype(np.float32) / 255
        return images, targets

    def _window(self, number: int):
        rng = np.random.default_rng((*self._seed, 1 + number))
        source = self._pictures[self._order[number]]
        window = draw_window(source, self._settings, self._labels, rng)
        return type(window)(disturb(window.image, rng), window.labels, window.positions)
