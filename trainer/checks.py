"""What an exported file must pass before it leaves the workstation."""

from pathlib import Path

import keras
import numpy as np

from edge.errors import InterpreterError
from edge.interpreter import Interpreter
from trainer.companion import companion, variants
from trainer.errors import ExportError
from trainer.folded import fold
from trainer.model import ModelSettings, build_model
from trainer.reference import in_float64, reference_maps

MAP_TOLERANCE = 1e-4
"""Largest difference from the float64 gradient, as a share of the map's maximum."""


def open_exported(path: Path) -> Interpreter:
    """Open a file as the device does.

    Raises:
        ExportError: It does not run, or an operator is not built in.
    """
    try:
        model = Interpreter(path)
    except InterpreterError as error:
        raise ExportError(f"{path.name}: {error}") from error
    foreign = sorted(
        {name for name in model.operators if "CUSTOM" in name.upper() or "FLEX" in name.upper()}
    )
    if foreign:
        raise ExportError(f"{path.name}: operators that are not built in: {', '.join(foreign)}")
    return model


def check_one_partition(path: Path, model: Interpreter) -> None:
    """Refuse a file that XNNPACK cannot take over in one piece."""
    found = model.operators.count("DELEGATE")
    if found != 1:
        raise ExportError(
            f"{path.name}: {found} XNNPACK partitions, expected 1; it would run slowly"
        )


def check_finite(path: Path, outputs: tuple[np.ndarray, ...]) -> None:
    """Refuse outputs that hold NaN or infinity."""
    for output in outputs:
        if not np.isfinite(output).all():
            raise ExportError(
                f"{path.name}: an output is not finite; the weights or the export are broken"
            )


def check_classifier_file(path: Path, pictures: np.ndarray) -> None:
    """Run every check of a classifier on pictures (b, s, s, 3) uint8."""
    model = open_exported(path)
    check_one_partition(path, model)
    for picture in pictures:
        check_finite(path, model.run(picture[None]))


def check_companion_file(
    path: Path, model: keras.Model, settings: ModelSettings, pictures: np.ndarray
) -> float:
    """Run every check of a companion.

    Args:
        path: The companion.
        model: The Keras model it was made from.
        settings: Its shape.
        pictures: (b, s, s, 3) uint8, b >= 1.

    Returns:
        The largest difference from the float64 gradient found.

    Raises:
        ExportError: A check failed.
    """
    exported = open_exported(path)
    check_one_partition(path, exported)
    return _difference(path, exported, ("maps", "hires", "max_pooled"), model, settings, pictures)


def check_variants_file(
    path: Path, model: keras.Model, settings: ModelSettings, pictures: np.ndarray
) -> float:
    """Run every check of a file of variants, which may be slow; as `check_companion_file`."""
    exported = open_exported(path)
    return _difference(path, exported, ("hires", "max_pooled"), model, settings, pictures)


def _difference(path, exported, kinds, model, settings, pictures) -> float:
    reference = in_float64(model, settings)
    return max(_map_difference(path, exported, kinds, reference, p) for p in pictures)


def _map_difference(path, exported, kinds, reference, picture) -> float:
    logits = reference_maps(reference, picture, [0]).logits
    wanted = np.argsort(-logits[0])[:5].astype(np.int32)
    expected = reference_maps(reference, picture, wanted)
    found, *maps = exported.run(picture[None], wanted)
    check_finite(path, (found, *maps))
    spread = max(float(np.abs(expected.logits).max()), 1.0)
    # A companion without variants ends with its Grad-CAM.
    pairs = zip(maps, (getattr(expected, kind) for kind in kinds), strict=False)
    difference = max(
        float(np.abs(found - expected.logits).max()) / spread,
        *(_share_of_map(*pair) for pair in pairs),
    )
    if not difference <= MAP_TOLERANCE:
        raise ExportError(
            f"{path.name}: maps differ from a float64 gradient by {difference:.1e},"
            f" at most {MAP_TOLERANCE:.0e} is allowed"
        )
    return difference


def _share_of_map(found: np.ndarray, expected: np.ndarray) -> float:
    scale = np.maximum(np.abs(expected).max((1, 2), keepdims=True), 1e-6)
    return float((np.abs(found - expected) / scale).max())


def check_random_weights(folder: Path, settings: ModelSettings) -> float:
    """Hold the companion against the gradient on random weights too.

    A trained network can hide an error behind maps that are zero everywhere.
    """
    model, pictures = _random(settings)
    path = folder / "random.tflite"
    path.write_bytes(companion(fold(model, settings)))
    return check_companion_file(path, model, settings, pictures)


def check_random_variants(folder: Path, settings: ModelSettings) -> float:
    """The same for the file of variants."""
    model, pictures = _random(settings)
    path = folder / "random.variants.tflite"
    path.write_bytes(variants(fold(model, settings)))
    return check_variants_file(path, model, settings, pictures)


def _random(settings: ModelSettings) -> tuple[keras.Model, np.ndarray]:
    model = build_model(settings, seed=1)
    rng = np.random.default_rng(1)
    # Fresh batch-norm is almost the identity; give every weight something to get wrong.
    model.set_weights(
        [
            w + rng.uniform(0.0, 0.1, w.shape).astype(w.dtype) if w.ndim == 1 else w
            for w in model.get_weights()
        ]
    )
    side = settings.size_px
    return model, rng.integers(0, 256, (1, side, side, 3)).astype(np.uint8)
