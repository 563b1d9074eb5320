import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import pytest
from piles import RECIPES, write_piles
from rich.console import Console


@pytest.fixture(scope="session")
def piles(tmp_path_factory):
    """A small data set in the trainer's format."""
    return write_piles(tmp_path_factory.mktemp("piles") / "data")


@pytest.fixture(scope="session", params=RECIPES)
def recipe_path(request, tmp_path_factory):
    """A tiny recipe of each family."""
    path = tmp_path_factory.mktemp("recipe") / "tiny.toml"
    path.write_text(RECIPES[request.param])
    return path


@pytest.fixture(scope="session")
def console():
    return Console(quiet=True)


@pytest.fixture(scope="session")
def trained_run(piles, recipe_path, console, tmp_path_factory):
    """A finished run of a tiny recipe."""
    from trainer.train import train

    folder = tmp_path_factory.mktemp("runs") / "tiny"
    train(recipe_path, piles, folder, console)
    return folder
