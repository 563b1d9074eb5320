"""How far a bundle's int8 model is from the float network it was made from."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.progress import track

from edge.bundle import Bundle
from edge.interpreter import Interpreter
from edge.preprocessing import prepare
from trainer.dataset import Sample, read_image, targets
from trainer.folded import Folded
from trainer.metrics import mean_average_precision
from trainer.quantise import float_classifier


def int8_against_float(
    bundle: Bundle, folded: Folded, samples: Sequence[Sample], console: Console
) -> dict[str, Any]:
    """Labels and mAP of the int8 model beside the float one's, on the same pictures."""
    wanted = targets(samples, [label.id for label in bundle.labels])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "float.tflite"
        path.write_bytes(float_classifier(folded))
        models = Interpreter(bundle.path("classifier"), 2), Interpreter(path, 2)
        shown = track(samples, "comparing with float", console=console)
        both = [
            [model.run(picture[None])[0][0] for model in models]
            for picture in (prepare(read_image(s), bundle.preprocessing) for s in shown)
        ]
    int8, floating = (np.stack([pair[i] for pair in both]) for i in (0, 1))
    same = [
        np.array_equal(
            bundle.probabilities(a) >= bundle.thresholds,
            bundle.probabilities(b) >= bundle.thresholds,
        )
        for a, b in zip(int8, floating, strict=True)
    ]
    return {
        "pictures": len(samples),
        "same_label_set": float(np.mean(same)),
        "mean_logit_difference": float(np.abs(int8 - floating).mean()),
        "map_int8": mean_average_precision(wanted, int8),
        "map_float": mean_average_precision(wanted, floating),
    }


def float_network(bundle: Bundle) -> Folded | None:
    """The float network that travels with a bundle; None where there is none.

    Raises:
        RecipeError: Its recipe is damaged.
    """
    import keras

    from trainer.folded import fold
    from trainer.recipe import read_recipe

    if not {"weights", "recipe"} <= set(bundle.manifest.files):
        return None
    settings = read_recipe(bundle.path("recipe")).network.settings(len(bundle.labels))
    return fold(keras.saving.load_model(bundle.path("weights"), compile=False), settings)
