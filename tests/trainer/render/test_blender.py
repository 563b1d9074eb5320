import numpy as np
import pytest
from drawing import recipe_with, with_and_without_bricks

from trainer.dataset import read_ids, read_image, read_index
from trainer.errors import RenderError
from trainer.render.blender import find_blender
from trainer.scenes.settings import SceneSettings

DIFFERS = 30


@pytest.fixture(scope="session", autouse=True)
def blender():
    """Fails with what to install where there is no bpy."""
    try:
        return find_blender()
    except RenderError as error:
        pytest.fail(str(error))


def test_command_renders_with_cycles(render_recipe, trainer_command, tmp_path):
    data = tmp_path / "data"
    options = ["--engine", "blender", "--size", 48, "--processes", 1]
    done = trainer_command("render", render_recipe, "--out", data, "--count", 2, *options)
    assert done.returncode == 0, done.stderr
    samples = read_index(data, verify=True)
    assert [sample.scene["engine"] for sample in samples] == ["blender"] * 2
    for sample in samples:
        image = read_image(sample)
        assert image.shape == (48, 48, 3)
        assert read_ids(sample).shape == (48, 48)
        assert image.std() > 5


def test_instance_map_is_where_the_bricks_are(in_new_child):
    scenes = SceneSettings(bricks=(2, 3), parts=("3001", "3003", "3020", "3034"))
    recipe = recipe_with(engine="blender", size_px=192, samples=4, scenes=scenes)
    for index in (0, 1):
        drawn, bare = in_new_child(with_and_without_bricks, recipe, index)
        differs = np.abs(drawn.image.astype(int) - bare.astype(int)).max(axis=2) > DIFFERS
        bricks = drawn.ids > 0
        both, either = (differs & bricks).sum(), (differs | bricks).sum()
        assert bricks.sum() > 300
        assert both / either > 0.9


def test_missing_python_is_named(monkeypatch):
    monkeypatch.setenv("BRICKSIGHT_BLENDER", "/nowhere/python")
    with pytest.raises(RenderError, match=r"/nowhere/python: no such file; .*pip install"):
        find_blender()
