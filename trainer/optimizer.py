"""The optimiser of every recipe."""

import keras


@keras.saving.register_keras_serializable("bricksight")
class AveragingAdamW(keras.optimizers.AdamW):
    """AdamW that keeps averaged weights beside the ones it trains.

    Keras' own puts the averages in place of the weights at the end of every `fit`, here every
    epoch, and so throws most of an epoch's progress away. The averages are for judging and
    shipping alone; see `trainer.train.averaged`.

    Args:
        trunk_rate: Factor on the learning rate of the trunk's weights, which have learned before.
        others: As `keras.optimizers.AdamW` takes them.
    """

    def __init__(self, trunk_rate: float = 1.0, **others):
        super().__init__(**others)
        self.trunk_rate = trunk_rate

    def get_config(self):
        """As Keras saves it."""
        return {**super().get_config(), "trunk_rate": self.trunk_rate}

    def update_step(self, gradient, variable, learning_rate):
        """One step of Adam for one variable."""
        path = self._trainable_variables[self._get_variable_index(variable)].path
        factor = self.trunk_rate if path.startswith("trunk_") else 1.0
        super().update_step(gradient, variable, learning_rate * factor)

    def finalize_variable_values(self, var_list):
        """Leave the weights as they are."""
