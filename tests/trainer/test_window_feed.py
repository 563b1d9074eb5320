import numpy as np
import pytest

from trainer.augment import WindowSettings
from trainer.dataset import of_split, part_ids, read_index
from trainer.model import alexnet, positions_of
from trainer.windows import WindowFeed, load_picture, tensorflow_feed

NETWORK = alexnet(stem_kernel=7, stem_stride=2, second_kernel=3, head="positions")


@pytest.fixture(scope="module")
def feed(piles):
    samples = read_index(piles)
    labels = part_ids(samples)
    pictures = [load_picture(s, labels) for s in of_split(samples, "train", piles)]
    settings = WindowSettings("brick", 64, (0.5, 0.9), positions_of(NETWORK, 64))
    return WindowFeed(pictures, settings, len(labels), 64, 8, (1, 2), True, grey=True)


def test_tensorflow_feed_gives_the_same_batches_in_the_same_order(feed):
    count = 0
    for index, (images, targets) in enumerate(tensorflow_feed(feed)):
        plain, wanted = feed[index]
        np.testing.assert_allclose(images.numpy(), plain, atol=1e-6)
        assert targets.keys() == wanted.keys()
        for name, values in wanted.items():
            np.testing.assert_array_equal(targets[name].numpy(), values)
        count += 1
    assert count == len(feed) == 8


def test_tensorflow_feed_knows_its_shapes(feed):
    images, targets = tensorflow_feed(feed).element_spec
    assert images.shape == (8, 64, 64, 3)
    assert targets["logits"].shape == (8, 3)
