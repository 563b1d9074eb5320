"""The trunk against the network it was taken from, and what freezing it means."""

from pathlib import Path

import keras
import numpy as np
import pytest

from trainer import trunk
from trainer.errors import TrunkError
from trainer.model import Convolution, ModelSettings, build_model, positions_of
from trainer.optimizer import AveragingAdamW

ANSWERS = Path(__file__).parents[1] / "golden" / "trunk.npz"
"""What the original answers to random pictures; trainer/convert_trunk.py wrote it."""
SETTINGS = ModelSettings(
    (Convolution(8, 1),), labels=3, size_px=64, head="positions", trunk_blocks=trunk.BLOCKS_MAX
)


@pytest.fixture(scope="module")
def model():
    return build_model(SETTINGS)


@pytest.fixture(scope="module")
def answers():
    with np.load(ANSWERS) as file:
        return dict(file)


def ends(model):
    """The output of the stem and of each block."""
    for number, block in enumerate(trunk.blocks(trunk.BLOCKS_MAX)):
        step = block.steps[-1]
        inside = f"trunk_{number}_add" if block.residual else trunk.layer_name(step)
        yield model.get_layer(f"{inside}_relu6" if step.relu6 else inside).output


def random_picture(seed: int, side: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (side, side, 3)).astype(np.uint8)


def test_every_block_answers_as_the_original_on_the_originals_input(model, answers):
    outputs = list(ends(model))
    for number in range(1, len(outputs)):
        block = keras.Model(outputs[number - 1], outputs[number])
        found = block(answers[f"64/{number - 1}"][None])[0]
        expected = answers[f"64/{number}"]
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-3 * np.abs(expected).max())


@pytest.mark.parametrize(("seed", "side"), [(0, 64), (1, 96)])
def test_the_whole_trunk_stays_near_the_original(model, answers, seed, side):
    picture = random_picture(seed, side)[None].astype(np.float32) / 255
    found = keras.Model(model.input, list(ends(model))[-1])(picture)[0]
    expected = answers[f"{side}/{trunk.BLOCKS_MAX}"]
    # float16 kernels, eleven blocks deep.
    np.testing.assert_allclose(found, expected, rtol=0, atol=6e-3 * np.abs(expected).max())


def test_stem_sees_pixels_as_the_original_does(model, answers):
    picture = random_picture(0, 64)[None].astype(np.float32) / 255
    found = keras.Model(model.input, next(ends(model)))(picture)[0]
    np.testing.assert_allclose(found, answers["64/0"], rtol=0, atol=2e-3 * 6)


def test_positions_are_sixteen_pixels_apart_and_symmetric():
    grid = positions_of(SETTINGS, 128)
    assert (grid.count, grid.stride_px) == (8, 16)
    # Each stride of 2 pads behind only, half a step of its input: 0.5 + 1 + 2 + 4 + 8 = 15.5.
    assert grid.first_px == 15.5


def test_frozen_blocks_do_not_learn_and_the_others_learn_slowly(model):
    fresh = build_model(SETTINGS, seed=1)
    trunk.freeze_trunk(fresh, trunk.BLOCKS_MAX, 3)
    fresh.optimizer = AveragingAdamW(learning_rate=1e-3, trunk_rate=0.1, weight_decay=0.0)
    before = {layer.name: layer.get_weights() for layer in fresh.layers}
    fresh.compile(fresh.optimizer, {"logits": "mse", "scores": "mse"}, jit_compile=False)
    picture = random_picture(0, 64)[None].astype(np.float32) / 255
    fresh.train_on_batch(picture, {"logits": np.ones((1, 3)), "scores": np.ones((1, 4, 4, 3))})
    moved = {
        name: max((np.abs(a - b).max() for a, b in zip(weights, after, strict=True)), default=0)
        for name, weights in before.items()
        for after in [fresh.get_layer(name).get_weights()]
    }
    assert moved["trunk_stem"] == moved["trunk_block2_project"] == 0
    # Adam's first step is the learning rate.
    assert moved["trunk_block3_expand"] == pytest.approx(1e-4, rel=0.02)
    assert moved["conv1"] == pytest.approx(1e-3, rel=0.02)
    learning = [v.path for v in fresh.trainable_variables if v.path.startswith("trunk")]
    assert learning[0] == "trunk_block3_expand/kernel"


def test_another_file_of_weights_is_refused(tmp_path):
    other = tmp_path / "trunk.npz"
    other.write_bytes(trunk.WEIGHTS.read_bytes() + b" ")
    with pytest.raises(TrunkError, match=r"found SHA-256 .*expected .*restore it"):
        trunk.read_weights(other, trunk.WEIGHTS_SHA256)
    with pytest.raises(TrunkError, match=r"cannot be read.*make trunk"):
        trunk.read_weights(tmp_path / "none.npz", trunk.WEIGHTS_SHA256)


def test_there_are_eleven_blocks_to_stride_16():
    assert trunk.stride(trunk.BLOCKS_MAX) == 16
    with pytest.raises(ValueError, match="found 12 blocks; allowed: 1 to 11"):
        trunk.blocks(12)
