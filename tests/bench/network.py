"""The trained network as a plain list of layers, for any runtime that knows convolutions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Convolution:
    """Kernel (out, in / groups, kh, kw) and bias (out,), float32; pads are top, left, bottom,
    right."""

    name: str
    kernel: NDArray[np.float32]
    bias: NDArray[np.float32]
    stride: int
    pads: tuple[int, int, int, int]
    groups: int = 1


@dataclass(frozen=True, slots=True)
class Pooling:
    """Maximum over windows, without padding."""

    name: str
    side: int
    stride: int


@dataclass(frozen=True, slots=True)
class Leaky:
    """Leaky ReLU."""

    name: str
    slope: float


@dataclass(frozen=True, slots=True)
class Scaled:
    """(x - middle) / scale."""

    name: str
    middle: float
    scale: float


@dataclass(frozen=True, slots=True)
class Clipped:
    """ReLU6."""

    name: str


@dataclass(frozen=True, slots=True)
class Residual:
    """Layers whose input is added to what they give."""

    name: str
    layers: tuple["Layer", ...]


Layer = Convolution | Pooling | Leaky | Scaled | Clipped | Residual

CAM_LAYER = "explained"
"""The activation that Grad-CAM looks at, the last convolution's."""


def layers_of(folded) -> list[Layer]:
    """A folded network as layers from pictures (1, 3, s, s) in 0..255 to logits (1, n, 1, 1).

    The order is that of the exported graph. A dense layer is a convolution: over all of the last
    pooling for the "flatten" head, over one position for "positions", whose strongest evidence is
    a maximum over all of them; with the other head there is one.

    Args:
        folded: A `trainer.folded.Folded`.
    """
    from trainer.model import positions_of

    settings, side = folded.settings, folded.settings.size_px
    layers, side = _trunk(folded, side)
    last = len(folded.convolutions)
    shapes = zip(settings.convolutions, folded.convolutions, strict=True)
    for number, (shape, (kernel, bias)) in enumerate(shapes, start=1):
        pads = same_pads(side, shape.kernel, shape.stride)
        layers.append(_convolution(f"conv{number}", kernel, bias, shape.stride, pads))
        side = -(-side // shape.stride)
        pools = [Pooling(f"pool{number}", 3, 2)] if shape.pool else []
        leaky = Leaky(CAM_LAYER if number == last else f"conv{number}_act", settings.slope)
        layers += [leaky, *pools] if number == last else [*pools, leaky]
        side = (side - 3) // 2 + 1 if pools else side
    if side != positions_of(settings, settings.size_px).count:
        raise ValueError(f"the head sees {side} positions a side, the settings say otherwise")
    return layers + _head(folded, side)


def _trunk(folded, side: int) -> tuple[list[Layer], int]:
    """The layers of a trunk, none where there is none, and the positions a side behind it."""
    from trainer.trunk import PIXEL_MIDDLE, PIXEL_SCALE, blocks

    count, weights = folded.settings.trunk_blocks, iter(folded.trunk)
    layers: list[Layer] = [Scaled("scaled", PIXEL_MIDDLE, PIXEL_SCALE)] if count else []
    for number, block in enumerate(blocks(count) if count else ()):
        inside: list[Layer] = []
        for step in block.steps:
            kernel, bias = next(weights)
            pads = same_pads(side, step.kernel, step.stride)
            # A depthwise kernel (k, k, c, 1) is one of c groups with one input channel each.
            groups = kernel.shape[2] if step.depthwise else 1
            square = kernel.transpose(0, 1, 3, 2) if step.depthwise else kernel
            inside.append(_convolution(step.name, square, bias, step.stride, pads, groups))
            side = -(-side // step.stride)
            inside += [Clipped(f"{step.name}_relu6")] if step.relu6 else []
        layers += [Residual(f"block{number}", tuple(inside))] if block.residual else inside
    return layers, side


def same_pads(side: int, kernel: int, stride: int) -> tuple[int, int, int, int]:
    """TensorFlow's "SAME": the odd pixel goes to the bottom and to the right."""
    total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
    before = total // 2
    return before, before, total - before, total - before


def _head(folded, side: int) -> list[Layer]:
    settings = folded.settings
    reach = side if settings.head == "flatten" else 1
    layers: list[Layer] = []
    for number, (kernel, bias) in enumerate(folded.dense, start=1):
        over = reach if number == 1 else 1
        square = kernel.reshape(over, over, -1, kernel.shape[1])
        if number == len(folded.dense):
            layers.append(_convolution("scores", square, bias))
        else:
            layers.append(_convolution(f"dense{number}", square, bias))
            layers.append(Leaky(f"dense{number}_act", settings.slope))
    return [*layers, Pooling("strongest", side - reach + 1, 1)]


def _convolution(
    name: str, kernel, bias, stride: int = 1, pads=(0, 0, 0, 0), groups: int = 1
) -> Convolution:
    turned = np.ascontiguousarray(kernel.transpose(3, 2, 0, 1), np.float32)
    return Convolution(name, turned, bias.astype(np.float32), stride, pads, groups)
