import hashlib

import cv2
import numpy as np
import pytest

from trainer.augment import WindowSettings, draw_window, usable
from trainer.dataset import part_ids, read_dataset, read_datasets, targets
from trainer.errors import DatasetError
from trainer.labelled import brick_mask, cut_out, labelled_photograph
from trainer.model import Grid
from trainer.photographs import read_photographs, seed_of
from trainer.scenes.parts import parts
from trainer.windows import WindowFeed, load_picture

HEADER = "picture,labels\n"


def write_photographs(folder, text, sides=((40, 60), (50, 30))):
    folder.mkdir(exist_ok=True)
    for name, side in zip("ab", sides, strict=True):
        cv2.imwrite(str(folder / f"{name}.jpg"), np.full((*side, 3), 200, np.uint8))
    (folder / "labels.csv").write_text(text, encoding="utf-8")
    return folder


def test_photographs_and_renders_are_read_as_one(piles, tmp_path):
    own = write_photographs(tmp_path / "own", HEADER + "a.jpg,3024 3001\nb.jpg,\n")
    samples = read_datasets([piles, own])
    assert len(samples) == 62
    photographs = samples[60:]
    assert [s.picture for s in photographs] == [own / "a.jpg", own / "b.jpg"]
    assert [s.labels for s in photographs] == [("3001", "3024"), ()]
    assert all(s.ids is None and s.instances == () for s in photographs)
    assert targets(samples, part_ids(samples)).shape[0] == 62


def test_aliases_stand_for_the_same_part(tmp_path):
    part = next(part for part in parts().values() if part.aliases)
    own = write_photographs(tmp_path / "own", f"{HEADER}a.jpg,{part.aliases[0]} {part.id}\n")
    assert read_dataset(own)[0].labels == (part.id,)


def test_split_follows_the_files_name_alone(tmp_path):
    own = write_photographs(tmp_path / "own", HEADER + "a.jpg,3001\n")
    found = read_photographs(own)[0]
    assert found.seed == int(hashlib.sha256(b"a.jpg").hexdigest()[:12], 16)
    assert found.seed == seed_of("other/folder/a.jpg")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the first row is ''"),
        ("file,labels\na.jpg,3001\n", "the first row is 'file,labels'; expected 'picture,labels'"),
        (HEADER, "names no picture"),
        (HEADER + "a.jpg,3001\nb.jpg,3001 30O3\n", r"row 3: '30O3': none of the .* did you mean"),
        (HEADER + "c.jpg,3001\n", r"row 2: .*c\.jpg: no such file"),
        (HEADER + "a.jpg,3001\na.jpg,3003\n", r"a\.jpg is named twice"),
        (HEADER + "a.jpg,3001\n./a.jpg,3003\n", r"a\.jpg is named twice"),
        (HEADER + "a.jpg,3001,3003\n", "row 2: .*ids separated by spaces"),
        (HEADER + "a.jpg\n", "row 2: .*ids separated by spaces"),
        (HEADER + '"a.jpg,3001\n', "cannot be read"),
    ],
)
def test_bad_csv_is_named(tmp_path, text, said):
    own = write_photographs(tmp_path / "own", text)
    with pytest.raises(DatasetError, match=said):
        read_dataset(own)


def test_folder_of_neither_kind_or_both_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="has neither"):
        read_dataset(tmp_path)
    own = write_photographs(tmp_path / "own", HEADER + "a.jpg,3001\n")
    (own / "index.jsonl").touch()
    with pytest.raises(DatasetError, match=r"has index\.jsonl and labels\.csv"):
        read_dataset(own)


# ---- windows ----------------------------------------------------------------------------------

GRID = Grid(count=4, first_px=8, stride_px=16)


def settings(around="picture", zoom=(0.8, 1.6)):
    return WindowSettings(around, 64, zoom, GRID, shift=0.3)


def marked(height, width):
    """A black photograph whose four corners are white squares of a tenth of its width."""
    image = np.zeros((height, width, 3), np.uint8)
    edge = width // 10
    for rows in (slice(0, edge), slice(height - edge, None)):
        for columns in (slice(0, edge), slice(width - edge, None)):
            image[rows, columns] = 255
    return labelled_photograph(image, np.array([1, 3]))


@pytest.mark.parametrize("size", [(80, 80), (60, 120), (200, 100)])
def test_every_window_of_a_photograph_shows_all_of_it(size):
    source = marked(*size)
    share = (source.image > 127).mean() * size[0] * size[1] / max(size) ** 2
    for seed in range(20):
        window = draw_window(source, settings(zoom=(1.0, 1.6)), 5, np.random.default_rng(seed))
        assert (window.image > 200).mean() == pytest.approx(share, rel=0.35)
        assert window.labels.tolist() == [0, 1, 0, 1, 0]
        assert window.positions.tolist() == [[-1] * 4] * 4


def test_windows_around_bricks_leave_photographs_out(piles):
    samples = read_dataset(piles)
    ids = part_ids(samples)
    both = [load_picture(samples[0], ids), marked(80, 80)]
    assert usable(both, settings()) == both
    assert usable(both, settings("brick")) == both[:1]
    with pytest.raises(DatasetError, match="photographs of single bricks"):
        WindowFeed(both[1:], settings("brick"), 5, 8, 4, (0,), True)


def test_renders_and_photographs_of_any_size_make_one_batch(piles, tmp_path):
    own = write_photographs(tmp_path / "own", HEADER + "a.jpg,3001\nb.jpg,\n")
    samples = read_datasets([piles, own])[-6:]
    ids = part_ids(samples)
    pictures = [load_picture(sample, ids) for sample in samples]
    feed = WindowFeed(pictures, settings(), len(ids), 6, 6, (0,), True)
    images, wanted = feed.batch(0)
    assert images.shape == (6, 64, 64, 3)
    assert wanted["logits"].shape == (6, len(ids))
    assert wanted["scores"].shape == (6, 4, 4)


# ---- single bricks, cut out -------------------------------------------------------------------


def on_plain_ground(seed: int = 0) -> np.ndarray:
    """A blue photograph (90, 120) with noise, a red brick of 40 x 60 and a hole in it."""
    image = np.full((90, 120, 3), (120, 150, 230), np.float32)
    image[25:65, 30:90] = (170, 40, 30)
    image[40:50, 50:60] = (120, 150, 230)
    image += np.random.default_rng(seed).normal(0, 4, image.shape)
    return np.clip(image, 0, 255).astype(np.uint8)


def test_the_brick_of_a_single_photograph_is_found():
    mask = brick_mask(on_plain_ground())
    expected = np.zeros((90, 120), np.uint8)
    expected[25:65, 30:90] = 1
    # Its edge may be off by a pixel or two; the hole belongs to the brick.
    assert (mask != expected).mean() < 0.05
    assert mask[45, 55] == 1


@pytest.mark.parametrize("ground", ["bare", "busy"])
def test_where_no_brick_stands_out_none_is_found(ground):
    bare = np.full((60, 60, 3), 128, np.uint8)
    busy = np.random.default_rng(0).integers(0, 256, (60, 60, 3)).astype(np.uint8)
    assert cut_out({"bare": bare, "busy": busy}[ground], 0) is None


def test_windows_around_the_brick_of_a_photograph_are_labelled_where_it_lies():
    source = cut_out(on_plain_ground(), 2)
    assert source.photograph
    np.testing.assert_allclose(source.boxes, [[30, 25, 90, 65]], atol=3)
    window = draw_window(source, settings("brick", (0.9, 0.9)), 5, np.random.default_rng(1))
    assert window.labels.tolist() == [0, 0, 1, 0, 0]
    assert (window.positions == 2).sum() >= 4
    assert set(np.unique(window.positions)) <= {2, 5, -1}


def test_most_bricks_of_photographs_lie_on_other_grounds():
    source = cut_out(on_plain_ground(), 2)
    green = [np.full((64, 64, 3), (0, 255, 0), np.uint8)]
    moved = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        window = draw_window(source, settings("brick", (0.5, 0.5)), 5, rng, green)
        red = (window.image[..., 0] > 140) & (window.image[..., 1] < 90)
        assert red.any()
        moved += bool((window.image[..., 1] > 250).mean() > 0.3)
    assert 0.5 < moved / 60 < 0.9


def test_photographs_have_their_share_of_the_windows(piles):
    samples = read_dataset(piles)[:5]
    ids = part_ids(samples)
    rendered = [load_picture(sample, ids) for sample in samples]
    photographs = [cut_out(on_plain_ground(seed), 0) for seed in range(3)]
    feed = WindowFeed(
        rendered + photographs, settings("brick"), 5, 200, 4, (0,), True, photograph_share=0.15
    )
    from_photographs = np.bincount(feed._order, minlength=8)[5:]
    assert from_photographs.tolist() == [10, 10, 10]


def test_a_photograph_of_one_brick_is_cut_out_when_it_is_read(tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    cv2.imwrite(str(own / "a.png"), on_plain_ground()[..., ::-1])
    (own / "labels.csv").write_text(HEADER + "a.png,3001\n")
    picture = load_picture(read_dataset(own)[0], ("3001",))
    assert picture.ids is not None
    assert usable([picture], settings("brick")) == [picture]
