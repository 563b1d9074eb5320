"""What LIME is asked and what it answers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from edge.domain import Explanation, Label, Prediction
from edge.explain.designs import DESIGNS, Design
from edge.explain.hiding import HideSettings
from edge.explain.segments import SegmentSettings

R2_LOW = 0.5
FEW_SAMPLES = (
    "{} samples are too few for {} superpixels: no standard error is known, and R2 flatters"
)
Target = Literal["logit", "probability"]
Engine = Literal["bricksight", "lime"]
Prior = Literal["adaptive", "flat"]
Ended = Literal["interim", "budget", "stable", "deadline", "cancelled"]


@dataclass(frozen=True, slots=True)
class LimeSettings:
    """How LIME works on a picture.

    Attributes:
        segments: How superpixels are cut.
        hide: What a hidden superpixel looks like.
        design: Which superpixels are shown together; see `edge.explain.designs`.
        samples: Budget of perturbed pictures.
        batch: Perturbed pictures between two looks at cancel and deadline.
        target: "logit" adds up like evidence; "probability" saturates near 0 and 1.
        kernel_width: Of the weights; see `edge.explain.surrogate`.
        alpha: Of the ridge, above zero.
        prior: "flat" shrinks all superpixels alike, as the `lime` package does; "adaptive" then
            shrinks each by how little is known of it, which brings few pictures nearer to the
            answer of many; see `edge.explain.surrogate.Surrogate.sharpened`.
        seed: Of the design.
        top: How many superpixels stability looks at.
        stable_at: Top-k stability from which sampling may end early, 0..1.
        tolerance: Largest change of a coefficient between two looks, in standard errors, at
            which sampling may end early.
        stable_rounds: So many looks in a row must agree to end early; 0 never ends early.
        engine: "bricksight", or "lime" for the stock package as a reference.

    Raises:
        ValueError: A value is out of its range.
    """

    segments: SegmentSettings = field(default_factory=SegmentSettings)
    hide: HideSettings = field(default_factory=HideSettings)
    design: Design = "hadamard"
    samples: int = 256
    batch: int = 16
    target: Target = "logit"
    kernel_width: float = 0.25
    alpha: float = 1.0
    prior: Prior = "adaptive"
    seed: int = 0
    top: int = 10
    stable_at: float = 0.9
    tolerance: float = 1.0
    stable_rounds: int = 2
    engine: Engine = "bricksight"

    def __post_init__(self) -> None:
        choices = {
            "design": DESIGNS,
            "target": get_args(Target),
            "engine": get_args(Engine),
            "prior": get_args(Prior),
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                found = getattr(self, name)
                raise ValueError(f"{name}: found {found!r}, allowed {', '.join(allowed)}")
        for name, least in {
            "samples": 1,
            "batch": 1,
            "top": 1,
            "seed": 0,
            "stable_rounds": 0,
        }.items():
            if getattr(self, name) < least:
                raise ValueError(f"{name}: found {getattr(self, name)}, allowed at least {least}")
        for name in ("kernel_width", "alpha", "tolerance"):
            if not 0 < getattr(self, name) < float("inf"):
                raise ValueError(f"{name}: found {getattr(self, name)}, allowed above 0")
        if not 0 <= self.stable_at <= 1:
            raise ValueError(f"stable_at: found {self.stable_at}, allowed 0..1")


@dataclass(frozen=True, slots=True, eq=False)
class LimeResult:
    """What each superpixel adds to each label's target, as far as is known.

    Units are the target's (logits, or probability). Superpixels that look the same when hidden
    have coefficients and standard errors of zero. Without samples all coefficients are zero.

    Attributes:
        segments: (h, w) int32, numbered 0..K-1.
        coefficients: (n, K) float32.
        intercepts: (n,) float32, the target with everything hidden, as far as a line can tell;
            without samples the target of the whole picture.
        whole: (n,) float32, the target of the whole picture.
        standard_errors: (n, K) float32, NaN while unknown.
        r2: (n,) float32, weighted; NaN without samples and where the target does not vary.
        stability: (n,) float32 in 0..1, the overlap (Jaccard) of the strongest superpixels that
            a run with another seed is expected to have; NaN where not known, and where the target
            does not vary.
        samples: Perturbed pictures that were classified.
        budget: How many were allowed.
        ended: Why sampling ended, or "interim".
        milliseconds: All of it, on the clock of the run.
        segment_ms: Of these, for cutting the superpixels.
        settings: What was asked.
    """

    segments: NDArray[np.int32]
    coefficients: NDArray[np.float32]
    intercepts: NDArray[np.float32]
    whole: NDArray[np.float32]
    standard_errors: NDArray[np.float32]
    r2: NDArray[np.float32]
    stability: NDArray[np.float32]
    samples: int
    budget: int
    ended: Ended
    milliseconds: float
    segment_ms: float
    settings: LimeSettings

    @property
    def superpixels(self) -> int:
        """K."""
        return int(self.coefficients.shape[1])

    def map_of(self, label_index: int) -> NDArray[np.float32]:
        """(h, w) float32, signed: the coefficients of a label painted on its superpixels."""
        return np.asarray(self.coefficients[label_index][self.segments])


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
    windows = () if prediction.window is None else (prediction.window,) * len(labels)
    return Explanation(prediction, "lime", tuple(labels), maps, details, windows)


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
