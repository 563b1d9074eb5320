"""A frame becomes a prediction, on the int8 model."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from edge.bundle import Bundle, check_classifier
from edge.domain import Frame, PixelWindow, Prediction
from edge.interpreter import Interpreter
from edge.preprocessing import prepare, tile_windows


class Classifier:
    """Labels frames with the bundle's int8 model; used by one thread only.

    Args:
        bundle: A verified bundle.
        threads: CPU threads of the runtime.
    """

    def __init__(self, bundle: Bundle, threads: int = 1) -> None:
        self.bundle = bundle
        self._model = Interpreter(bundle.path("classifier"), threads)
        check_classifier(bundle, self._model)

    @property
    def runtime(self) -> str:
        """The package the model runs on."""
        return self._model.runtime

    def classify(self, frame: Frame, windows: Sequence[PixelWindow] = ()) -> Prediction:
        """Label one frame, as a whole or by parts of it.

        Args:
            frame: What to label.
            windows: Parts of it, each of which the model is shown by itself; none is the whole.

        Returns:
            The prediction; `present` holds the labels at or above their own thresholds, most
            confident first. Of several windows each label has its largest logit, and `parts`
            holds the predictions of all of them.

        Raises:
            ValueError: A window reaches beyond the frame.
        """
        shown: Sequence[PixelWindow | None] = windows or (None,)
        parts = tuple(self._show(frame, window) for window in shown)
        if len(parts) == 1:
            return parts[0]
        strongest = np.max([part.logits for part in parts], axis=0)
        return self._prediction(frame, parts[0].model_input, strongest, parts[0].window, parts)

    def classify_tiles(self, frame: Frame) -> Prediction:
        """Label one frame by the whole of it and four overlapping quarters.

        Returns:
            See `classify`; `parts` is empty for a frame too small for that, which is labelled as
            a whole: see `edge.preprocessing.tiles_gain`.
        """
        height, width = frame.image.shape[:2]
        return self.classify(frame, tile_windows(height, width, self.bundle.preprocessing.size_px))

    def _show(self, frame: Frame, window: PixelWindow | None) -> Prediction:
        image = frame.image if window is None else window.cut(frame.image)
        if image.shape == frame.image.shape:
            window = None
        model_input = prepare(image, self.bundle.preprocessing)
        return self._prediction(frame, model_input, self.logits(model_input), window)

    def _prediction(
        self,
        frame: Frame,
        model_input: NDArray[np.uint8],
        logits: NDArray[np.float32],
        window: PixelWindow | None,
        parts: tuple[Prediction, ...] = (),
    ) -> Prediction:
        probabilities = self.bundle.probabilities(logits)
        above = np.flatnonzero(probabilities >= self.bundle.thresholds)
        ordered = above[np.argsort(-probabilities[above], kind="stable")]
        present = tuple(self.bundle.labels[i] for i in ordered)
        return Prediction(
            frame, model_input, logits, probabilities, present, window=window, parts=parts
        )

    def logits(self, model_input: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Raw logits (n,) of a prepared picture (s, s, 3)."""
        (logits,) = self._model.run(model_input[None])
        return np.asarray(logits[0], np.float32)
