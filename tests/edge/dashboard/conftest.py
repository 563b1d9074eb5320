"""The dashboard on a test client, behind its real server, and in a real browser."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# The builders of tests/edge, also where only this folder is run.
sys.path.insert(0, str(Path(__file__).parents[1]))

from dashboard_rig import Browser, Feeder, Served, World, open_browser
from flask.testing import FlaskClient


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    built = World(tmp_path)
    yield built
    built.store.close()


@pytest.fixture
def client(world: World) -> FlaskClient:
    return world.client()


@pytest.fixture
def served(world: World) -> Iterator[Served]:
    with Served(world.live_app(), world.cookie()) as server:
        yield server


@pytest.fixture
def feeder(world: World) -> Iterator[Feeder]:
    with Feeder(world) as running:
        yield running


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with open_browser(tmp_path_factory.mktemp("chromium")) as opened:
        yield opened
