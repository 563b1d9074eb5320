"""The paper's network is five convolutions and three dense layers; a stack is what it says."""

import keras
import numpy as np
import pytest
from families import FAMILIES, POOLED, STACK

from trainer.model import (
    LUMINANCE,
    Convolution,
    Grid,
    ModelSettings,
    alexnet,
    build_model,
    maps_of,
    positions_of,
)

HEADS = ("flatten", "positions")


def small(head: str, **changes) -> ModelSettings:
    return alexnet(**{"width": 0.1, "dense_size": 16, "size_px": 96, "head": head, **changes})


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
    assert alexnet(width=1.0) == ModelSettings(
        convolutions=(
            Convolution(96, 11, 4, pool=True),
            Convolution(256, 5, pool=True),
            Convolution(384, batch_norm=False),
            Convolution(384, batch_norm=False),
            Convolution(256, pool=True),
        ),
        hidden=(512, 512),
    )


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


def test_stack_is_what_its_convolutions_say():
    model = build_model(ModelSettings(POOLED, hidden=(20, 12), labels=5, head="positions"))
    assert [layer.name for layer in model.layers][1:] == [
        *("conv1", "conv1_act", "pool1"),
        *("conv2", "conv2_bn", "conv2_add", "conv2_act"),
        *("conv3", "conv3_bn", "conv3_act"),
        *("conv4", "conv4_bn", "conv4_add", "conv4_act", "pool4"),
        *("dense1", "dense1_act", "dense2", "dense2_act", "logits", "strongest"),
    ]


def test_residual_adds_what_came_in():
    settings = ModelSettings(STACK[:2], labels=3, size_px=64, head="positions", slope=0.1)
    model = build_model(settings)
    norm = model.get_layer("conv2_bn")
    norm.gamma.assign(np.zeros(16))
    norm.beta.assign(np.zeros(16))
    inner = keras.Model(
        model.inputs, [model.get_layer(n).output for n in ("conv1_act", "conv2_act")]
    )
    before, after = inner.predict(np.random.default_rng(0).random((1, 64, 64, 3)), verbose=0)
    np.testing.assert_allclose(after, np.where(before > 0, before, 0.1 * before), atol=1e-6)


@pytest.mark.parametrize(
    ("hidden", "names"), [((), ["drop1"]), ((16,), ["drop1"]), ((16, 8), ["drop1", "drop2"])]
)
def test_dropout_comes_before_hidden_layers_or_the_logits(hidden, names):
    model = build_model(ModelSettings(STACK, hidden, dropout=0.3, size_px=64))
    assert [layer.name for layer in model.layers if "drop" in layer.name] == names


@pytest.mark.parametrize("name", ["alexnet-positions", "stack-positions", "pooled-positions"])
@pytest.mark.parametrize("side", [96, 128, 150])
def test_grid_counts_the_networks_positions(name, side):
    settings = FAMILIES[name]
    model = build_model(settings)
    last = model.get_layer(f"conv{len(settings.convolutions)}_act").output
    inside = keras.Model(model.inputs, [last, model.output["scores"]])
    maps, scores = inside.predict(np.zeros((1, side, side, 3), np.float32), verbose=0)
    assert positions_of(settings, side).count == scores.shape[1] == scores.shape[2]
    assert maps_of(settings, side).count == maps.shape[1]


@pytest.mark.parametrize("name", ["alexnet-positions", "stack-positions", "pooled-positions"])
@pytest.mark.parametrize("side", [256, 250])
def test_grid_lies_on_the_middles_of_what_the_positions_see(name, side):
    settings = FAMILIES[name]
    model = build_model(settings)
    # With weights above zero, a score leaves zero where a bright column is within its reach.
    model.set_weights([np.full_like(w, 0.01) if w.ndim > 1 else w for w in model.get_weights()])
    columns = np.zeros((side, 32, side, 3), np.float32)
    columns[np.arange(side), :, np.arange(side)] = 1
    scores = model.predict(columns, batch_size=16, verbose=0)["scores"].max((1, 3))
    grid = positions_of(settings, side)
    # Far enough from the border that no padding cuts off what they see.
    for position in range(grid.count // 3, 2 * grid.count // 3):
        seen = np.flatnonzero(scores[:, position] > 0)
        middle = (seen[0] + seen[-1] + 1) / 2
        assert middle == grid.first_px + position * grid.stride_px


def test_grid_of_the_stack_tiles_the_picture():
    settings = ModelSettings(STACK, head="positions", size_px=128)
    assert positions_of(settings, 128) == Grid(16, 8, 4.0)


def test_too_small_a_picture_has_no_position():
    assert positions_of(FAMILIES["pooled-positions"], 8).count == 0
