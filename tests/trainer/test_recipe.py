from pathlib import Path

import pytest
from piles import STACK_RECIPE, TINY_RECIPE

import trainer
from trainer.errors import RecipeError
from trainer.model import Convolution, ModelSettings, alexnet
from trainer.recipe import data_of, read_recipe, recipe_hash


def write(tmp_path, text: str) -> Path:
    path = tmp_path / "recipe.toml"
    path.write_text(text)
    return path


def test_shipped_recipes_are_valid():
    shipped = sorted((Path(trainer.__file__).parent / "recipes").glob("*.toml"))
    recipes = [path for path in shipped if "[[stage]]" in path.read_text()]
    assert recipes
    for path in recipes:
        assert read_recipe(path).name == path.stem


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("seed = 3", "sede = 3", "line 3: sede: unknown key; allowed here: credits, "),
        ("width = 0.1", "width = -1.0", "network.width: found -1.0"),
        ("width = 0.1", 'width = "wide"', "network.width: found 'wide'"),
        ("epochs = 1\n", "epochs = 0\n", "stage.1.epochs: found 0"),
        ("side_px = 96\n", "", "stage.1.side_px: missing"),
        ('head = "positions"', 'head = "flatten"', "with the flatten head it must be"),
        ("width = 0.1", "hidden = [8]", 'network.hidden: found [8]; allowed with family = "stack"'),
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


def test_window_too_small_for_the_network_is_refused(tmp_path):
    text = TINY_RECIPE.replace("stem_stride = 2", "stem_stride = 4")
    with pytest.raises(RecipeError, match="stage 'bricks': side_px is 32; the network's strides"):
        read_recipe(write(tmp_path, text.replace("side_px = 64", "side_px = 32")))


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ('family = "stack"', "", "network.convolution: found [{'channels': 16,"),
        (
            'family = "stack"',
            'family = "resnet"',
            "network.family: found 'resnet'; input should be",
        ),
        ("hidden = []", "stem_stride = 2", "line 10: network.stem_stride: found 2; allowed with"),
        ("hidden = []", "hidden = [0]", "network.hidden.0: found 0"),
        ("channels = 32", "chanels = 32", "network.convolution.4.chanels: unknown key"),
        (
            "kernel = 1",
            "residual = true",
            "network.convolution.4.channels: found 32; with residual",
        ),
        ("stride = 4", "residual = true", "network.convolution.0.residual: found True; it needs"),
        ("stride = 2", "stride = 2\nresidual = true", "here stride is 2 and kernel 2"),
        ("residual = true", "residual = true\nbatch_norm = false", "it needs batch_norm = true"),
        (
            "kernel = 8\nstride = 4",
            "residual = true",
            "network.convolution.0.residual: found True; the first convolution has only",
        ),
    ],
)
def test_wrong_stack_names_the_place(tmp_path, old, new, named):
    assert old in STACK_RECIPE
    with pytest.raises(RecipeError) as error:
        read_recipe(write(tmp_path, STACK_RECIPE.replace(old, new, 1)))
    assert named in str(error.value)


def test_stack_needs_a_convolution(tmp_path):
    before, _, after = STACK_RECIPE.partition("[[network.convolution]]")
    text = before + "[loss]" + after.partition("[loss]")[2]
    with pytest.raises(RecipeError, match=r"network\.convolution: .*at least one \[\[network\."):
        read_recipe(write(tmp_path, text))


def test_network_is_as_the_recipe_says(tmp_path):
    network = read_recipe(write(tmp_path, STACK_RECIPE)).network
    assert network.settings(labels=7) == ModelSettings(
        convolutions=(
            Convolution(16, 8, 4),
            Convolution(16, residual=True),
            Convolution(24, 2, 2),
            Convolution(24, residual=True),
            Convolution(32, 1),
        ),
        labels=7,
        size_px=96,
        head="positions",
        colour="grey",
    )
    shared = {"labels": 7, "size_px": 96, "head": "positions", "colour": "grey"}
    assert read_recipe(write(tmp_path, TINY_RECIPE)).network.settings(labels=7) == alexnet(
        width=0.1, dense_size=16, stem_kernel=5, stem_stride=2, second_kernel=3, **shared
    )


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


LITE = """
name = "lite"
[network]
family = "lite"
size_px = 96
[[stage]]
name = "bricks"
side_px = 64
epochs = 1
windows_per_epoch = 16
batch_size = 16
learning_rate = 1e-3
"""


def test_lite_is_a_light_head_behind_eleven_blocks(tmp_path):
    settings = read_recipe(write(tmp_path, LITE)).network.settings(85)
    assert settings.trunk_blocks == 11
    assert settings.head == "positions"
    assert settings.convolutions == (Convolution(192, 1), Convolution(256, 3))


@pytest.mark.parametrize(
    ("old", "new", "named"),
    [
        ("side_px = 64", "side_px = 72", r"'bricks': side_px is 72; .* multiple of its stride, 16"),
        ("size_px = 96", "size_px = 100", r"network.size_px is 100; .* multiple of its stride"),
        ("size_px = 96", 'head = "flatten"', r"network.head: found 'flatten'"),
        ("size_px = 96", 'colour = "grey"', r"network.colour: found 'grey'"),
        ("size_px = 96", "width = 0.5", r"network.width: found 0.5"),
        ("size_px = 96", "blocks = 12", r"network.blocks: found 12"),
        ("size_px = 96", "blocks = 3\nfrozen_blocks = 4", r"frozen_blocks: .*the trunk has 3"),
        ("size_px = 96", "convolution = []", r"needs at least one"),
        ('"lite"\nsize', '"alexnet"\nfrozen_blocks = 1\nsize', r"frozen_blocks: found 1; allowed"),
        ("epochs = 1", "epochs = 1\nphotograph_share = 1.5", r"photograph_share: found 1.5"),
    ],
)
def test_wrong_lite_recipe_names_the_place(tmp_path, old, new, named):
    assert old in LITE
    with pytest.raises(RecipeError, match=named):
        read_recipe(write(tmp_path, LITE.replace(old, new, 1)))
