from pathlib import Path

import pytest

import trainer
from trainer.errors import RecipeError
from trainer.render.recipe import RenderRecipe, Slurm, read_render_recipe
from trainer.scenes.settings import SceneSettings

RECIPES = Path(trainer.__file__).parent / "recipes"


def write(folder, text):
    path = folder / "recipe.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.toml")), ids=lambda path: path.stem)
def test_shipped_recipes_of_either_kind_say_which_scenes(path):
    assert read_render_recipe(path).scenes.bricks[0] >= 1


def test_the_shipped_render_recipe_names_every_key_and_its_default():
    path = RECIPES / "piles.toml"
    recipe = read_render_recipe(path)
    assert recipe.model_copy(update={"engine": "raster"}) == RenderRecipe(name="piles")
    for model in (RenderRecipe, SceneSettings, Slurm):
        for key in model.model_fields:
            text = path.read_text()
            assert f"{key} = " in text or f"[{key}]" in text


def test_scenes_and_labels_of_a_training_recipe_are_taken(tmp_path):
    text = (
        'name = "both"\nseed = 4\nema = 0.9\n[labels]\nvisible_share = 0.4\n'
        '[scenes]\nbricks = [2, 3]\n[[stage]]\nname = "s"\n'
    )
    recipe = read_render_recipe(write(tmp_path, text), engine="blender", size_px=96)
    assert (recipe.name, recipe.seed, recipe.scenes.bricks) == ("both", 4, (2, 3))
    assert recipe.labels.visible_share == 0.4
    assert (recipe.engine, recipe.size_px) == ("blender", 96)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("shard_size = 0", "line 2: shard_size: found 0"),
        ('engine = "povray"', "line 2: engine: found 'povray'"),
        ("[scenes]\nbricks = [0, 5]", "line 3: scenes.bricks"),
        ("[scenes]\nbricks = [5, 2]", "the smaller comes first"),
        ("[scenes]\nparts = ['3001x1']", "line 3: scenes.parts: .*none of the"),
        ("[slurm]\nwalltime = 'a day'", "line 3: slurm.walltime"),
        ("stages = 3", "line 2: stages: unknown key; allowed here: engine"),
    ],
)
def test_wrong_keys_are_named(tmp_path, line, said):
    with pytest.raises(RecipeError, match=said):
        read_render_recipe(write(tmp_path, f'name = "x"\n{line}\n'))


def test_hash_is_of_what_decides_the_pictures(tmp_path):
    plain = RenderRecipe(name="a").sha256()
    assert plain == RenderRecipe(name="b", slurm=Slurm(queue="night")).sha256()
    others = [{"seed": 1}, {"engine": "blender"}, {"size_px": 64}, {"shard_size": 3}]
    assert plain not in {RenderRecipe(name="a", **other).sha256() for other in others}
