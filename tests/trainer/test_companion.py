"""The companion against automatic differentiation in float64, and as the device runs it."""

import numpy as np
import pytest

from edge.interpreter import Interpreter
from trainer.checks import check_companion_file, check_random_weights
from trainer.companion import companion, grid
from trainer.errors import ExportError
from trainer.folded import fold
from trainer.model import ModelSettings, build_model

SHAPES = {
    "flatten": ModelSettings(labels=12, size_px=128, width=0.15, dense_size=24, head="flatten"),
    "positions": ModelSettings(
        labels=12,
        size_px=96,
        width=0.15,
        dense_size=24,
        stem_kernel=7,
        stem_stride=2,
        second_kernel=3,
        head="positions",
        colour="grey",
    ),
}


@pytest.fixture(scope="module", params=SHAPES)
def settings(request):
    return SHAPES[request.param]


@pytest.fixture(scope="module")
def exported(settings, tmp_path_factory):
    path = tmp_path_factory.mktemp("companion") / "companion.tflite"
    path.write_bytes(companion(fold(build_model(settings, seed=4), settings)))
    return path


@pytest.mark.parametrize("pooling", ["mean", "max"])
def test_maps_equal_a_float64_gradient_on_random_weights(settings, pooling, tmp_path):
    assert check_random_weights(tmp_path, settings, pooling) < 1e-4


def test_one_partition_and_the_promised_shapes(settings, exported):
    model = Interpreter(exported)
    assert model.operators.count("DELEGATE") == 1
    side = settings.size_px
    assert model.inputs == (
        ((1, side, side, 3), np.dtype(np.uint8)),
        ((-1,), np.dtype(np.int32)),
    )
    assert model.outputs[1][0] == (-1, *grid(settings))


def test_k_may_change_from_call_to_call(settings, exported):
    model = Interpreter(exported)
    side = settings.size_px
    picture = np.random.default_rng(0).integers(0, 256, (1, side, side, 3)).astype(np.uint8)
    _, every = model.run(picture, np.arange(12, dtype=np.int32))
    for wanted in ([3], [7, 1, 3], list(range(10)), [3]):
        _, maps = model.run(picture, np.array(wanted, np.int32))
        assert maps.shape == (len(wanted), *grid(settings))
        np.testing.assert_allclose(maps, every[wanted], rtol=1e-4, atol=1e-7)


def test_maps_are_not_stretched_to_a_range(settings, exported):
    model = Interpreter(exported)
    side = settings.size_px
    picture = np.random.default_rng(0).integers(0, 256, (1, side, side, 3)).astype(np.uint8)
    _, maps = model.run(picture, np.arange(12, dtype=np.int32))
    assert maps.min() >= 0
    assert len({round(float(m.max()), 9) for m in maps}) > 3


def test_check_refuses_a_companion_of_other_weights(settings, exported):
    other = build_model(settings, seed=5)
    side = settings.size_px
    pictures = np.random.default_rng(0).integers(0, 256, (1, side, side, 3)).astype(np.uint8)
    with pytest.raises(ExportError, match="differ from a float64 gradient"):
        check_companion_file(exported, other, settings, pictures)
