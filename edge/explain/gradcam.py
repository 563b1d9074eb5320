"""Grad-CAM of any labels in one run of the float companion, without TensorFlow."""

import time
from collections.abc import Sequence

import numpy as np

from edge.bundle import Bundle, check_companion
from edge.domain import Explanation, Label, Prediction
from edge.interpreter import Interpreter


class GradCam:
    """Explains predictions; used by one thread only.

    The map of label k is `ReLU(sum_c alpha_kc A_c)` with `alpha_kc` the mean over positions of
    `dz_k / dA_c` (Selvaraju et al. 2017), A the activation of the deepest convolution after leaky
    ReLU, negative values included. Units are logits; nothing is stretched to a range.

    Args:
        bundle: A verified bundle.
        threads: CPU threads of the runtime.
    """

    def __init__(self, bundle: Bundle, threads: int = 1) -> None:
        self.bundle = bundle
        self._model = Interpreter(bundle.path("companion"), threads)
        check_companion(bundle, self._model)

    def explain(self, prediction: Prediction, labels: Sequence[Label]) -> Explanation:
        """Explain some labels of a prediction.

        Args:
            prediction: What to explain.
            labels: At least one label of the bundle.

        Returns:
            Maps (k, h, w) float32 at or above zero, in logit units. A label without positive
            evidence has a map of zeros. `details` holds layer, grid, pooling, milliseconds, the
            companion's `logits` (n,), and `disagrees`: ids that the companion and the int8 model
            see on different sides of their threshold.

        Raises:
            ValueError: No label was asked for, or one is not of this bundle.
        """
        if not labels:
            raise ValueError("found no labels to explain; name at least one")
        for label in labels:
            if label not in self.bundle.labels:
                raise ValueError(
                    f"label {label.id!r} is not of bundle {self.bundle.manifest.name!r}"
                )
        indices = np.array([label.index for label in labels], np.int32)
        started = time.perf_counter()
        logits, maps, *_ = self._model.run(prediction.model_input[None], indices)
        elapsed_ms = (time.perf_counter() - started) * 1e3
        companion = self.bundle.manifest.companion
        details = {
            "layer": companion.layer,
            "grid": companion.grid,
            "pooling": companion.pooling,
            "milliseconds": elapsed_ms,
            "logits": logits[0],
            "disagrees": self._disagreements(prediction, logits[0]),
        }
        return Explanation(prediction, "grad-cam", tuple(labels), maps, details)

    def _disagreements(self, prediction: Prediction, logits: np.ndarray) -> tuple[str, ...]:
        companion = self.bundle.probabilities(logits) >= self.bundle.thresholds
        device = prediction.probabilities >= self.bundle.thresholds
        return tuple(self.bundle.labels[i].id for i in np.flatnonzero(companion != device))
