"""Many frames become one item. No clock of its own: time is what the frames carry."""

from collections import Counter, deque
from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edge.domain import Frame, Label, PixelWindow, Prediction
from edge.evidence import Evidence, Trigger
from edge.foreground import box_of, changed_cells, count_objects
from edge.item_settings import ItemSettings
from edge.preprocessing import Preprocessing, object_window
from edge.scene import Scene, thumbnail

__all__ = ["Item", "ItemAssembler", "ItemSettings", "Trigger"]


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One object, or one tray, at the gate.

    Attributes:
        number: Counts up by one for every item since the start.
        predictions: The newest frames it was seen on, 1..n, oldest first.
        labels: Labels present on at least `needed` of them, most confident first.
        agreeing: On how many of them exactly these labels are present, of those that matter.
        needed: k: how many have to agree.
        started_at_s: When the first frame of the still scene was captured, or the sensor tripped.
        trigger: What began it.
        objects: See `Evidence.objects`.
        focus: See `Evidence.focus`.
    """

    number: int
    predictions: tuple[Prediction, ...]
    labels: tuple[Label, ...]
    agreeing: int
    needed: int
    started_at_s: float
    trigger: Trigger
    objects: int | None = None
    focus: float | None = None

    @property
    def agreed(self) -> bool:
        """Whether enough frames say the same."""
        return self.agreeing >= self.needed

    @property
    def newest(self) -> Prediction:
        """The newest prediction, to show and to explain."""
        return self.predictions[-1]

    @property
    def frames(self) -> tuple[Frame, ...]:
        """The frames it was seen on, oldest first."""
        return tuple(prediction.frame for prediction in self.predictions)

    @property
    def probabilities(self) -> NDArray[np.float32]:
        """(n_labels,) float32: the mean over its frames."""
        return _mean_probabilities(self.predictions)

    @property
    def evidence(self) -> Evidence:
        """What a decision may rest on, without the pictures."""
        return Evidence(
            labels=self.labels,
            probabilities=self.probabilities,
            frames=len(self.predictions),
            agreeing=self.agreeing,
            needed=self.needed,
            started_at_s=self.started_at_s,
            newest_at_s=self.newest.frame.captured_at_s,
            trigger=self.trigger,
            objects=self.objects,
            focus=self.focus,
        )


class ItemAssembler:
    """Gathers frames until they are an item; gives each scene, or each sensor event, once.

    With `Trigger.STILL` an item is given once k of the last n frames at rest agree, and the next
    one only after the scene changed. With `Trigger.SENSOR` the frames after a `sensed` count,
    moving or not. An item on whose frames no k agree in time is given with `agreed` false.

    Args:
        settings: When frames are an item.
        matters: Ids of the labels on which frames have to agree; None is all of them. A tray has
            many labels, and only the wanted ones matter.

    Example:
        for prediction in predictions:
            item = assembler.add(prediction)
            if item is not None:
                decide(item, policy, facts, now_s)
    """

    def __init__(self, settings: ItemSettings, matters: Collection[str] | None = None) -> None:
        self._settings = settings
        self._matters = matters
        self._scene = Scene(
            settings.still_threshold, settings.changed_threshold, settings.light_drift
        )
        self._window: deque[Prediction] = deque(maxlen=settings.n)
        self._gathered = 0
        self._count = 0
        self._unseen = 0
        self._started_at_s = 0.0
        self._sensed_at_s: float | None = None

    @property
    def unseen(self) -> int:
        """Sensor events that were followed by another before any frame arrived."""
        return self._unseen

    def add(self, prediction: Prediction) -> Item | None:
        """Take the next frame.

        Args:
            prediction: Captured after all before it.

        Returns:
            The item that this frame completed, or None.
        """
        if not self._belongs(prediction):
            return None
        self._window.append(prediction)
        self._gathered += 1
        if self._gathered == 1:
            self._started_at_s = self._begin_s(prediction)
        item = self._assemble()
        if not item.agreed and self._gathered < self._settings.patience_frames:
            return None
        return self._give(item)

    def sensed(self, at_s: float) -> Item | None:
        """Begin an item because a sensor said so.

        Args:
            at_s: `time.monotonic()` of the event; frames captured before do not count.

        Returns:
            The item before, if it was not complete yet, with the frames it has.

        Raises:
            ValueError: The trigger is not the sensor.
        """
        if self._settings.trigger is not Trigger.SENSOR:
            raise ValueError(f"a sensor event, but items begin with {self._settings.trigger!s}")
        unfinished = None
        if self._sensed_at_s is not None:
            unfinished = self._give(self._assemble()) if self._window else None
            self._unseen += unfinished is None
        self._sensed_at_s = at_s
        return unfinished

    def learn_empty(self, prediction: Prediction) -> None:
        """Remember a scene without any item; one that looks like it is never given as an item."""
        self._scene.learn_empty(prediction.whole)

    def object_cells(self, prediction: Prediction) -> NDArray[np.bool_] | None:
        """Where something lies that was not in the empty scene.

        Returns:
            (r, c) bool, the picture in r rows and c columns of cells; None where no empty scene
            was learned.
        """
        return self._cells(prediction.whole)

    def window(
        self, overview: NDArray[np.uint8], frame: Frame, preprocessing: Preprocessing
    ) -> PixelWindow | None:
        """The part of a frame around what lies there.

        Args:
            overview: (s, s, 3) uint8 RGB, the whole frame at the model's size.
            frame: The frame itself.
            preprocessing: How it became the overview.

        Returns:
            See `edge.preprocessing.object_window`; None where nothing of `object_area` lies
            there, or no empty scene was learned.
        """
        cells = self._cells(overview)
        if cells is None:
            return None
        box = box_of(cells, self._settings.object_area, preprocessing.size_px)
        height, width = frame.image.shape[:2]
        return box and object_window(box, height, width, preprocessing)

    def _cells(self, overview: NDArray[np.uint8]) -> NDArray[np.bool_] | None:
        seen, empty = thumbnail(overview), self._scene.empty
        if empty is None or empty.shape != seen.shape:
            return None
        return changed_cells(empty, seen, self._settings.object_contrast)

    def reset(self) -> None:
        """Forget the frames and the scene, as after another model or camera; the count stays."""
        self._scene.forget()
        self._drop()

    def _belongs(self, prediction: Prediction) -> bool:
        if self._settings.trigger is Trigger.SENSOR:
            sensed_at_s = self._sensed_at_s
            return sensed_at_s is not None and prediction.frame.captured_at_s >= sensed_at_s
        if self._scene.is_new_and_still(prediction.whole):
            return True
        self._drop()
        return False

    def _begin_s(self, prediction: Prediction) -> float:
        sensed_at_s = self._sensed_at_s
        return prediction.frame.captured_at_s if sensed_at_s is None else sensed_at_s

    def _assemble(self) -> Item:
        predictions = tuple(self._window)
        labels = _labels_on(predictions, self._settings.k)
        agreeing = sum(
            self._that_matter(p.present) == self._that_matter(labels) for p in predictions
        )
        return Item(
            number=self._count + 1,
            predictions=predictions,
            labels=labels,
            agreeing=agreeing,
            needed=self._settings.k,
            started_at_s=self._started_at_s,
            trigger=self._settings.trigger,
        )

    def _that_matter(self, labels: tuple[Label, ...]) -> set[Label]:
        return {x for x in labels if self._matters is None or x.id in self._matters}

    def _objects(self, item: Item) -> int | None:
        cells = self.object_cells(item.newest)
        return None if cells is None else count_objects(cells, self._settings.object_area)

    def _give(self, item: Item) -> Item:
        item = replace(item, objects=self._objects(item))
        self._count += 1
        self._scene.keep()
        self._drop()
        return item

    def _drop(self) -> None:
        self._window.clear()
        self._gathered = 0
        self._sensed_at_s = None


def _labels_on(predictions: tuple[Prediction, ...], needed: int) -> tuple[Label, ...]:
    seen = Counter(label for prediction in predictions for label in prediction.present)
    often = [label for label, count in seen.items() if count >= needed]
    confidence = _mean_probabilities(predictions)
    return tuple(sorted(often, key=lambda label: (-confidence[label.index], label.index)))


def _mean_probabilities(predictions: tuple[Prediction, ...]) -> NDArray[np.float32]:
    stacked = np.stack([prediction.probabilities for prediction in predictions])
    mean: NDArray[np.float32] = stacked.mean(axis=0, dtype=np.float32)
    return mean
