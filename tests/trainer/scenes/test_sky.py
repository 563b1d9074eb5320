import numpy as np
import pytest

from trainer.scenes.scene import Sky
from trainer.scenes.sky import basis, directions, irradiance, panorama


def test_even_light_from_everywhere_reflects_as_itself():
    harmonics = irradiance(np.ones((32, 64, 3)))
    normals = np.array([[0, 0, 1.0], [1, 0, 0], [0.6, 0, -0.8]])
    np.testing.assert_allclose(basis(normals) @ harmonics, np.ones((3, 3)), rtol=5e-3)


def test_light_from_above_falls_on_what_faces_up():
    radiance = np.zeros((32, 64, 3))
    radiance[:16] = 1
    up, side, down = basis(np.array([[0, 0, 1.0], [1, 0, 0], [0, 0, -1.0]])) @ irradiance(radiance)
    # A hemisphere lights what faces it fully, what is upright by half.
    np.testing.assert_allclose(up, 1, atol=0.06)
    np.testing.assert_allclose(side, 0.5, atol=0.02)
    np.testing.assert_allclose(down, 0, atol=0.06)


def test_directions_are_unit_and_begin_at_the_top():
    where = directions()
    np.testing.assert_allclose(np.linalg.norm(where, axis=2), 1, atol=1e-12)
    assert where[0, :, 2].min() > 0.99
    assert where[16, 0] == pytest.approx([1, 0, 0], abs=0.06)


def test_lower_half_is_the_ground_and_strength_the_mean_above():
    made = panorama(Sky(3, 0.4, (1.0, 1.0, 1.0), 0.8), np.array([0.5, 0.2, 0.1]))
    assert made[:16].mean() == pytest.approx(0.4, rel=1e-5)
    np.testing.assert_allclose(made[20, 5], [0.1, 0.04, 0.02], rtol=1e-5)
    np.testing.assert_array_equal(made, panorama(Sky(3, 0.4, (1.0,) * 3, 0.8), [0.5, 0.2, 0.1]))
