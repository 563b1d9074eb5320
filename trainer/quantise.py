"""The int8 classifier: full integer quantisation by representative pictures."""

from collections.abc import Callable, Iterable

import numpy as np
import tensorflow as tf

from trainer.folded import Folded
from trainer.graph import Graph, to_tflite


def quantise(folded: Folded, pictures: Iterable[np.ndarray]) -> bytes:
    """Quantise the network.

    Args:
        folded: The weights.
        pictures: (s, s, 3) uint8 RGB, prepared as the device does; a few hundred from training.

    Returns:
        A .tflite file: uint8 picture (1, s, s, 3) -> float32 logits (1, n), int8 inside.

    Raises:
        ExportError: The converter refuses.
    """
    graph = Graph(folded)
    size = folded.settings.size_px
    return to_tflite(
        lambda picture: {"logits": graph.predict(picture)},
        [tf.TensorSpec([1, size, size, 3], tf.float32, name="picture")],
        _full_integer(size, list(pictures)),
    )


def _full_integer(
    size: int, pictures: list[np.ndarray]
) -> Callable[[tf.lite.TFLiteConverter], None]:
    # Black and white together pin the input's scale to exactly 1.
    extremes = np.zeros((size, size, 3), np.uint8)
    extremes[: size // 2] = 255

    def representative():
        for picture in [extremes, *pictures]:
            yield [picture[None].astype(np.float32)]

    def prepare(converter: tf.lite.TFLiteConverter) -> None:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = tf.uint8
        converter.inference_output_type = tf.float32
        converter.representative_dataset = representative

    return prepare


def float_classifier(folded: Folded) -> bytes:
    """The same network unquantised, uint8 picture -> float32 logits; what int8 is held against."""
    graph = Graph(folded)
    size = folded.settings.size_px
    return to_tflite(
        lambda picture: {"logits": graph.predict(picture)},
        [tf.TensorSpec([1, size, size, 3], tf.uint8, name="picture")],
    )
