"""The stock `lime` package on our superpixels and our model: what our LIME is held against."""

import contextlib
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.errors import ExplainError
from edge.explain.hiding import hidden
from edge.explain.lime import Classify, Watch
from edge.explain.lime_result import Ended, LimeResult, LimeSettings

SEEDS = 2**32
"""So many different seeds the package takes."""


def check_engine() -> None:
    """Refuse to work without the package, which is an extra one.

    Raises:
        ExplainError: It is missing; says how to install it.
    """
    _explainer_class()


class _Stopped(Exception):
    """The deadline came, or somebody cancelled."""

    def __init__(self, ended: Ended) -> None:
        super().__init__(ended)
        self.ended: Ended = ended


def stock_lime(
    picture: NDArray[np.uint8],
    segments: NDArray[np.int32],
    function: Classify,
    settings: LimeSettings,
    watch: Watch,
    segment_ms: float,
    wanted: Sequence[int] | None = None,
) -> LimeResult:
    """Explain a picture with `LimeImageExplainer.explain_instance`.

    Args:
        picture: (s, s, 3) uint8 RGB.
        segments: (s, s) int32, numbered 0..K-1.
        function: The target of a picture, (n,).
        settings: Samples, batch, hide, kernel width and seed (modulo `SEEDS`) are passed on; the
            design and the ridge's alpha of 1 are always the package's own.
        watch: Looked at after each batch. The package cannot be asked for what it has: a run
            that ends early has no samples.
        segment_ms: What cutting took.
        wanted: Indices of the labels to fit, which takes the package a while; None for all.

    Returns:
        A result with the same fields; standard errors and stability are NaN, and so is all about
        labels that were not wanted.

    Raises:
        ExplainError: The package is missing.
    """
    whole = function(picture)
    labels = range(len(whole)) if wanted is None else wanted
    try:
        fits = _fits(picture, segments, function, settings, watch, labels)
    except _Stopped as stopped:
        fits, ended = {}, stopped.ended
    else:
        ended = "budget"
    shape = len(whole), int(segments.max()) + 1
    coefficients = np.full(shape, np.nan if fits else 0.0, np.float32)
    intercepts = np.full(len(whole), np.nan, np.float32) if fits else whole.astype(np.float32)
    r2 = np.full(len(whole), np.nan, np.float32)
    for label, (intercept, weights, score, _) in fits.items():
        intercepts[label], r2[label] = intercept, score
        for superpixel, weight in weights:
            coefficients[label, superpixel] = weight
    return LimeResult(
        segments=segments,
        coefficients=coefficients,
        intercepts=intercepts,
        whole=whole.copy(),
        standard_errors=np.full(shape, np.nan, np.float32),
        r2=r2,
        stability=np.full(len(whole), np.nan, np.float32),
        samples=settings.samples if fits else 0,
        budget=settings.samples,
        ended=ended,
        milliseconds=watch.elapsed_ms(),
        segment_ms=segment_ms,
        settings=settings,
    )


def _fits(
    picture: NDArray[np.uint8],
    segments: NDArray[np.int32],
    function: Classify,
    settings: LimeSettings,
    watch: Watch,
    labels: Sequence[int],
) -> dict[int, tuple[Any, ...]]:
    """Intercept, (superpixel, weight) pairs, R2 and local prediction of each label."""
    explainer = _explainer(settings)
    fits: dict[int, tuple[Any, ...]] = {}
    solve = explainer.base.explain_instance_with_data

    def recorded(
        rows: Any, values: Any, distances: Any, label: int, *rest: Any, **named: Any
    ) -> Any:
        fits[label] = solve(rows, values, distances, label, *rest, **named)
        return fits[label]

    def answers(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        if ended := watch.ended():
            raise _Stopped(ended)
        return np.array([function(shown) for shown in pictures])

    # The package keeps the R2 of its last label only.
    explainer.base.explain_instance_with_data = recorded
    mean = settings.hide.method == "mean"
    # Its progress bar cannot be turned off.
    with contextlib.redirect_stderr(io.StringIO()):
        explainer.explain_instance(
            picture,
            answers,
            labels=labels,
            hide_color=None if mean else hidden(picture, segments, settings.hide),
            top_labels=None,
            num_samples=settings.samples,
            batch_size=settings.batch,
            segmentation_fn=lambda _: segments,
        )
    return fits


def _explainer(settings: LimeSettings) -> Any:
    seed = settings.seed % SEEDS
    return _explainer_class()(kernel_width=settings.kernel_width, random_state=seed)


def _explainer_class() -> Any:
    try:
        from lime.lime_image import LimeImageExplainer
    except ImportError as error:
        raise ExplainError(
            f"engine 'lime' needs the package of that name ({error});"
            " install it: pip install 'bricksight[lime]'"
        ) from error
    return LimeImageExplainer
