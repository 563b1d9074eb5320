"""What of a frame the model is shown: all of it, what lies there, or overlapping quarters."""

import logging
from dataclasses import replace
from enum import StrEnum

from edge.classifier import Classifier
from edge.domain import Frame, Prediction
from edge.items import ItemAssembler
from edge.preprocessing import prepare

log = logging.getLogger(__name__)


class LookAt(StrEnum):
    """What of a frame the model is shown."""

    FRAME = "frame"
    OBJECT = "object"
    """The square around what lies there; the whole frame where nothing does."""
    TILES = "tiles"
    """The whole frame and four overlapping quarters, each by itself."""


class FrameLabeller:
    """Labels frames; used by one thread only.

    Args:
        look_at: What of a frame the model is shown.
        classifier: The model.
        items: Knows the empty scene, for `LookAt.OBJECT`.
    """

    def __init__(self, look_at: LookAt, classifier: Classifier, items: ItemAssembler) -> None:
        self._look_at = look_at
        self._classifier = classifier
        self._items = items
        self._told_too_small = False

    def label(self, frame: Frame) -> Prediction:
        """Label one frame."""
        match self._look_at:
            case LookAt.FRAME:
                return self._classifier.classify(frame)
            case LookAt.OBJECT:
                return self._object(frame)
            case LookAt.TILES:
                return self._tiles(frame)

    def _object(self, frame: Frame) -> Prediction:
        how = self._classifier.bundle.preprocessing
        overview = prepare(frame.image, how)
        window = self._items.window(overview, frame, how)
        if window is None:
            return self._classifier.classify(frame)
        return replace(self._classifier.classify(frame, [window]), overview=overview)

    def _tiles(self, frame: Frame) -> Prediction:
        prediction = self._classifier.classify_tiles(frame)
        if not prediction.parts and not self._told_too_small:
            self._told_too_small = True
            height, width = frame.image.shape[:2]
            log.warning(
                "camera.tiles: frames of %d x %d pixels are too small for tiles; the model is"
                " shown the whole of them",
                width,
                height,
            )
        return prediction
