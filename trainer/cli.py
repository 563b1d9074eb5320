"""bricksight-trainer: render pictures, train a recipe, export a bundle, evaluate it."""

import json
import logging
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from trainer.faithfulness.commands import explain_eval
from trainer.figures.commands import figures
from trainer.render import commands

# Keras and TensorFlow read these when they are imported, which the commands do.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
logging.getLogger("tensorflow").setLevel(logging.ERROR)

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Renders pictures, trains the network, quantises it and writes a bundle for the device.",
)

DataOption = Annotated[
    Path,
    typer.Option("--data", metavar="DIR", help="Data set: pictures, instance maps, index.jsonl."),
]


PhotographsOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=DIR",
        help="Photographs to judge on, with a labels.csv or labels.json; may be given several"
        " times.",
    ),
]
SkipUnknownOption = Annotated[
    bool,
    typer.Option(
        "--skip-unknown",
        help="Leave out and count photographs of types that the bundle does not know.",
    ),
]


class Tracking(StrEnum):
    """Trackers; see `trainer.tracking`."""

    NONE = "none"
    TENSORBOARD = "tensorboard"
    WANDB = "wandb"


RunOption = Annotated[
    Path | None, typer.Option("--run", metavar="DIR", help="Run folder; runs/NAME if not given.")
]


@app.command()
def train(
    recipe: Annotated[Path, typer.Argument(metavar="RECIPE.toml")],
    data: Annotated[
        list[Path] | None,
        typer.Option(
            "--data",
            metavar="DIR",
            help="Data set; the recipe's if not given. Several are taken together.",
        ),
    ] = None,
    run: RunOption = None,
    track: Annotated[
        Tracking, typer.Option(help="Where else the figures of each epoch go.")
    ] = Tracking.NONE,
    workers: Annotated[
        int, typer.Option(min=1, max=256, help="Processes that draw fresh pictures.")
    ] = 1,
    devices: Annotated[
        int, typer.Option(min=1, max=64, help="GPUs (or CPU devices) that train together.")
    ] = 1,
) -> None:
    """Train a recipe. A run that was stopped goes on where it was."""
    from trainer.recipe import data_of, read_recipe
    from trainer.train import train as train_recipe

    folder = run or Path("runs") / read_recipe(recipe).name
    named = None if data else data_of(recipe)
    pictures = data or ([named] if named else [])
    try:
        final = train_recipe(recipe, pictures, folder, Console(), track.value, workers, devices)
    except KeyboardInterrupt:
        typer.echo("stopped; the same command goes on from the last whole epoch", err=True)
        raise typer.Exit(130) from None
    shown = pictures[0] if pictures else "DIR"
    typer.echo(f"{final}\nnext: bricksight-trainer export {folder} --data {shown} --out BUNDLE")


@app.command()
def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
    data: DataOption,
    out: Annotated[Path, typer.Option("--out", metavar="BUNDLE", help="Where the bundle goes.")],
    name: Annotated[
        str | None, typer.Option(help="Of the bundle; the folder's if not given.")
    ] = None,
    photographs: PhotographsOption = None,
    calibrate_on: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR",
            help="Photographs with a labels.csv that thresholds and calibration come from, together"
            " with the validation pictures; may be given several times.",
        ),
    ] = None,
    quantise_on: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR",
            help="More data sets that were trained on: their training pictures show the quantiser"
            " what the network sees, beside those of --data; may be given several times.",
        ),
    ] = None,
    skip_unknown: SkipUnknownOption = False,
    self_test: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Pictures for the self-test; validation if not given."),
    ] = None,
    variants: Annotated[
        bool,
        typer.Option(
            "--variants",
            help="Add HiResCAM and the paper's max-pooled maps, where the network has the flatten"
            " head: one more float file. With the positions head they are always there.",
        ),
    ] = False,
) -> None:
    """Quantise, build the companion, check both, calibrate, evaluate, seal."""
    from trainer.export import export as export_run
    from trainer.photograph_sets import named_folders

    console = Console()
    bundle = export_run(
        run,
        data,
        out,
        name or out.name,
        console,
        named_folders(photographs or []),
        self_test,
        variants,
        calibrate_on or (),
        skip_unknown,
        quantise_on or (),
    )
    megabytes = sum(f.bytes for f in bundle.manifest.files.values()) / 1e6
    console.print(f"{out}: {len(bundle.labels)} labels, {megabytes:.1f} MB, {bundle.sha256[:12]}")


@app.command()
def evaluate(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE")],
    data: Annotated[
        Path | None, typer.Argument(metavar="[DATASET]", help="Data set to evaluate on.")
    ] = None,
    split: Annotated[str, typer.Option(help="train, validation or test.")] = "test",
    photographs: PhotographsOption = None,
    skip_unknown: SkipUnknownOption = False,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write evaluation.json and report.html there."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, as JSON.")] = False,
) -> None:
    """Run a bundle through the device's own classifier and print its figures."""
    from edge.bundle import read_bundle
    from trainer.against_float import float_network, int8_against_float
    from trainer.dataset import SPLITS
    from trainer.evaluate import judge, summary
    from trainer.photograph_figures import judge_set
    from trainer.photograph_sets import named_folders, read_photograph_set
    from trainer.report import write_report

    if data is None and not photographs:
        raise typer.BadParameter("name a DATASET, --photographs or both")
    if split not in SPLITS:
        raise typer.BadParameter(f"--split: found {split!r}; allowed: {', '.join(SPLITS)}")
    folders = named_folders(photographs or [])
    model, shown = read_bundle(bundle), Console(stderr=True)
    known = [label.id for label in model.labels]
    sets = [read_photograph_set(*one, known, skip_unknown) for one in folders.items()]
    found: dict = {}
    judged = judge(model, data, split, shown) if data is not None else None
    if judged is not None:
        found[split] = summary(model, judged)
        network = float_network(model)
        if network is not None:
            compared = int8_against_float(model, network, judged.samples, shown)
            found["int8 against float"] = compared
    seen = [judge_set(model, one, shown) for one in sets]
    if seen:
        found["photographs"] = {one.photographs.name: figures for one, figures in seen}
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "evaluation.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
        report = out / "report.html"
        write_report(
            report,
            model,
            judged,
            found.get(split),
            seen,
            found.get("int8 against float"),
        )
        shown.print(f"{report}: open it in a browser")
    typer.echo(json.dumps(found, indent=1) if as_json else _table(found))


def _table(found: dict) -> str:
    sections = {where: values for where, values in found.items() if where != "photographs"}
    for name, values in found.get("photographs", {}).items():
        sections[f"photographs: {name}"] = values
        if "tiles" in values:
            sections[f"photographs: {name}, with tiles"] = values["tiles"]
    lines = []
    for where, values in sections.items():
        lines.append(where)
        lines += [
            f"  {name:30s} {value:10.4f}"
            for name, value in values.items()
            if isinstance(value, float)
        ]
        if "curve" in values:
            lines += _curve_lines(values)
    return "\n".join(lines)


def _curve_lines(values: dict) -> list[str]:
    from trainer.metrics import thinned

    return [
        f"  covered {point['coverage']:6.1%}, right {point['precision']:6.1%}"
        f" at {point['threshold']:.3f}"
        for point in thinned(values["curve"])
    ]


for _command in (
    commands.render,
    commands.sheet,
    commands.film,
    commands.settle,
    commands.verify,
    commands.coco,
    figures,
    explain_eval,
):
    app.command()(_command)


def main() -> None:
    """Entry point; errors of ours are one message, not a trace."""
    from edge.errors import EdgeError
    from trainer.errors import TrainerError

    try:
        app()
    except (TrainerError, EdgeError) as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(1)
