"""The float companion: logits and Grad-CAM of any labels in one run, built-in operators only.

TFLite has no gradients, so the head's vector-Jacobian product is written out. With hidden layers
h1, h2 before leaky ReLU, slopes s1, s2 there, and the label's column w of the last kernel,

    g = ((w * s2) W2^T) * s1           is dz / dh1, and
    g W1^T                             is dz / dp, p being what the head sees.

Max-pooling hands every gradient to one input, so the *sum* over positions of dz/dA is the sum over
pooled positions of dz/dp: mean-pooled weights need no routing. The "positions" head takes each
label's largest score, so only that position's rows take part.

XNNPACK takes over the forward pass as one partition. The way back is a thousandth of the work, and
its shapes change with k; it is written so that XNNPACK leaves all of it alone: kernels that look
computed rather than constant, a choice instead of a product, a shape that is read from the input.
Otherwise every interruption would be a second partition, and a new k could not be prepared.
"""

import numpy as np
import tensorflow as tf

from trainer.folded import Folded
from trainer.graph import Graph, pool, to_tflite
from trainer.model import ModelSettings

LAYER = "conv5 after leaky ReLU"


def companion(folded: Folded, pooling: str = "mean") -> bytes:
    """Build the companion.

    Args:
        folded: The weights.
        pooling: How dz/dA becomes a channel's weight: "mean" is Grad-CAM; "max" is the paper's
            variant, behind a max-pool never negative.

    Returns:
        A .tflite file: uint8 picture (1, s, s, 3) and int32 indices (k,) -> logits (1, n) and
        maps (k, h, w) in logit units.

    Raises:
        ExportError: The converter refuses.
    """
    cam = GradCamGraph(folded)
    size = folded.settings.size_px

    # TFLite orders inputs by name: the picture comes before what is wanted of it.
    def serve(picture, wanted):
        return cam.explain(picture, wanted, pooling)

    return to_tflite(
        serve,
        [
            tf.TensorSpec([1, size, size, 3], tf.uint8, name="picture"),
            tf.TensorSpec([None], tf.int32, name="wanted"),
        ],
    )


def grid(settings: ModelSettings) -> tuple[int, int]:
    """Height and width of the maps."""
    side = -(-settings.size_px // settings.stem_stride)
    for _ in range(2):
        side = (side - 3) // 2 + 1
    return side, side


class GradCamGraph(Graph):
    """The forward parts, and the way back from a label to conv5."""

    def explain(self, picture, wanted, pooling: str):
        """Logits (1, n) and maps (k, h, w) of the wanted labels."""
        activation = self.features(picture)
        pooled = pool(activation)
        rows = self.rows(pooled)
        h1, h2, scores = self.hidden(rows)
        logits = self.logits(scores, rows.shape[0])
        height, width, channels = activation.shape[1:]
        strongest = self._strongest(scores, wanted)
        back = self._back(tf.gather(h1, strongest), tf.gather(h2, strongest), wanted)
        if pooling == "mean":
            alpha = self._mean_weights(back, wanted, channels, height * width)
        else:
            alpha = self._max_weights(back, wanted, activation, pooled)
        flat = tf.reshape(activation, [height * width, channels])
        maps = tf.nn.relu(tf.matmul(alpha, flat, transpose_b=True))
        return {"logits": logits, "maps": tf.reshape(maps, [tf.size(wanted), height, width])}

    def _strongest(self, scores, wanted):
        # The row of the head each wanted label speaks from, (k,); a single row is always row 0.
        if self.settings.head == "flatten":
            return tf.minimum(wanted, 0)
        return tf.argmax(tf.gather(tf.transpose(scores), wanted), axis=1, output_type=tf.int32)

    def _back(self, h1, h2, wanted):
        # dz/dh1 of each wanted label, (k, d1), from its rows of h1 and h2.
        (_, _), (w2, _), (w3, _) = self.dense
        towards = tf.transpose(w3)
        slope = self.settings.slope
        g = tf.where(h2 > 0, tf.gather(towards, wanted), tf.gather(slope * towards, wanted))
        steep = tf.matmul(g, self._computed(w2, wanted), transpose_b=True)
        flat = tf.matmul(g, self._computed(slope * w2, wanted), transpose_b=True)
        return tf.where(h1 > 0, steep, flat)

    def _computed(self, constant, wanted):
        # The constant (a, b), gathered row by row with indices that depend on the input.
        zero = tf.reduce_min(tf.minimum(wanted, 0))
        return tf.gather(constant, tf.range(constant.shape[0]) + zero)

    def _mean_weights(self, back, wanted, channels: int, cells: int):
        # Mean over positions of dz/dA, (k, c); the kernel is summed once, at export.
        w1 = self.dense[0][0]
        summed = tf.reduce_sum(tf.reshape(w1, [-1, channels, w1.shape[1]]), axis=0)
        return tf.matmul(back, self._computed(summed / float(cells), wanted), transpose_b=True)

    def _max_weights(self, back, wanted, activation, pooled):
        to_head = tf.matmul(back, self._computed(self.dense[0][0], wanted), transpose_b=True)
        if self.settings.head == "positions":
            # All other positions get nothing, so the largest gradient is this one or zero.
            return tf.nn.relu(to_head)
        side, channels = pooled.shape[1], pooled.shape[3]
        gradient = tf.reshape(to_head, [-1, side * side, channels])
        winners = _winners(activation, pooled)
        window, mask = _routes(activation.shape[1], side)
        routed = tf.gather(gradient, window, axis=1) * tf.gather(winners, mask, axis=0)[None]
        return tf.reduce_max(tf.reduce_sum(routed, axis=2), axis=1)


def _winners(activation, pooled):
    # For each offset in a 3 x 3 window and each window: whether its maximum lies there (the
    # first one if several are equal), as (9 * windows + 1, c); the last row is nothing.
    side, channels = pooled.shape[1], pooled.shape[3]
    reach = 2 * side - 1
    free, rows = tf.ones_like(pooled), []
    for y in range(3):
        for x in range(3):
            here = activation[:, y : y + reach : 2, x : x + reach : 2, :]
            wins = tf.where(tf.equal(here, pooled), free, tf.zeros_like(free))
            free -= wins
            rows.append(tf.reshape(wins, [side * side, channels]))
    return tf.concat([*rows, tf.zeros([1, channels], activation.dtype)], axis=0)


def _routes(side: int, pooled: int) -> tuple[np.ndarray, np.ndarray]:
    # For each position of A the at most four windows over it, and its row in `_winners`.
    nothing = 9 * pooled * pooled
    window = np.zeros((side * side, 4), np.int32)
    mask = np.full((side * side, 4), nothing, np.int32)
    for position in range(side * side):
        y, x = divmod(position, side)
        over = [
            (i, j, y - 2 * i, x - 2 * j)
            for i in range(pooled)
            for j in range(pooled)
            if 0 <= y - 2 * i < 3 and 0 <= x - 2 * j < 3
        ]
        for slot, (i, j, dy, dx) in enumerate(over):
            window[position, slot] = i * pooled + j
            mask[position, slot] = (dy * 3 + dx) * pooled * pooled + i * pooled + j
    return window, mask
