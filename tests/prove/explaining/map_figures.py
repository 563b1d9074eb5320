"""Maps of the device's file against a float64 gradient of the Keras network."""

import numpy as np

from edge.explain.gradcam import GradCam
from tests.bench.needs import need
from tests.bench.table import Reach, Row
from tests.prove.context import Proof
from tests.prove.explaining.pictures import seen_pictures, shipped_bundle

PICTURES, QUICK_PICTURES = 40, 2
KINDS = {"grad-cam": "maps", "hirescam": "hires", "grad-cam-max": "max_pooled"}


def map_rows(proof: Proof) -> list[Row]:
    """The lowest correlation of any map, by method."""
    keras = need("keras")
    from trainer.recipe import read_recipe
    from trainer.reference import in_float64, reference_maps

    bundle = shipped_bundle()
    recipe = read_recipe(bundle.path("recipe"))
    settings = recipe.network.settings(len(bundle.labels))
    model = keras.saving.load_model(bundle.path("weights"), compile=False)
    reference, gradcam = in_float64(model, settings), GradCam(bundle)
    lowest = dict.fromkeys(gradcam.methods, 1.0)
    maps = 0
    for seen in seen_pictures(proof, bundle, proof.amount(PICTURES, QUICK_PICTURES)):
        expected = reference_maps(reference, seen.prediction.model_input, seen.indices)
        for method, found in gradcam.explain_all(seen.prediction, seen.labels).items():
            pairs = zip(found.maps, getattr(expected, KINDS[method]), strict=True)
            lowest[method] = min(lowest[method], *(correlation(a, b) for a, b in pairs))
        maps += len(seen.labels)
    return [
        Row(
            f"{method}: device against float64 Keras, lowest correlation of a map",
            Reach("at least", 0.999),
            value,
            f"{maps} maps",
            6,
        )
        for method, value in lowest.items()
    ]


def correlation(found: np.ndarray, expected: np.ndarray) -> float:
    """Of two maps; 1 for two that are even alike."""
    if np.ptp(expected) == 0 or np.ptp(found) == 0:
        return float(np.allclose(found, expected, atol=1e-6))
    return float(np.corrcoef(found.ravel(), expected.ravel())[0, 1])
