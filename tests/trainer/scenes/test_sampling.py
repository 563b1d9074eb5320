import numpy as np
import pytest
from pydantic import ValidationError

from trainer.errors import SceneError
from trainer.scenes.colours import colours
from trainer.scenes.parts import parts
from trainer.scenes.poses import PoseLibrary, read_poses
from trainer.scenes.sampling import ABOVE_HORIZON_DEG, Stock, draw_scene
from trainer.scenes.scene import rotation_matrix
from trainer.scenes.settings import SceneSettings


@pytest.fixture(scope="module")
def stock():
    """All parts with a pose, as boxes of a 2 x 4 brick's size: sampling needs no more."""
    poses = read_poses()
    return Stock({part: np.array([16.0, 32.0, 11.2]) for part in poses.rests}, poses)


def scenes(settings, stock, count=40):
    return [draw_scene(seed, settings, stock) for seed in range(count)]


def test_same_seed_same_scene(stock):
    assert draw_scene(7, SceneSettings(), stock) == draw_scene(7, SceneSettings(), stock)
    assert draw_scene(7, SceneSettings(), stock) != draw_scene(8, SceneSettings(), stock)


def test_bricks_are_as_many_as_asked_for(stock):
    counts = {len(s.bricks) for s in scenes(SceneSettings(bricks=(2, 4)), stock)}
    assert counts == {2, 3, 4}


def test_only_the_parts_asked_for_occur(stock):
    drawn = scenes(SceneSettings(parts=("3001", "3005")), stock)
    assert {b.part for s in drawn for b in s.bricks} == {"3001", "3005"}


def test_piles_come_from_the_library_and_keep_their_height(stock):
    drawn = scenes(SceneSettings(pile_share=1.0, bricks=(5, 8)), stock, 10)
    for one in drawn:
        assert one.arrangement == "pile"
        heights = sorted(b.position_mm[2] for b in one.bricks)
        known = [
            sorted(float(z) for z in stock.poses.piles[i].positions_mm[:, 2])
            for i in stock.poses.piles_of(len(one.bricks))
        ]
        assert any(np.allclose(heights, k, atol=1e-4) for k in known)


def test_scattered_bricks_do_not_overlap(stock):
    for one in scenes(SceneSettings(pile_share=0.0, spread=(0.0, 0.3)), stock, 20):
        boxes = []
        for brick in one.bricks:
            half = np.abs(rotation_matrix(brick.rotation)) @ stock.sizes_mm[brick.part] / 2
            boxes.append((np.array(brick.position_mm[:2]), half[:2]))
        for i, (a, ha) in enumerate(boxes):
            for b, hb in boxes[:i]:
                assert (np.abs(a - b) > ha + hb - 1e-3).any()


def test_colours_are_ones_the_part_is_made_in(stock):
    table = parts()
    for one in scenes(SceneSettings(one_colour_share=0.0), stock):
        assert all(b.colour in table[b.part].colours for b in one.bricks)


def test_one_colour_share_gives_piles_of_one_colour(stock):
    drawn = scenes(SceneSettings(one_colour_share=1.0), stock)
    assert all(len({b.colour for b in one.bricks}) == 1 for one in drawn)


def test_transparent_share_of_nothing_gives_no_transparent_brick(stock):
    drawn = scenes(SceneSettings(transparent_share=0.0, one_colour_share=0.0), stock)
    assert all(colours()[b.colour].opacity == 1 for one in drawn for b in one.bricks)


def test_no_camera_sees_the_horizon(stock):
    for one in scenes(SceneSettings(elevation_deg=(10, 89), field_deg=(20, 65)), stock):
        away = np.subtract(one.camera.position_mm, one.camera.target_mm)
        elevation = np.degrees(np.arcsin(away[2] / np.linalg.norm(away)))
        assert elevation > one.camera.field_deg / 2 + ABOVE_HORIZON_DEG - 12


def test_both_kinds_of_light_occur_and_are_recorded(stock):
    assert {s.illumination for s in scenes(SceneSettings(), stock)} == {"natural", "artificial"}


def test_photographs_are_used_as_grounds(stock):
    with_floors = Stock(stock.sizes_mm, stock.poses, ("/floors/a.jpg",))
    drawn = scenes(SceneSettings(photograph_share=1.0), with_floors, 5)
    assert {s.ground.photograph for s in drawn} == {"/floors/a.jpg"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"bricks": [0, 3]}, "greater than or equal to 1"),
        ({"bricks": [1, 4000]}, "less than or equal to 40"),
        ({"bricks": [5, 2]}, "the smaller comes first"),
        ({"elevation_deg": [2, 80]}, "allowed: 10 to 90"),
        ({"grounds": ["lava"]}, "found 'lava'"),
        ({"parts": ["30o1"]}, "30o1"),
    ],
)
def test_impossible_settings_are_named(settings, message):
    with pytest.raises(ValidationError, match=message):
        SceneSettings.model_validate(settings)


def test_no_part_with_both_shape_and_pose():
    with pytest.raises(SceneError, match="LDRAWDIR"):
        draw_scene(0, SceneSettings(), Stock({}, PoseLibrary({}, [])))
