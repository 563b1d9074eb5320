"""LIME for all labels at once, at any time: it can be watched, stopped and hurried.

Ribeiro, Singh and Guestrin (2016): parts of the picture are hidden in many ways, and a line is
fitted to what the model says about each; its coefficients are what each part adds.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edge.errors import ExplainError
from edge.explain.hiding import Veil
from edge.explain.lime_result import Ended, LimeResult, LimeSettings, explanation
from edge.explain.sampling import Classify, Probabilities, Sampling
from edge.explain.segments import segment

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
    sampling = Sampling(veil, function, whole, settings, wanted)
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
