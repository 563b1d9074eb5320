import math

import numpy as np
import pytest
from test_primitives import open_edges

from trainer.scenes.gaps import with_gaps_closed
from trainer.scenes.mesh import signed_volume
from trainer.scenes.primitives import primitive

RADIUS, HEIGHT = 8.0, 3.0


def drawn_by_hand(sides=16):
    """A disc of 16 sides, seen from -Y."""
    turn = np.arange(sides + 1) * 2 * math.pi / sides
    rim = np.stack([np.cos(turn), 0 * turn, np.sin(turn)], axis=1) * RADIUS
    return np.stack([np.zeros((sides, 3)), rim[:-1], rim[1:]], axis=1)


@pytest.fixture
def can():
    """A wall and one end of 48 sides; the other end was drawn by hand."""
    round_ = primitive("4-4cylc.dat") * [RADIUS, HEIGHT, RADIUS]
    lid = drawn_by_hand()[:, ::-1] + np.array([0, HEIGHT, 0])
    return np.concatenate([round_, lid])


def test_a_lid_of_sixteen_sides_closes_a_can_of_48(can):
    assert open_edges(can) == 16 + 48
    closed = with_gaps_closed(can)
    assert len(closed) == len(can) + 2 * 16
    assert open_edges(closed) == 0
    area = 24 * math.sin(2 * math.pi / 48) * RADIUS**2
    assert signed_volume(closed) == pytest.approx(area * HEIGHT)


def test_what_is_closed_or_wide_open_stays():
    cylinder = primitive("4-4cyli.dat")
    assert with_gaps_closed(cylinder) is cylinder
    nothing = np.zeros((0, 3, 3))
    assert len(with_gaps_closed(nothing)) == 0
