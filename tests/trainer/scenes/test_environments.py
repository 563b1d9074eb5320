import numpy as np
import pytest

from trainer.errors import SceneError
from trainer.scenes.environments import SHIPPED, environment, environment_names
from trainer.scenes.scene import Sky
from trainer.scenes.sky import basis, blurred, irradiance, panorama

BYTES_MAX = 1_000_000


def sky(name, turn=0.0):
    return Sky(1, 0.5, (1.0, 1.0, 1.0), 0.5, name, turn)


def test_the_file_is_small_and_says_where_it_comes_from():
    assert SHIPPED.stat().st_size <= BYTES_MAX
    with np.load(SHIPPED) as shipped:
        notes = [str(line).split() for line in shipped["sources"]]
    assert [note[0] for note in notes] == list(environment_names())
    for note in notes:
        assert note[-2] == "CC0-1.0"
        assert len(bytes.fromhex(note[-1])) == 32


@pytest.mark.parametrize("name", environment_names())
def test_each_is_a_panorama_of_mean_luminance_one(name):
    seen = environment(name)
    assert seen.shape == (64, 128, 3)
    assert np.isfinite(seen).all()
    assert seen.min() >= 0
    rows = np.sin((np.arange(64) + 0.5) / 64 * np.pi)
    luminance = (seen @ [0.2126, 0.7152, 0.0722]).mean(axis=1)
    # The brightest suns are cut off.
    assert 0.4 < np.average(luminance, weights=rows) < 1.01


def test_an_unknown_one_is_named():
    with pytest.raises(SceneError, match="environment 'moon': not one of apartment-indoors"):
        environment("moon")


def test_the_upper_half_is_as_strong_as_asked_for_and_the_lower_is_ground():
    radiance = panorama(sky("city"), np.array([0.2, 0.4, 0.8]))
    assert radiance[:32].mean() == pytest.approx(0.5, rel=1e-4)
    lower = radiance[32:].reshape(-1, 3)
    assert np.ptp(lower, axis=0).max() == 0
    np.testing.assert_allclose(
        lower[0, 2] / lower[0, 0],
        4 * radiance[:32, :, 2].mean() / radiance[:32, :, 0].mean(),
        rtol=1e-4,
    )


def test_a_turn_is_a_turn():
    still, turned = (panorama(sky("lab-indoors", turn), np.ones(3)) for turn in (0.0, 0.25))
    np.testing.assert_array_equal(np.roll(still, 32, axis=1), turned)


def test_an_even_panorama_lights_evenly_and_blurs_to_itself():
    even = np.full((64, 128, 3), 0.7, np.float32)
    seen = basis(np.eye(3)) @ irradiance(even)
    np.testing.assert_allclose(seen, 0.7, rtol=2e-3)
    levels = blurred(even)
    assert [len(level) for level in levels] == [64, 32, 16, 8, 4]
    for level in levels:
        np.testing.assert_allclose(level, 0.7, rtol=1e-5)


def test_blurring_keeps_the_light_and_has_no_seam():
    spot = np.zeros((64, 128, 3), np.float32)
    spot[32, [0, -1]] = 1
    wide = blurred(spot)[1]
    assert wide.sum() * 4 == pytest.approx(6, rel=1e-3)
    np.testing.assert_allclose(wide[:, 0].sum(), wide[:, -1].sum(), rtol=1e-4)
