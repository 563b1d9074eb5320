from dataclasses import replace

import numpy as np
import pytest
import tensorflow as tf
from families import FAMILIES, shaken_model

from edge.interpreter import Interpreter
from trainer.checks import check_classifier_file, check_one_partition, open_exported
from trainer.equalise import equalise
from trainer.errors import ExportError
from trainer.folded import fold
from trainer.graph import Graph, to_tflite
from trainer.model import Convolution, build_model
from trainer.quantise import best_range, float_classifier, quantise

SETTINGS = FAMILIES["alexnet-positions"]
INT8_OPERATORS = {
    *("QUANTIZE", "DEQUANTIZE", "RESHAPE", "CONV_2D", "LEAKY_RELU", "MAX_POOL_2D"),
    *("FULLY_CONNECTED", "RELU", "DELEGATE", "DEPTHWISE_CONV_2D", "ADD"),
}


def coarse(side: int) -> np.ndarray:
    """Pictures (16, s, s, 3) of large squares."""
    few = np.random.default_rng(0).integers(0, 256, (16, 6, 6, 3)).astype(np.uint8)
    size = -(-side // 6)
    return few.repeat(size, axis=1).repeat(size, axis=2)[:, :side, :side]


@pytest.fixture(scope="module")
def pictures():
    return coarse(SETTINGS.size_px)


@pytest.fixture(scope="module", params=FAMILIES)
def settings(request):
    return FAMILIES[request.param]


@pytest.fixture(scope="module")
def models(settings, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    folded = fold(shaken_model(settings), settings)
    (folder / "int8.tflite").write_bytes(quantise(folded, coarse(settings.size_px)))
    (folder / "float.tflite").write_bytes(float_classifier(folded))
    return folder


def logits(path, pictures):
    model = Interpreter(path)
    return np.concatenate([model.run(p[None])[0] for p in pictures])


def test_folded_float_equals_the_keras_network(models, settings):
    pictures = coarse(settings.size_px)
    expected = shaken_model(settings).predict(pictures.astype(np.float32) / 255, verbose=0)
    np.testing.assert_allclose(
        logits(models / "float.tflite", pictures), expected["logits"], rtol=1e-4, atol=1e-4
    )


def test_int8_follows_the_float_model(models, settings):
    pictures = coarse(settings.size_px)
    exact = logits(models / "float.tflite", pictures)
    stored = logits(models / "int8.tflite", pictures)
    # A trunk has a dozen more layers to round in, behind which a fresh head only adds noise up.
    alike = 0.98 if settings.trunk_blocks else 0.995
    assert np.corrcoef(exact.ravel(), stored.ravel())[0, 1] > alike
    # And across pictures, without what all of them share.
    exact, stored = exact - exact.mean(0), stored - stored.mean(0)
    assert np.corrcoef(exact.ravel(), stored.ravel())[0, 1] > 0.9


def test_every_operator_is_int8_and_in_one_partition(models, settings):
    model, side = Interpreter(models / "int8.tflite"), settings.size_px
    assert model.inputs == (((1, side, side, 3), np.dtype(np.uint8)),)
    assert model.outputs == (((1, settings.labels), np.dtype(np.float32)),)
    assert model.operators.count("DELEGATE") == 1
    assert set(model.operators) <= INT8_OPERATORS
    assert (models / "int8.tflite").stat().st_size < (models / "float.tflite").stat().st_size / 2


def test_equalising_changes_channels_and_not_the_logits(settings):
    folded, pictures = fold(shaken_model(settings), settings), coarse(settings.size_px)[:4]
    even = equalise(folded, pictures)
    assert not np.allclose(even.convolutions[2][0], folded.convolutions[2][0])
    for picture in pictures:
        batch = tf.constant(picture[None])
        np.testing.assert_allclose(
            Graph(even).predict(batch), Graph(folded).predict(batch), rtol=1e-4, atol=1e-4
        )


def test_range_is_chosen_behind_the_activation():
    rng = np.random.default_rng(0)
    # Half of the span is negative and matters a tenth as much; one value is far out.
    values = np.concatenate([rng.normal(0, 1, 100_000), [-40.0]])
    ends = best_range(values, 0.1, "conv3")
    assert -10 < ends.low < -0.5
    assert 3 < ends.high < 6


def test_logits_are_never_clipped():
    ends = best_range(np.array([-9.0, 2.0, 30.0]), 0.1, "logits")
    assert (ends.low, ends.high) == (-9.0, 30.0)


def test_exporter_refuses_nan(tmp_path, pictures):
    model = build_model(SETTINGS)
    layer = model.get_layer("logits")
    layer.bias.assign(np.full(12, np.nan, np.float32))
    path = tmp_path / "nan.tflite"
    path.write_bytes(float_classifier(fold(model, SETTINGS)))
    with pytest.raises(ExportError, match=r"nan\.tflite: an output is not finite"):
        check_classifier_file(path, pictures[:1])


def test_exporter_refuses_a_second_partition(tmp_path):
    kernel = tf.random.stateless_normal([3, 3, 3, 3], [1, 2])

    def interrupted(picture):
        x = tf.nn.conv2d(picture, kernel, 1, "SAME")
        x = tf.cast(tf.math.top_k(x, 2).indices, tf.float32)
        return {"out": tf.nn.conv2d(x, kernel[:, :, :2], 1, "SAME")}

    path = tmp_path / "two.tflite"
    path.write_bytes(to_tflite(interrupted, [tf.TensorSpec([1, 8, 8, 3], tf.float32)]))
    with pytest.raises(ExportError, match="2 XNNPACK partitions, expected 1"):
        check_one_partition(path, open_exported(path))


def test_exporter_refuses_an_operator_that_is_not_built_in():
    with pytest.raises(ExportError, match="built-in operators"):
        to_tflite(
            lambda x: {"out": tf.raw_ops.Betainc(a=x, b=x, x=x)},
            [tf.TensorSpec([4], tf.float32)],
        )


def test_exporter_refuses_a_file_that_is_no_model(tmp_path):
    path = tmp_path / "no.tflite"
    path.write_bytes(b"TFL3 but nothing else")
    with pytest.raises(ExportError, match=r"no\.tflite"):
        open_exported(path)


@pytest.mark.parametrize(
    ("kernel", "stride"),
    [(5, 2), (7, 2), (11, 4), (3, 2), (3, 1), (4, 2), (8, 4), (4, 4), (7, 4), (8, 8)],
)
def test_pixels_side_by_side_give_the_same_sums(kernel, stride):
    settings = first_convolution(kernel, stride)
    folded = fold(build_model(settings, seed=2), settings)
    graph = Graph(folded, tf.float64)
    assert graph.side_by_side == stride
    first, bias = folded.convolutions[0]
    picture = np.random.default_rng(0).integers(0, 256, (1, 96, 96, 3)).astype(np.float64)
    expected = tf.nn.conv2d(picture, first, stride, "SAME") + bias
    found = tf.nn.conv2d(
        graph._cells(tf.constant(picture)), graph.convolutions[0][0], graph.strides(1), "SAME"
    )
    np.testing.assert_allclose(found + bias, expected, atol=1e-9)


def test_cells_are_not_used_where_they_do_not_fit():
    settings = replace(first_convolution(7, 2), size_px=97)
    assert Graph(fold(build_model(settings), settings)).side_by_side == 1


def first_convolution(kernel: int, stride: int):
    first = Convolution(16, kernel, stride)
    convolutions = (first, *FAMILIES["stack-positions"].convolutions[1:])
    return replace(FAMILIES["stack-positions"], convolutions=convolutions)


def test_residual_is_part_of_the_kernel():
    settings = FAMILIES["stack-positions"]
    model = shaken_model(settings)
    norm = model.get_layer("conv2_bn")
    scale = np.asarray(norm.gamma) / np.sqrt(np.asarray(norm.moving_variance) + norm.epsilon)
    expected = np.asarray(model.get_layer("conv2").kernel) * scale
    expected[1, 1] += np.eye(16)
    np.testing.assert_allclose(fold(model, settings).convolutions[1][0], expected, atol=1e-6)
