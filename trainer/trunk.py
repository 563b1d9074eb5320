"""The first blocks of EfficientNet-Lite0 with the weights it learned on ImageNet.

Features of natural images carry over from renders to photographs when the early layers are kept as
they are (Hinterstoisser et al. 2017, arXiv:1710.10710). Lite0 (Liu 2020) is made for int8: no
squeeze-and-excite, ReLU6 throughout. Batch-norm is folded into the convolutions. What the file of
weights is, and how to make it again: `trainer.convert_trunk` and TRUNK_NOTICE.md.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import keras
import numpy as np
from keras import layers

from trainer.errors import TrunkError

WEIGHTS = Path(__file__).with_name("trunk.npz")
WEIGHTS_SHA256 = "03c5c4c656300c0ac5854c029d002533577e360d25e20400888c00897f85240d"
BLOCKS_MAX = 11
STAGES = ((1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112))
"""Blocks, kernel, stride of the first block, expansion and channels: the published network up to
stride 16."""
STEM_CHANNELS = 32
PIXEL_MIDDLE, PIXEL_SCALE = 127.0, 128.0
"""The network was trained on (pixel - 127) / 128."""


@dataclass(frozen=True, slots=True)
class Step:
    """One convolution of the trunk, with "SAME" padding and a bias.

    Attributes:
        name: "stem", or the block's number and what it does there.
        kernel: Side of the kernel.
        stride: Of the kernel.
        channels: Of its output.
        depthwise: Whether each channel has a kernel of its own; the output has the input's
            channels.
        relu6: Whether ReLU6 follows.
    """

    name: str
    kernel: int
    stride: int
    channels: int
    depthwise: bool = False
    relu6: bool = True


@dataclass(frozen=True, slots=True)
class Block:
    """Convolutions in a row, and whether what enters the first is added to what leaves the last."""

    steps: tuple[Step, ...]
    residual: bool = False


def blocks(count: int) -> tuple[Block, ...]:
    """The stem and the first `count` inverted residual blocks.

    Raises:
        ValueError: There are not so many.
    """
    if not 1 <= count <= BLOCKS_MAX:
        raise ValueError(f"found {count} blocks; allowed: 1 to {BLOCKS_MAX}")
    found = [Block((Step("stem", 3, 2, STEM_CHANNELS),))]
    incoming = STEM_CHANNELS
    for repeats, kernel, stride, expansion, channels in STAGES:
        for repeat in range(repeats):
            here = stride if repeat == 0 else 1
            found.append(_block(len(found) - 1, incoming, kernel, here, expansion, channels))
            incoming = channels
    return tuple(found[: count + 1])


def _block(number: int, incoming: int, kernel: int, stride: int, expansion: int, channels: int):
    wide = incoming * expansion
    expand = [Step(f"block{number}_expand", 1, 1, wide)] if expansion > 1 else []
    return Block(
        (
            *expand,
            Step(f"block{number}_depthwise", kernel, stride, wide, depthwise=True),
            Step(f"block{number}_project", 1, 1, channels, relu6=False),
        ),
        residual=stride == 1 and incoming == channels,
    )


def steps(count: int) -> Iterator[Step]:
    """All convolutions of `blocks`, in order; none of a trunk of no blocks."""
    for block in blocks(count) if count else ():
        yield from block.steps


def stride(count: int) -> int:
    """Pixels of the picture between two positions of the trunk's output."""
    return int(np.prod([step.stride for step in steps(count)]))


@cache
def _weights(path: Path) -> Mapping[str, np.ndarray]:
    return read_weights(path, WEIGHTS_SHA256)


def read_weights(path: Path, sha256: str) -> dict[str, np.ndarray]:
    """Read a file of trunk weights.

    Args:
        path: The .npz file.
        sha256: What its hash must be.

    Returns:
        "NAME/kernel" (k, k, in, out), of a depthwise step (k, k, channels, 1), and "NAME/bias"
        (out,) for the name of every step; float32.

    Raises:
        TrunkError: It is missing or another file.
    """
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise TrunkError(
            f"{path}: cannot be read ({error.strerror}); restore it from the repository,"
            " or make it again: make trunk"
        ) from error
    if found != sha256:
        raise TrunkError(
            f"{path}: found SHA-256 {found[:16]}…, expected {sha256[:16]}…; restore it from the"
            " repository, or make it again: make trunk"
        )
    with np.load(path) as file:
        return {name: file[name].astype(np.float32) for name in file.files if "/" in name}


def trunk_layers(picture, count: int):
    """Put the trunk behind a Keras tensor.

    Args:
        picture: (b, h, w, 3) in 0..1.
        count: Blocks behind the stem.

    Returns:
        (b, h / 16, w / 16, 112) for eleven blocks.
    """
    x = layers.Rescaling(
        255.0 / PIXEL_SCALE, offset=-PIXEL_MIDDLE / PIXEL_SCALE, name="trunk_scale"
    )(picture)
    for number, block in enumerate(blocks(count)):
        incoming = x
        for step in block.steps:
            x = _layer(step)(x)
            if step.relu6:
                x = layers.ReLU(6.0, name=f"trunk_{step.name}_relu6")(x)
        if block.residual:
            x = layers.Add(name=f"trunk_{number}_add")([incoming, x])
    return x


def _layer(step: Step) -> layers.Layer:
    name = layer_name(step)
    if step.depthwise:
        return layers.DepthwiseConv2D(step.kernel, step.stride, padding="same", name=name)
    return layers.Conv2D(step.channels, step.kernel, step.stride, padding="same", name=name)


def layer_name(step: Step) -> str:
    """Name of a step's Keras layer."""
    return f"trunk_{step.name}"


def load_trunk(model: keras.Model, count: int) -> None:
    """Give the trunk of a model its ImageNet weights.

    Raises:
        TrunkError: Their file is missing or another one.
    """
    weights = _weights(WEIGHTS)
    for step in steps(count):
        model.get_layer(layer_name(step)).set_weights(
            [weights[f"{step.name}/kernel"], weights[f"{step.name}/bias"]]
        )


def freeze_trunk(model: keras.Model, count: int, frozen: int) -> None:
    """Keep the stem and the first `frozen` blocks as they are while the model trains.

    Args:
        model: With a trunk of `count` blocks.
        count: Blocks of the trunk.
        frozen: Blocks that do not learn; none, not even the stem, if 0.
    """
    for number, block in enumerate(blocks(count)):
        for step in block.steps:
            model.get_layer(layer_name(step)).trainable = not (frozen and number <= frozen)
