"""The float companion: logits and maps of any labels in one run, built-in operators.

TFLite has no gradients, so the head's vector-Jacobian product is written out. With hidden layers
h1 .. hm before leaky ReLU, slopes s1 .. sm there, and the label's column w of the last kernel,

    g_m = w * sm,   g_i = (g_(i+1) W_(i+1)^T) * s_i     is dz / dh_i, and
    g_1 W_1^T                                           is dz / dp, p being what the head sees;

without hidden layers dz / dp is w itself.

Grad-CAM weighs channels with the mean of dz/dA over positions, A being the activation of the last
convolution. Max-pooling hands every gradient to one input, so the *sum* over positions of dz/dA is
the sum over pooled positions of dz/dp: mean-pooled weights need no routing. The "positions" head
takes each label's largest score, so only that position's rows take part.

HiResCAM (Draelos and Carin 2020) is the sum over channels of dz/dA * A at each position, signed and
not cut off at zero: what is above speaks for the label, what is below against it. With the
"positions" head only the strongest position has a gradient, so it is one cell, or the up to nine
cells of that position's pooling window; with a linear head its sum is the logit less the label's
bias. The paper's variant takes the largest gradient over positions for a channel's weight.

With the "positions" head both cost next to nothing and travel in the companion. With the "flatten"
head every position has a gradient; finding its way back through the last pooling would cost a tenth
of the forward pass, and a second partition: `variants` is a file of its own.

XNNPACK takes over the forward pass as one partition. The way back is a thousandth of the work, and
its shapes change with k; it is written so that XNNPACK leaves all of it alone: kernels that look
computed rather than constant, a choice instead of a product, a shape that is read from the input.
Otherwise every interruption would be a second partition, and a new k could not be prepared.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from trainer.folded import Folded
from trainer.graph import Graph, to_tflite
from trainer.model import POOL_SIDE, POOL_STRIDE, ModelSettings, maps_of


def companion(folded: Folded) -> bytes:
    """Build the companion.

    Args:
        folded: The weights.

    Returns:
        A .tflite file: uint8 picture (1, s, s, 3) and int32 indices (k,) -> logits (1, n) and
        Grad-CAM maps (k, h, w); for the "positions" head also HiResCAM maps and the paper's
        max-pooled maps, both (k, h, w). All in logit units.

    Raises:
        ExportError: The converter refuses.
    """
    return _explaining(folded, GradCamGraph.explain)


def variants(folded: Folded) -> bytes:
    """Build the file of HiResCAM and of the paper's max-pooled maps, for any head.

    Args:
        folded: The weights.

    Returns:
        As `companion`, with the outputs logits (1, n), HiResCAM and max-pooled maps (k, h, w).

    Raises:
        ExportError: The converter refuses.
    """
    return _explaining(folded, GradCamGraph.vary)


def _explaining(folded: Folded, explain) -> bytes:
    cam, size = GradCamGraph(folded), folded.settings.size_px

    # TFLite orders inputs by name: the picture comes before what is wanted of it. Outputs too:
    # logits, maps, maps_hires, maps_max.
    def serve(picture, wanted):
        return explain(cam, picture, wanted)

    return to_tflite(
        serve,
        [
            tf.TensorSpec([1, size, size, 3], tf.uint8, name="picture"),
            tf.TensorSpec([None], tf.int32, name="wanted"),
        ],
    )


def layer(settings: ModelSettings) -> str:
    """What the maps are taken from, in words."""
    behind = "the trunk and " if settings.trunk_blocks else ""
    return f"{behind}conv{len(settings.convolutions)} after leaky ReLU"


def grid(settings: ModelSettings) -> tuple[int, int]:
    """Height and width of the maps."""
    side = maps_of(settings, settings.size_px).count
    return side, side


def has_variants(settings: ModelSettings) -> bool:
    """Whether the companion itself gives HiResCAM and the max-pooled maps too."""
    return settings.head == "positions"


class Seen(NamedTuple):
    """What the forward pass and the way back through the head leave, as tensors.

    Attributes:
        wanted: (k,) int32 label indices.
        activation: A, (1, h, w, c).
        pooled: What the head sees: A or its pooling.
        strongest: (k,) the row of the head that each wanted label speaks from.
        back: dz/dh1 (k, d1); None without hidden layers.
        logits: (1, n).
    """

    wanted: tf.Tensor
    activation: tf.Tensor
    pooled: tf.Tensor
    strongest: tf.Tensor
    back: tf.Tensor | None
    logits: tf.Tensor

    @property
    def flat(self) -> tf.Tensor:
        """A as (h * w, c)."""
        _, height, width, channels = self.activation.shape
        return tf.reshape(self.activation, [height * width, channels])


class GradCamGraph(Graph):
    """The forward parts, and the way back from a label to the last convolution."""

    def explain(self, picture, wanted):
        """Logits (1, n), and of the wanted labels maps (k, h, w) and perhaps the variants."""
        seen = self._see(picture, wanted)
        maps = {"maps": self._maps(seen, self._mean_weights(seen))}
        if has_variants(self.settings):
            maps |= self._variants(seen)
        return {"logits": seen.logits, **maps}

    def vary(self, picture, wanted):
        """Logits (1, n), and of the wanted labels HiResCAM and max-pooled maps (k, h, w)."""
        seen = self._see(picture, wanted)
        return {"logits": seen.logits, **self._variants(seen)}

    def _variants(self, seen: "Seen"):
        hires = self._hires_cell(seen) if has_variants(self.settings) else self._hires(seen)
        return {
            "maps_hires": self._shaped(seen, hires),
            "maps_max": self._maps(seen, self._max_weights(seen)),
        }

    def _see(self, picture, wanted) -> "Seen":
        activation = self.features(picture)
        pooled = self.seen_by_head(activation)
        rows = self.rows(pooled)
        hidden, scores = self.hidden(rows)
        strongest = self._strongest(scores, wanted)
        back = self._back([tf.gather(h, strongest) for h in hidden], wanted)
        logits = self.logits(scores, rows.shape[0])
        return Seen(wanted, activation, pooled, strongest, back, logits)

    def _maps(self, seen: "Seen", alpha):
        return self._shaped(seen, tf.nn.relu(tf.matmul(alpha, seen.flat, transpose_b=True)))

    def _shaped(self, seen: "Seen", values):
        _, height, width, _ = seen.activation.shape
        return tf.reshape(values, [tf.size(seen.wanted), height, width])

    def _strongest(self, scores, wanted):
        # The row of the head each wanted label speaks from, (k,); a single row is always row 0.
        if self.settings.head == "flatten":
            return tf.minimum(wanted, 0)
        return tf.argmax(tf.gather(tf.transpose(scores), wanted), axis=1, output_type=tf.int32)

    def _back(self, before, wanted):
        # dz/dh1 of each wanted label, (k, d1), from its rows of every hidden layer before leaky
        # ReLU; None without hidden layers.
        *hidden, (last, _) = self.dense
        if not hidden:
            return None
        towards, slope = tf.transpose(last), self.settings.slope
        g = tf.where(before[-1] > 0, tf.gather(towards, wanted), tf.gather(slope * towards, wanted))
        for (weights, _), h in zip(hidden[:0:-1], before[-2::-1], strict=True):
            steep = tf.matmul(g, self._computed(weights, wanted), transpose_b=True)
            flat = tf.matmul(g, self._computed(slope * weights, wanted), transpose_b=True)
            g = tf.where(h > 0, steep, flat)
        return g

    def _computed(self, constant, wanted):
        # The constant (a, b), gathered row by row with indices that depend on the input.
        zero = tf.reduce_min(tf.minimum(wanted, 0))
        return tf.gather(constant, tf.range(constant.shape[0]) + zero)

    def _through(self, kernel, back, wanted):
        # From dz/dh1 back through the first dense kernel (f, d1), to (k, f).
        if back is None:
            return tf.gather(tf.transpose(kernel), wanted)
        return tf.matmul(back, self._computed(kernel, wanted), transpose_b=True)

    def _mean_weights(self, seen: "Seen"):
        # Mean over positions of dz/dA, (k, c); the kernel is summed once, at export.
        kernel, (cells, channels) = self.dense[0][0], seen.flat.shape
        summed = tf.reduce_sum(tf.reshape(kernel, [-1, channels, kernel.shape[1]]), axis=0)
        return self._through(summed / float(cells), seen.back, seen.wanted)

    def _max_weights(self, seen: "Seen"):
        if self.settings.head == "flatten":
            return tf.reduce_max(self._gradient(seen), axis=1)
        # All other positions get nothing, so the largest gradient is this one or zero.
        to_head = self._through(self.dense[0][0], seen.back, seen.wanted)
        return tf.nn.relu(to_head) if seen.activation.shape[1] > 1 else to_head

    def _hires(self, seen: "Seen"):
        # Sum over channels of dz/dA * A at each position of A, (k, h * w).
        return tf.reduce_sum(self._gradient(seen) * seen.flat, axis=2)

    def _gradient(self, seen: "Seen"):
        # dz/dA of the "flatten" head, (k, h * w, c), handed through the pooling to its winners.
        activation, pooled = seen.activation, seen.pooled
        side, channels = pooled.shape[1], pooled.shape[3]
        to_head = self._through(self.dense[0][0], seen.back, seen.wanted)
        gradient = tf.reshape(to_head, [-1, side * side, channels])
        if activation is pooled:
            return gradient
        winners = _winners(activation, pooled)
        window, mask = _routes(activation.shape[1], side)
        routed = tf.gather(gradient, window, axis=1) * tf.gather(winners, mask, axis=0)[None]
        return tf.reduce_sum(routed, axis=2)

    def _hires_cell(self, seen: "Seen"):
        # HiResCAM of the "positions" head, (k, h * w). Only what the strongest position takes from
        # counts: m cells, whose channels are 0 but where they were taken.
        cells, channels = seen.flat.shape
        inside = _inside(round(cells**0.5), seen.pooled.shape[1])
        places = tf.gather(tf.constant(inside), seen.strongest)
        taken = tf.reshape(_maxima(tf.gather(seen.flat, places)), [tf.size(places), channels])
        # A matrix product of every label with every other's cells, of which the diagonal counts.
        to_head = self._through(self.dense[0][0], seen.back, seen.wanted)
        count, numbers = tf.size(seen.wanted), tf.range(tf.size(seen.wanted))
        every = tf.matmul(to_head, taken, transpose_b=True)
        own = tf.gather_nd(
            tf.reshape(every, [count, count, inside.shape[1]]), tf.stack([numbers, numbers], axis=1)
        )
        labels = tf.gather(numbers[:, None], tf.zeros_like(places[0]), axis=1)
        return tf.scatter_nd(tf.stack([labels, places], axis=2), own, [count, cells])


def _inside(side: int, seen: int) -> np.ndarray:
    # The cells of A (side, side) that each position the head sees may take from, (positions, m).
    stride, reach = (1, 1) if side == seen else (POOL_STRIDE, POOL_SIDE)
    y, x, dy, dx = np.ogrid[:seen, :seen, :reach, :reach]
    cells = (stride * y + dy) * side + stride * x + dx
    return cells.reshape(seen * seen, reach * reach).astype(np.int32)


def _maxima(window):
    # A window (k, m, c) with 0 for all but each channel's maximum; the first if several are equal.
    if window.shape[1] == 1:
        return window
    first = tf.argmax(window, axis=1, output_type=tf.int32)
    wins = tf.one_hot(first, window.shape[1], True, False, axis=1)
    return tf.where(wins, window, tf.zeros_like(window))


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
