"""The folded network as TensorFlow functions that convert to TFLite built-in operators."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from trainer.errors import ExportError
from trainer.folded import Folded
from trainer.model import POOL_AFTER, ModelSettings


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
        stride = self.settings.strides[0]
        self.side_by_side = stride if fits_side_by_side(kernel, stride, self.settings) else 1
        if self.side_by_side > 1:
            kernel = side_by_side(kernel, stride)
        pairs = [(kernel, bias), *others]
        self.convolutions = [tuple(self._constant(a) for a in pair) for pair in pairs]
        self.dense = [tuple(self._constant(a) for a in pair) for pair in folded.dense]

    def _constant(self, array) -> tf.Tensor:
        return tf.constant(array, self.dtype)

    def leaky(self, x):
        """Leaky ReLU with the network's slope."""
        return tf.nn.leaky_relu(x, self.settings.slope)

    def incoming(self, picture):
        """What the first convolution sees; a hook for quantising."""
        return picture

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
        """Picture (1, s, s, 3) in 0..255 to A (1, h, w, c), the activation of conv5."""
        x = self._cells(self.incoming(tf.cast(picture, self.dtype)))
        for number, (kernel, bias) in enumerate(self.convolutions, start=1):
            name = f"conv{number}"
            x = self.entering(tf.nn.conv2d(x, kernel, self._strides(number), "SAME") + bias, name)
            if number in POOL_AFTER and number != 5:
                x = pool(x)  # before the activation: it is monotone, so the result is the same
            x = self.activated(x, name)
        return x

    def _cells(self, picture):
        # `side_by_side` pixels of a row become one cell with all their channels; costs nothing.
        side, joined = self.settings.size_px, self.side_by_side
        return tf.reshape(picture, [1, side, side // joined, 3 * joined])

    def _strides(self, number: int) -> tuple[int, int]:
        stride = self.settings.strides[number - 1]
        return (stride, stride // self.side_by_side) if number == 1 else (stride, stride)

    def rows(self, pooled):
        """Pooled A (1, h, w, c) to what the dense head sees: (positions, features)."""
        _, height, width, channels = pooled.shape
        if self.settings.head == "flatten":
            return tf.reshape(pooled, [-1, height * width * channels])
        return tf.reshape(pooled, [-1, channels])

    def hidden(self, rows):
        """Rows to the two hidden layers before their activation, and the scores (rows, n)."""
        (w1, b1), (w2, b2), (w3, b3) = self.dense
        h1 = self.entering(tf.matmul(rows, w1) + b1, "dense1")
        h2 = self.entering(tf.matmul(self.activated(h1, "dense1"), w2) + b2, "dense2")
        scores = tf.matmul(self.activated(h2, "dense2"), w3) + b3
        return h1, h2, self.entering(scores, "logits")

    def logits(self, scores, positions: int):
        """Scores (rows, n) to logits (1, n)."""
        if self.settings.head == "flatten":
            return scores
        side, labels = round(positions**0.5), self.settings.labels
        grid = tf.reshape(scores, [1, side, side, labels])
        return tf.reshape(tf.nn.max_pool2d(grid, side, 1, "VALID"), [1, labels])

    def predict(self, picture):
        """Picture (1, s, s, 3) in 0..255 to logits (1, n)."""
        rows = self.rows(pool(self.features(picture)))
        return self.logits(self.hidden(rows)[2], rows.shape[0])


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
    return tf.nn.max_pool2d(x, 3, 2, "VALID")


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
