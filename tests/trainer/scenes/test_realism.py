from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from trainer.scenes.environments import environment_names
from trainer.scenes.poses import read_poses
from trainer.scenes.realism import STEPS, Place, more_real
from trainer.scenes.sampling import Stock, draw_scene
from trainer.scenes.settings import SceneSettings

SEEDS = range(60)
BLACK, WHITE = 0, 15


@pytest.fixture(scope="module")
def stock():
    """All parts with a pose, as boxes of a 2 x 4 brick's size: sampling needs no more."""
    poses = read_poses()
    return Stock({part: np.array([16.0, 32.0, 11.2]) for part in poses.rests}, poses)


def scenes(stock, **changes):
    settings = SceneSettings(bricks=(1, 3), **changes)
    return [draw_scene(seed, settings, stock) for seed in SEEDS]


@pytest.fixture(scope="module")
def whole(stock):
    return scenes(stock)


def views(scene):
    """What no step may move."""
    camera = replace(scene.camera, f_stop=None, shake=(0.0, 0.0))
    bricks = tuple(replace(brick, roughness=0.0) for brick in scene.bricks)
    return camera, bricks, scene.lights, scene.tone, scene.arrangement


@pytest.mark.parametrize("step", [*STEPS, None])
def test_leaving_a_step_out_leaves_the_rest(stock, whole, step):
    left = () if step is None else tuple(other for other in STEPS if other != step)
    for full, without in zip(whole, scenes(stock, realism=left), strict=True):
        assert views(full) == views(without)
        assert without.realism == left
        if step is None:
            continue
        kept = {
            "gloss": lambda s: (s.sky, [b.roughness for b in s.bricks]),
            "exposure": lambda s: (s.exposure, s.camera),
            "grounds": lambda s: s.ground,
            "things": lambda s: s.clutter,
        }
        for name, part in kept.items():
            assert name == step or part(full) == part(without), name


def test_each_step_shows(whole, stock):
    plain = scenes(stock, realism=[])
    for differs in (
        lambda s: s.sky.environment,
        lambda s: s.exposure,
        lambda s: s.camera.shake,
        lambda s: s.ground.kind,
        lambda s: len(s.clutter),
    ):
        assert any(differs(a) != differs(b) for a, b in zip(whole, plain, strict=True))
    assert {s.sky.environment for s in whole} <= {None, *environment_names()}


def test_exposures_go_far_both_ways(whole):
    exposures = [s.exposure for s in whole]
    assert min(exposures) < 0.5
    assert max(exposures) > 2


def test_half_of_the_scenes_lie_on_machines_if_asked_for(stock):
    kinds = [s.ground.kind for s in scenes(stock, plain_share=1.0)]
    assert set(kinds) == {"sheet", "belt", "grid"} or kinds.count("sheet") > len(kinds) / 3
    half = [s.ground.kind in ("sheet", "belt", "grid") for s in scenes(stock, plain_share=0.5)]
    assert 0.3 < np.mean(half) < 0.7


def test_dark_bricks_lie_on_dark_grounds_too(stock):
    place = Place(np.zeros(3), 20.0, 0.0, 0.0)
    shares = {}
    for colour in (BLACK, WHITE):
        drawn = [
            more_real(
                replace(scene, bricks=tuple(replace(b, colour=colour) for b in scene.bricks)),
                ("grounds",),
                place,
            )
            for scene in scenes(stock, realism=[])
        ]
        shares[colour] = np.mean([np.mean(s.ground.bright) < 0.075 for s in drawn])
    assert shares[BLACK] > shares[WHITE] + 0.05


def test_an_unknown_step_is_named():
    with pytest.raises(ValidationError, match=r"found 'fog'; allowed: curves, gloss, bevels"):
        SceneSettings.model_validate({"realism": ["gloss", "fog"]})


def test_steps_are_kept_in_their_order():
    assert SceneSettings(realism=("relief", "curves")).realism == ("curves", "relief")
