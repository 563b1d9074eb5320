import cv2
import numpy as np
import pytest

from trainer.disturb import disturb
from trainer.model import LUMINANCE


def picture() -> np.ndarray:
    """Soft spots of light, a little coloured."""
    rng = np.random.default_rng(0)
    light = cv2.GaussianBlur(rng.normal(0, 1, (64, 64)), (0, 0), 4)
    light = 128 + 45 * light[..., None] / light.std()
    return np.clip(light * [1.0, 0.9, 0.7], 0, 255).astype(np.uint8)


@pytest.mark.parametrize("grey", [False, True])
def test_keeps_shape_changes_values_and_repeats_per_seed(grey):
    one, again = (disturb(picture(), np.random.default_rng(3), grey) for _ in range(2))
    assert one.shape == (64, 64, 3)
    assert one.dtype == np.uint8
    assert not np.array_equal(one, picture())
    np.testing.assert_array_equal(one, again)


def test_grey_has_three_equal_channels():
    made = disturb(picture(), np.random.default_rng(1), grey=True)
    np.testing.assert_array_equal(made[..., 0], made[..., 2])


def test_grey_keeps_what_is_bright_and_what_is_dark():
    image = picture()
    plain = image @ np.array(LUMINANCE)
    alike = [
        np.corrcoef(disturb(image, np.random.default_rng(s), True)[..., 0].ravel(), plain.ravel())
        for s in range(30)
    ]
    assert np.median([c[0, 1] for c in alike]) > 0.6


def test_every_effect_occurs_and_most_pictures_stay_in_range():
    made = np.stack([disturb(picture(), np.random.default_rng(s)) for s in range(60)])
    means = made.mean(axis=(1, 2, 3))
    assert means.std() > 8
    assert ((made == 0) | (made == 255)).mean() < 0.2
