"""The companion against automatic differentiation in float64, and as the device runs it."""

import numpy as np
import pytest
from families import FAMILIES, shaken_model

from edge.interpreter import Interpreter
from trainer.checks import check_companion_file, check_random_variants, check_random_weights
from trainer.companion import companion, grid, has_variants, variants
from trainer.errors import ExportError
from trainer.folded import fold
from trainer.model import build_model


@pytest.fixture(scope="module", params=FAMILIES)
def settings(request):
    return FAMILIES[request.param]


@pytest.fixture(scope="module")
def exported(settings, tmp_path_factory):
    path = tmp_path_factory.mktemp("companion") / "companion.tflite"
    path.write_bytes(companion(fold(shaken_model(settings, seed=4), settings)))
    return path


@pytest.mark.parametrize("check", [check_random_weights, check_random_variants])
def test_maps_equal_a_float64_gradient_on_random_weights(settings, check, tmp_path):
    assert check(tmp_path, settings) < 1e-4


def test_one_partition_and_the_promised_shapes(settings, exported):
    model = Interpreter(exported)
    assert model.operators.count("DELEGATE") == 1
    side = settings.size_px
    assert model.inputs == (
        ((1, side, side, 3), np.dtype(np.uint8)),
        ((-1,), np.dtype(np.int32)),
    )
    maps = (-1, *grid(settings))
    expected = [(1, settings.labels), *[maps] * (3 if has_variants(settings) else 1)]
    assert [shape for shape, _ in model.outputs] == expected


def noise(settings) -> np.ndarray:
    side = settings.size_px
    return np.random.default_rng(0).integers(0, 256, (1, side, side, 3)).astype(np.uint8)


def test_k_may_change_from_call_to_call(settings, exported):
    model, picture = Interpreter(exported), noise(settings)
    _, *every = model.run(picture, np.arange(settings.labels, dtype=np.int32))
    for wanted in (
        [3],
        [7, 1, 3],
        list(range(settings.labels))[::-1],
        [3, 3],
        list(range(10)),
        [3],
    ):
        _, *some = model.run(picture, np.array(wanted, np.int32))
        for maps, whole in zip(some, every, strict=True):
            assert maps.shape == (len(wanted), *grid(settings))
            np.testing.assert_allclose(maps, whole[wanted], rtol=1e-4, atol=1e-6)


def test_maps_are_not_stretched_to_a_range(settings, exported):
    model = Interpreter(exported)
    _, maps, *_ = model.run(noise(settings), np.arange(12, dtype=np.int32))
    assert maps.min() >= 0
    assert len({round(float(m.max()), 9) for m in maps}) > 3


def test_hires_of_a_linear_head_is_an_account_of_the_logit(tmp_path):
    settings = FAMILIES["stack-positions"]
    model = shaken_model(settings)
    path = tmp_path / "companion.tflite"
    path.write_bytes(companion(fold(model, settings)))
    labels = np.arange(settings.labels, dtype=np.int32)
    logits, _, hires, _ = Interpreter(path).run(noise(settings), labels)
    bias = np.asarray(model.get_layer("logits").bias)
    np.testing.assert_allclose(hires.sum((1, 2)), logits[0] - bias, atol=1e-4)
    assert ((hires != 0).sum((1, 2)) <= 1).all()
    assert hires.min() < 0 < hires.max()


def test_hires_of_a_flatten_head_sums_to_its_logit(tmp_path):
    # Without biases, z is homogeneous in A for ReLU-like layers: sum of A * dz/dA is z.
    settings = FAMILIES["stack-flatten"]
    model = shaken_model(settings)
    for dense in (one for one in model.layers if hasattr(one, "units")):
        dense.bias.assign(np.zeros(dense.bias.shape))
    path = tmp_path / "variants.tflite"
    path.write_bytes(variants(fold(model, settings)))
    labels = np.arange(settings.labels, dtype=np.int32)
    logits, hires, _ = Interpreter(path).run(noise(settings), labels)
    np.testing.assert_allclose(hires.sum((1, 2)), logits[0], rtol=1e-3, atol=1e-4)


def test_max_pooled_weights_are_never_negative_behind_a_pooling(tmp_path):
    # The defect of the paper's variant: maps of different labels are nearly the same picture.
    settings = FAMILIES["pooled-flatten"]
    folded = fold(shaken_model(settings), settings)
    mean, largest = tmp_path / "mean.tflite", tmp_path / "max.tflite"
    mean.write_bytes(companion(folded))
    largest.write_bytes(variants(folded))
    labels = np.arange(settings.labels, dtype=np.int32)
    maps = Interpreter(mean).run(noise(settings), labels)[1].reshape(len(labels), -1)
    maxed = Interpreter(largest).run(noise(settings), labels)[2].reshape(len(labels), -1)
    spoken = maps.any(axis=1)
    alike = np.corrcoef(maxed)[np.triu_indices(len(labels), 1)].mean()
    assert alike > np.corrcoef(maps[spoken])[np.triu_indices(spoken.sum(), 1)].mean()
    assert alike > 0.9


def test_hires_behind_a_pooling_stays_within_one_window(tmp_path):
    settings = FAMILIES["pooled-positions"]
    path = tmp_path / "companion.tflite"
    path.write_bytes(companion(fold(shaken_model(settings), settings)))
    _, _, hires, _ = Interpreter(path).run(noise(settings), np.arange(12, dtype=np.int32))
    for one in hires:
        rows, columns = np.nonzero(one)
        assert np.ptp(rows) <= 2
        assert np.ptp(columns) <= 2


def test_check_refuses_a_companion_of_other_weights(settings, exported):
    other = build_model(settings, seed=5)
    with pytest.raises(ExportError, match="differ from a float64 gradient"):
        check_companion_file(exported, other, settings, noise(settings))


def test_check_refuses_wrong_hires(tmp_path, monkeypatch):
    from trainer import checks

    settings = FAMILIES["stack-positions"]
    reference = checks.reference_maps

    def moved(*args):
        found = reference(*args)
        return found._replace(hires=np.roll(found.hires, 1, axis=2))

    monkeypatch.setattr(checks, "reference_maps", moved)
    with pytest.raises(ExportError, match="differ from a float64 gradient"):
        check_random_weights(tmp_path, settings)
