import numpy as np
import pytest

from trainer.errors import SceneError
from trainer.scenes.scene import (
    Brick,
    Camera,
    Ground,
    Light,
    Scene,
    Sky,
    model_matrix,
    projection_matrix,
    rotation_matrix,
    scene_from_json,
    turned,
    view_matrix,
)

FLAT = (1.0, 0.0, 0.0, 0.0)


def scene(bricks: int = 2) -> Scene:
    return Scene(
        seed=5,
        arrangement="scatter",
        illumination="natural",
        bricks=tuple(Brick("3001", 4, 0.2, (20.0 * k, 0.0, 4.8), FLAT) for k in range(bricks)),
        clutter=(),
        camera=Camera((0.0, -100.0, 100.0), (0.0, 0.0, 0.0), 0.0, 40.0),
        lights=(Light((0.0, 0.0, 1.0), 5.0, (1.0, 1.0, 1.0), 0.8),),
        sky=Sky(1, 0.3, (1.0, 1.0, 1.0), 0.5),
        ground=Ground("plain", 0, (0.2,) * 3, (0.4,) * 3, 100.0, 0.0, (0.0, 0.0), 0.8),
    )


def test_json_gives_the_scene_back():
    assert scene_from_json(scene().to_json()) == scene()


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        (lambda text: text[:-5], "scene"),
        (lambda text: text.replace('"seed":5', '"seed":"five"'), "seed"),
        (lambda text: text.replace('"seed":5', '"seed":5,"extra":1'), "extra"),
        (lambda text: text.replace('"field_deg":40.0,', ""), "camera.field_deg"),
    ],
)
def test_damaged_json_names_the_field(damage, named):
    with pytest.raises(SceneError, match=named):
        scene_from_json(damage(scene().to_json()))


def test_without_a_brick_the_others_stay():
    left = scene(3).without(1)
    assert left.bricks == (scene(3).bricks[0], scene(3).bricks[2])
    assert left.camera == scene(3).camera


def test_without_a_brick_that_is_not_there():
    with pytest.raises(SceneError, match="has 2"):
        scene(2).without(2)


def test_quarter_turn_about_the_vertical():
    half = np.sqrt(0.5)
    turn = rotation_matrix((half, 0, 0, half))
    np.testing.assert_allclose(turn @ [1, 0, 0], [0, 1, 0], atol=1e-12)


def test_turned_is_a_product_of_rotations():
    tilted = (0.5, 0.5, -0.5, 0.5)
    yaw = rotation_matrix((np.cos(0.35), 0, 0, np.sin(0.35)))
    np.testing.assert_allclose(
        rotation_matrix(turned(tilted, 0.7)), yaw @ rotation_matrix(tilted), atol=1e-12
    )


def test_model_matrix_scales_turns_and_moves():
    half = np.sqrt(0.5)
    matrix = model_matrix((1, 2, 3), (half, 0, 0, half), (2, 1, 1))
    np.testing.assert_allclose(matrix @ [1, 0, 0, 1], [1, 4, 3, 1], atol=1e-12)


def test_camera_sees_its_target_in_the_middle_and_the_edge_at_half_the_field():
    camera = Camera((0.0, -100.0, 0.0), (0.0, 0.0, 0.0), 0.0, 90.0)
    clip = projection_matrix(camera) @ view_matrix(camera)
    np.testing.assert_allclose((clip @ [0, 0, 0, 1])[:2], [0, 0], atol=1e-9)
    for corner, expected in (([100, 0, 0, 1], [1, 0]), ([0, 0, 100, 1], [0, 1])):
        spot = clip @ corner
        np.testing.assert_allclose(spot[:2] / spot[3], expected, atol=1e-9)


def test_rolled_camera_turns_the_picture():
    upright = Camera((0.0, -100.0, 0.0), (0.0, 0.0, 0.0), 0.0, 90.0)
    rolled = Camera((0.0, -100.0, 0.0), (0.0, 0.0, 0.0), 90.0, 90.0)
    x, y, _, _ = view_matrix(rolled) @ [50, 0, 0, 1]
    np.testing.assert_allclose([x, y], [0, -50], atol=1e-9)
    assert view_matrix(upright)[0, 0] == pytest.approx(1)


def test_camera_straight_above_has_a_view():
    camera = Camera((0.0, 0.0, 100.0), (0.0, 0.0, 0.0), 0.0, 40.0)
    axes = view_matrix(camera)[:3, :3]
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
