from pathlib import Path

import pytest
from piles import TINY_RECIPE

import trainer
from trainer.errors import RecipeError
from trainer.recipe import data_of, read_recipe, recipe_hash


def write(tmp_path, text: str) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    return path


def test_shipped_recipes_are_valid():
    recipes = sorted((Path(trainer.__file__).parent / "recipes").glob("*.toml"))
    assert recipes
    for path in recipes:
        assert read_recipe(path).name == path.stem


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("seed = 3", "sede = 3", "line 3: sede: unknown key; allowed here: data, loss, name"),
        ("width = 0.1", "width = -1.0", "network.width: found -1.0"),
        ("width = 0.1", 'width = "wide"', "network.width: found 'wide'"),
        ("epochs = 1\n", "epochs = 0\n", "stage.1.epochs: found 0"),
        ("side_px = 96\n", "", "stage.1.side_px: missing"),
        ('head = "positions"', 'head = "flatten"', "with the flatten head it must be"),
        ("stem_stride = 2", "stem_stride = 4", "laid out for a stride of 2"),
        ("[loss]", "[loss", "not valid TOML"),
        ("seed = 3", "seed = -1", "seed: found -1"),
        ("zoom = [0.4, 0.8]", "zoom = [0.8, 0.4]", "smallest magnification comes first"),
    ],
)
def test_wrong_recipe_names_the_place(tmp_path, old, new, named):
    assert old in TINY_RECIPE
    with pytest.raises(RecipeError) as error:
        read_recipe(
            write(
                tmp_path,
                TINY_RECIPE.replace(old, new, 1)
                if old != "epochs = 1\n"
                else TINY_RECIPE.replace(old, new),
            )
        )
    assert named in str(error.value)
    assert "recipe.toml" in str(error.value)


def test_line_numbers_are_right(tmp_path):
    text = TINY_RECIPE.replace("dense_size = 16", "dense_size = 1")
    line = text.splitlines().index("dense_size = 1") + 1
    with pytest.raises(RecipeError, match=f"line {line}: network.dense_size"):
        read_recipe(write(tmp_path, text))


def test_hash_changes_with_what_decides_and_not_with_comments(tmp_path):
    plain = recipe_hash(read_recipe(write(tmp_path, TINY_RECIPE)))
    assert plain == recipe_hash(read_recipe(write(tmp_path, "# why\n" + TINY_RECIPE)))
    assert plain != recipe_hash(read_recipe(write(tmp_path, TINY_RECIPE.replace("= 3\n", "= 4\n"))))


def test_missing_recipe_says_so(tmp_path):
    with pytest.raises(RecipeError, match="cannot be read"):
        read_recipe(tmp_path / "none.toml")


def test_data_set_is_named_beside_the_recipe_and_no_part_of_its_hash(tmp_path):
    plain = recipe_hash(read_recipe(write(tmp_path, TINY_RECIPE)))
    with pytest.raises(RecipeError, match="give --data DIR"):
        data_of(tmp_path / "recipe.toml")
    path = write(tmp_path, 'data = "piles"\n' + TINY_RECIPE)
    assert data_of(path) == tmp_path / "piles"
    assert recipe_hash(read_recipe(path)) == plain
