"""The whole of `figures` on the shipped bundle: pictures, numbers, page, and what is refused."""

import json
import re

import keras
import numpy as np
import pytest
from families import FAMILIES, shaken_model
from typer.testing import CliRunner

from edge.bundle import read_bundle
from edge.config import SHIPPED_BUNDLE
from edge.errors import PictureError
from edge.pictures import read_picture
from trainer.against_float import float_network
from trainer.cli import app
from trainer.errors import RecipeError, TrainerError
from trainer.figures.feature_maps import as_pictures, feature_maps, layer_names, strongest
from trainer.figures.maximise import Ascent
from trainer.figures.views import (
    COLUMNS,
    KERNEL_PX,
    SMALL_KERNEL_PX,
    Wanted,
    draw_figures,
    kernel_views,
)
from trainer.folded import fold

SHORT = Ascent(steps=12, jitter_px=4)


@pytest.fixture(scope="module")
def folded():
    return float_network(read_bundle(SHIPPED_BUNDLE))


@pytest.fixture(scope="module")
def last(folded):
    return f"conv{len(folded.convolutions)}"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory, last, console):
    out = tmp_path_factory.mktemp("figures")
    wanted = Wanted(layers=("conv1", last), labels=("3001", "3176"), ascent=SHORT)
    return out, draw_figures(SHIPPED_BUNDLE, out, wanted, console)


def test_every_view_is_a_file_and_on_the_page(drawn, folded, last):
    out, found = drawn
    names = {path.stem for path in out.glob("*.png")}
    first = "stem" if folded.trunk else "conv1"
    assert names == {
        f"kernels-{first}", "kernels-conv2", "maps-conv1", f"maps-{last}", "liked-3001",
        "liked-3176",
    }  # fmt: skip
    page = (out / "figures.html").read_text()
    assert page.count("data:image/png;base64,") == len(names) + 1
    assert not re.search(r"(src|href)=.(?!data:)", page)
    assert json.loads((out / "figures.json").read_text()) == found


def test_numbers_are_of_the_shipped_network(drawn, folded):
    _, found = drawn
    assert found["bundle"] == read_bundle(SHIPPED_BUNDLE).sha256
    stem = {"stem": len(folded.trunk[0][1])} if folded.trunk else {}
    biases = {f"conv{n}": len(bias) for n, (_, bias) in enumerate(folded.convolutions, 1)}
    assert {name: row["kernels"] for name, row in found["kernels"].items()} == stem | biases
    for number, (kernel, _) in enumerate(folded.convolutions, 1):
        no_place = kernel.shape[:2] == (1, 1)
        assert (found["kernels"][f"conv{number}"]["edge_like"] is None) == no_place
    # It has learned something.
    first = next(iter(found["kernels"].values()))
    assert first["edge_like"] > first["chance"] + 0.1


def test_climbing_raises_the_logit(drawn):
    out, found = drawn
    for row in found["labels"]:
        assert row["end"] > row["start"] + 2
    one, other = (read_picture(out / f"liked-{part}.png") for part in ("3001", "3176"))
    assert np.abs(one.astype(int) - other).mean() > 1


def test_the_same_seed_climbs_to_the_same_picture(drawn, tmp_path, console):
    _, found = drawn
    wanted = Wanted(layers=("conv1",), labels=("3176",), ascent=SHORT)
    again = draw_figures(SHIPPED_BUNDLE, tmp_path, wanted, console)
    assert again["labels"][0]["end"] == pytest.approx(found["labels"][1]["end"], abs=0.05)


def test_without_names_the_types_it_tells_best_are_drawn(folded, last, tmp_path, console):
    wanted = Wanted(ascent=Ascent(steps=1))
    found = draw_figures(SHIPPED_BUNDLE, tmp_path, wanted, console)
    judged = json.loads(read_bundle(SHIPPED_BUNDLE).path("evaluation").read_text())
    rows = judged["test"]["labels"]
    least = min(rows[row["id"]]["average_precision"] for row in found["labels"])
    others = [row["average_precision"] or 0 for part, row in rows.items()]
    assert len(found["labels"]) == 6
    assert least == sorted(others)[-6]
    assert len(found["layers"]) == 3
    assert found["layers"][0] == ("stem" if folded.trunk else "conv1")
    assert found["layers"][-1] == last


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (Wanted(layers=("conv9",)), r"found conv9; this network has (stem, block0|conv1, conv2), "),
        (Wanted(labels=("3001", "xyz")), "does not know xyz; it knows 11211"),
    ],
)
def test_what_is_not_there_is_named(wanted, message, tmp_path, console):
    with pytest.raises(RecipeError, match=message):
        draw_figures(SHIPPED_BUNDLE, tmp_path / "out", wanted, console)
    assert not (tmp_path / "out").exists()


def test_a_missing_picture_is_refused(tmp_path, console):
    with pytest.raises(PictureError, match=r"none\.png"):
        draw_figures(SHIPPED_BUNDLE, tmp_path, Wanted(picture=tmp_path / "none.png"), console)


def test_the_command_prints_kinds_and_logits(folded, tmp_path):
    arguments = ["figures", str(SHIPPED_BUNDLE), "--out", str(tmp_path), "--labels", "3001,3001"]
    done = CliRunner().invoke(app, [*arguments, "--layers", "conv2", "--steps", "2"])
    assert done.exit_code == 0, done.output
    for number, (kernel, bias) in enumerate(folded.convolutions, 1):
        zero = "0 % zero" if kernel.shape[:2] == (1, 1) else ""
        assert f"conv{number}: {len(bias)} kernels, {zero}" in done.stdout
    assert done.stdout.count("3001 Brick 2x4: logit ") == 1


@pytest.fixture(scope="module")
def behind_trunk():
    settings = FAMILIES["lite-positions"]
    model = shaken_model(settings)
    return model, fold(model, settings)


def test_blocks_of_a_trunk_have_maps(behind_trunk):
    model, _ = behind_trunk
    names = ["stem", *(f"block{n}" for n in range(4)), "conv1", "conv2", "conv3"]
    assert layer_names(model) == names
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3)).astype(np.uint8)
    maps = dict(zip(names, feature_maps(model, names, picture), strict=True))
    shapes = [(32, 32, 32), (32, 32, 16), (16, 16, 24), (16, 16, 24), (8, 8, 40)]
    assert [maps[name].shape for name in names[:5]] == shapes
    # This block adds what it is given, and hands on the sum.
    project = model.get_layer("trunk_block2_project").output
    inside = keras.Model(model.inputs, project)
    (added,) = inside.predict(picture[None].astype(np.float32) / 255, verbose=0)
    np.testing.assert_allclose(maps["block2"], maps["block1"] + added, atol=1e-4)


def test_of_a_trunk_the_stems_kernels_are_colours(behind_trunk):
    _, folded = behind_trunk
    stem, second = kernel_views(folded)
    assert (stem.name, second.name) == ("kernels-stem", "kernels-conv2")
    step = KERNEL_PX + 2
    assert stem.picture.shape == (32 // COLUMNS * step + 2, COLUMNS * step + 2, 3)
    # conv1 has kernels of side 1; of conv2, 24 kernels see 24 channels.
    assert second.picture.shape == (24 * (SMALL_KERNEL_PX + 2) + 2,) * 2 + (3,)


def test_channels_that_vary_most_come_first_on_one_scale():
    activation = np.zeros((4, 4, 3), np.float32)
    activation[0, 0, 2] = 8
    activation[0, 0, 0] = 2
    assert strongest(activation, 2) == [2, 0]
    loud, quiet = as_pictures(activation, [2, 0]).astype(int)
    assert loud[0, 0].sum() > quiet[0, 0].sum() > quiet[1, 1].sum()


def test_a_folder_that_cannot_be_made_is_refused_before_any_work(tmp_path, console):
    (tmp_path / "file").write_text("")
    with pytest.raises(TrainerError, match="--out: no folder can be made"):
        draw_figures(SHIPPED_BUNDLE, tmp_path / "file", Wanted(ascent=SHORT), console)


def test_channels_are_coloured_on_the_scale_of_their_layer():
    activation = np.zeros((2, 2, 3), np.float32)
    activation[0, 0] = 1, 2, 4
    (shown,) = as_pictures(activation, [0])
    (alone,) = as_pictures(activation[..., :1], [0])
    # A quarter of the strongest, not the strongest itself.
    assert shown[0, 0].astype(int).tolist() != alone[0, 0].tolist()
