import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from trainer.dataset import split_of
from trainer.endless import EndlessPictures, training_seeds, validation_seeds
from trainer.render.drawn import DEFAULT_RULE
from trainer.render.worker import Order
from trainer.scenes.settings import SceneSettings

# Parts that need no download, as far as the shipped poses know them.
ORDER = Order(SceneSettings(parts=("3001", "3005"), bricks=(1, 3)), 64, DEFAULT_RULE)
QUIET = Console(quiet=True)


@pytest.fixture(scope="module")
def endless():
    with EndlessPictures(("3001", "3005"), workers=1) as pictures:
        yield pictures


def test_fresh_pictures_are_the_same_for_the_same_seeds(endless):
    first = endless.take(ORDER, [0, 1, 2], QUIET)
    again = endless.take(ORDER, [0, 1, 2, 3], QUIET)
    assert len(first) == 3
    for one, two in zip(first, again[:3], strict=True):
        np.testing.assert_array_equal(one.image, two.image)
        np.testing.assert_array_equal(one.ids, two.ids)
        np.testing.assert_array_equal(one.full_px, two.full_px)


def test_fresh_pictures_show_their_bricks(endless):
    for picture in endless.take(ORDER, [0, 1, 2], QUIET):
        assert picture.image.shape == (64, 64, 3)
        assert set(np.unique(picture.ids)) <= set(range(len(picture.parts) + 1))
        assert picture.counts.any()
        assert set(picture.parts) <= {0, 1}


def test_forgotten_pictures_are_drawn_again(endless):
    endless.keep_only([(ORDER, [0, 1, 2])])
    assert len(endless.take(ORDER, [5], QUIET)) == 1


def test_seeds_of_training_and_validation_never_meet():
    training, validation = set(training_seeds(1, 0, 400)), set(validation_seeds(1, 50))
    assert not training & validation
    assert {split_of(s) for s in training} == {"train"}
    assert {split_of(s) for s in validation} == {"validation"}
    assert training_seeds(1, 10, 5) == training_seeds(1, 0, 15)[10:]
    assert not training & set(training_seeds(2, 0, 400))


def test_drawing_processes_end_with_a_killed_trainer(tmp_path):
    script = tmp_path / "draw.py"
    script.write_text(
        """
import os, signal, sys
from trainer.endless import EndlessPictures

if __name__ == "__main__":
    pictures = EndlessPictures(("3001", "3005"))
    print(pictures._pool.submit(os.getpid).result(), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    )
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    worker = os.pidfd_open(int(done.stdout)) if Path(f"/proc/{done.stdout.strip()}").exists() else 0
    # A process descriptor is ready to read once its process has ended.
    assert not worker or select.select([worker], [], [], 60)[0]
