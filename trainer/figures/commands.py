"""The command `figures`."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

KINDS = {
    "edge_like": "edge-like",
    "chance": "of random ones",
    "uniform": "uniform",
    "dead": "zero",
}


def figures(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE")],
    out: Annotated[
        Path, typer.Option("--out", metavar="DIR", help="Where the page and pictures go.")
    ],
    picture: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="For feature maps; one of the bundle's if not given."),
    ] = None,
    layers: Annotated[
        str, typer.Option(metavar="conv1,conv4", help="For feature maps; three if not given.")
    ] = "",
    labels: Annotated[
        str,
        typer.Option(
            metavar="ID,ID",
            help="Types whose favourite picture is drawn; those it tells best if not given.",
        ),
    ] = "",
    steps: Annotated[
        int, typer.Option(min=1, max=10_000, help="Of gradient ascent for each type.")
    ] = 160,
    seed: Annotated[int, typer.Option(min=0, help="Of where the ascent begins.")] = 0,
) -> None:
    """Draw kernels, feature maps and what each type likes best; one page, PNG files, numbers."""
    from trainer.figures.maximise import Ascent
    from trainer.figures.views import Wanted, draw_figures

    wanted = Wanted(picture, _names(layers), _names(labels), Ascent(steps=steps, seed=seed))
    shown = Console(stderr=True)
    found = draw_figures(bundle, out, wanted, shown)
    for name, row in found["kernels"].items():
        shares = [
            f"{100 * row[key]:.0f} % {words}"
            for key, words in KINDS.items()
            if row[key] is not None
        ]
        typer.echo(f"{name}: {row['kernels']} kernels, {', '.join(shares)}")
    for row in found["labels"]:
        typer.echo(f"{row['id']} {row['name']}: logit {row['start']:.2f} -> {row['end']:.2f}")
    shown.print(f"{out / 'figures.html'}: open it in a browser", soft_wrap=True)


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
