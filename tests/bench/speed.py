"""How fast the network is, on our runtime and on others."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.bench.context import Bench
from tests.bench.network import layers_of
from tests.bench.rivals import (
    Forward,
    PytorchGradCam,
    as_input,
    onnx_runtime,
    opencv_dnn,
    torch_forward,
    torch_module,
    write_int8_onnx,
    write_onnx,
)
from tests.bench.subject import Subject, all_logits, check_close, check_correlated
from tests.bench.table import Reach, Row
from tests.bench.timing import compare_calls, in_turn

GRAD_CAM_REACH = {1: 1.03, 3: 1.05, 10: 1.06}
CORRELATION_PICTURES = 12


def int8_against_float(bench: Bench) -> list[Row]:
    """int8 against float on our runtime."""
    subject, picture = bench.subject, bench.subject.pictures[:1]
    floating, int8 = subject.model("float"), subject.model("classifier")
    found = compare_calls(lambda: floating.run(picture), lambda: int8.run(picture), bench.rounds)
    reach = Reach("at least", 3.0, "x faster")
    return [Row("int8 against float on LiteRT", reach, found.ratio, found.note)]


def int8_against_rivals(bench: Bench) -> list[Row]:
    """int8 on our runtime against other runtimes."""
    subject, picture = bench.subject, bench.subject.pictures[:1]
    int8, given = subject.model("classifier"), as_input(subject.pictures[0])
    rows = []
    for figure, reach, rival in _rivals(subject, bench.folder):
        found = compare_calls(lambda r=rival: r(given), lambda: int8.run(picture), bench.rounds)
        rows.append(Row(figure, reach, found.ratio, found.note))
    return rows


def _rivals(subject: Subject, folder: Path) -> list[tuple[str, Reach, Forward]]:
    floating, quantised = folder / "float.onnx", folder / "int8.onnx"
    write_onnx(layers_of(subject.folded), subject.pictures.shape[1], floating)
    write_int8_onnx(floating, subject.pictures, quantised)
    runtime, opencv = onnx_runtime(quantised), opencv_dnn(floating)
    expected = _float_logits(subject)
    check_correlated("ONNX Runtime int8", _rival_logits(runtime, subject), expected)
    check_close("OpenCV DNN", _rival_logits(opencv, subject), expected)
    return [
        ("int8 on LiteRT against ONNX Runtime int8", Reach("at least", 0.95, "x"), runtime),
        ("int8 on LiteRT against OpenCV DNN float", Reach("at least", 4.0, "x faster"), opencv),
    ]


def _float_logits(subject: Subject) -> NDArray[np.float32]:
    model = subject.model("float")
    return all_logits(lambda picture: model.run(picture)[0], subject.pictures)


def _rival_logits(rival: Forward, subject: Subject) -> NDArray[np.float32]:
    return np.concatenate([rival(as_input(picture)).copy() for picture in subject.pictures])


def grad_cam_against_forward(bench: Bench) -> list[Row]:
    """What the maps add to the float forward pass, k kept; and what another k costs once."""
    subject, picture = bench.subject, bench.subject.pictures[:1]
    floating, companion = subject.model("float"), subject.model("companion")
    rows = []
    for k, limit in GRAD_CAM_REACH.items():
        wanted = _strongest(subject, k)
        found = compare_calls(
            lambda w=wanted: companion.run(picture, w),
            lambda: floating.run(picture),
            bench.rounds,
        )
        figure = f"float forward + Grad-CAM, k = {k}, against forward alone"
        rows.append(Row(figure, Reach("at most", limit, "x"), found.ratio, found.note, 3))
    return [*rows, _change_of_k(bench)]


def _change_of_k(bench: Bench) -> Row:
    subject, picture = bench.subject, bench.subject.pictures[:1]
    steady, changing = subject.model("companion"), subject.model("companion")
    few, more = _strongest(subject, 2), _strongest(subject, 3)
    found = compare_calls(
        in_turn([lambda: changing.run(picture, few), lambda: changing.run(picture, more)]),
        lambda: steady.run(picture, more),
        bench.rounds,
    )
    return Row(
        "Grad-CAM with another k than last time, against k = 3 kept",
        None,
        found.ratio,
        found.note,
        3,
    )


def _strongest(subject: Subject, k: int, picture: int = 0) -> NDArray[np.int32]:
    (logits,) = subject.model("float").run(subject.pictures[picture][None])
    return np.argsort(-logits[0])[:k].astype(np.int32)


def grad_cam_against_pytorch(bench: Bench) -> list[Row]:
    """The same maps against pytorch-grad-cam."""
    subject = bench.subject
    module = torch_module(layers_of(subject.folded))
    forward = _rival_logits(torch_forward(module), subject)
    check_close("torch", forward, _float_logits(subject))
    rival = PytorchGradCam(module)
    # Correlation first: maps that are not the same need no stopwatch.
    return [_correlation(subject, rival), _times(bench, rival)]


def _times(bench: Bench, rival: PytorchGradCam) -> Row:
    subject, wanted = bench.subject, _strongest(bench.subject, 3)
    companion, picture = subject.model("companion"), subject.pictures[:1]
    found = compare_calls(
        rival.prepared(as_input(subject.pictures[0]), wanted),
        lambda: companion.run(picture, wanted),
        bench.rounds,
    )
    reach = Reach("at least", 8.0, "x faster")
    return Row("Grad-CAM, k = 3, against pytorch-grad-cam", reach, found.ratio, found.note)


def _correlation(subject: Subject, rival: PytorchGradCam) -> Row:
    companion, size = subject.model("companion"), subject.pictures.shape[1]
    rng, labels = np.random.default_rng(0), len(subject.bundle.labels)
    found, empty = [], 0
    for number, picture in enumerate(subject.pictures[:CORRELATION_PICTURES]):
        wanted = np.union1d(_strongest(subject, 3, number), rng.integers(0, labels, 3))
        wanted = wanted.astype(np.int32)
        maps = companion.run(picture[None], wanted)[1]
        theirs = rival.prepared(as_input(picture), wanted)()
        for ours, other in zip(rival.scaled(maps, size), theirs, strict=True):
            if not ours.any() and not other.any():
                empty += 1
            else:
                found.append(_correlated(ours, other))
    note = f"smallest of {len(found)} maps; {empty} more are zero in both"
    reach = Reach("at least", 0.999)
    return Row("correlation with pytorch-grad-cam's maps", reach, min(found), note, 6)


def _correlated(ours: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    # A map without any variation is like no other.
    if not ours.std() or not other.std():
        return 0.0
    return float(np.corrcoef(ours.ravel(), other.ravel())[0, 1])
