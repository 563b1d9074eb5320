"""The network is the paper's: five convolutions, three dense, pools and batch-norms by threes."""

import keras
import numpy as np
import pytest

from trainer.model import LUMINANCE, ModelSettings, build_model

HEADS = ("flatten", "positions")


def small(head: str, **changes) -> ModelSettings:
    return ModelSettings(**{"width": 0.1, "dense_size": 16, "size_px": 96, "head": head, **changes})


@pytest.mark.parametrize("head", HEADS)
def test_layers_are_five_three_three_three(head):
    model = build_model(small(head))
    count = {
        kind: sum(isinstance(layer, kind) for layer in model.layers)
        for kind in (
            keras.layers.Conv2D,
            keras.layers.Dense,
            keras.layers.MaxPooling2D,
            keras.layers.BatchNormalization,
        )
    }
    assert list(count.values()) == [5, 3, 3, 3]


@pytest.mark.parametrize("head", HEADS)
def test_every_hidden_layer_ends_in_leaky_relu_of_the_slope(head):
    model = build_model(small(head, slope=0.07))
    leaky = [layer for layer in model.layers if isinstance(layer, keras.layers.LeakyReLU)]
    assert len(leaky) == 7  # five convolutions and two hidden dense layers
    assert [layer.negative_slope for layer in leaky] == pytest.approx([0.07] * 7)
    others = [
        layer
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense)
        and layer.activation is not keras.activations.linear
    ]
    assert others == []


def test_batch_norm_lies_between_convolution_and_activation():
    names = [layer.name for layer in build_model(small("flatten")).layers]
    for number in (1, 2, 5):
        place = names.index(f"conv{number}")
        assert names[place : place + 3] == [
            f"conv{number}",
            f"conv{number}_bn",
            f"conv{number}_act",
        ]


def test_full_width_is_alexnet():
    assert ModelSettings(width=1.0).channels == (96, 256, 384, 384, 256)


@pytest.mark.parametrize("head", HEADS)
def test_settings_shape_the_network(head):
    settings = small(head, labels=7, dense_size=24, stem_kernel=7, stem_stride=2)
    model = build_model(settings)
    assert model.get_layer("conv1").kernel.shape[:2] == (7, 7)
    assert model.get_layer("dense2").kernel.shape == (24, 24)
    logits = model.predict(np.zeros((2, 96, 96, 3), np.float32), verbose=0)["logits"]
    assert logits.shape == (2, 7)


def test_positions_head_takes_the_strongest_evidence_anywhere():
    model = build_model(small("positions", stem_stride=2))
    rng = np.random.default_rng(0)
    out = model.predict(rng.random((3, 96, 96, 3), np.float32), verbose=0)
    np.testing.assert_array_equal(out["logits"], out["scores"].max((1, 2)))


def test_grey_network_sees_luminance_only():
    model = build_model(small("positions", colour="grey", stem_stride=2))
    rng = np.random.default_rng(0)
    picture = rng.random((1, 96, 96, 3)).astype(np.float32)
    grey = np.repeat((picture * LUMINANCE).sum(-1, keepdims=True), 3, -1).astype(np.float32)
    np.testing.assert_allclose(
        model.predict(picture, verbose=0)["logits"],
        model.predict(grey, verbose=0)["logits"],
        atol=1e-5,
    )


def test_same_seed_gives_the_same_weights():
    one, two, other = (build_model(small("flatten"), seed).get_weights() for seed in (1, 1, 2))
    assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))
