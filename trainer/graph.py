"""The folded network as TensorFlow functions that convert to TFLite built-in operators."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from trainer import trunk
from trainer.errors import ExportError
from trainer.folded import Folded
from trainer.model import POOL_SIDE, POOL_STRIDE, ModelSettings


class Graph:
    """Forward parts of a folded network for one picture.

    Args:
        folded: The weights.
        dtype: Of the computation.
    """

    def __init__(self, folded: Folded, dtype: tf.DType = tf.float32):
        self.settings = folded.settings
        self.dtype = dtype
        (kernel, bias), *others = folded.convolutions
        stride = self.settings.convolutions[0].stride
        first = not self.settings.trunk_blocks and fits_side_by_side(kernel, stride, self.settings)
        self.side_by_side = stride if first else 1
        if self.side_by_side > 1:
            kernel = side_by_side(kernel, stride)
        pairs = [(kernel, bias), *others]
        self.convolutions = [tuple(self._constant(a) for a in pair) for pair in pairs]
        self.dense = [tuple(self._constant(a) for a in pair) for pair in folded.dense]
        self.trunk = [tuple(self._constant(a) for a in pair) for pair in folded.trunk]

    def _constant(self, array) -> tf.Tensor:
        return tf.constant(array, self.dtype)

    def leaky(self, x):
        """Leaky ReLU with the network's slope."""
        # XNNPACK leaves a leaky ReLU of slope 0 alone.
        return tf.nn.leaky_relu(x, self.settings.slope) if self.settings.slope else tf.nn.relu(x)

    def incoming(self, picture):
        """A float picture in 0..255 as the first convolution sees it; a hook for quantising."""
        if self.settings.trunk_blocks:
            return (picture - trunk.PIXEL_MIDDLE) / trunk.PIXEL_SCALE
        return picture

    def multiplied(self, x, name: str, side: tuple[int, int] = (1, 1), strides=(1, 1)):
        """What a convolution of that side, or a dense layer, multiplies its weights with.

        A hook for rounding. Depthwise convolutions do not call it.
        """
        return x

    def entering(self, x, name: str):
        """What enters an activation, or the logits; a hook for quantising."""
        return x

    def leaving(self, x, name: str):
        """What leaves an activation; a hook for quantising."""
        return x

    def activated(self, x, name: str):
        """Leaky ReLU between its two hooks."""
        return self.leaving(self.leaky(x), name)

    def features(self, picture):
        """Picture (1, s, s, 3) in 0..255 to A (1, h, w, c), the last convolution's activation."""
        x = self.incoming(tf.cast(picture, self.dtype))
        x = self._through_trunk(x) if self.settings.trunk_blocks else self._cells(x)
        last = len(self.convolutions)
        for number, (kernel, bias) in enumerate(self.convolutions, start=1):
            name = f"conv{number}"
            strides = self.strides(number)
            x = self.multiplied(x, name, tuple(kernel.shape[:2]), strides)
            x = self.entering(tf.nn.conv2d(x, kernel, strides, "SAME") + bias, name)
            if self.settings.convolutions[number - 1].pool and number != last:
                x = pool(x)  # before the activation: it is monotone, so the result is the same
            x = self.activated(x, name)
        return x

    def _through_trunk(self, x):
        weights = iter(self.trunk)
        for number, block in enumerate(trunk.blocks(self.settings.trunk_blocks)):
            incoming = x
            for step in block.steps:
                kernel, bias = next(weights)
                strides = (step.stride, step.stride)
                if step.depthwise:
                    x = tf.nn.depthwise_conv2d(x, kernel, [1, *strides, 1], "SAME") + bias
                else:
                    x = self.multiplied(x, step.name, (step.kernel,) * 2, strides)
                    x = tf.nn.conv2d(x, kernel, strides, "SAME") + bias
                x = self.leaving(tf.nn.relu6(x) if step.relu6 else x, step.name)
            if block.residual:
                x = self.leaving(x + incoming, f"block{number}_sum")
        return x

    def seen_by_head(self, activation):
        """A (1, h, w, c) to P (1, h', w', c), what the dense layers see: A or its pooling."""
        return pool(activation) if self.settings.convolutions[-1].pool else activation

    def _cells(self, picture):
        # `side_by_side` pixels of a row become one cell with all their channels; costs nothing.
        side, joined = self.settings.size_px, self.side_by_side
        return tf.reshape(picture, [1, side, side // joined, 3 * joined])

    def strides(self, number: int) -> tuple[int, int]:
        """Strides of a convolution, from 1, over rows and over cells."""
        stride = self.settings.convolutions[number - 1].stride
        return (stride, stride // self.side_by_side) if number == 1 else (stride, stride)

    def rows(self, seen):
        """P (1, h, w, c) as the dense layers take it: (positions, features)."""
        _, height, width, channels = seen.shape
        if self.settings.head == "flatten":
            return tf.reshape(seen, [-1, height * width * channels])
        return tf.reshape(seen, [-1, channels])

    def hidden(self, rows):
        """Rows to the hidden layers before their activation, in order, and the scores (rows, n)."""
        *hidden, (kernel, bias) = self.dense
        x, before = rows, []
        for number, (weights, shift) in enumerate(hidden, start=1):
            name = f"dense{number}"
            x = self.multiplied(x, name)
            before.append(self.entering(tf.matmul(x, weights) + shift, name))
            x = self.activated(before[-1], name)
        x = self.multiplied(x, "logits")
        return before, self.entering(tf.matmul(x, kernel) + bias, "logits")

    def logits(self, scores, positions: int):
        """Scores (rows, n) to logits (1, n)."""
        if self.settings.head == "flatten":
            return scores
        side, labels = round(positions**0.5), self.settings.labels
        grid = tf.reshape(scores, [1, side, side, labels])
        return tf.reshape(tf.nn.max_pool2d(grid, side, 1, "VALID"), [1, labels])

    def predict(self, picture):
        """Picture (1, s, s, 3) in 0..255 to logits (1, n)."""
        rows = self.rows(self.seen_by_head(self.features(picture)))
        return self.logits(self.hidden(rows)[1], rows.shape[0])


def side_by_side(kernel: np.ndarray, stride: int) -> np.ndarray:
    """The first kernel for cells of `stride` neighbouring pixels of a row.

    Int8 kernels are made for multiples of four or eight channels and waste the rest of a picture's
    three; the same sums over 3 * stride channels run a sixth faster and give the same bits.

    Args:
        kernel: (k, k, c, o), for "SAME" padding and that stride.
        stride: Of the convolution.

    Returns:
        (k, cells, stride * c, o), for "SAME" padding and strides (stride, 1).
    """
    side = kernel.shape[1]
    shift, cells = _shift_and_cells(side, stride)
    wide = np.zeros((kernel.shape[0], cells * stride, *kernel.shape[2:]))
    wide[:, shift : shift + side] = kernel
    return wide.reshape(kernel.shape[0], cells, -1, kernel.shape[3])


def fits_side_by_side(kernel: np.ndarray, stride: int, settings: ModelSettings) -> bool:
    """Whether the padding of the cells comes out as the padding of the pixels did."""
    before = max(kernel.shape[1] - stride, 0) // 2
    _, cells = _shift_and_cells(kernel.shape[1], stride)
    return settings.size_px % stride == 0 and (cells - 1) // 2 == -(-before // stride)


def _shift_and_cells(side: int, stride: int) -> tuple[int, int]:
    before = max(side - stride, 0) // 2
    shift = -(-before // stride) * stride - before
    return shift, -(-(shift + side) // stride)


def pool(x):
    """The network's max-pool: 3 x 3, stride 2, no padding."""
    return tf.nn.max_pool2d(x, POOL_SIDE, POOL_STRIDE, "VALID")


def to_tflite(
    function: Callable,
    signature: list[tf.TensorSpec],
    prepare: Callable[[tf.lite.TFLiteConverter], None] = lambda converter: None,
) -> bytes:
    """Convert one function to a .tflite file of one signature, built-in operators only.

    Args:
        function: Tensors to a dict of tensors; its weights are constants.
        signature: Shapes, dtypes and names of its inputs.
        prepare: Sets what else the converter needs, as for quantising.

    Raises:
        ExportError: The converter refuses.
    """
    import tempfile

    module = tf.Module()
    module.serve = tf.function(function, input_signature=signature)
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(module, folder, signatures=module.serve.get_concrete_function())
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        prepare(converter)
        try:
            return converter.convert()
        except Exception as error:
            raise ExportError(
                f"TFLite cannot hold this network with built-in operators: {error}"
            ) from error
