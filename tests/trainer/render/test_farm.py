import shutil

import pytest
from drawing import COUNT, job_script, recipe_with, render_with_accident
from rich.console import Console

from trainer.dataset import read_index
from trainer.errors import DatasetError, RenderError
from trainer.render.farm import render
from trainer.render.recipe import Slurm, read_render_recipe
from trainer.render.shard_files import check_shards


def untouched(folder):
    """What a shard that is not drawn again keeps."""
    seals = folder.glob("shards/*/shard.json")
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in seals}


def test_the_same_command_draws_nothing_again(rendered, render_recipe, trainer_command):
    before = untouched(rendered)
    done = trainer_command(
        "render", render_recipe, "--out", rendered, "--count", COUNT, "--processes", 1
    )
    assert f"{COUNT} pictures, 0 of them drawn now" in done.stdout
    assert untouched(rendered) == before
    assert len(before) == 3


def test_killed_worker_loses_nothing_and_repeats_nothing(in_new_child, tmp_path):
    data, notes = tmp_path / "data", tmp_path
    recipe = recipe_with(shard_size=2)
    drawn = in_new_child(render_with_accident, recipe, data, 10, notes, True)
    assert (notes / "happened").exists()
    assert sorted(drawn) == [0, 1, 2, 3, 4]
    assert len(read_index(data, verify=True)) == 10
    assert not list(data.glob("shards/*.part"))


def test_ctrl_c_keeps_what_is_finished(in_new_child, drawn_in_child, tmp_path):
    data, notes = tmp_path / "data", tmp_path
    recipe = recipe_with(shard_size=2)
    drawn = in_new_child(render_with_accident, recipe, data, 400, notes, False)
    shards = list(check_shards(data))
    assert 0 < len(shards) < 200
    assert set(drawn) <= {int(shard.name) for shard in shards}
    assert len(read_index(data)) == 2 * len(shards)
    assert not list(data.glob("shards/*.part"))


def test_damage_is_named_by_verify_and_mended_by_render(
    rendered, render_recipe, trainer_command, tmp_path
):
    data = shutil.copytree(rendered, tmp_path / "data")
    assert trainer_command("verify", data).returncode == 0
    picture = read_index(data)[2].picture
    whole = picture.read_bytes()
    picture.write_bytes(whole[:-1] + b"?")
    with pytest.raises(DatasetError, match=picture.name):
        read_index(data, verify=True)
    found = trainer_command("verify", data)
    assert found.returncode == 1
    assert f"{picture}: SHA-256 is" in found.stderr
    mended = trainer_command(
        "render", render_recipe, "--out", data, "--count", COUNT, "--processes", 1
    )
    assert f"drawn again: {picture}" in mended.stdout
    assert "5 pictures, 2 of them drawn now" in mended.stdout
    assert picture.read_bytes() == whole
    assert trainer_command("verify", data).returncode == 0


def test_index_that_misses_pictures_is_named(rendered, tmp_path):
    data = shutil.copytree(rendered, tmp_path / "data")
    lines = (data / "index.jsonl").read_text().splitlines(keepends=True)
    (data / "index.jsonl").write_text("".join(lines[:-1]))
    with pytest.raises(DatasetError, match="its 4 rows are not the 5 of the 3 shards"):
        list(check_shards(data))


def test_a_set_without_checksums_cannot_be_verified(piles):
    with pytest.raises(DatasetError, match="no shards with checksums"):
        read_index(piles, verify=True)


def test_full_disk_is_one_error_and_the_same_command_goes_on(
    render_recipe, trainer_command, tmp_path
):
    data = tmp_path / "data"
    command = ["render", render_recipe, "--out", data, "--count", 2, "--processes", 1]
    full = trainer_command(*command, file_bytes_max=1500)
    assert full.returncode == 1
    assert len(full.stderr.splitlines()) == 1
    assert "no room" in full.stderr
    assert "make room, the same command goes on" in full.stderr
    assert not list(data.glob("shards/*"))
    assert "2 pictures, 2 of them drawn now" in trainer_command(*command).stdout


def test_another_recipe_is_refused(rendered, render_recipe):
    recipe = read_render_recipe(render_recipe, size_px=65)
    with pytest.raises(DatasetError, match=r"'tiny-piles' .* this one is 'tiny-piles'"):
        render(recipe, rendered, 0, 1, Console(quiet=True))


def test_other_shapes_are_refused(rendered, render_recipe, monkeypatch, tmp_path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "p").mkdir()
    (tmp_path / "parts" / "3005.dat").write_text("0 Brick 1 x 1\n")
    monkeypatch.setenv("LDRAWDIR", str(tmp_path))
    with pytest.raises(DatasetError, match="here are 1 parts from the LDraw library"):
        render(read_render_recipe(render_recipe), rendered, 0, 1, Console(quiet=True))


def test_a_folder_that_was_not_rendered_is_left_alone(piles, render_recipe):
    with pytest.raises(DatasetError, match="choose another --out"):
        render(read_render_recipe(render_recipe), piles, 0, 1, Console(quiet=True))


@pytest.mark.parametrize(("first", "count"), [(0, 0), (-1, 5), (0, 10**9 + 1), (10**9, 1)])
def test_impossible_counts_are_refused(render_recipe, tmp_path, first, count):
    with pytest.raises(RenderError, match="from 0 to 1000000000"):
        render(read_render_recipe(render_recipe), tmp_path, first, count, Console(quiet=True))


@pytest.mark.parametrize(
    ("workers", "processes", "said"),
    [
        ("slrum", None, "allowed: local, slurm"),
        ("tcp://127.0.0.1:9", 2, "leave it out"),
        ("gopher://here", None, "no scheduler answers"),
    ],
)
def test_workers_that_are_none_are_named(render_recipe, tmp_path, workers, processes, said):
    recipe = read_render_recipe(render_recipe)
    with pytest.raises(RenderError, match=said):
        render(recipe, tmp_path, 0, 1, Console(quiet=True), workers, processes)


def test_slurm_jobs_ask_for_what_the_recipe_says(in_new_child):
    slurm = Slurm(queue="night", account="bricks", memory="6GB", walltime="01:30:00", cores=3)
    script = in_new_child(job_script, slurm)
    for line in ("-p night", "-A bricks", "--cpus-per-task=3", "--mem=6G", "-t 01:30:00"):
        assert f"#SBATCH {line}" in script
    assert "--nworkers 3" in script
    assert "--nthreads 1" in script
