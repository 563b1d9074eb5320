"""The optimiser of every recipe."""

import keras


@keras.saving.register_keras_serializable("bricksight")
class AveragingAdamW(keras.optimizers.AdamW):
    """AdamW that keeps averaged weights beside the ones it trains.

    Keras' own puts the averages in place of the weights at the end of every `fit`, here every
    epoch, and so throws most of an epoch's progress away. The averages are for judging and
    shipping alone; see `trainer.train.averaged`.
    """

    def finalize_variable_values(self, var_list):
        """Leave the weights as they are."""
