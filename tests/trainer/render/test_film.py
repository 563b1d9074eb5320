"""A film of piles on one place, drawn in a process of its own."""

import itertools
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from trainer.render.film import EMPTY_FRAMES, PILE_FRAMES

RECIPE = """
name = "film"
seed = 3
engine = "raster"
size_px = 64

[scenes]
parts = ["3001", "3003"]
bricks = [1, 2]
clutter_share = 0.0
"""
COMMAND = "from trainer.cli import main; main()"


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    folder = tmp_path_factory.mktemp("film")
    (folder / "film.toml").write_text(RECIPE)
    out = folder / "pile.mp4"
    arguments = ["film", str(folder / "film.toml"), "--out", str(out), "--piles", "2"]
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return out


def test_film_shows_the_empty_place_then_every_pile(film):
    capture = cv2.VideoCapture(str(film))
    shown = []
    while (read := capture.read())[0]:
        shown.append(read[1].astype(int))
    assert len(shown) == EMPTY_FRAMES + PILE_FRAMES[1] + PILE_FRAMES[0]
    assert shown[0].shape == (48, 64, 3)
    changes = [np.abs(b - a).mean() for a, b in itertools.pairwise(shown)]
    cuts = sorted(int(i) + 1 for i in np.argsort(changes)[-2:])
    assert cuts == [EMPTY_FRAMES, EMPTY_FRAMES + PILE_FRAMES[1]]
