"""Builds what a bundle itself does not hold: the paper's maps, and networks with random layers.

TensorFlow is loaded here alone, in a process that ends when the files are written.
"""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from edge.bundle import Bundle, read_bundle
from trainer.errors import ExportError


@dataclass(frozen=True, slots=True)
class Networks:
    """TFLite files beside a bundle's own.

    Attributes:
        variants: Logits, HiResCAM and max-pooled maps; None where the bundle has them.
        randomised: A companion for each of `layers`, the first with its last layer random, each
            next one with one more.
        layers: Names of the layers that become random, the last of the network first.
    """

    variants: Path | None = None
    randomised: tuple[Path, ...] = ()
    layers: tuple[str, ...] = ()


def build(bundle: Bundle, folder: Path, seed: int, with_variants: bool) -> Networks:
    """Build them from the float weights in the bundle, or find them built by an earlier call.

    Args:
        bundle: With "weights" and "recipe" among its files.
        folder: Where the files go.
        seed: Of the random weights.
        with_variants: Whether the bundle lacks the paper's maps and they are wanted.

    Raises:
        ExportError: The bundle holds no float weights, or the converter refuses.
    """
    if not {"weights", "recipe"} <= set(bundle.manifest.files):
        raise ExportError(
            f"{bundle.folder}: holds no float weights (model.keras and its recipe), from which"
            " networks with random layers are made; export the bundle again"
        )
    folder.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(_build, bundle.folder, folder, seed, with_variants).result()


def _build(place: Path, folder: Path, seed: int, with_variants: bool) -> Networks:
    from trainer.against_float import float_network
    from trainer.companion import companion, variants

    bundle = read_bundle(place)
    folded = float_network(bundle)
    stem = f"{bundle.manifest.files['weights'].sha256[:12]}"
    layers = layers_of(folded)
    randomised = [
        folder / f"{stem}-seed-{seed}-{count}.tflite" for count in range(1, len(layers) + 1)
    ]
    for count, path in enumerate(randomised, start=1):
        _write(path, lambda count=count: companion(randomise(folded, layers[:count], seed)))
    extra = folder / f"{stem}-variants.tflite" if with_variants else None
    if extra is not None:
        _write(extra, lambda: variants(folded))
    return Networks(extra, tuple(randomised), layers)


def _write(path: Path, make) -> None:
    if not path.is_file():
        staged = path.with_suffix(".part")
        staged.write_bytes(make())
        staged.replace(path)


def layers_of(folded) -> tuple[str, ...]:
    """Names of the layers with weights, the last first: logits, dense2 .., conv5 ..

    A trunk follows block by block: block10 .., stem.
    """
    hidden = (f"dense{n}" for n in range(len(folded.dense) - 1, 0, -1))
    convolutions = (f"conv{n}" for n in range(len(folded.convolutions), 0, -1))
    return ("logits", *hidden, *convolutions, *reversed(_trunk(folded)))


def _trunk(folded) -> dict[str, list[int]]:
    # Places in `folded.trunk` of the convolutions of the stem and of each block.
    from trainer.trunk import steps

    found: dict[str, list[int]] = {}
    for place, step in enumerate(steps(folded.settings.trunk_blocks)):
        found.setdefault(step.name.partition("_")[0], []).append(place)
    return found


def randomise(folded, layers: Sequence[str], seed: int):
    """The network with some layers' weights drawn anew (Adebayo et al. 2018).

    Weights are normal around zero with the mean square they had, as a network starts out, and
    biases are zero; one layer's are always the same for a seed. What a residual convolution or
    block adds to is its input, which is no weight and stays.

    Args:
        folded: A `trainer.folded.Folded`.
        layers: Names, see `layers_of`.
        seed: Of the weights.
    """
    convolutions, dense, trunk = (
        list(w) for w in (folded.convolutions, folded.dense, folded.trunk)
    )
    blocks = _trunk(folded)
    for name in layers:
        rng = np.random.default_rng([seed, *name.encode()])
        if name in blocks:
            for place in blocks[name]:
                trunk[place] = _drawn(*trunk[place], rng, False)
        elif name.startswith("conv"):
            number = int(name.removeprefix("conv")) - 1
            keeps = folded.settings.convolutions[number].residual
            convolutions[number] = _drawn(*convolutions[number], rng, keeps)
        else:
            number = -1 if name == "logits" else int(name.removeprefix("dense")) - 1
            dense[number] = _drawn(*dense[number], rng, False)
    return replace(folded, convolutions=tuple(convolutions), dense=tuple(dense), trunk=tuple(trunk))


def _drawn(kernel: np.ndarray, bias: np.ndarray, rng: np.random.Generator, keeps_input: bool):
    through = np.zeros_like(kernel)
    if keeps_input:
        middle = kernel.shape[0] // 2
        through[middle, middle] = np.eye(kernel.shape[3])
    size = np.sqrt(np.mean((kernel - through) ** 2))
    return rng.normal(0, size, kernel.shape) + through, np.zeros_like(bias)
