"""Grad-CAM, HiResCAM and the paper's variant of any labels in one run, without TensorFlow."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.bundle import (
    COMPANION_MAPS,
    VARIANT_MAPS,
    Bundle,
    check_companion,
    check_variants,
)
from edge.domain import Explanation, Label, Prediction
from edge.errors import ExplainError
from edge.interpreter import Interpreter

POOLING = {"grad-cam": "mean", "grad-cam-max": "max", "hirescam": "none"}
"""What a method does with the gradient over positions."""


class GradCam:
    """Explains predictions by gradients; used by one thread only.

    With A the activation of the deepest convolution after leaky ReLU, and z_k a label's logit:

    - "grad-cam": `ReLU(sum_c alpha_kc A_c)`, `alpha_kc` the *mean* over positions of `dz_k/dA_c`
      (Selvaraju et al. 2017);
    - "grad-cam-max": the same with the *largest* gradient, as the source paper has it. Behind a
      max-pool no such weight is below zero, so maps of different labels look alike;
    - "hirescam": `sum_c (dz_k/dA_c) A_c` at each position, signed (Draelos and Carin 2020).

    Leaky ReLU leaves A below zero in places. These values count as they are: the network's own
    sum has them too. Units are logits; nothing is stretched to a range.

    Args:
        bundle: A verified bundle.
        threads: CPU threads of the runtime.
    """

    def __init__(self, bundle: Bundle, threads: int = 1) -> None:
        self.bundle = bundle
        self._threads = threads
        self._companion = Interpreter(bundle.path("companion"), threads)
        check_companion(bundle, self._companion)
        self._given = COMPANION_MAPS[: len(self._companion.outputs) - 1]
        self._variants: Interpreter | None = None

    @property
    def methods(self) -> tuple[str, ...]:
        """What this bundle can be explained by, "grad-cam" first."""
        extra = VARIANT_MAPS if "variants" in self.bundle.manifest.files else ()
        return tuple(dict.fromkeys((*self._given, *extra)))

    def explain(
        self, prediction: Prediction, labels: Sequence[Label], method: str = "grad-cam"
    ) -> Explanation:
        """Explain some labels of a prediction.

        Args:
            prediction: What to explain.
            labels: At least one label of the bundle.
            method: One of `methods`.

        Returns:
            See `explain_all`.

        Raises:
            ValueError: No label was asked for, or one is not of this bundle.
            ExplainError: The bundle has no such method.
        """
        self.check(method)
        if method in self._given:
            return self._explain(prediction, labels, self._companion, self._given)[method]
        return self.explain_all(prediction, labels)[method]

    def explain_all(
        self, prediction: Prediction, labels: Sequence[Label]
    ) -> dict[str, Explanation]:
        """Explain some labels by every method; one run of each file and window.

        Each label is explained on the window of the frame that it speaks from.

        Returns:
            For each of `methods` its maps (k, h, w) float32 in logit units, at or above zero but
            for HiResCAM. `details` holds layer, grid, pooling, milliseconds, the `model`'s and the
            `companion`'s SHA-256, the companion's `logits` (n,), and

            - `no_evidence`: ids of labels whose map has nothing above zero: an answer, not a fault;
            - `disagrees`: ids that the companion and the int8 model see on different sides of
              their threshold; of a prediction with parts, among the labels asked for.

        Raises:
            ValueError: No label was asked for, or one is not of this bundle.
        """
        found = self._explain(prediction, labels, self._companion, self._given)
        if len(found) < len(self.methods):
            found |= self._explain(prediction, labels, self._opened_variants(), VARIANT_MAPS)
        return found

    def check(self, method: str) -> None:
        """Refuse a method that this bundle lacks.

        Raises:
            ExplainError: It names those that it has.
        """
        if method not in self.methods:
            raise ExplainError(
                f"{self.bundle.folder}: found no {method!r} in this bundle; it has"
                f" {', '.join(self.methods)}. Export it again with --variants"
            )

    def _opened_variants(self) -> Interpreter:
        if self._variants is None:
            self._variants = Interpreter(self.bundle.path("variants"), self._threads)
            check_variants(self.bundle, self._variants)
        return self._variants

    def _explain(
        self,
        prediction: Prediction,
        labels: Sequence[Label],
        model: Interpreter,
        methods: Sequence[str],
    ) -> dict[str, Explanation]:
        indices = self._indices(labels)
        started = time.perf_counter()
        shown = prediction.by_part(labels)
        runs = [model.run(part.model_input[None], indices[places]) for part, places in shown]
        elapsed_ms = (time.perf_counter() - started) * 1e3
        logits = np.max([run[0][0] for run in runs], axis=0)
        asked = labels if prediction.parts else self.bundle.labels
        record = self._record(prediction, logits, asked, elapsed_ms)
        maps = [np.concatenate(found) for found in list(zip(*runs, strict=True))[1:]]
        # As they were asked for, not as they were run.
        order = np.argsort([place for _, places in shown for place in places])
        windows = tuple(prediction.part_of(label).window for label in labels)
        return {
            method: Explanation(
                prediction,
                method,
                tuple(labels),
                found[order],
                record | {"pooling": POOLING[method], "no_evidence": _blank(labels, found[order])},
                windows if any(windows) else (),
            )
            for method, found in zip(methods, maps, strict=True)
        }

    def _indices(self, labels: Sequence[Label]) -> NDArray[np.int32]:
        if not labels:
            raise ValueError("found no labels to explain; name at least one")
        for label in labels:
            if label not in self.bundle.labels:
                raise ValueError(
                    f"label {label.id!r} is not of bundle {self.bundle.manifest.name!r}"
                )
        return np.array([label.index for label in labels], np.int32)

    def _record(
        self,
        prediction: Prediction,
        logits: NDArray[np.float32],
        asked: Sequence[Label],
        elapsed_ms: float,
    ) -> dict[str, Any]:
        manifest = self.bundle.manifest
        return {
            "layer": manifest.companion.layer,
            "grid": manifest.companion.grid,
            "milliseconds": elapsed_ms,
            "model": self.bundle.sha256,
            "companion": manifest.files["companion"].sha256,
            "logits": logits,
            "disagrees": self._disagreements(prediction, logits, asked),
        }

    def _disagreements(
        self, prediction: Prediction, logits: NDArray[np.float32], asked: Sequence[Label]
    ) -> tuple[str, ...]:
        companion = self.bundle.probabilities(logits) >= self.bundle.thresholds
        device = prediction.probabilities >= self.bundle.thresholds
        # Of windows that no label was explained on, the companion was not asked.
        return tuple(x.id for x in asked if companion[x.index] != device[x.index])


def _blank(labels: Sequence[Label], maps: NDArray[np.float32]) -> tuple[str, ...]:
    return tuple(label.id for label, heat in zip(labels, maps, strict=True) if not (heat > 0).any())
