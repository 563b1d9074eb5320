"""The trained network as a plain list of layers, for any runtime that knows convolutions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Convolution:
    """Kernel (out, in, kh, kw) and bias (out,), float32; pads are top, left, bottom, right."""

    name: str
    kernel: NDArray[np.float32]
    bias: NDArray[np.float32]
    stride: int
    pads: tuple[int, int, int, int]


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


Layer = Convolution | Pooling | Leaky

CAM_LAYER = "conv5_act"
"""The activation that Grad-CAM looks at."""


def layers_of(folded) -> list[Layer]:
    """A folded network as layers from pictures (1, 3, s, s) in 0..255 to logits (1, n, 1, 1).

    The order is that of the exported graph. A dense layer is a convolution: over all of the last
    pooling for the "flatten" head, over one position for "positions", whose strongest evidence is
    a maximum over all of them; with the other head there is one.

    Args:
        folded: A `trainer.folded.Folded`.
    """
    from trainer.companion import grid
    from trainer.model import POOL_AFTER

    settings, side = folded.settings, folded.settings.size_px
    layers: list[Layer] = []
    for number, (kernel, bias) in enumerate(folded.convolutions, start=1):
        stride = settings.strides[number - 1]
        pads = same_pads(side, kernel.shape[0], stride)
        layers.append(_convolution(f"conv{number}", kernel, bias, stride, pads))
        side = -(-side // stride)
        pools = [Pooling(f"pool{number}", 3, 2)] if number in POOL_AFTER else []
        before = pools if number != 5 else []
        layers += [*before, Leaky(f"conv{number}_act", settings.slope)]
        layers += [pool for pool in pools if pool not in before]
        side = (side - 3) // 2 + 1 if pools else side
    if side != (grid(settings)[0] - 3) // 2 + 1:
        raise ValueError(f"the last pooling has side {side}, the companion's maps say otherwise")
    return layers + _head(folded, side)


def same_pads(side: int, kernel: int, stride: int) -> tuple[int, int, int, int]:
    """TensorFlow's "SAME": the odd pixel goes to the bottom and to the right."""
    total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
    before = total // 2
    return before, before, total - before, total - before


def _head(folded, side: int) -> list[Layer]:
    settings = folded.settings
    (w1, b1), (w2, b2), (w3, b3) = folded.dense
    reach = side if settings.head == "flatten" else 1
    first = w1.reshape(reach, reach, -1, w1.shape[1])
    left = side - reach + 1
    return [
        _convolution("dense1", first, b1),
        Leaky("dense1_act", settings.slope),
        _convolution("dense2", w2[None, None], b2),
        Leaky("dense2_act", settings.slope),
        _convolution("scores", w3[None, None], b3),
        Pooling("strongest", left, 1),
    ]


def _convolution(name: str, kernel, bias, stride: int = 1, pads=(0, 0, 0, 0)) -> Convolution:
    turned = np.ascontiguousarray(kernel.transpose(3, 2, 0, 1), np.float32)
    return Convolution(name, turned, bias.astype(np.float32), stride, pads)
