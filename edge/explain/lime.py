"""LIME for all labels at once, at any time: it can be watched, stopped and hurried.

Ribeiro, Singh and Guestrin (2016): parts of the picture are hidden in many ways, and a line is
fitted to what the model says about each; its coefficients are what each part adds.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.domain import Explanation, Label, Prediction
from edge.errors import ExplainError
from edge.explain.designs import PAIRED, rows_of
from edge.explain.hiding import Veil
from edge.explain.lime_result import Ended, LimeResult, LimeSettings
from edge.explain.segments import segment
from edge.explain.stability import top_stability
from edge.explain.surrogate import Fit, Surrogate

__all__ = [
    "Classify",
    "LimeResult",
    "LimeSettings",
    "Probabilities",
    "explanation",
    "lime",
    "refine",
    "target_of",
]

Classify = Callable[[NDArray[np.uint8]], NDArray[np.float32]]
"""(s, s, 3) uint8 -> (n,) float32 logits; the picture is not to be changed, nor kept."""
Probabilities = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""(n,) logits -> (n,) probabilities."""

FIRST_BATCH = 8
"""At most so many pictures before the first interim result."""
LOOK_AGAIN = 1.1
"""Errors and stability are looked at anew when the rows have grown by this factor."""
R2_LOW = 0.5
FEW_SAMPLES = (
    "{} samples are too few for {} superpixels: no standard error is known, and R2 flatters"
)


def _never() -> bool:
    return False


def lime(
    picture: NDArray[np.uint8],
    classify: Classify,
    settings: LimeSettings | None = None,
    *,
    wanted: Sequence[int] | None = None,
    deadline_s: float | None = None,
    cancelled: Callable[[], bool] = _never,
    clock: Callable[[], float] = time.monotonic,
    probabilities: Probabilities | None = None,
) -> LimeResult:
    """The last result of `refine`, with the same arguments."""
    *_, last = refine(
        picture,
        classify,
        settings,
        wanted=wanted,
        deadline_s=deadline_s,
        cancelled=cancelled,
        clock=clock,
        probabilities=probabilities,
    )
    return last


def refine(
    picture: NDArray[np.uint8],
    classify: Classify,
    settings: LimeSettings | None = None,
    *,
    wanted: Sequence[int] | None = None,
    deadline_s: float | None = None,
    cancelled: Callable[[], bool] = _never,
    clock: Callable[[], float] = time.monotonic,
    probabilities: Probabilities | None = None,
) -> Iterator[LimeResult]:
    """Explain a picture, better with every batch.

    The same picture, model, settings and seed give the same results bit for bit, as long as time
    does not end them. The whole picture is always classified once, on top of the budget; a
    deadline that is over, or a cancel, then gives a result without samples.

    Args:
        picture: (s, s, 3) uint8 RGB, what the model was shown.
        classify: The model.
        settings: How; the defaults if None.
        wanted: Indices of the labels that stability and its early end look at; None for all.
        deadline_s: On `clock`; sampling ends after the batch that reaches it.
        cancelled: Asked after every batch; True ends sampling.
        clock: Seconds.
        probabilities: Of logits, for the target "probability".

    Yields:
        A result after each batch; the last one, and it alone, has `ended` other than "interim".
        `engine="lime"` yields one result.

    Raises:
        ValueError: The picture is none, or `probabilities` is missing.
        ExplainError: `engine="lime"`, and the package is missing; the model gave a value that is
            no finite number.
    """
    settings = settings or LimeSettings()
    function = target_of(classify, settings, probabilities)
    watch = Watch(clock, clock(), deadline_s, cancelled)
    segments = segment(picture, settings.segments)
    segment_ms = watch.elapsed_ms()
    if settings.engine == "lime":
        # The reference needs this module's results, and an extra package.
        from edge.explain.lime_reference import stock_lime

        yield stock_lime(picture, segments, function, settings, watch, segment_ms, wanted)
        return
    whole = function(picture)
    veil = Veil(picture, segments, settings.hide)
    sampling = _Sampling(veil, function, whole, settings, wanted)
    ended: Ended | None = watch.ended() or sampling.ended()
    while ended is None:
        sampling.take_batch()
        sampling.look()
        ended = watch.ended() or sampling.ended()
        if ended is None:
            yield sampling.result(segments, "interim", watch.elapsed_ms(), segment_ms)
    sampling.look_at_all()
    yield sampling.result(segments, ended, watch.elapsed_ms(), segment_ms)


def target_of(
    classify: Classify, settings: LimeSettings, probabilities: Probabilities | None
) -> Classify:
    """The function that is explained: the model's logits or its probabilities.

    Raises:
        ValueError: `probabilities` is missing.
        ExplainError: From the function itself: the model gave a value that is no finite number.
    """
    if settings.target == "logit":
        return lambda picture: _finite(classify(picture))
    if probabilities is None:
        raise ValueError("target 'probability' needs the function `probabilities`; found none")
    of_logits = probabilities
    return lambda picture: _finite(of_logits(classify(picture)))


def _finite(values: NDArray[np.float32]) -> NDArray[np.float32]:
    if not np.isfinite(values).all():
        wrong = np.flatnonzero(~np.isfinite(values))
        raise ExplainError(
            f"the model gave {values[wrong[0]]} for label {wrong[0]}, {len(wrong)} such in all;"
            " LIME needs finite numbers, so the model is damaged: check its bundle"
        )
    return values


@dataclass(frozen=True, slots=True)
class Watch:
    """When a run has to end for reasons outside it."""

    clock: Callable[[], float]
    started_s: float
    deadline_s: float | None
    cancelled: Callable[[], bool]

    def elapsed_ms(self) -> float:
        """Since the run began."""
        return (self.clock() - self.started_s) * 1e3

    def ended(self) -> Ended | None:
        """Whether it is cancelled or too late."""
        if self.cancelled():
            return "cancelled"
        late = self.deadline_s is not None and self.clock() >= self.deadline_s
        return "deadline" if late else None


class _Sampling:
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


def explanation(prediction: Prediction, labels: Sequence[Label], result: LimeResult) -> Explanation:
    """A result as an explanation of some labels.

    Args:
        prediction: What was explained.
        labels: k labels of the model.
        result: Of the prediction's `model_input`.

    Returns:
        Maps (k, s, s) float32, signed, in units of the target. `details` holds segments,
        coefficients (k, K), standard_errors (k, K), r2 (k,), stability (k,), samples, budget,
        superpixels, hide, target, design, prior, kernel_width, seed, ended,
        milliseconds, engine, and `warnings`,
        sentences on what not to believe.
    """
    chosen = [label.index for label in labels]
    maps = result.coefficients[chosen][:, result.segments]
    details: dict[str, Any] = {
        "segments": result.segments,
        "coefficients": result.coefficients[chosen],
        "standard_errors": result.standard_errors[chosen],
        "r2": result.r2[chosen],
        "stability": result.stability[chosen],
        "samples": result.samples,
        "budget": result.budget,
        "superpixels": result.superpixels,
        "hide": result.settings.hide.method,
        "target": result.settings.target,
        "design": result.settings.design,
        "prior": result.settings.prior,
        "kernel_width": result.settings.kernel_width,
        "seed": result.settings.seed,
        "ended": result.ended,
        "milliseconds": result.milliseconds,
        "engine": result.settings.engine,
        "warnings": _warnings(labels, result),
    }
    return Explanation(prediction, "lime", tuple(labels), maps, details)


def _told_apart(result: LimeResult) -> bool:
    """Whether anything could be said of errors."""
    return bool(np.isfinite(result.standard_errors).any()) or result.settings.engine == "lime"


def _warnings(labels: Sequence[Label], result: LimeResult) -> tuple[str, ...]:
    if not result.samples:
        return (f"no samples were taken ({result.ended}): the maps say nothing",)
    few = () if _told_apart(result) else (FEW_SAMPLES.format(result.samples, result.superpixels),)
    return few + tuple(
        f"{label.id}: a line explains {100 * max(0.0, float(r2)):.0f} % (R2) of what hiding does;"
        " do not read much into it"
        for label, r2 in zip(labels, result.r2[[x.index for x in labels]], strict=True)
        if r2 < R2_LOW
    )
