"""A frame becomes a prediction, on the int8 model."""

import numpy as np
from numpy.typing import NDArray

from edge.bundle import Bundle, check_classifier
from edge.domain import Frame, Prediction
from edge.interpreter import Interpreter
from edge.preprocessing import prepare


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

    def classify(self, frame: Frame) -> Prediction:
        """Label one frame.

        Returns:
            The prediction; `present` holds the labels at or above their own thresholds, most
            confident first.
        """
        model_input = prepare(frame.image, self.bundle.preprocessing)
        logits = self.logits(model_input)
        probabilities = self.bundle.probabilities(logits)
        above = np.flatnonzero(probabilities >= self.bundle.thresholds)
        ordered = above[np.argsort(-probabilities[above], kind="stable")]
        present = tuple(self.bundle.labels[i] for i in ordered)
        return Prediction(frame, model_input, logits, probabilities, present)

    def logits(self, model_input: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Raw logits (n,) of a prepared picture (s, s, 3)."""
        (logits,) = self._model.run(model_input[None])
        return np.asarray(logits[0], np.float32)
