"""Endless pictures: drawn by other processes while the network trains, nothing on disk.

The pictures of an epoch follow from the recipe's seed and the epoch's number alone, so a run that
was stopped goes on with the same ones. While one epoch trains, the next one's are drawn.
"""

import multiprocessing
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import count, islice

from rich.console import Console
from rich.progress import track

from trainer.dataset import split_of
from trainer.errors import RenderError
from trainer.labelled import LabelledPicture
from trainer.render.worker import Order, draw_chunk, end_with_parent

CHUNK = 20
SEED_STEP = 1_000_000_000
"""Scenes of one recipe seed; those of the next begin behind them."""


class EndlessPictures:
    """Draws pictures ahead of time in worker processes.

    Args:
        labels: Part ids, in the order of the network's labels.
        workers: Processes.
    """

    def __init__(self, labels: Sequence[str], workers: int = 1):
        self._labels = tuple(labels)
        # A forked child would inherit TensorFlow's threads in a broken state.
        self._pool = ProcessPoolExecutor(
            workers, multiprocessing.get_context("spawn"), initializer=end_with_parent
        )
        self._coming: dict[tuple, list[Future]] = {}
        self._ready: OrderedDict[tuple, list[LabelledPicture]] = OrderedDict()

    def __enter__(self) -> "EndlessPictures":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the workers; what they were drawing is dropped."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def order(self, order: Order, seeds: Sequence[int]) -> None:
        """Begin to draw scenes, unless that was done before."""
        key = _key(order, seeds)
        if key in self._coming or key in self._ready or not seeds:
            return
        chunks = [list(seeds[i : i + CHUNK]) for i in range(0, len(seeds), CHUNK)]
        self._coming[key] = [
            self._pool.submit(draw_chunk, order, chunk, self._labels) for chunk in chunks
        ]

    def take(self, order: Order, seeds: Sequence[int], console: Console) -> list[LabelledPicture]:
        """Wait for pictures.

        Raises:
            TrainerError: As the renderer.
        """
        self.order(order, seeds)
        key = _key(order, seeds)
        if key in self._coming:
            self._ready[key] = self._wait(self._coming.pop(key), console)
        self._ready.move_to_end(key)
        return self._ready[key]

    def _wait(self, parts: list[Future], console: Console) -> list[LabelledPicture]:
        shown = parts if parts[-1].done() else track(parts, "drawing", console=console)
        try:
            return [picture for part in shown for picture in part.result()]
        except BrokenProcessPool as error:
            raise RenderError(
                "a drawing process died, perhaps for want of memory; the same command goes on"
                " from the last whole epoch"
            ) from error

    def keep_only(self, keys: Sequence[tuple[Order, Sequence[int]]]) -> None:
        """Forget all pictures but these."""
        wanted = {_key(order, seeds) for order, seeds in keys}
        for key in [key for key in self._ready if key not in wanted]:
            del self._ready[key]


def training_seeds(seed: int, first: int, amount: int) -> list[int]:
    """The `amount` training scenes of a recipe from its `first` on."""
    return list(islice(_of_split("train", seed), first, first + amount))


def validation_seeds(seed: int, amount: int) -> list[int]:
    """The first validation scenes of a recipe."""
    return list(islice(_of_split("validation", seed), amount))


def _of_split(split: str, seed: int) -> Iterator[int]:
    return (s for s in count(seed * SEED_STEP) if split_of(s) == split)


def _key(order: Order, seeds: Sequence[int]) -> tuple:
    return (order.settings.model_dump_json(), order.size_px, order.rule, seeds[0], len(seeds))
