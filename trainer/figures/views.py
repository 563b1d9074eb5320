"""All global views of a bundle, as PNG files, one JSON of numbers and one page."""

import base64
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import cv2
import keras
import numpy as np
from jinja2 import Environment, FileSystemLoader, select_autoescape
from rich.console import Console
from rich.progress import Progress

from edge.bundle import Bundle, read_bundle
from edge.domain import Label
from edge.pictures import read_picture, write_picture
from edge.preprocessing import prepare
from trainer.errors import ExportError, RecipeError
from trainer.faithfulness.rows import make_folder
from trainer.figures.feature_maps import (
    as_pictures,
    check_layers,
    feature_maps,
    layer_names,
    strongest,
)
from trainer.figures.kernels import as_rgb, as_signed, grid, kinds
from trainer.figures.maximise import Ascent, maximise
from trainer.folded import Folded, fold
from trainer.recipe import read_recipe

KERNEL_PX, SMALL_KERNEL_PX, MAP_PX = 56, 20, 96
COLUMNS = 8
SECOND_OUTPUTS, SECOND_INPUTS = 32, 32
CHANNELS = 16
LABELS = 6


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be drawn.

    Attributes:
        picture: For feature maps; a self-test picture of the bundle if None.
        layers: For feature maps; the first, the middle and the last if none.
        labels: Part ids to climb to; those the bundle tells best if none.
        ascent: How to climb.
    """

    picture: Path | None = None
    layers: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    ascent: Ascent = field(default_factory=Ascent)


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One picture of the page."""

    name: str
    title: str
    picture: np.ndarray

    @property
    def png(self) -> str:
        """In base64."""
        code = cv2.imencode(".png", self.picture[..., ::-1])[1]
        return base64.b64encode(code.tobytes()).decode()


def draw_figures(folder: Path, out: Path, wanted: Wanted, console: Console) -> dict[str, Any]:
    """Draw every view of a bundle.

    Args:
        folder: The bundle.
        out: Where `figures.html`, `figures.json` and the PNG files go.
        wanted: What is drawn.
        console: Where progress is shown.

    Returns:
        What figures.json holds: kinds of kernels by layer, layers, labels with their logits.

    Raises:
        BundleError, PictureError: The bundle or the picture is refused.
        ExportError: The bundle has no float weights, or the folder cannot be made.
        RecipeError: A layer or label is not there; names those that are.
    """
    bundle = read_bundle(folder)
    model, folded = _network(bundle)
    layers = wanted.layers or _some(layer_names(model))
    check_layers(model, layers)
    labels = _labels(bundle, wanted.labels)
    prepared = prepare(_picture(bundle, wanted.picture), bundle.preprocessing)
    make_folder(out)
    kernels = kernel_views(folded)
    maps = _map_views(model, layers, prepared)
    liked, climbed = _liked_views(model, bundle, labels, wanted.ascent, console)
    found = {
        "bundle": bundle.sha256,
        "kernels": {name: asdict(kinds(kernel)) for name, kernel in _kernels(folded).items()},
        "layers": list(layers),
        "labels": climbed,
        "ascent": asdict(wanted.ascent),
    }
    for view in (*kernels, *maps, *liked):
        write_picture(out / f"{view.name}.png", view.picture)
    (out / "figures.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    shown = View("picture", "The picture", prepared)
    _write_page(out / "figures.html", bundle, found, kernels, [shown, *maps], liked)
    return found


def _network(bundle: Bundle) -> tuple[keras.Model, Folded]:
    if not {"weights", "recipe"} <= set(bundle.manifest.files):
        raise ExportError(f"{bundle.folder}: has no float weights; export it again")
    model = keras.saving.load_model(bundle.path("weights"), compile=False)
    settings = read_recipe(bundle.path("recipe")).network.settings(len(bundle.labels))
    return model, fold(model, settings)


def _some(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((names[0], names[len(names) // 2], names[-1])))


def _labels(bundle: Bundle, ids: Sequence[str]) -> list[Label]:
    known = {label.id: label for label in bundle.labels}
    unknown = [part for part in ids if part not in known]
    if unknown:
        raise RecipeError(
            f"--labels: {bundle.manifest.name} does not know {', '.join(unknown)}; it knows"
            f" {', '.join(known)}"
        )
    if ids:
        return [known[part] for part in ids]
    judged = json.loads(bundle.path("evaluation").read_text(encoding="utf-8"))
    precision = {
        part: row.get("average_precision") or 0.0
        for part, row in judged.get("test", {}).get("labels", {}).items()
    }
    best = sorted(known.values(), key=lambda label: -precision.get(label.id, 0.0))
    return best[:LABELS]


def _picture(bundle: Bundle, path: Path | None) -> np.ndarray:
    return read_picture(path or bundle.path(bundle.manifest.self_test.pictures[0].role))


def _kernels(folded: Folded) -> dict[str, np.ndarray]:
    """Kernels (h, w, in, out) by layer; of a trunk the stem alone, which sees colours."""
    found = {"stem": folded.trunk[0][0]} if folded.trunk else {}
    return found | {f"conv{n}": kernel for n, (kernel, _) in enumerate(folded.convolutions, 1)}


def kernel_views(folded: Folded) -> list[View]:
    """Draw the first layer in colours, and the next one whose kernels have a shape."""
    (first, seen), *others = _kernels(folded).items()
    title = f"Kernels of the first layer, {first}, as colours"
    views = [View(f"kernels-{first}", title, grid(as_rgb(seen), COLUMNS, KERNEL_PX))]
    # A kernel of side 1 is a patch of one colour.
    if wider := next((one for one in others if one[1].shape[:2] != (1, 1)), None):
        name, kernel = wider
        signed = as_signed(kernel, SECOND_OUTPUTS, SECOND_INPUTS)
        tiles = signed.reshape(-1, *signed.shape[2:])
        shown = grid(tiles, signed.shape[1], SMALL_KERNEL_PX)
        title = (
            f"Kernels of {name}, the {signed.shape[0]} strongest: a row each, a column for each"
            " input channel"
        )
        if signed.shape[1] < kernel.shape[2]:
            title += f", the first {signed.shape[1]} of {kernel.shape[2]}"
        views.append(View(f"kernels-{name}", title, shown))
    return views


def _map_views(model: keras.Model, layers: Sequence[str], picture: np.ndarray) -> list[View]:
    views = []
    for name, activation in zip(layers, feature_maps(model, layers, picture), strict=True):
        channels = strongest(activation, CHANNELS)
        shown = grid(as_pictures(activation, channels), COLUMNS, MAP_PX)
        height, width, count = activation.shape
        title = (
            f"{name}, {height} x {width}: the {len(channels)} of {count} channels that vary most,"
            f" {activation.min():.2f} to {activation.max():.2f}"
        )
        views.append(View(f"maps-{name}", title, shown))
    return views


def _liked_views(
    model: keras.Model, bundle: Bundle, labels: Sequence[Label], ascent: Ascent, console: Console
) -> tuple[list[View], list[dict[str, Any]]]:
    views, rows = [], []
    with Progress(console=console) as progress:
        task = progress.add_task("climbing", total=ascent.steps * len(labels))
        for label in labels:
            found = maximise(
                model,
                label.index,
                bundle.preprocessing.size_px,
                ascent,
                lambda: progress.advance(task),
            )
            said = f"{label.id} {label.name}: logit {found.start:.1f} to {found.end:.1f}"
            views.append(View(f"liked-{label.id}", said, found.picture))
            rows.append(
                {"id": label.id, "name": label.name, "start": found.start, "end": found.end}
            )
    return views, rows


def _write_page(
    path: Path,
    bundle: Bundle,
    found: dict[str, Any],
    kernels: Sequence[View],
    maps: Sequence[View],
    liked: Sequence[View],
) -> None:
    folder = FileSystemLoader(Path(__file__).parents[1] / "templates")
    engine = Environment(loader=folder, autoescape=select_autoescape())
    text = engine.get_template("figures.html").render(
        bundle=bundle, found=found, kernels=kernels, maps=maps, liked=liked
    )
    path.write_text(text, encoding="utf-8")
