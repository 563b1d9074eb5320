"""Losses in `keras.ops`, so that the JAX backend trains the same recipe.

Targets are 1 (visible), 0 (absent) or -1 (too little of it visible to count either way).
"""

import keras
from keras import ops


def weighted_bce(target, logit, positive_weight):
    """Weighted binary cross-entropy with logits, element by element.

    `(1 - t) x + (1 + (w - 1) t) softplus(-x)`, which is `-w t log s(x) - (1 - t) log(1 - s(x))`
    without the overflow; the weight multiplies what a *missed* brick costs. With w = 1 it is
    plain binary cross-entropy.

    Args:
        target: 0 or 1, any shape.
        logit: Same shape.
        positive_weight: w, a number.

    Returns:
        Losses of the same shape.
    """
    miss = 1.0 + (positive_weight - 1.0) * target
    return (1.0 - target) * logit + miss * ops.softplus(-logit)


@keras.saving.register_keras_serializable("bricksight")
class WeightedBCE(keras.losses.Loss):
    """Mean of `weighted_bce` over the labels that count; a weight of 1 is plain BCE."""

    def __init__(self, positive_weight=22.0, name="weighted_bce", **kwargs):
        super().__init__(name=name, **kwargs)
        self.positive_weight = positive_weight

    def call(self, y_true, y_pred):
        y_pred = ops.cast(y_pred, "float32")
        counts = ops.cast(y_true >= 0, "float32")
        losses = weighted_bce(ops.maximum(y_true, 0.0), y_pred, self.positive_weight)
        return ops.sum(losses * counts, axis=-1) / ops.maximum(ops.sum(counts, axis=-1), 1.0)

    def get_config(self):
        return {**super().get_config(), "positive_weight": self.positive_weight}


@keras.saving.register_keras_serializable("bricksight")
class PositionLoss(keras.losses.Loss):
    """Which brick is at each position, from the instance map.

    A softmax over the n labels and the ground, whose score is fixed at 0. Targets are (b, h, w)
    int: the label's index, n for the ground, -1 for positions that do not count. Ground weighs
    `ground_weight` of a brick, because most of a picture is ground.
    """

    def __init__(self, ground_weight=0.1, name="position_loss", **kwargs):
        super().__init__(name=name, **kwargs)
        self.ground_weight = ground_weight

    def call(self, y_true, y_pred):
        scores = ops.cast(y_pred, "float32")
        labels = scores.shape[-1]
        scores = ops.concatenate([scores, ops.zeros_like(scores[..., :1])], axis=-1)
        truth = ops.cast(y_true, "int32")
        hot = ops.one_hot(ops.maximum(truth, 0), labels + 1)
        losses = -ops.sum(hot * ops.log_softmax(scores, axis=-1), axis=-1)
        brick = ops.cast((truth >= 0) & (truth < labels), "float32")
        ground = ops.cast(truth == labels, "float32")
        weights = brick + self.ground_weight * ground
        return ops.sum(losses * weights, axis=(1, 2)) / ops.maximum(
            ops.mean(ops.sum(weights, axis=(1, 2))), 1.0
        )

    def get_config(self):
        return {**super().get_config(), "ground_weight": self.ground_weight}
