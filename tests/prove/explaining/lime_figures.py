"""LIME against the stock package: as near to the answer of many samples, and how much sooner."""

import contextlib
import io
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import mean, median

import numpy as np
from numpy.typing import NDArray

from edge.bundle import Bundle
from edge.classifier import Classifier
from edge.explain.lime import lime, refine
from edge.explain.lime_result import LimeResult, LimeSettings
from edge.interpreter import Interpreter
from tests.bench.needs import need
from tests.bench.table import Reach, Row
from tests.bench.timing import Comparison, without_collection
from tests.prove.context import Proof
from tests.prove.explaining.pictures import Seen, seen_pictures, shipped_bundle

STOCK_SAMPLES = 1000
REFERENCE_SAMPLES, QUICK_REFERENCE_SAMPLES = 20_000, 500
PICTURES, QUICK_PICTURES = 12, 2
TOP = 10
OURS = LimeSettings(stable_rounds=0)
"""Without its early end: the whole budget."""
STOCK = LimeSettings(samples=STOCK_SAMPLES, engine="lime")
CORES = 2

Classify = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Nearness:
    """Mean correlation, over labels, of coefficients with those of many samples.

    Attributes:
        ours: Of ours on the int8 model, with many samples of the int8 model.
        ours_float: The same with many samples of the float model.
        stock: Of the stock package on the float model, with many samples of the float model.
    """

    ours: float
    ours_float: float
    stock: float


def lime_rows(proof: Proof) -> list[Row]:
    """Speed, nearness, first interim result, cancel, and what another seed changes."""
    bundle = shipped_bundle()
    float_path = _float_model(bundle, proof.folder)
    seen = seen_pictures(proof, bundle, proof.amount(PICTURES, QUICK_PICTURES))
    samples = proof.amount(REFERENCE_SAMPLES, QUICK_REFERENCE_SAMPLES)
    near = partial(nearness, bundle, float_path, samples)
    with ProcessPoolExecutor(CORES, get_context("spawn")) as pool:
        found = list(pool.map(near, seen))
    ours, stock = mean(n.ours for n in found), mean(n.stock for n in found)
    spread = min(n.ours - n.stock for n in found), max(n.ours - n.stock for n in found)
    timed = _timed(bundle, float_path, seen)
    return [
        Row(
            f"LIME ({OURS.samples} samples, int8) against stock lime ({STOCK_SAMPLES}, float)",
            Reach("at least", 12, "x faster"),
            1 / timed.ratio,
            f"{timed.note}, segmentation included, {len(seen)} pictures, one thread",
        ),
        Row(
            f"LIME: correlation with {samples} samples, ours less stock's",
            Reach("at least", 0),
            ours - stock,
            f"{ours:.4f} against {stock:.4f}, each on its own model; by picture {spread[0]:+.4f}"
            f" to {spread[1]:+.4f}",
            4,
        ),
        Row(
            "LIME: the same, ours on int8 against many samples of the float model",
            None,
            mean(n.ours_float for n in found),
            "what quantising alone costs",
            4,
        ),
        *_anytime(bundle, seen),
        *_seeds(bundle, seen),
    ]


def nearness(bundle: Bundle, float_path: Path, samples: int, seen: Seen) -> Nearness:
    """How near both come to the answer of many samples on one picture."""
    int8, floating = Classifier(bundle).logits, _float_logits(float_path)
    many = LimeSettings(
        design="random", prior="flat", alpha=1.0, samples=samples, stable_rounds=0, seed=1234
    )
    by_int8, by_float = (_explain(seen, f, many) for f in (int8, floating))
    ours, stock = _explain(seen, int8, OURS), _explain(seen, floating, STOCK)
    return Nearness(
        _correlation(seen, ours, by_int8),
        _correlation(seen, ours, by_float),
        _correlation(seen, stock, by_float),
    )


def _explain(seen: Seen, classify: Classify, settings: LimeSettings) -> LimeResult:
    return lime(seen.prediction.model_input, classify, settings, wanted=seen.indices)


def _correlation(seen: Seen, one: LimeResult, other: LimeResult) -> float:
    pairs = [(one.coefficients[i], other.coefficients[i]) for i in seen.indices]
    return mean(float(np.corrcoef(a, b)[0, 1]) for a, b in pairs)


def _float_model(bundle: Bundle, folder: Path) -> Path:
    need("tensorflow")
    from trainer.against_float import float_network
    from trainer.quantise import float_classifier

    path = folder / f"float-{bundle.sha256[:12]}.tflite"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        staged = path.with_suffix(".staged")
        staged.write_bytes(float_classifier(float_network(bundle)))
        staged.replace(path)
    return path


def _float_logits(path: Path) -> Classify:
    model = Interpreter(path)
    return lambda picture: model.run(picture[None])[0][0]


def _timed(bundle: Bundle, float_path: Path, seen: list[Seen]) -> Comparison:
    """Both explain each picture in turn, after one that does not count."""
    int8, floating = Classifier(bundle).logits, _float_logits(float_path)
    seconds = []
    with without_collection():
        for one in [seen[0], *seen]:
            begun_s = time.perf_counter()
            _explain(one, int8, OURS)
            between_s = time.perf_counter()
            stock_as_it_comes(one, floating)
            seconds.append((between_s - begun_s, time.perf_counter() - between_s))
    ours, stock = zip(*seconds[1:], strict=True)
    return Comparison(ours, stock)


def stock_as_it_comes(seen: Seen, classify: Classify) -> object:
    """The `lime` package with its own segmentation and defaults, as its documentation uses it."""
    explainer = need("lime.lime_image").LimeImageExplainer(random_state=0)
    # Its progress bar cannot be turned off.
    with contextlib.redirect_stderr(io.StringIO()):
        return explainer.explain_instance(
            seen.prediction.model_input,
            lambda pictures: np.stack([classify(picture) for picture in pictures]),
            labels=seen.indices,
            top_labels=None,
            num_samples=STOCK_SAMPLES,
        )


def _anytime(bundle: Bundle, seen: list[Seen]) -> list[Row]:
    classify = Classifier(bundle).logits
    first_ms = []
    for one in seen:
        first = next(refine(one.prediction.model_input, classify, OURS, wanted=one.indices))
        first_ms.append(first.milliseconds - first.segment_ms)
    late = max(calls_after_cancel(one, classify) for one in seen)
    return [
        Row(
            "LIME: first interim map after segmentation",
            Reach("at most", 150, " ms"),
            median(first_ms),
            f"largest {max(first_ms):.0f} ms",
            0,
        ),
        Row(
            "LIME: model calls after a cancel",
            Reach("at most", OURS.batch, " calls"),
            float(late),
            f"one batch is {OURS.batch}",
            0,
        ),
    ]


def calls_after_cancel(seen: Seen, classify: Classify, cancel_at: int = 100) -> int:
    """How often the model is still asked after somebody cancelled in the middle of a batch."""
    calls = 0

    def counted(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
        nonlocal calls
        calls += 1
        return classify(picture)

    lime(
        seen.prediction.model_input,
        counted,
        OURS,
        wanted=seen.indices,
        cancelled=lambda: calls >= cancel_at,
    )
    return calls - cancel_at


def _seeds(bundle: Bundle, seen: list[Seen]) -> list[Row]:
    classify = Classifier(bundle).logits
    equal = replace(STOCK, samples=OURS.samples)
    ours, stock = (
        mean(another_seed(one, classify, settings) for one in seen) for settings in (OURS, equal)
    )
    return [
        Row(
            f"LIME: top-{TOP} Jaccard of two seeds, ours less stock's at equal calls",
            Reach("at least", 0.001),
            ours - stock,
            f"{ours:.3f} against {stock:.3f}, {OURS.samples} calls, int8",
            3,
        )
    ]


def another_seed(seen: Seen, classify: Classify, settings: LimeSettings) -> float:
    """Mean over labels of the overlap of the strongest superpixels of two seeds."""
    runs = [_explain(seen, classify, replace(settings, seed=seed)) for seed in (1, 2)]
    return mean(
        top_overlap(*(run.coefficients[index] for run in runs), TOP) for index in seen.indices
    )


def top_overlap(one: NDArray[np.float32], other: NDArray[np.float32], top: int) -> float:
    """Jaccard of the `top` strongest of both, whatever their sign."""
    first, second = (
        set(np.argsort(-np.abs(c), kind="stable")[:top].tolist()) for c in (one, other)
    )
    return len(first & second) / len(first | second)
