"""What `best` costs on the device, against `compact`."""

import tempfile
from functools import partial
from pathlib import Path

import numpy as np

from edge.interpreter import Interpreter
from tests.bench.table import Reach, Row
from tests.bench.timing import Comparison, compare_calls
from tests.prove.children import in_child
from tests.prove.context import RECIPES, Proof

LABELS = 85
PICTURES = 4
BLOCK_PX = 16


def device(proof: Proof) -> list[Row]:
    """int8 of `best` against int8 of `compact`: random weights, one thread, in turn."""
    rounds = proof.amount(300, 10)
    with tempfile.TemporaryDirectory(prefix="bricksight-prove-") as folder:
        found = in_child(compare_networks, Path(folder), rounds)
    note = f"{found.note}, medians of {rounds}, one thread, random weights"
    reach = Reach("at most", 5.0, "x")
    return [Row("device time of int8: best against compact", reach, found.ratio, note)]


def compare_networks(folder: Path, rounds: int) -> Comparison:
    """Time both in turn; runs in a process of its own."""
    calls = []
    for name in ("best", "compact"):
        path, side = _quantised(name, folder)
        calls.append(partial(Interpreter(path).run, _noise(side)[:1]))
    return compare_calls(calls[0], calls[1], rounds)


def _quantised(name: str, folder: Path) -> tuple[Path, int]:
    """An int8 model of a recipe's network, and the side of its pictures in px."""
    from trainer.folded import fold
    from trainer.model import build_model
    from trainer.quantise import quantise
    from trainer.recipe import read_recipe

    settings = read_recipe(RECIPES / f"{name}.toml").network.settings(LABELS)
    path = folder / f"{name}.tflite"
    folded = fold(build_model(settings), settings)
    path.write_bytes(quantise(folded, _noise(settings.size_px)))
    return path, settings.size_px


def _noise(side_px: int) -> np.ndarray:
    """(4, s, s, 3) uint8 pictures of coloured blocks."""
    count = -(-side_px // BLOCK_PX)
    blocks = np.random.default_rng(0).integers(0, 256, (PICTURES, count, count, 3))
    return blocks.astype(np.uint8).repeat(BLOCK_PX, 1).repeat(BLOCK_PX, 2)[:, :side_px, :side_px]
