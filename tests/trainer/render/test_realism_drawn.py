"""Each step of realism, drawn: it shows, and what is where stays."""

import numpy as np
import pytest
from drawing import recipe_with, with_and_without

from trainer.scenes.realism import STEPS

STUDDED = {"bricks": [1, 1], "parts": ["3005", "3062b", "6141"], "distance": [0.7, 0.9]}
LEAST_CHANGE = 0.02
"""Grey levels, in the mean of all pictures."""


@pytest.mark.parametrize("step", STEPS)
def test_a_step_shows_and_moves_nothing(drawn_in_child, step):
    recipe = recipe_with(size_px=96, scenes=STUDDED)
    pairs = drawn_in_child(with_and_without, recipe, step, range(10))
    change = [np.abs(a.image.astype(float) - b.image).mean() for a, b in pairs]
    # Without an LDraw library round shapes are computed either way.
    assert np.mean(change) > LEAST_CHANGE or step == "curves"
    for full, without in pairs:
        agree = (full.ids == without.ids).mean()
        # Small things may stand before a brick; 16 sides are a little narrower than 48.
        assert agree == 1 or (step == "things") or (step in ("curves", "relief") and agree > 0.98)
