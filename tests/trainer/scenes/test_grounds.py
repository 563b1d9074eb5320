import cv2
import numpy as np
import pytest

from edge.errors import EdgeError
from trainer.scenes.grounds import KINDS, ground_colours, ground_photograph, noise, pattern
from trainer.scenes.scene import Ground


@pytest.mark.parametrize("kind", KINDS)
def test_pattern_is_in_range_varies_and_repeats_per_seed(kind):
    one, again, other = pattern(kind, 1, 128), pattern(kind, 1, 128), pattern(kind, 2, 128)
    assert one.shape == (128, 128, 2)
    assert one.min() >= 0
    assert one.max() <= 1
    assert one[..., 0].std() > 0.01
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("slope", [0.0, 1.5])
def test_noise_tiles(slope):
    values = noise(128, np.random.default_rng(0), slope)
    assert values.mean() == pytest.approx(0, abs=1e-9)
    assert values.std() == pytest.approx(1)
    inside = np.abs(np.diff(values, axis=1)).mean()
    seam = np.abs(values[:, 0] - values[:, -1]).mean()
    assert seam < 2 * inside


def test_stretched_noise_is_smoother_along_x():
    values = noise(128, np.random.default_rng(0), 1.0, stretch=20)
    assert np.abs(np.diff(values, axis=1)).mean() < 0.5 * np.abs(np.diff(values, axis=0)).mean()


def test_colours_lie_between_dark_and_bright():
    ground = Ground("plain", 0, (0.1, 0.2, 0.3), (0.2, 0.3, 0.4), 100.0, 0.0, (0.0, 0.0), 0.5)
    mean = ground_colours(ground).mean(axis=(0, 1))
    np.testing.assert_allclose(mean, [0.15, 0.25, 0.35], rtol=0.1)


def test_photograph_is_mirrored_so_that_it_tiles(tmp_path):
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[:, 30:] = 200
    path = tmp_path / "floor.png"
    cv2.imwrite(str(path), picture)
    tile = ground_photograph(str(path))
    assert tile.shape == (1024, 1024, 3)
    np.testing.assert_array_equal(tile[:, 0], tile[:, -1])
    np.testing.assert_array_equal(tile[0], tile[-1])


def test_missing_photograph_is_named(tmp_path):
    with pytest.raises(EdgeError, match="nowhere"):
        ground_photograph(str(tmp_path / "nowhere.jpg"))
