"""Perturbed pictures, what the model says of them, and what that comes to so far."""

from collections.abc import Callable, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from edge.explain.designs import PAIRED, rows_of
from edge.explain.hiding import Veil
from edge.explain.lime_result import Ended, LimeResult, LimeSettings
from edge.explain.stability import top_stability
from edge.explain.surrogate import Fit, Surrogate

Classify = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""(s, s, 3) uint8 -> (n,) float32 logits; the picture is not to be changed, nor kept."""
Probabilities = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""(n,) logits -> (n,) probabilities."""

FIRST_BATCH = 8
"""At most so many pictures before the first interim result."""
LOOK_AGAIN = 1.1
"""Errors and stability are looked at anew when the rows have grown by this factor."""


class Sampling:
    """Rows taken from the design, the model's answers, and what they say so far."""

    def __init__(
        self,
        veil: Veil,
        function: Classify,
        whole: NDArray[np.float32],
        settings: LimeSettings,
        wanted: Sequence[int] | None,
    ) -> None:
        self._veil, self._function, self._whole, self._settings = veil, function, whole, settings
        self._labels = np.arange(len(whole)) if wanted is None else np.array(wanted, np.intp)
        live = max(1, len(veil.live))
        self._rows = rows_of(settings.design, live, settings.seed)
        self._surrogate = Surrogate(
            live, len(whole), settings.kernel_width, settings.alpha, settings.design in PAIRED
        )
        self._errors = np.full((len(whole), live), np.nan)
        self._stability = np.full(len(whole), np.nan, np.float32)
        self._looked_at = 0
        self._seen = np.full((len(self._labels), live), np.nan)
        self._agreeing = 0

    def ended(self) -> Ended | None:
        """Whether there is nothing to gain or to spend any more."""
        rounds = self._settings.stable_rounds
        if not len(self._veil.live) or 0 < rounds <= self._agreeing:
            return "stable"
        return "budget" if len(self._surrogate) >= self._settings.samples else None

    def take_batch(self) -> None:
        settings, done = self._settings, len(self._surrogate)
        size = settings.batch if done else min(FIRST_BATCH, settings.batch)
        rows = np.array(list(islice(self._rows, min(size, settings.samples - done))))
        answers = [self._function(self._veil.perturbed(row)) for row in rows]
        self._surrogate.add(rows, np.array(answers))
        self._plain = self._surrogate.fit()
        self._fit = self._sharpened(self._labels)

    def look(self) -> None:
        """Renew errors and stability, at growing distances: they cost more with every row."""
        if len(self._surrogate) < LOOK_AGAIN * self._looked_at:
            return
        self._looked_at = len(self._surrogate)
        self._measure(self._labels)
        self._agreeing = self._agreeing + 1 if self._agrees() else 0
        self._seen = self._fit.coefficients[self._labels]

    def look_at_all(self) -> None:
        """Errors and stability of every label, for the last result."""
        if len(self._surrogate):
            self._measure(np.arange(len(self._whole)))

    def _measure(self, labels: NDArray[np.intp]) -> None:
        self._errors = self._surrogate.standard_errors(self._plain)
        self._fit = self._sharpened(labels)
        stable = top_stability(
            self._plain.coefficients[labels], self._errors[labels], self._settings.top
        )
        # What has not varied yet may still do so.
        self._stability[labels] = np.where(np.isnan(self._plain.r2[labels]), np.nan, stable)

    def _sharpened(self, labels: NDArray[np.intp]) -> Fit:
        if self._settings.prior == "flat":
            return self._plain
        return self._surrogate.sharpened(self._plain, self._errors, labels)

    def _agrees(self) -> bool:
        errors = self._errors[self._labels]
        moved = np.abs(self._fit.coefficients[self._labels] - self._seen)
        still = (moved <= self._settings.tolerance * errors).all()
        return bool(still and (self._stability[self._labels] >= self._settings.stable_at).all())

    def result(
        self, segments: NDArray[np.int32], ended: Ended, total_ms: float, segment_ms: float
    ) -> LimeResult:
        samples, labels = len(self._surrogate), len(self._whole)
        unknown = np.full(labels, np.nan, np.float32)
        return LimeResult(
            segments=segments,
            coefficients=self._painted(self._fit.coefficients if samples else 0.0, segments),
            intercepts=np.asarray(self._fit.intercepts if samples else self._whole, np.float32),
            whole=self._whole.copy(),
            standard_errors=self._painted(self._errors, segments),
            r2=np.asarray(self._fit.r2, np.float32) if samples else unknown,
            stability=self._stability.copy(),
            samples=samples,
            budget=self._settings.samples,
            ended=ended,
            milliseconds=total_ms,
            segment_ms=segment_ms,
            settings=self._settings,
        )

    def _painted(
        self, values: NDArray[np.float64] | float, segments: NDArray[np.int32]
    ) -> NDArray[np.float32]:
        """(n, K): the values of the live superpixels, and zero for those that are inert."""
        every = np.zeros((len(self._whole), int(segments.max()) + 1), np.float32)
        if len(self._veil.live):
            every[:, self._veil.live] = values
        return every
