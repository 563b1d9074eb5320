"""Where a run's pictures come from: a data set, fresh scenes, or both."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import track

from edge.preprocessing import Preprocessing, prepare
from trainer.augment import LabelledPicture
from trainer.dataset import Sample, of_split, part_ids, read_datasets, read_image, targets
from trainer.endless import EndlessPictures, Order, training_seeds, validation_seeds
from trainer.errors import RecipeError
from trainer.recipe import Recipe, Stage
from trainer.render.stock import drawable_parts
from trainer.scenes.geometry import Geometry
from trainer.windows import load_picture

VALIDATION_PX = 256


class Pictures:
    """The pictures of a run, epoch by epoch.

    Attributes:
        labels: Part ids, in the order of the network's labels.
        name: What run.json calls the source.
    """

    def __init__(
        self,
        recipe: Recipe,
        labels: tuple[str, ...],
        samples: list[Sample],
        folders: Sequence[Path],
        endless: EndlessPictures | None,
        console: Console,
    ):
        self.labels = labels
        self.name = " + ".join(folder.name for folder in folders) or "endless"
        self._recipe, self._samples, self._folders = recipe, samples, folders
        self._endless, self._console = endless, console
        self._read: list[LabelledPicture] = []

    def of_epoch(self, number: int, stage: Stage, epoch: int) -> list[LabelledPicture]:
        """The pictures that windows of an epoch come from.

        Args:
            number: The epoch, counted over the whole run.
            stage: Its stage.
            epoch: The epoch, counted within the stage.
        """
        held = self._of_data() if stage.source != "endless" else []
        return held + (self._fresh(number, stage, epoch) if stage.source != "data" else [])

    def _fresh(self, number: int, stage: Stage, epoch: int) -> list[LabelledPicture]:
        if self._endless is None:
            raise RecipeError(f"stage {stage.name!r}: nothing draws fresh pictures")
        order = self._order(stage)
        wanted = [
            self._seeds(stage, number - back) for back in range(min(stage.kept_epochs, epoch + 1))
        ]
        for seeds in wanted:
            self._endless.order(order, seeds)
        if epoch + 1 < stage.epochs:
            self._endless.order(order, self._seeds(stage, number + 1))
        self._endless.keep_only([(order, seeds) for seeds in wanted])
        taken = [self._endless.take(order, seeds, self._console) for seeds in wanted]
        return [picture for some in taken for picture in some]

    def validation(self) -> tuple[np.ndarray, np.ndarray]:
        """Pictures (v, s, s, 3) uint8 as the device prepares them, and their labels (v, n)."""
        preprocessing = Preprocessing(self._recipe.network.size_px)
        if self._folders:
            samples = of_split(self._samples, "validation", self._folders[0])
            shown = track(samples, "reading validation", console=self._console)
            images = [prepare(read_image(sample), preprocessing) for sample in shown]
            return np.stack(images), targets(samples, self.labels)
        drawn = self._validation_scenes()
        wanted = np.stack([_visible(picture, len(self.labels)) for picture in drawn])
        return np.stack([prepare(p.image, preprocessing) for p in drawn]), wanted

    def _validation_scenes(self) -> list[LabelledPicture]:
        if self._endless is None:
            raise RecipeError("no data set and no endless stage: nothing to judge on")
        recipe = self._recipe
        order = Order(recipe.scenes, VALIDATION_PX, recipe.labels.rule())
        seeds = validation_seeds(recipe.seed, recipe.validation_scenes)
        return self._endless.take(order, seeds, self._console)

    def _of_data(self) -> list[LabelledPicture]:
        if not self._read:
            if not self._folders:
                raise RecipeError("a stage takes the data set, and none is given; give --data DIR")
            training = of_split(self._samples, "train", self._folders[0])
            shown = track(training, "reading pictures", console=self._console)
            self._read = [load_picture(sample, self.labels) for sample in shown]
        return self._read

    def _order(self, stage: Stage) -> Order:
        recipe = self._recipe
        return Order(stage.scenes(recipe.scenes), stage.render_px, recipe.labels.rule())

    def _seeds(self, stage: Stage, number: int) -> list[int]:
        # Every epoch of a run has its own scenes, whichever stage it belongs to.
        most = max(s.fresh_per_epoch for s in self._recipe.stage)
        return training_seeds(self._recipe.seed, number * most, stage.fresh_per_epoch)


@contextmanager
def open_pictures(
    recipe: Recipe, data: Sequence[Path], workers: int, console: Console
) -> Iterator[Pictures]:
    """The pictures a recipe asks for.

    Args:
        recipe: The recipe.
        data: Data set folders, taken together; none where every stage draws its own.
        workers: Processes that draw.
        console: Where progress is shown.

    Raises:
        RecipeError: A stage takes the data set and none is given.
        DatasetError: The data set is wrong.
        GeometryError: A part has no shape.
    """
    samples = read_datasets(data)
    labels = set(part_ids(samples))
    fresh = any(stage.source != "data" for stage in recipe.stage)
    if fresh:
        labels |= set(drawable_parts(Geometry.from_environment(), recipe.scenes))
    if not data and any(stage.source != "endless" for stage in recipe.stage):
        raise RecipeError("a stage takes the data set, and none is given; give --data DIR")
    known = tuple(sorted(labels))
    with ExitStack() as stack:
        endless = stack.enter_context(EndlessPictures(known, workers)) if fresh else None
        yield Pictures(recipe, known, samples, data, endless, console)


def _visible(picture: LabelledPicture, labels: int) -> np.ndarray:
    wanted = np.zeros(labels, np.float32)
    wanted[picture.parts[picture.counts]] = 1
    return wanted
