from dataclasses import dataclass, field
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
    settings: SimpleNamespace = field(
        default_factory=lambda: SimpleNamespace(
            convolutions=[SimpleNamespace(residual=False), SimpleNamespace(residual=True)]
        )
    )


@pytest.fixture
def network():
    rng = np.random.default_rng(1)

    def layer(*shape):
        return rng.normal(2, 3, shape), rng.normal(0, 1, shape[-1])

    return Weights((layer(3, 3, 3, 8), layer(3, 3, 8, 8)), (layer(8, 16), layer(16, 5)))


def test_layers_are_named_from_the_last_one(network):
    assert layers_of(network) == ("logits", "dense1", "conv2", "conv1")


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
