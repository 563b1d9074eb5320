"""Machines for the tests, closed again after each."""

from collections.abc import Iterator

import pytest
from rigs import RIGS, Clock, Rig


@pytest.fixture(params=RIGS)
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    made = RIGS[request.param]()
    yield made
    made.driver.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()
