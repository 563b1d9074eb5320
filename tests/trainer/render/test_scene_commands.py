import cv2

from trainer.scenes.poses import read_poses


def test_sheet_shows_24_pictures_above_their_labels(render_recipe, trainer_command, tmp_path):
    out = tmp_path / "sheet.png"
    done = trainer_command("sheet", render_recipe, "--out", out, "--size", 48)
    assert done.returncode == 0, done.stderr
    image = cv2.imread(str(out))
    height, width, _ = image.shape
    assert width == 6 * (48 + 6) + 6
    # Each row is a picture, a margin above and below, and four lines or more.
    assert height >= 4 * (48 + 2 * 6 + 4 * 16)
    assert (image[60:70] < 100).any()


def test_settled_library_can_be_read(trainer_command, tmp_path):
    out = tmp_path / "poses.npz"
    done = trainer_command("settle", "--piles", 1, "--rests", 1, "--out", out)
    assert done.returncode == 0, done.stderr
    library = read_poses(out)
    assert len(library.piles) == 1
    assert f"rests of {len(library.rests)} parts, 1 piles" in done.stdout


def test_unknown_engine_and_missing_recipe_are_errors(trainer_command, tmp_path):
    missing = trainer_command("render", tmp_path / "no.toml", "--out", tmp_path, "--count", 1)
    assert missing.returncode == 1
    assert "cannot be read" in missing.stderr
    wrong = trainer_command("sheet", "a.toml", "--out", "b.png", "--engine", "povray")
    assert wrong.returncode == 2
    assert "povray" in wrong.stderr
