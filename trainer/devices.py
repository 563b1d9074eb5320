"""On which devices a network trains."""

from contextlib import AbstractContextManager, nullcontext

import keras

from trainer.errors import RecipeError


def replicas(devices: int) -> AbstractContextManager:
    """The scope in which a model is built, so that it trains on several devices at once.

    A batch is split between them; their gradients are summed. One device needs no scope.

    Args:
        devices: How many; GPUs where there are any, else CPUs (virtual ones count).

    Raises:
        RecipeError: There are not so many, or the backend has no such scope.
    """
    if devices == 1:
        return nullcontext()
    if keras.backend.backend() != "tensorflow":
        raise RecipeError(
            f"--devices: found {devices}; the {keras.backend.backend()} backend trains on 1,"
            " leave KERAS_BACKEND unset for several"
        )
    import tensorflow as tf

    found = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
    if devices > len(found):
        raise RecipeError(f"--devices: found {devices}; this machine has {len(found)}")
    return tf.distribute.MirroredStrategy([d.name for d in found[:devices]]).scope()
