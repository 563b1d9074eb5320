from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import numpy as np
import pytest

from trainer.faithfulness.networks import layers_of, randomise
from trainer.faithfulness.sanity import DRAWS, RADIUS, max_sensitivity, noisy


def test_noise_stays_within_its_radius():
    picture = np.array([[[0, 128, 255]]], np.uint8).repeat(9, 0).repeat(9, 1)
    drawn = list(noisy(picture, np.random.default_rng(0)))
    assert len(drawn) == DRAWS
    for shaken in drawn:
        off = np.abs(shaken.astype(int) - picture)
        assert 0 < off.max() <= round(255 * RADIUS)


def test_max_sensitivity_by_hand():
    maps = np.array([[[3.0, 4.0]], [[0.0, 0.0]], [[1.0, 0.0]]])
    near, far = maps.copy(), maps.copy()
    near[0, 0, 0], far[0, 0, 1] = 4, 14
    # |(0, 10)| / |(3, 4)|; a blank map has no size; a steady one is 0.
    found = max_sensitivity(maps, [near, far])
    assert found[0] == pytest.approx(2)
    assert np.isnan(found[1])
    assert found[2] == 0


@dataclass(frozen=True)
class Weights:
    """Stands in for a folded network."""

    convolutions: tuple
    dense: tuple
    trunk: tuple = ()
    settings: SimpleNamespace = field(
        default_factory=lambda: SimpleNamespace(
            convolutions=[SimpleNamespace(residual=False), SimpleNamespace(residual=True)],
            trunk_blocks=0,
        )
    )


def layer(rng, *shape):
    return rng.normal(2, 3, shape), rng.normal(0, 1, shape[-1])


@pytest.fixture
def network():
    rng = np.random.default_rng(1)
    convolutions = layer(rng, 3, 3, 3, 8), layer(rng, 3, 3, 8, 8)
    return Weights(convolutions, (layer(rng, 8, 16), layer(rng, 16, 5)))


@pytest.fixture
def with_trunk(network):
    """Two blocks: the first has no expansion."""
    rng = np.random.default_rng(2)
    trunk = tuple(layer(rng, 1, 1, 4, 4) for _ in range(1 + 2 + 3))
    settings = SimpleNamespace(convolutions=network.settings.convolutions, trunk_blocks=2)
    return replace(network, trunk=trunk, settings=settings)


def test_layers_are_named_from_the_last_one(network):
    assert layers_of(network) == ("logits", "dense1", "conv2", "conv1")


def test_a_trunk_follows_block_by_block(with_trunk):
    assert layers_of(with_trunk)[-4:] == ("conv1", "block1", "block0", "stem")
    found = randomise(with_trunk, ("block1",), 0)
    changed = [a is not b for a, b in zip(found.trunk, with_trunk.trunk, strict=True)]
    assert changed == [False, False, False, True, True, True]
    assert found.convolutions == with_trunk.convolutions
    whole = randomise(with_trunk, layers_of(with_trunk), 0)
    np.testing.assert_array_equal(whole.trunk[3][0], found.trunk[3][0])
    assert not any(bias.any() for _, bias in whole.trunk)
    assert not np.isclose(whole.trunk[0][0], with_trunk.trunk[0][0]).any()


def test_only_the_layers_named_become_random(network):
    found = randomise(network, ("logits",), 0)
    assert not np.isclose(found.dense[1][0], network.dense[1][0]).any()
    assert not found.dense[1][1].any()
    assert found.dense[0] is network.dense[0]
    assert found.convolutions == network.convolutions
    assert np.abs(found.dense[1][0].mean()) < 1
    assert found.dense[1][0].std() == pytest.approx(np.sqrt(4 + 9), rel=0.3)


def test_a_layer_is_the_same_however_many_are_random(network):
    one, all_of_them = randomise(network, ("logits",), 4), randomise(network, layers_of(network), 4)
    np.testing.assert_array_equal(one.dense[1][0], all_of_them.dense[1][0])
    other = randomise(network, ("logits",), 5)
    assert not np.array_equal(one.dense[1][0], other.dense[1][0])


def test_a_residual_convolution_still_adds_its_input(network):
    kernel, _ = network.convolutions[1]
    kernel[:] = 0
    kernel[1, 1] = np.eye(8)
    # Nothing was learned beside the sum, so nothing is random but the sum stays.
    np.testing.assert_array_equal(randomise(network, ("conv2",), 0).convolutions[1][0], kernel)
