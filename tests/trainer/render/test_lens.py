import numpy as np
import pytest

from trainer.render.lens import focused, shaken
from trainer.scenes.scene import Camera

SIDE = 64


def camera(f_stop=None, shake=(0.0, 0.0)):
    return Camera((0.0, 0.0, 100.0), (0.0, 0.0, 0.0), 0.0, 40.0, f_stop, shake)


@pytest.fixture
def dot():
    picture = np.zeros((SIDE, SIDE, 3), np.uint8)
    picture[32, 32] = 255
    return picture


@pytest.fixture
def checks():
    return (
        np.where(np.indices((SIDE, SIDE)).sum(axis=0)[..., None] % 2, 255, 0)
        .astype(np.uint8)
        .repeat(3, axis=2)
    )


def test_a_still_camera_moves_nothing(dot):
    assert shaken(dot, camera()) is dot


def test_a_shake_smears_along_its_way_and_keeps_the_light(dot):
    smeared = shaken(dot, camera(shake=(8 / SIDE, 0.0)))[..., 0].astype(float)
    assert smeared.sum() == pytest.approx(255, rel=0.1)
    rows, columns = np.nonzero(smeared)
    assert set(rows) == {32}
    assert columns.max() - columns.min() == pytest.approx(8, abs=1)
    down = shaken(dot, camera(shake=(0.0, 8 / SIDE)))[..., 0]
    assert np.ptp(np.nonzero(down)[0]) == pytest.approx(8, abs=1)


def test_without_an_f_stop_all_is_sharp(checks):
    assert focused(checks, np.full((SIDE, SIDE), 10.0), camera()) is checks


def test_the_target_is_sharp_and_the_rest_blurs_with_its_distance(checks):
    def contrast(away_mm):
        seen = focused(checks, np.full((SIDE, SIDE), away_mm), camera(f_stop=2.0))
        return float(seen[8:-8, 8:-8].std())

    assert contrast(100.0) == pytest.approx(checks.std())
    assert contrast(100.0) > contrast(104.0) > contrast(130.0)
    assert contrast(98.0) > contrast(85.0)


def test_a_wider_lens_blurs_more(checks):
    away = np.full((SIDE, SIDE), 108.0)
    wide, narrow = (focused(checks, away, camera(f_stop=stop)).std() for stop in (2.0, 12.0))
    assert wide < narrow
