"""Machines for the tests, closed again after each."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from machines.broker import Broker
from rigs import RIGS, Clock, Rig


@pytest.fixture(params=RIGS)
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    with RIGS[request.param]() as made:
        yield made
        made.driver.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made = Broker(tmp_path)
    yield made
    made.end()
