import json

import cv2
import numpy as np
import pytest
from drawing import draw_on_a_small_disk, draw_shards, recipe_with
from hypothesis import given
from hypothesis import strategies as st

from trainer.dataset import read_dataset, read_ids, read_index
from trainer.endless import SEED_STEP
from trainer.errors import DatasetError, SceneError
from trainer.render.shards import draw_again, plan, recipe_of, stored_scene
from trainer.scenes.scene import scene_from_json


@given(st.integers(0, 500), st.integers(1, 500), st.integers(1, 60))
def test_shards_hold_each_picture_once_and_where_its_number_says(first, count, shard_size):
    held = []
    for number, begin, amount in plan(first, count, shard_size):
        indices = range(begin, begin + amount)
        assert {index // shard_size for index in indices} == {number}
        held += indices
    assert held == list(range(first, first + count))


def pictures(folder):
    """Bytes of all pictures and maps by file name."""
    return {path.name: path.read_bytes() for path in folder.glob("shards/*/i*s/*")}


def scenes(folder):
    """Lines of all scenes by seed."""
    files = [path.read_bytes() for path in folder.glob("shards/*/scenes.jsonl")]
    return {scene_from_json(line).seed: line for file in files for line in file.splitlines()}


def test_a_seed_gives_the_same_bytes_in_any_shard_and_process(
    drawn_in_child, in_new_child, tmp_path
):
    one, other = tmp_path / "one", tmp_path / "other"
    drawn_in_child(draw_shards, recipe_with(seed=5, shard_size=2), one, 0, 5)
    in_new_child(draw_shards, recipe_with(seed=5, shard_size=3), other, 1, 4)
    assert sorted(scenes(one)) == [5 * SEED_STEP + index for index in range(5)]
    first = str(5 * SEED_STEP)
    kept = {name: data for name, data in pictures(one).items() if not name.startswith(first + ".")}
    assert len(kept) == 8
    assert kept == pictures(other)
    assert scenes(other).items() <= scenes(one).items()


def test_what_is_on_disk_stays_and_what_is_missing_is_added(drawn_in_child, tmp_path):
    recipe = recipe_with(shard_size=3)
    assert [s.drawn for s in drawn_in_child(draw_shards, recipe, tmp_path, 0, 4)] == [3, 1]
    assert [s.drawn for s in drawn_in_child(draw_shards, recipe, tmp_path, 0, 4)] == [0, 0]
    assert [s.drawn for s in drawn_in_child(draw_shards, recipe, tmp_path, 5, 1)] == [3]
    assert len(scenes(tmp_path)) == 6


def test_half_written_shard_is_removed_and_drawn(drawn_in_child, tmp_path):
    half = tmp_path / "shards" / "000000.12345678.part"
    (half / "images").mkdir(parents=True)
    (half / "images" / "0.jpg").write_bytes(b"half a pic")
    drawn_in_child(draw_shards, recipe_with(), tmp_path, 0, 1)
    assert [path.name for path in (tmp_path / "shards").iterdir()] == ["000000"]


@pytest.mark.parametrize("harm", ["changed", "missing", "no seal", "half a seal"])
def test_damaged_shard_is_named_and_drawn_again(drawn_in_child, tmp_path, harm):
    recipe = recipe_with()
    drawn_in_child(draw_shards, recipe, tmp_path, 0, 1)
    before = pictures(tmp_path)
    shard = tmp_path / "shards" / "000000"
    hurt = shard / ("shard.json" if "seal" in harm else "images/0.jpg")
    if harm in ("missing", "no seal"):
        hurt.unlink()
    else:
        hurt.write_bytes(hurt.read_bytes()[:-9])
    again = drawn_in_child(draw_shards, recipe, tmp_path, 0, 1)[0]
    assert str(hurt) in again.damage
    assert again.drawn == 1
    assert pictures(tmp_path) == before


def test_full_disk_keeps_what_is_finished_and_leaves_nothing_half(in_new_child, tmp_path):
    said = in_new_child(draw_on_a_small_disk, recipe_with(shard_size=1), tmp_path, 2, 400)
    assert "no room for shard 0" in said
    assert list((tmp_path / "shards").iterdir()) == []


def test_stored_scene_is_drawn_again_as_it_was(rendered, drawn_in_child):
    for sample in read_dataset(rendered):
        drawn = drawn_in_child(draw_again, rendered, sample.seed)
        assert np.array_equal(drawn.ids, read_ids(sample))
        stored = cv2.imread(str(sample.picture))[..., ::-1].astype(float)
        assert np.abs(stored - drawn.image).mean() < 6


def test_without_a_brick_it_is_gone_and_all_others_only_grow(rendered, drawn_in_child):
    for sample in read_dataset(rendered)[:2]:
        full = read_ids(sample)
        for brick in range(len(sample.instances)):
            drawn = drawn_in_child(draw_again, rendered, sample.seed, brick)
            assert len(drawn.scene.bricks) == len(sample.instances) - 1
            for other in range(1, len(sample.instances) + 1):
                if other == brick + 1:
                    continue
                now = drawn.ids == (other if other <= brick else other - 1)
                assert (now[full == other]).all()
                # It grows only to where the missing one was.
                assert np.isin(full[now], (other, brick + 1)).all()


def test_only_what_is_there_can_be_drawn_again(rendered, piles):
    recipe = recipe_of(rendered)
    with pytest.raises(DatasetError, match="no scene of seed 12;"):
        stored_scene(rendered, 12, recipe)
    with pytest.raises(SceneError, match="brick 40"):
        draw_again(rendered, read_index(rendered)[0].seed, without=40)
    with pytest.raises(DatasetError, match=r"dataset\.json"):
        recipe_of(piles)


def test_rows_say_what_kind_of_scene_it_is(rendered):
    for sample in read_index(rendered, verify=True):
        scene = stored_scene(rendered, sample.seed, recipe_of(rendered))
        assert sample.scene["arrangement"] == scene.arrangement
        assert sample.scene["illumination"] == scene.illumination
        assert sample.scene["ground"] == scene.ground.kind
        assert sample.scene["bricks"] == len(scene.bricks) == len(sample.instances)
        assert sample.scene["engine"] == "raster"
        away = np.subtract(scene.camera.position_mm, scene.camera.target_mm)
        rise = np.degrees(np.arctan2(away[2], np.hypot(away[0], away[1])))
        assert sample.scene["elevation_deg"] == pytest.approx(rise, abs=0.06)
        assert json.dumps(dict(sample.scene))
