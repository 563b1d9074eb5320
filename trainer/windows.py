"""Feeds windows to the network: pictures in memory, chance from (seed, epoch, window)."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from trainer.augment import Window, WindowSettings, draw_window, usable
from trainer.dataset import Sample, read_ids, read_image
from trainer.disturb import disturb
from trainer.errors import DatasetError
from trainer.labelled import LabelledPicture, cut_out, labelled_photograph, labelled_picture
from trainer.scenes.grounds import KINDS, pattern

PARALLEL_BATCHES = 2
BATCHES_AHEAD = 8
GROUNDS = 64
"""Other grounds for the bricks of photographs, drawn anew each epoch."""
GROUND_PX = 256


def load_picture(sample: Sample, ids: Sequence[str]) -> LabelledPicture:
    """Read one sample into memory; of a photograph of a single brick, find where it lies.

    Raises:
        PictureError: The picture cannot be read.
        DatasetError: The instance map is wrong.
    """
    if sample.ids is None:
        seen = np.array([ids.index(part) for part in sample.labels], int)
        image = read_image(sample)
        found = cut_out(image, seen[0]) if len(seen) == 1 else None
        return found or labelled_photograph(image, seen)
    counted = sample.instances
    return labelled_picture(
        read_image(sample),
        read_ids(sample),
        np.array([ids.index(i.part) for i in counted], int),
        np.array([i.visible_px for i in counted], float),
        np.array([i.full_px for i in counted], float),
        np.array([i.label for i in counted], bool),
    )


class WindowFeed(keras.utils.PyDataset):
    """Batches of windows for one epoch; the same seed and epoch give the same windows.

    Any backend takes it as it is; `tensorflow_feed` makes a tf.data pipeline of it.

    Raises:
        DatasetError: All pictures are photographs, and windows around bricks are asked for.
    """

    def __init__(
        self,
        pictures: Sequence[LabelledPicture],
        settings: WindowSettings,
        labels: int,
        count: int,
        batch_size: int,
        seed: tuple[int, ...],
        positions: bool,
        grey: bool = False,
        photograph_share: float | None = None,
    ):
        super().__init__(workers=1, use_multiprocessing=False, max_queue_size=BATCHES_AHEAD)
        pictures = usable(pictures, settings)
        if not pictures:
            raise DatasetError(
                'a stage with around = "brick" needs pictures with instance maps, or photographs of'
                " single bricks on a plain ground, and none is; add a rendered data set, or leave"
                " such stages out"
            )
        self._pictures, self._settings, self._labels = pictures, settings, labels
        self._count, self._batch_size, self._seed = count, batch_size, seed
        self._positions, self._grey = positions, grey
        order = np.random.default_rng((*seed, 0))
        self._order = _order([p.photograph for p in pictures], count, photograph_share, order)
        cut = any(p.photograph and p.ids is not None for p in pictures)
        self._grounds = random_grounds(GROUNDS, order) if cut else ()

    def __len__(self) -> int:
        return self._count // self._batch_size

    def __getitem__(self, index: int):
        images, targets = self.batch(index)
        return images.astype(np.float32) / 255, targets

    def batch(self, index: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Pictures (b, s, s, 3) uint8 and the targets of the network's outputs."""
        numbers = range(index * self._batch_size, (index + 1) * self._batch_size)
        windows = [self._window(number) for number in numbers]
        targets = {"logits": np.stack([w.labels for w in windows])}
        if self._positions:
            targets["scores"] = np.stack([w.positions for w in windows])
        return np.stack([w.image for w in windows]), targets

    def _window(self, number: int) -> Window:
        rng = np.random.default_rng((*self._seed, 1 + number))
        source = self._pictures[self._order[number]]
        window = draw_window(source, self._settings, self._labels, rng, self._grounds)
        return Window(disturb(window.image, rng, self._grey), window.labels, window.positions)


def random_grounds(count: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Grounds to lay cut-out bricks on: procedural patterns in random colours, half of them grey.

    Returns:
        `count` pictures (256, 256, 3) uint8 RGB.
    """
    kinds = sorted(KINDS)
    return [_random_ground(kinds[rng.integers(len(kinds))], rng) for _ in range(count)]


def _random_ground(kind: str, rng: np.random.Generator) -> np.ndarray:
    main, dirt = np.moveaxis(pattern(kind, int(rng.integers(2**31)), GROUND_PX), -1, 0)[..., None]
    dark, bright = np.sort(rng.uniform(0, 1.1, 2))
    tint = np.exp(rng.normal(0, 0.5, 3)) if rng.random() < 0.5 else np.ones(3)
    colours = (dark + (bright - dark) * main) * (0.7 + 0.6 * dirt) * tint / tint.mean()
    return (255 * np.clip(colours, 0, 1)).astype(np.uint8)


def _order(
    photographs: Sequence[bool], count: int, share: float | None, rng: np.random.Generator
) -> np.ndarray:
    """Which picture each of `count` windows comes from; all of a kind equally often."""
    taken = np.array(photographs)
    if share is None or taken.all() or not taken.any():
        return _rounds(np.arange(len(taken)), count, rng)
    some = round(count * share)
    both = [
        _rounds(np.flatnonzero(taken), some, rng),
        _rounds(np.flatnonzero(~taken), count - some, rng),
    ]
    return rng.permutation(np.concatenate(both))


def _rounds(numbers: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    rounds = -(-count // len(numbers))
    return np.concatenate([rng.permutation(numbers) for _ in range(max(rounds, 1))])[:count]


def tensorflow_feed(feed: WindowFeed) -> Any:
    """The same batches in the same order as a `tf.data.Dataset`, made ahead on other threads."""
    import tensorflow as tf

    images, targets = feed.batch(0)
    names = sorted(targets)

    def batch(index):
        made, wanted = feed.batch(int(index))
        return [made, *(wanted[name] for name in names)]

    def load(index):
        dtypes = [tf.uint8, *(tf.as_dtype(targets[name].dtype) for name in names)]
        made, *wanted = tf.numpy_function(batch, [index], dtypes)
        made.set_shape(images.shape)
        for name, tensor in zip(names, wanted, strict=True):
            tensor.set_shape(targets[name].shape)
        return tf.cast(made, tf.float32) / 255, dict(zip(names, wanted, strict=True))

    numbers = tf.data.Dataset.range(len(feed))
    batches = numbers.map(load, num_parallel_calls=PARALLEL_BATCHES, deterministic=True)
    return batches.prefetch(BATCHES_AHEAD)
